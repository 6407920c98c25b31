/* SPDX-License-Identifier: Apache-2.0 */
/* Filling and copying. */
#include "opencl/plan.h"

static minrnn_status fill(struct op_context *context, const struct fill_args *args) {
    struct cl_device *device = cl_device_of(context);
    struct plan plan;
    const minrnn_status status = plan_flat(device, "memory.cl", "fill", "", args->count, 1, &plan);
    return status ? status
                  : LAUNCH(device, plan.kernel, &plan.range, ARG_LONG(args->count),
                           ARG_LONG(plan.run), ARG_FLOAT(args->value), ARG_TENSOR(args->x));
}

static minrnn_status copy(struct op_context *context, const struct copy_args *args) {
    struct cl_device *device = cl_device_of(context);
    struct plan plan;
    const minrnn_status status = plan_flat(device, "memory.cl", "copy", "", args->count, 1, &plan);
    return status ? status
                  : LAUNCH(device, plan.kernel, &plan.range, ARG_LONG(args->count),
                           ARG_LONG(plan.run), ARG_TENSOR(args->x), ARG_TENSOR(args->y));
}

static minrnn_status copy_rows(struct op_context *context, const struct copy_rows_args *args) {
    struct cl_device *device = cl_device_of(context);
    const int64_t x_row = args->x_row ? args->x_row : args->width;
    const int64_t y_row = args->y_row ? args->y_row : args->width;
    struct plan plan;
    const minrnn_status status =
        plan_rows(device, "memory.cl", "copy_rows", args->rows, args->width, 0, &plan);
    return status ? status
                  : LAUNCH(device, plan.kernel, &plan.range, ARG_LONG(args->rows),
                           ARG_LONG(plan.run), ARG_LONG(args->width), ARG_LONG(x_row),
                           ARG_LONG(y_row), ARG_TENSOR(args->x), ARG_TENSOR(args->y));
}

const struct fill_op cl_fill_op = {.run = fill};
const struct copy_op cl_copy_op = {.run = copy};
const struct copy_rows_op cl_copy_rows_op = {.run = copy_rows};
