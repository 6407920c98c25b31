/* SPDX-License-Identifier: Apache-2.0 */
/* Forward, then cross entropy: what training and evaluation begin with. */
#include "network/loss.h"

#include "base/status.h"

#include <math.h>

/* Of what is there only if the head runs at the targets alone. */
static int64_t head_only(const struct batch_shape *shape, int64_t count) {
    return shape->targets > 0 ? count : 0;
}

struct loss_room loss_take_room(struct arena *arena, const struct batch_shape *shape) {
    const int64_t rows = batch_rows(shape), head = batch_head_rows(shape);
    return (struct loss_room){
        .tokens = arena_take_i32(arena, rows),
        .reset = arena_take_i32(arena, rows),
        .lengths = arena_take_i32(arena, shape->batch),
        .head.at = arena_take_i32(arena, head_only(shape, head)),
        .head.place = arena_take_i32(arena, head_only(shape, rows)),
        .targets = arena_take_i32(arena, head),
        .losses = arena_take(arena, head),
        .correct = arena_take(arena, head),
    };
}

void loss_attach(struct network_pass *pass, const struct batch_shape *shape,
                 const struct loss_room *room) {
    pass->batch = shape->batch;
    pass->time = shape->time;
    pass->tokens = room->tokens;
    pass->head_rows = head_only(shape, batch_head_rows(shape));
    pass->head_at = room->head.at;
    pass->head_place = room->head.place;
}

static void cross_entropy(struct network_pass *pass, const struct loss_room *room, float scale,
                          minrnn_tensor logits, minrnn_tensor dlogits, minrnn_tensor correct) {
    network_enter(pass, pass->training ? "forward" : "evaluation", -1, "loss");
    OP(cross_entropy, pass->context, .rows = network_head_rows(pass),
       .vocab = pass->layout->config.vocab, .scale = scale, .logits = logits,
       .targets = room->targets, .loss = room->losses, .dlogits = dlogits, .correct = correct);
}

void loss_forward(struct network_pass *pass, const struct loss_room *room, float scale,
                  minrnn_tensor logits) {
    cross_entropy(pass, room, scale, logits, logits, (minrnn_tensor){0});
}

void loss_evaluate(struct network_pass *pass, const struct loss_room *room) {
    const minrnn_tensor logits = network_forward(pass, false);
    cross_entropy(pass, room, 0.0f, logits, (minrnn_tensor){0}, room->correct);
}

/* ---- from the host and back ---- */

minrnn_status loss_upload(struct network_pass *pass, const struct loss_room *room,
                          const struct host_batch *batch, bool wait) {
    const int64_t rows = pass->batch * pass->time, head = network_head_rows(pass);
    const struct {
        minrnn_tensor to;
        const int32_t *from;
        int64_t count;
    } parts[] = {
        {room->tokens, batch->tokens, rows},          {room->reset, batch->reset, rows},
        {room->lengths, batch->lengths, pass->batch}, {room->targets, batch->head.targets, head},
        {room->head.at, batch->head.at, head},        {room->head.place, batch->head.place, rows},
    };
    minrnn_status status = MINRNN_OK;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        if (!status && parts[i].from) {
            status = tensor_write(parts[i].to, parts[i].from, parts[i].count, wait);
        }
    }
    pass->reset = batch->reset ? room->reset : (minrnn_tensor){0};
    pass->lengths = batch->lengths ? room->lengths : (minrnn_tensor){0};
    return status;
}

/* Elements, of 4 bytes each: losses, correct, and where the head runs. */
static int64_t host_elements(const struct batch_shape *shape) {
    return 2 * batch_head_rows(shape) + head_rows_elements(shape);
}

uint64_t loss_host_bytes(const struct batch_shape *shape) {
    return (uint64_t)host_elements(shape) * F32_BYTES;
}

minrnn_status loss_host_create(struct loss_host *host, minrnn_device *device,
                               const struct batch_shape *shape) {
    const int64_t head = batch_head_rows(shape);
    const minrnn_status status = device_host_alloc(device, loss_host_bytes(shape), &host->memory);
    if (!status) {
        host->losses = host->memory.data;
        host->correct = host->losses + head;
        host->head = head_rows_in((int32_t *)host->memory.data + 2 * head, shape);
    }
    return status;
}

void loss_host_destroy(struct loss_host *host) {
    device_host_free(&host->memory);
}

static minrnn_status read_back(const struct loss_room *room, int64_t count,
                               const struct loss_host *host) {
    const minrnn_status status = tensor_read(room->losses, host->losses, count, true);
    return status ? status : tensor_read(room->correct, host->correct, count, true);
}

minrnn_status loss_of_batch(const char *call, struct network_pass *pass,
                            const struct batch_shape *shape, const struct loss_room *room,
                            const minrnn_batch *batch, const struct loss_host *host,
                            minrnn_score *score) {
    const int64_t count = batch_head_rows(shape);
    batch_gather(shape, batch->targets, &host->head);
    const struct host_batch arrays = {batch->tokens, batch->reset, batch->lengths, host->head};
    minrnn_status status = loss_upload(pass, room, &arrays, true);
    if (status) {
        return status;
    }
    pass->context->status = MINRNN_OK;
    loss_evaluate(pass, room);
    status = pass->context->status;
    status = status ? status : read_back(room, count, host);
    if (status) {
        return status;
    }
    minrnn_score sum = {.targets = batch_targets(batch)};
    for (int64_t i = 0; i < count; i++) {
        sum.loss_sum += (double)host->losses[i];
        sum.correct += host->correct[i] > 0.0f;
    }
    if (!isfinite(sum.loss_sum)) {
        return fail(MINRNN_NOT_FINITE, "%s: the loss is %g", call, sum.loss_sum);
    }
    return score_add(call, &sum, score);
}
