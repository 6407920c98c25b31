/* SPDX-License-Identifier: Apache-2.0 */
/* Causal depthwise convolution over time. */
#include "opencl/plan.h"

#include <stdio.h>

static const char file[] = "conv.cl";

/* How time and sequences are cut, by the shape and the device alone. */
struct cut {
    int64_t time_run;  /* steps that a work-item takes of a sequence */
    int64_t run;       /* sequences it takes */
    int64_t stretches; /* of time */
    int64_t runs;      /* of sequences */
};

/* Work-items take `rows` steps or, to be no more than `parts` along time and sequences, a few more.
 */
static struct cut cut_of(int64_t batch, int64_t time, int64_t taps, int64_t rows, int64_t parts) {
    const int64_t longest = max_i64(1, PLAN_MOST_STEPS / (4 * taps));
    struct cut cut;
    parts = max_i64(parts, ceil_div(batch * time, longest));
    cut.time_run = min_i64(min_i64(time, longest), max_i64(rows, ceil_div(time, parts)));
    cut.stretches = ceil_div(time, cut.time_run);
    cut.run = max_i64(min_i64(rows / cut.time_run, batch * cut.stretches / 64),
                      ceil_div(batch * cut.stretches, parts));
    cut.run = min_i64(max_i64(cut.run, 1), batch);
    cut.runs = ceil_div(batch, cut.run);
    return cut;
}

static struct cut forward_cut(const struct cl_device *device,
                              const struct conv_forward_args *args) {
    return cut_of(args->batch, args->time, args->taps, tuned(&device->traits, TUNE_conv_rows),
                  32768);
}

/* Longer stretches: each leaves a partial sum. */
static struct cut backward_cut(const struct cl_device *device,
                               const struct conv_backward_args *args) {
    const int rows =
        tuned(&device->traits, plan_loops(device) ? TUNE_conv_backward_cpu_rows : TUNE_conv_rows);
    return cut_of(args->batch, args->time, args->taps, rows, 256);
}

/* Vectors of columns that a work-item holds in registers. */
static int vectors_of(const struct cl_device *device) {
    return plan_loops(device) ? tuned(&device->traits, TUNE_conv_cpu_vectors) : 1;
}

static struct launch_range range_of(const struct cl_device *device, const struct kernel *kernel,
                                    int64_t width, int64_t stretches, int64_t runs) {
    const int64_t spans = ceil_div(width, (int64_t)vectors_of(device) * plan_vector(device));
    struct launch_range range = plan_items(device, kernel, spans);
    range.global[1] = (size_t)stretches;
    range.global[2] = (size_t)runs;
    range.local[1] = range.local[2] = 1;
    return range;
}

static minrnn_status conv_kernel(struct cl_device *device, const char *name, int64_t taps,
                                 struct kernel **kernel) {
    char options[64];
    snprintf(options, sizeof options, "-DTAPS=%lld -DCOLUMN_VECTORS=%d", (long long)taps,
             vectors_of(device));
    return plan_kernel(device, file, name, options, kernel);
}

static minrnn_status conv_state(struct cl_device *device, const struct conv_forward_args *args) {
    struct kernel *kernel = NULL;
    const minrnn_status status = conv_kernel(device, "conv_state", args->taps, &kernel);
    if (status) {
        return status;
    }
    const struct launch_range range = range_of(device, kernel, args->width, args->batch, 1);
    return LAUNCH(device, kernel, &range, ARG_LONG(args->time), ARG_LONG(args->width),
                  ARG_TENSOR(args->x), ARG_TENSOR(args->state), ARG_TENSOR(args->reset),
                  ARG_TENSOR(args->lengths), ARG_TENSOR(args->state_out));
}

