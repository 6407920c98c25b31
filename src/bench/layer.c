/* SPDX-License-Identifier: Apache-2.0 */
/* The bench of Figure 1: a mixer, a head, the loss, and the gradients of all parameters. */
#include "base/status.h"
#include "bench/bench.h"
#include "op/arena.h"
#include "op/room.h"

#include <math.h>

struct layer {
    minrnn_bench bench; /* first */
    minrnn_mixer *mixer;
    int64_t batch, time, width, classes;
    int64_t parameters; /* the mixer's, then the head's weight [classes, width] at `head` */
    int64_t head;
    minrnn_mixer_tensors tensors;
    minrnn_tensor targets, losses, loss;
    minrnn_tensor logits; /* and their gradient */
};

static int64_t head_end(const struct layer *layer) {
    return layer->head + layer->classes * layer->width;
}

/* Logits of y, and the mean loss. */
static void head_forward(struct op_context *context, const struct layer *layer) {
    const int64_t rows = layer->batch * layer->time;
    OP(gemm, context, .m = rows, .n = layer->classes, .k = layer->width, .transpose_b = true,
       .a = layer->tensors.y, .b = tensor_at(layer->tensors.parameters, layer->head),
       .c = layer->logits);
    OP(cross_entropy, context, .rows = rows, .vocab = layer->classes, .scale = 1 / (float)rows,
       .logits = layer->logits, .targets = layer->targets, .loss = layer->losses,
       .dlogits = layer->logits);
    OP(sum, context, .count = rows, .scale = 1 / (float)rows, .x = layer->losses,
       .total = layer->loss);
}

/* The gradients of the head's weight and of y. */
static void head_backward(struct op_context *context, const struct layer *layer) {
    const int64_t rows = layer->batch * layer->time;
    OP(gemm, context, .m = layer->classes, .n = layer->width, .k = rows, .transpose_a = true,
       .accumulate = true, .a = layer->logits, .b = layer->tensors.y,
       .c = tensor_at(layer->tensors.gradients, layer->head));
    OP(gemm, context, .m = rows, .n = layer->width, .k = layer->classes, .a = layer->logits,
       .b = tensor_at(layer->tensors.parameters, layer->head), .c = layer->tensors.dy);
}

static minrnn_status run(minrnn_bench *bench) {
    const struct layer *layer = (const struct layer *)bench;
    struct op_context *context = &bench->context;
    OP(fill, context, .count = head_end(layer), .x = layer->tensors.gradients);
    minrnn_status status = context->status;
    status = status
                 ? status
                 : minrnn_mixer_forward(layer->mixer, layer->batch, layer->time, &layer->tensors);
    if (!status) {
        head_forward(context, layer);
        head_backward(context, layer);
        status = context->status;
    }
    return status ? status
                  : minrnn_mixer_backward(layer->mixer, layer->batch, layer->time, &layer->tensors);
}

static void destroy(minrnn_bench *bench) {
    minrnn_mixer_destroy(((struct layer *)bench)->mixer);
}

static const struct bench_kind kind_layer = {
    .bytes = sizeof(struct layer), .run = run, .destroy = destroy};

/* ---- making ---- */

static minrnn_status check_sizes(int64_t batch, int64_t time, int64_t width, int64_t classes) {
    if (batch < 1 || time < 1 || classes < 1 || batch > INT32_MAX || time > INT32_MAX / batch ||
        classes > INT32_MAX || width > INT32_MAX) {
        return fail(MINRNN_INVALID_ARGUMENT,
                    "minrnn_bench_layer: batch %lld, time %lld, classes %lld: each must be 1 or "
                    "more, and what they make below 2^31",
                    (long long)batch, (long long)time, (long long)classes);
    }
    return MINRNN_OK;
}

static void plan_head(struct layer *layer) {
    struct op_context *context = &layer->bench.context;
    context->planning = true;
    OP(fill, context, .count = head_end(layer));
    head_forward(context, layer);
    head_backward(context, layer);
    context->planning = false;
}

