/* SPDX-License-Identifier: Apache-2.0 */
/* Activations: g, GELU, SiLU, GEGLU. */
#include "opencl/plan.h"

static const char file[] = "activation.cl";

static minrnn_status g_forward(struct op_context *context, const struct g_forward_args *args) {
    struct cl_device *device = cl_device_of(context);
    struct plan plan;
    const minrnn_status status = plan_flat(device, file, "g_forward", "", args->count, 1, &plan);
    return status ? status
                  : LAUNCH(device, plan.kernel, &plan.range, ARG_LONG(args->count),
                           ARG_LONG(plan.run), ARG_TENSOR(args->x), ARG_TENSOR(args->y));
}

static minrnn_status g_backward(struct op_context *context, const struct g_backward_args *args) {
    struct cl_device *device = cl_device_of(context);
    struct plan plan;
    const minrnn_status status = plan_flat(device, file, "g_backward", "", args->count, 1, &plan);
    return status
               ? status
               : LAUNCH(device, plan.kernel, &plan.range, ARG_LONG(args->count), ARG_LONG(plan.run),
                        ARG_TENSOR(args->x), ARG_TENSOR(args->dy), ARG_TENSOR(args->dx));
}

/* y = f(x + bias) */
static minrnn_status forward_of(struct op_context *context, const char *name, int64_t rows,
                                int64_t width, minrnn_tensor x, minrnn_tensor bias,
                                minrnn_tensor y) {
    struct cl_device *device = cl_device_of(context);
    const int64_t count = rows * width;
    struct plan plan;
    const minrnn_status status = plan_flat(device, file, name, "", count, 1, &plan);
    return status ? status
                  : LAUNCH(device, plan.kernel, &plan.range, ARG_LONG(count), ARG_LONG(plan.run),
                           ARG_LONG(width), ARG_TENSOR(x), ARG_TENSOR(bias), ARG_TENSOR(y));
}

/* dx = f'(x + bias) dy */
static minrnn_status backward_of(struct op_context *context, const char *name, int64_t rows,
                                 int64_t width, minrnn_tensor x, minrnn_tensor bias,
                                 minrnn_tensor dy, minrnn_tensor dx) {
    struct cl_device *device = cl_device_of(context);
    const int64_t count = rows * width;
    struct plan plan;
    const minrnn_status status = plan_flat(device, file, name, "", count, 1, &plan);
    return status ? status
                  : LAUNCH(device, plan.kernel, &plan.range, ARG_LONG(count), ARG_LONG(plan.run),
                           ARG_LONG(width), ARG_TENSOR(x), ARG_TENSOR(bias), ARG_TENSOR(dy),
                           ARG_TENSOR(dx));
}

static minrnn_status gelu_forward(struct op_context *context,
                                  const struct gelu_forward_args *args) {
    return forward_of(context, "gelu_forward", args->rows, args->width, args->x, args->bias,
                      args->y);
}

static minrnn_status gelu_backward(struct op_context *context,
                                   const struct gelu_backward_args *args) {
    return backward_of(context, "gelu_backward", args->rows, args->width, args->x, args->bias,
                       args->dy, args->dx);
}

static minrnn_status silu_forward(struct op_context *context,
                                  const struct silu_forward_args *args) {
    return forward_of(context, "silu_forward", args->rows, args->width, args->x, args->bias,
                      args->y);
}

static minrnn_status silu_backward(struct op_context *context,
                                   const struct silu_backward_args *args) {
    return backward_of(context, "silu_backward", args->rows, args->width, args->x, args->bias,
                       args->dy, args->dx);
}

static minrnn_status geglu_forward(struct op_context *context,
                                   const struct geglu_forward_args *args) {
    struct cl_device *device = cl_device_of(context);
    struct plan plan;
    const minrnn_status status =
        plan_rows(device, file, "geglu_forward", args->rows, args->width, 0, &plan);
    return status ? status
                  : LAUNCH(device, plan.kernel, &plan.range, ARG_LONG(args->rows),
                           ARG_LONG(plan.run), ARG_LONG(args->width), ARG_TENSOR(args->x),
                           ARG_TENSOR(args->bias), ARG_TENSOR(args->y));
}

static minrnn_status geglu_backward(struct op_context *context,
                                    const struct geglu_backward_args *args) {
    struct cl_device *device = cl_device_of(context);
    struct plan plan;
    const minrnn_status status =
        plan_rows(device, file, "geglu_backward", args->rows, args->width, 0, &plan);
    return status ? status
                  : LAUNCH(device, plan.kernel, &plan.range, ARG_LONG(args->rows),
                           ARG_LONG(plan.run), ARG_LONG(args->width), ARG_TENSOR(args->x),
                           ARG_TENSOR(args->bias), ARG_TENSOR(args->dy), ARG_TENSOR(args->dx));
}

const struct g_forward_op cl_g_forward_op = {.run = g_forward};
const struct g_backward_op cl_g_backward_op = {.run = g_backward};
const struct gelu_forward_op cl_gelu_forward_op = {.run = gelu_forward};
const struct gelu_backward_op cl_gelu_backward_op = {.run = gelu_backward};
const struct silu_forward_op cl_silu_forward_op = {.run = silu_forward};
const struct silu_backward_op cl_silu_backward_op = {.run = silu_backward};
const struct geglu_forward_op cl_geglu_forward_op = {.run = geglu_forward};
const struct geglu_backward_op cl_geglu_backward_op = {.run = geglu_backward};
