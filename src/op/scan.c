/* SPDX-License-Identifier: Apache-2.0 */
/* The public scan: checks that only make sense for a caller's own arguments, then the op. */
#include "base/sized.h"
#include "op/op.h"
#include "op/scan_kinds.h"

static const struct sized_type config_type =
    SIZED_TYPE(minrnn_scan_config, "minrnn_scan_config_defaults");
static const struct sized_type tensors_type =
    SIZED_TYPE(minrnn_scan_tensors, "minrnn_scan_tensors_defaults");

static const minrnn_scan_config standard = {.batch = 1, .time = 1, .width = 1};

void minrnn_scan_config_init(minrnn_scan_config *config, size_t size) {
    if (config) {
        sized_give(&standard, sizeof standard, config, size);
    }
}

void minrnn_scan_tensors_init(minrnn_scan_tensors *tensors, size_t size) {
    if (tensors) {
        sized_give(&(minrnn_scan_tensors){0}, sizeof *tensors, tensors, size);
    }
}

static minrnn_status check_sizes(const minrnn_scan_config *config) {
    int64_t elements = scan_gates(config->cell);
    const int64_t sizes[] = {config->batch, config->time, config->width};
    for (int i = 0; i < 3; i++) {
        if (sizes[i] < 1 || sizes[i] > INT32_MAX ||
            __builtin_mul_overflow(elements, sizes[i], &elements)) {
            return fail(MINRNN_INVALID_ARGUMENT,
                        "scan: batch %lld, time %lld, width %lld: each must "
                        "be 1 or more, and the product must fit",
                        (long long)config->batch, (long long)config->time,
                        (long long)config->width);
        }
    }
    return MINRNN_OK;
}

static minrnn_status check_config(const minrnn_scan_config *config) {
    if ((unsigned)config->run > MINRNN_RUN_CHUNK) {
        return fail(MINRNN_INVALID_ARGUMENT, "scan: run %d is not a known value", (int)config->run);
    }
    if (scan_kind_of(config->alg, config->cell, config->candidate, config->normalised) < 0) {
        return fail(
            MINRNN_INVALID_ARGUMENT,
            "scan: there is no such kind: alg %d, cell %d, candidate %d, normalised %d (the "
            "log-space scan of a gated cell needs the positive candidate g)",
            (int)config->alg, (int)config->cell, (int)config->candidate, config->normalised);
    }
    return check_sizes(config);
}

static minrnn_status take_config(const minrnn_device *device, const minrnn_scan_config *given,
                                 minrnn_scan_config *config) {
    if (!device || !given) {
        return fail(MINRNN_INVALID_ARGUMENT, "scan: an argument is NULL");
    }
    *config = standard;
    const minrnn_status status = sized_take(&config_type, given, config);
    return status ? status : check_config(config);
}

static minrnn_status check_tensors(const minrnn_scan_config *config,
                                   const minrnn_scan_tensors *tensors) {
    if (config->cell == MINRNN_CELL_LINEAR && !tensors->b.buffer) {
        return fail(MINRNN_INVALID_ARGUMENT, "scan: the linear cell needs tensor b");
    }
    if (config->cell == MINRNN_CELL_LINEAR && tensors->bias.buffer) {
        return fail(MINRNN_INVALID_ARGUMENT, "scan: the linear cell takes no bias");
    }
    if (tensors->dh0.buffer && !tensors->h0.buffer) {
        return fail(MINRNN_INVALID_ARGUMENT, "scan: dh0 without h0; the gradient goes to dinit");
    }
    return MINRNN_OK;
}

static minrnn_status take_tensors(const minrnn_scan_config *config,
                                  const minrnn_scan_tensors *given, minrnn_scan_tensors *tensors) {
    if (!given) {
        return fail(MINRNN_INVALID_ARGUMENT, "scan: tensors is NULL");
    }
    *tensors = (minrnn_scan_tensors){0};
    const minrnn_status status = sized_take(&tensors_type, given, tensors);
    return status ? status : check_tensors(config, tensors);
}

