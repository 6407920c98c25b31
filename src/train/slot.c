/* SPDX-License-Identifier: Apache-2.0 */
/* The host's buffers and fences of the steps in flight. */
#include "train/slot.h"

#include <string.h>

enum { RESULTS = 2 };

/* Elements of each of a slot's arrays, all of its micro-batches together; all have 4 bytes. */
struct slot_sizes {
    int64_t rows, head, starts, lengths, all;
};

static struct slot_sizes slot_sizes_of(const struct model_layout *layout,
                                       const minrnn_trainer_config *config) {
    const struct batch_shape whole = step_whole_shape(config);
    struct slot_sizes sizes = {.rows = batch_rows(&whole),
                               .head = head_rows_elements(&whole),
                               .starts = config->accumulation * (layout->config.vocab + 1),
                               .lengths = whole.batch};
    sizes.all = 3 * sizes.rows + sizes.head + sizes.starts + sizes.lengths + RESULTS;
    return sizes;
}

uint64_t slots_bytes(const struct model_layout *layout, const minrnn_trainer_config *config) {
    return (uint64_t)(STEPS_IN_FLIGHT * slot_sizes_of(layout, config).all) * sizeof(int32_t);
}

minrnn_status slots_create(struct step_slots *slots, minrnn_device *device,
                           const struct model_layout *layout, const minrnn_trainer_config *config) {
    const struct slot_sizes sizes = slot_sizes_of(layout, config);
    const struct batch_shape whole = step_whole_shape(config);
    const minrnn_status status =
        device_host_alloc(device, slots_bytes(layout, config), &slots->arrays);
    for (int i = 0; !status && i < STEPS_IN_FLIGHT; i++) {
        struct step_slot *slot = &slots->slot[i];
        slot->tokens = (int32_t *)slots->arrays.data + i * sizes.all;
        slot->order = slot->tokens + sizes.rows;
        slot->reset = slot->order + sizes.rows;
        slot->head = head_rows_in(slot->reset + sizes.rows, &whole);
        slot->start = slot->reset + sizes.rows + sizes.head;
        slot->lengths = slot->start + sizes.starts;
        slot->results = (float *)slots->arrays.data + (i + 1) * sizes.all - RESULTS;
    }
    return status;
}

void slots_destroy(struct step_slots *slots) {
    device_host_free(&slots->arrays);
}

void slot_fill(struct step_slot *slot, const struct model_layout *layout,
               const minrnn_trainer_config *config, const minrnn_batch *batch) {
    const struct batch_shape shape = step_shape(config);
    const int64_t vocab = layout->config.vocab, rows = batch_rows(&shape);
    const size_t bytes = (size_t)(config->accumulation * rows) * sizeof *slot->tokens;
    memcpy(slot->tokens, batch->tokens, bytes);
    slot->has_reset = batch->reset != NULL;
    slot->has_lengths = batch->lengths != NULL;
    if (batch->reset) {
        memcpy(slot->reset, batch->reset, bytes);
    }
    if (batch->lengths) {
        memcpy(slot->lengths, batch->lengths, (size_t)batch->batch * sizeof *slot->lengths);
    }
    for (int64_t i = 0; i < config->accumulation; i++) {
        input_sort(slot->tokens + i * rows, rows, vocab, slot->order + i * rows,
                   slot->start + i * (vocab + 1));
        const struct head_rows head = head_rows_of(&slot->head, &shape, i);
        batch_gather(&shape, batch->targets + i * rows, &head);
    }
    slot->used = batch_targets(batch);
}

minrnn_status slot_upload(const struct step_slot *slot, const minrnn_trainer_config *config,
                          const struct trainer_room *room, int64_t micro,
                          struct network_pass *pass) {
    const struct batch_shape shape = step_shape(config);
    const int64_t rows = batch_rows(&shape), starts = pass->layout->config.vocab + 1;
    const struct host_batch batch = {
        .tokens = slot->tokens + micro * rows,
        .reset = slot->has_reset ? slot->reset + micro * rows : NULL,
        .lengths = slot->has_lengths ? slot->lengths + micro * shape.batch : NULL,
        .head = head_rows_of(&slot->head, &shape, micro)};
    minrnn_status status = loss_upload(pass, &room->batch, &batch, false);
    status = status ? status : tensor_write(room->order, slot->order + micro * rows, rows, false);
    return status ? status : tensor_write(room->start, slot->start + micro * starts, starts, false);
}
