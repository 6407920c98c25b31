/* SPDX-License-Identifier: Apache-2.0 */
/* Residual connections with dropout: one kernel does both directions. */
#include "base/philox.h"
#include "opencl/plan.h"

struct dropout {
    float probability;
    uint64_t seed;
    uint32_t site, step;
};

/* y = residual + dropout(x + bias). */
static minrnn_status residual(struct op_context *context, int64_t rows, int64_t width,
                              struct dropout dropout, minrnn_tensor x, minrnn_tensor bias,
                              minrnn_tensor with, minrnn_tensor y) {
    struct cl_device *device = cl_device_of(context);
    const int64_t count = rows * width;
    struct plan plan;
    const char *options = dropout.probability > 0 ? "-DDROPOUT" : "";
    const minrnn_status status =
        plan_flat(device, "residual.cl", "residual", options, count, 4, &plan);
    return status ? status
                  : LAUNCH(device, plan.kernel, &plan.range, ARG_LONG(count), ARG_LONG(plan.run),
                           ARG_LONG(width), ARG_UINT(philox_threshold(dropout.probability)),
                           ARG_FLOAT(1.0f / (1.0f - dropout.probability)),
                           ARG_LONG((cl_long)dropout.seed), ARG_UINT(dropout.site),
                           ARG_UINT(dropout.step), ARG_TENSOR(x), ARG_TENSOR(bias),
                           ARG_TENSOR(with), ARG_TENSOR(y));
}

static minrnn_status residual_forward(struct op_context *context,
                                      const struct residual_forward_args *args) {
    const struct dropout dropout = {args->dropout, args->seed, args->site, args->step};
    return residual(context, args->rows, args->width, dropout, args->x, args->bias, args->residual,
                    args->y);
}

static minrnn_status residual_backward(struct op_context *context,
                                       const struct residual_backward_args *args) {
    const struct dropout dropout = {args->dropout, args->seed, args->site, args->step};
    const minrnn_tensor none = {0};
    return residual(context, args->rows, args->width, dropout, args->dy, none, none, args->dx);
}

const struct residual_forward_op cl_residual_forward_op = {.run = residual_forward};
const struct residual_backward_op cl_residual_backward_op = {.run = residual_backward};