static struct scan_forward_args forward_args(const minrnn_scan_config *c,
                                             const minrnn_scan_tensors *t) {
    return (struct scan_forward_args){
        .batch = c->batch,
        .time = c->time,
        .width = c->width,
        .alg = c->alg,
        .cell = c->cell,
        .run = c->run,
        .candidate = c->candidate,
        .normalised = c->normalised,
        .reversed = c->reversed,
        .forget_offset = c->forget_offset,
        .x = t->x,
        .b = t->b,
        .bias = t->bias,
        .h0 = t->h0,
        .init = t->init,
        .reset = t->reset,
        .lengths = t->lengths,
        .h = t->h,
        .h_last = t->h_last,
    };
}

static struct scan_backward_args backward_args(const minrnn_scan_config *c,
                                               const minrnn_scan_tensors *t) {
    return (struct scan_backward_args){
        .batch = c->batch,
        .time = c->time,
        .width = c->width,
        .alg = c->alg,
        .cell = c->cell,
        .run = c->run,
        .candidate = c->candidate,
        .normalised = c->normalised,
        .reversed = c->reversed,
        .forget_offset = c->forget_offset,
        .x = t->x,
        .b = t->b,
        .bias = t->bias,
        .h0 = t->h0,
        .init = t->init,
        .reset = t->reset,
        .lengths = t->lengths,
        .h = t->h,
        .dh = t->dh,
        .dh_last = t->dh_last,
        .dx = t->dx,
        .db = t->db,
        .dh0 = t->dh0,
        .dinit = t->dinit,
    };
}

static struct op_context context_of(minrnn_device *device, const minrnn_scan_tensors *tensors) {
    struct op_context context = {.device = device, .scratch = tensors->scratch};
    if (tensors->scratch.buffer) {
        context.scratch_bytes =
            (int64_t)tensors->scratch.buffer->bytes - tensors->scratch.offset * F32_BYTES;
    }
    return context;
}

minrnn_status minrnn_scan_scratch(minrnn_device *device, const minrnn_scan_config *config,
                                  uint64_t *bytes) {
    const minrnn_scan_tensors none = {0};
    minrnn_scan_config own;
    minrnn_status status = take_config(device, config, &own);
    if (status) {
        return status;
    }
    if (!bytes) {
        return fail(MINRNN_INVALID_ARGUMENT, "minrnn_scan_scratch: bytes is NULL");
    }
    struct op_context context = {.device = device, .planning = true};
    const struct scan_forward_args forward = forward_args(&own, &none);
    const struct scan_backward_args backward = backward_args(&own, &none);
    status = op_scan_forward(&context, &forward);
    status = status ? status : op_scan_backward(&context, &backward);
    *bytes = (uint64_t)context.scratch_need;
    return status;
}

minrnn_status minrnn_scan_forward(minrnn_device *device, const minrnn_scan_config *config,
                                  const minrnn_scan_tensors *tensors) {
    minrnn_scan_config own;
    minrnn_scan_tensors taken;
    minrnn_status status = take_config(device, config, &own);
    status = status ? status : take_tensors(&own, tensors, &taken);
    if (status) {
        return status;
    }
    struct op_context context = context_of(device, &taken);
    const struct scan_forward_args args = forward_args(&own, &taken);
    return op_scan_forward(&context, &args);
}

minrnn_status minrnn_scan_backward(minrnn_device *device, const minrnn_scan_config *config,
                                   const minrnn_scan_tensors *tensors) {
    minrnn_scan_config own;
    minrnn_scan_tensors taken;
    minrnn_status status = take_config(device, config, &own);
    status = status ? status : take_tensors(&own, tensors, &taken);
    if (!status && own.cell == MINRNN_CELL_LINEAR && !taken.db.buffer) {
        status = fail(MINRNN_INVALID_ARGUMENT, "scan: the linear cell needs tensor db");
    }
    if (status) {
        return status;
    }
    struct op_context context = context_of(device, &taken);
    const struct scan_backward_args args = backward_args(&own, &taken);
    return op_scan_backward(&context, &args);
}
