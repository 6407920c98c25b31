/* SPDX-License-Identifier: Apache-2.0 */
/* RMSNorm. */
#include "opencl/plan.h"

static const char file[] = "norm.cl";

static minrnn_status rmsnorm_forward(struct op_context *context,
                                     const struct rmsnorm_forward_args *args) {
    struct cl_device *device = cl_device_of(context);
    struct plan plan;
    const minrnn_status status =
        plan_rows(device, file, "rmsnorm_forward", args->rows, args->width, 0, &plan);
    return status
               ? status
               : LAUNCH(device, plan.kernel, &plan.range, ARG_LONG(args->rows), ARG_LONG(plan.run),
                        ARG_LONG(args->width), ARG_FLOAT(args->epsilon), ARG_TENSOR(args->x),
                        ARG_TENSOR(args->gain), ARG_TENSOR(args->y), ARG_TENSOR(args->inverse));
}

/* Rows of a block, which has a partial dgain: the narrower they are, the fewer, for then fewer
 * work-items share one. */
static int64_t block_rows(const struct rmsnorm_backward_args *args) {
    enum { WIDE = 256, LEAST = 16 };
    return max_i64(LEAST, plan_block_rows(args->rows) * min_i64(args->width, WIDE) / WIDE);
}

static int64_t blocks_of(const struct rmsnorm_backward_args *args) {
    return ceil_div(args->rows, block_rows(args));
}

static int64_t rmsnorm_backward_scratch(const minrnn_device *device,
                                        const struct rmsnorm_backward_args *args) {
    (void)device;
    return blocks_of(args) * args->width * F32_BYTES;
}

static minrnn_status rmsnorm_backward(struct op_context *context,
                                      const struct rmsnorm_backward_args *args) {
    struct cl_device *device = cl_device_of(context);
    struct plan plan;
    minrnn_status status = plan_rows(device, file, "rmsnorm_backward", args->rows, args->width,
                                     block_rows(args), &plan);
    if (!status) {
        status = LAUNCH(device, plan.kernel, &plan.range, ARG_LONG(args->rows), ARG_LONG(plan.run),
                        ARG_LONG(args->width), ARG_INT(args->accumulate), ARG_TENSOR(args->x),
                        ARG_TENSOR(args->gain), ARG_TENSOR(args->inverse), ARG_TENSOR(args->dy),
                        ARG_TENSOR(args->dx), ARG_TENSOR(context->scratch));
    }
    return status ? status
                  : column_total(device, blocks_of(args), args->width, args->width,
                                 context->scratch, args->dgain);
}

const struct rmsnorm_forward_op cl_rmsnorm_forward_op = {.run = rmsnorm_forward};
const struct rmsnorm_backward_op cl_rmsnorm_backward_op = {.run = rmsnorm_backward,
                                                           .scratch = rmsnorm_backward_scratch};