static void take_tensors(struct layer *layer, int64_t saved, int64_t temporary) {
    minrnn_bench *bench = &layer->bench;
    minrnn_mixer_tensors *t = &layer->tensors;
    const int64_t rows = layer->batch * layer->time, width = layer->width;
    minrnn_mixer_tensors_defaults(t);
    t->parameters = bench_take(bench, head_end(layer), MINRNN_F32);
    t->gradients = bench_take(bench, head_end(layer), MINRNN_F32);
    t->x = bench_take(bench, rows * width, MINRNN_F32);
    t->y = bench_take(bench, rows * width, MINRNN_F32);
    t->dy = bench_take(bench, rows * width, MINRNN_F32);
    t->saved = saved ? bench_take(bench, saved, MINRNN_F32) : (minrnn_tensor){0};
    t->temporary = temporary ? bench_take(bench, temporary, MINRNN_F32) : (minrnn_tensor){0};
    layer->targets = bench_take(bench, rows, MINRNN_I32);
    layer->losses = bench_take(bench, rows, MINRNN_F32);
    layer->loss = bench_take(bench, 1, MINRNN_F32);
    layer->logits = bench_take(bench, rows * layer->classes, MINRNN_F32);
    bench_take_scratch(bench);
}

static void fill_tensors(struct layer *layer) {
    minrnn_bench *bench = &layer->bench;
    const int64_t rows = layer->batch * layer->time;
    const float bound = 1 / sqrtf((float)layer->width);
    bench_fill(bench, layer->tensors.parameters, head_end(layer), -bound, bound);
    bench_fill(bench, layer->tensors.x, rows * layer->width, -1, 1);
    bench_fill(bench, layer->targets, rows, 0, (float)layer->classes);
    if (!bench->context.status) {
        bench->context.status = minrnn_mixer_initialise(layer->mixer, 1, layer->tensors.parameters);
    }
}

/* Plans, sees whether there is room, and takes it. */
static minrnn_status make(struct layer *layer, const minrnn_mixer_config *config) {
    struct op_context *context = &layer->bench.context;
    const int64_t rows = layer->batch * layer->time;
    int64_t saved, temporary;
    minrnn_status status = minrnn_mixer_create(layer->bench.device, config, &layer->mixer);
    status = status ? status
                    : minrnn_mixer_workspace(layer->mixer, layer->batch, layer->time, &saved,
                                             &temporary);
    if (status) {
        return status;
    }
    const int64_t mixer = minrnn_mixer_parameters(layer->mixer);
    layer->head = round_up(mixer, ARENA_ALIGNMENT);
    layer->bench.info.parameters = mixer + layer->classes * layer->width;
    layer->bench.info.tokens = rows;
    plan_head(layer);
    const int64_t elements = 2 * head_end(layer) + 3 * rows * layer->width + saved + temporary +
                             rows * (2 + layer->classes) + op_scratch_elements(context);
    status = context->status;
    status = status ? status
                    : device_check_room(layer->bench.device, "a bench",
                                        (uint64_t)elements * (uint64_t)F32_BYTES, 0);
    if (!status) {
        take_tensors(layer, saved, temporary);
        fill_tensors(layer);
        status = context->status;
    }
    return status;
}

minrnn_status minrnn_bench_layer(minrnn_device *device, const minrnn_mixer_config *mixer,
                                 int64_t batch, int64_t time, int64_t classes,
                                 minrnn_bench **bench) {
    if (!device || !mixer || !bench) {
        return fail(MINRNN_INVALID_ARGUMENT, "minrnn_bench_layer: an argument is NULL");
    }
    *bench = NULL;
    const minrnn_status status = check_sizes(batch, time, mixer->width, classes);
    if (status) {
        return status;
    }
    struct layer *layer = (struct layer *)bench_begin(device, &kind_layer);
    if (!layer) {
        return MINRNN_OUT_OF_MEMORY;
    }
    layer->batch = batch;
    layer->time = time;
    layer->width = mixer->width;
    layer->classes = classes;
    return bench_end(&layer->bench, make(layer, mixer), bench);
}
