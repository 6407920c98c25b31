/* SPDX-License-Identifier: Apache-2.0 */
/* Residual connections with dropout: one kernel does both directions. */
#include "base/philox.h"
#include "opencl/plan.h"

static const char file[] = "residual.cl";

struct dropout {
    float probability;
    uint64_t seed;
    uint32_t site, step;
};

/* Whether GPUs can read and write vectors: neighbours then lie beside each other. */
static bool is_aligned(const struct cl_device *device, int64_t width, minrnn_tensor x,
                       minrnn_tensor bias, minrnn_tensor with, minrnn_tensor y) {
    return !plan_loops(device) && width % PLAN_ALIGNED == 0 && tensor_is_aligned(x, PLAN_ALIGNED) &&
           tensor_is_aligned(bias, PLAN_ALIGNED) && tensor_is_aligned(with, PLAN_ALIGNED) &&
           tensor_is_aligned(y, PLAN_ALIGNED);
}

/* y = residual + dropout(x + bias). */
static minrnn_status residual(struct op_context *context, int64_t rows, int64_t width,
                              struct dropout dropout, minrnn_tensor x, minrnn_tensor bias,
                              minrnn_tensor with, minrnn_tensor y) {
    struct cl_device *device = cl_device_of(context);
    const int64_t count = rows * width;
    struct plan plan;
    const char *options = dropout.probability > 0 ? "-DDROPOUT" : "";
    const minrnn_status status =
        is_aligned(device, width, x, bias, with, y)
            ? plan_aligned(device, file, "residual", options, count, &plan)
            : plan_flat(device, file, "residual", options, count, 4, &plan);
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
