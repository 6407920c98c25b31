/* SPDX-License-Identifier: Apache-2.0 */
/* The host's buffers and fences of the steps in flight. */
#include "train/slot.h"

#include <string.h>

enum { RESULTS = 2 };

/* Elements of each of a slot's arrays, all of its micro-batches together; all have 4 bytes. */
struct slot_sizes {
    int64_t rows, head, starts, lengths, all;
    int64_t at, place; /* 0 if the head runs everywhere */
};

static struct slot_sizes slot_sizes_of(const struct model_layout *layout,
                                       const minrnn_trainer_config *config) {
    const struct batch_shape shape = step_shape(config);
    const int64_t micros = config->accumulation;
    struct slot_sizes sizes = {.rows = micros * batch_rows(&shape),
                               .head = micros * batch_head_rows(&shape),
                               .starts = micros * (layout->config.vocab + 1),
                               .lengths = micros * shape.batch};
    sizes.at = shape.targets > 0 ? sizes.head : 0;
    sizes.place = shape.targets > 0 ? sizes.rows : 0;
    sizes.all = 3 * sizes.rows + sizes.head + sizes.at + sizes.place + sizes.starts +
                sizes.lengths + RESULTS;
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
        slot->order = slot->tokens + sizes.rows;
        slot->reset = slot->order + sizes.rows;
        slot->head.targets = slot->reset + sizes.rows;
        slot->head.at = slot->head.targets + sizes.head;
        slot->head.place = slot->head.at + sizes.at;
        slot->start = slot->head.place + sizes.place;
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
    const int64_t head = batch_head_rows(&shape);
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
        batch_gather(&shape, batch->targets + i * rows,
                     &(struct head_rows){.targets = slot->head.targets + i * head,
                                         .at = slot->head.at + i * head,
                                         .place = slot->head.place + i * rows});
    }
    slot->used = batch_targets(batch);
}

minrnn_status slot_upload(const struct step_slot *slot, const struct trainer_room *room,
                          int64_t micro, struct network_pass *pass) {
    const int64_t rows = pass->batch * pass->time, head = network_head_rows(pass);
    const int64_t starts = pass->layout->config.vocab + 1;
    const struct {
        minrnn_tensor to;
        const int32_t *from;
        int64_t count;
        bool given;
    } parts[] = {
        {room->batch.tokens, slot->tokens, rows, true},
        {room->batch.targets, slot->head.targets, head, true},
        {room->batch.head.at, slot->head.at, head, pass->head_rows > 0},
        {room->batch.head.place, slot->head.place, rows, pass->head_rows > 0},
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