static minrnn_status conv_forward(struct op_context *context,
                                  const struct conv_forward_args *args) {
    struct cl_device *device = cl_device_of(context);
    const struct cut cut = forward_cut(device, args);
    struct kernel *kernel = NULL;
    minrnn_status status = conv_kernel(device, "conv_forward", args->taps, &kernel);
    if (status) {
        return status;
    }
    const struct launch_range range =
        range_of(device, kernel, args->width, cut.stretches, cut.runs);
    status = LAUNCH(device, kernel, &range, ARG_LONG(args->batch), ARG_LONG(cut.run),
                    ARG_LONG(args->time), ARG_LONG(cut.time_run), ARG_LONG(args->width),
                    ARG_TENSOR(args->x), ARG_TENSOR(args->weight), ARG_TENSOR(args->bias),
                    ARG_TENSOR(args->residual), ARG_TENSOR(args->state), ARG_TENSOR(args->reset),
                    ARG_TENSOR(args->lengths), ARG_TENSOR(args->y));
    if (status || !args->state_out.buffer || args->taps == 1) {
        return status;
    }
    return conv_state(device, args);
}

static int64_t conv_backward_scratch(const minrnn_device *device,
                                     const struct conv_backward_args *args) {
    const struct cut cut = backward_cut((const struct cl_device *)device, args);
    return cut.stretches * cut.runs * args->width * (args->taps + 1) * F32_BYTES;
}

static minrnn_status conv_state_backward(struct cl_device *device,
                                         const struct conv_backward_args *args) {
    struct kernel *kernel = NULL;
    const minrnn_status status = conv_kernel(device, "conv_state_backward", args->taps, &kernel);
    if (status) {
        return status;
    }
    const struct launch_range range = range_of(device, kernel, args->width, args->batch, 1);
    return LAUNCH(device, kernel, &range, ARG_LONG(args->time), ARG_LONG(args->width),
                  ARG_TENSOR(args->weight), ARG_TENSOR(args->reset), ARG_TENSOR(args->lengths),
                  ARG_TENSOR(args->dy), ARG_TENSOR(args->dstate_out), ARG_TENSOR(args->dx),
                  ARG_TENSOR(args->dstate));
}

static minrnn_status conv_backward(struct op_context *context,
                                   const struct conv_backward_args *args) {
    struct cl_device *device = cl_device_of(context);
    const struct cut cut = backward_cut(device, args);
    const int64_t partials = cut.stretches * cut.runs;
    const int64_t weights = args->width * args->taps;
    const int64_t stride = weights + args->width; /* of a partial sum: dweight, dbias */
    struct kernel *kernel = NULL;
    minrnn_status status = conv_kernel(device, "conv_backward", args->taps, &kernel);
    if (status) {
        return status;
    }
    const struct launch_range range =
        range_of(device, kernel, args->width, cut.stretches, cut.runs);
    status =
        LAUNCH(device, kernel, &range, ARG_LONG(args->batch), ARG_LONG(cut.run),
               ARG_LONG(args->time), ARG_LONG(cut.time_run), ARG_LONG(args->width),
               ARG_TENSOR(args->x), ARG_TENSOR(args->weight), ARG_TENSOR(args->state),
               ARG_TENSOR(args->reset), ARG_TENSOR(args->lengths), ARG_TENSOR(args->dy),
               ARG_TENSOR(args->dresidual), ARG_TENSOR(args->dx), ARG_TENSOR(context->scratch));
    status = status
                 ? status
                 : column_total(device, partials, weights, stride, context->scratch, args->dweight);
    status = status ? status
                    : column_total(device, partials, args->width, stride,
                                   tensor_at(context->scratch, weights), args->dbias);
    const bool carries = args->dstate_out.buffer || args->dstate.buffer;
    return status || !carries || args->taps == 1 ? status : conv_state_backward(device, args);
}

const struct conv_forward_op cl_conv_forward_op = {.run = conv_forward};
const struct conv_backward_op cl_conv_backward_op = {.run = conv_backward,
                                                     .scratch = conv_backward_scratch};
