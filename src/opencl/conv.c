/* Causal depthwise convolution over time. */
#include "opencl/plan.h"

#include <stdio.h>

static const char file[] = "conv.cl";

/* How time and sequences are cut, by the shape and the device alone. */
struct cut {
    int64_t spans;    /* of columns */
    int64_t time_run; /* steps of a segment */
    int64_t segments; /* of all sequences */
    int64_t run;      /* segments a work-item takes */
};

enum { MOST_PARTIALS = 256 };

static struct cut cut_of(const struct cl_device *device, int64_t batch, int64_t time, int64_t width,
                         int vectors, bool partials) {
    const bool loops = plan_loops(device);
    const int64_t rows = loops && partials ? 256 : 64; /* a work-item's, where there are enough */
    struct cut cut;
    cut.spans = ceil_div(width, loops ? vectors * plan_vector(device) : 1);
    cut.time_run = min_i64(time, rows);
    cut.segments = batch * ceil_div(time, cut.time_run);
    cut.run = max_i64(1, min_i64(rows / cut.time_run, cut.segments / MOST_PARTIALS));
    if (partials) {
        cut.run = max_i64(cut.run, ceil_div(cut.segments, MOST_PARTIALS));
    }
    return cut;
}

static int64_t runs_of(struct cut cut) {
    return ceil_div(cut.segments, cut.run);
}

/* Vectors of columns that a work-item holds in registers. */
static int vectors_of(const struct cl_device *device, int vectors) {
    return plan_loops(device) ? vectors : 1;
}

static minrnn_status conv_kernel(struct cl_device *device, const char *name, int64_t taps,
                                 int vectors, struct kernel **kernel) {
    char options[64];
    snprintf(options, sizeof options, "-DTAPS=%lld -DCOLUMN_VECTORS=%d", (long long)taps, vectors);
    return plan_kernel(device, file, name, options, kernel);
}

static minrnn_status conv_state(struct cl_device *device, const struct conv_forward_args *args,
                                int vectors, struct cut cut) {
    struct kernel *kernel = NULL;
    const minrnn_status status = conv_kernel(device, "conv_state", args->taps, vectors, &kernel);
    if (status) {
        return status;
    }
    const struct launch_range range = plan_items(device, kernel, cut.spans * args->batch);
    return LAUNCH(device, kernel, &range, ARG_LONG(args->batch), ARG_LONG(args->time),
                  ARG_LONG(args->width), ARG_TENSOR(args->x), ARG_TENSOR(args->state),
                  ARG_TENSOR(args->reset), ARG_TENSOR(args->lengths), ARG_TENSOR(args->state_out));
}

minrnn_status cl_conv_forward(struct op_context *context, const struct conv_forward_args *args) {
    struct cl_device *device = cl_device_of(context);
    const int vectors = vectors_of(device, 2);
    const struct cut cut = cut_of(device, args->batch, args->time, args->width, vectors, false);
    struct kernel *kernel = NULL;
    minrnn_status status = conv_kernel(device, "conv_forward", args->taps, vectors, &kernel);
    if (status) {
        return status;
    }
    const struct launch_range range = plan_items(device, kernel, cut.spans * runs_of(cut));
    status = LAUNCH(device, kernel, &range, ARG_LONG(cut.segments), ARG_LONG(cut.run),
                    ARG_LONG(args->time), ARG_LONG(cut.time_run), ARG_LONG(args->width),
                    ARG_TENSOR(args->x), ARG_TENSOR(args->weight), ARG_TENSOR(args->bias),
                    ARG_TENSOR(args->residual), ARG_TENSOR(args->state), ARG_TENSOR(args->reset),
                    ARG_TENSOR(args->lengths), ARG_TENSOR(args->y));
    if (status || !args->state_out.buffer || args->taps == 1) {
        return status;
    }
    return conv_state(device, args, vectors, cut);
}

int64_t cl_conv_backward_scratch(const minrnn_device *device,
                                 const struct conv_backward_args *args) {
    const struct cut cut =
        cut_of((const struct cl_device *)device, args->batch, args->time, args->width, 1, true);
    return runs_of(cut) * args->width * (args->taps + 1) * TENSOR_ELEMENT_BYTES;
}

minrnn_status cl_conv_backward(struct op_context *context, const struct conv_backward_args *args) {
    struct cl_device *device = cl_device_of(context);
    const int vectors = vectors_of(device, 2);
    const struct cut cut = cut_of(device, args->batch, args->time, args->width, vectors, true);
    const int64_t weights = args->width * args->taps;
    const int64_t stride = weights + args->width; /* of a partial sum: dweight, dbias */
    struct kernel *kernel = NULL;
    minrnn_status status = conv_kernel(device, "conv_backward", args->taps, vectors, &kernel);
    if (status) {
        return status;
    }
    const struct launch_range range = plan_items(device, kernel, cut.spans * runs_of(cut));
    status =
        LAUNCH(device, kernel, &range, ARG_LONG(cut.segments), ARG_LONG(cut.run),
               ARG_LONG(args->time), ARG_LONG(cut.time_run), ARG_LONG(args->width),
               ARG_TENSOR(args->x), ARG_TENSOR(args->weight), ARG_TENSOR(args->state),
               ARG_TENSOR(args->reset), ARG_TENSOR(args->lengths), ARG_TENSOR(args->dy),
               ARG_TENSOR(args->dresidual), ARG_TENSOR(args->dx), ARG_TENSOR(context->scratch));
    status = status ? status
                    : column_total(device, runs_of(cut), weights, stride, context->scratch,
                                   args->dweight);
    return status ? status
                  : column_total(device, runs_of(cut), args->width, stride,
                                 tensor_at(context->scratch, weights), args->dbias);
}
