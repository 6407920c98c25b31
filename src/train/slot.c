/* SPDX-License-Identifier: Apache-2.0 */
/* The host's buffers and fences of the steps in flight. */
#include "train/slot.h"

#include <string.h>

enum { RESULTS = 2 };

/* Elements of each of a slot's arrays, all of its micro-batches together; all have 4 bytes. */
struct slot_sizes {
    int64_t rows, starts, lengths, all;
};

static struct slot_sizes slot_sizes_of(const struct model_layout *layout,
                                       const minrnn_trainer_config *config) {
    const int64_t micros = config->accumulation;
    struct slot_sizes sizes = {.rows = micros * config->batch * config->time,
                               .starts = micros * (layout->config.vocab + 1),
                               .lengths = micros * config->batch};
    sizes.all = 4 * sizes.rows + sizes.starts + sizes.lengths + RESULTS;
    return sizes;
}

uint64_t slots_bytes(const struct model_layout *layout, const minrnn_trainer_config *config) {
    return (uint64_t)(STEPS_IN_FLIGHT * slot_sizes_of(layout, config).all) * sizeof(int32_t);
}

minrnn_status slots_create(struct step_slots *slots, minrnn_device *device,
                           const struct model_layout *layout, const minrnn_trainer_config *config) {
    const struct slot_sizes sizes = slot_sizes_of(layout, config);
    const minrnn_status status =
        device_host_alloc(device, slots_bytes(layout, config), &slots->arrays);
    for (int i = 0; !status && i < STEPS_IN_FLIGHT; i++) {
        struct step_slot *slot = &slots->slot[i];
        slot->tokens = (int32_t *)slots->arrays.data + i * sizes.all;
        slot->targets = slot->tokens + sizes.rows;
        slot->order = slot->targets + sizes.rows;
        slot->reset = slot->order + sizes.rows;
        slot->start = slot->reset + sizes.rows;
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
    const int64_t vocab = layout->config.vocab;
    const int64_t rows = config->batch * config->time;
    const size_t bytes = (size_t)(config->accumulation * rows) * sizeof *slot->tokens;
    memcpy(slot->tokens, batch->tokens, bytes);
    memcpy(slot->targets, batch->targets, bytes);
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
    }
    slot->used = batch_targets(batch);
}

minrnn_status slot_upload(const struct step_slot *slot, const struct trainer_room *room,
                          int64_t micro, struct network_pass *pass) {
    const int64_t rows = pass->batch * pass->time;
    const int64_t starts = pass->layout->config.vocab + 1;
    const struct {
        minrnn_tensor to;
        const int32_t *from;
        int64_t count;
        bool given;
    } parts[] = {
        {room->batch.tokens, slot->tokens, rows, true},
        {room->batch.targets, slot->targets, rows, true},
        {room->order, slot->order, rows, true},
        {room->start, slot->start, starts, true},
        {room->batch.reset, slot->reset, rows, slot->has_reset},
        {room->batch.lengths, slot->lengths, pass->batch, slot->has_lengths},
    };
    minrnn_status status = MINRNN_OK;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        if (!status && parts[i].given) {
            status = tensor_write(parts[i].to, parts[i].from + micro * parts[i].count,
                                  parts[i].count, false);
        }
    }
    pass->reset = slot->has_reset ? room->batch.reset : (minrnn_tensor){0};
    pass->lengths = slot->has_lengths ? room->batch.lengths : (minrnn_tensor){0};
    return status;
}
