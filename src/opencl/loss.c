/* SPDX-License-Identifier: Apache-2.0 */
/* Cross-entropy. */
#include "opencl/plan.h"

static minrnn_status cross_entropy(struct op_context *context,
                                   const struct cross_entropy_args *args) {
    struct cl_device *device = cl_device_of(context);
    struct plan plan;
    const minrnn_status status =
        plan_rows(device, "loss.cl", "cross_entropy", args->rows, args->vocab, 0, &plan);
    return status
               ? status
               : LAUNCH(device, plan.kernel, &plan.range, ARG_LONG(args->rows), ARG_LONG(plan.run),
                        ARG_LONG(args->vocab), ARG_FLOAT(args->scale), ARG_TENSOR(args->logits),
                        ARG_TENSOR(args->targets), ARG_TENSOR(args->loss),
                        ARG_TENSOR(args->dlogits), ARG_TENSOR(args->correct));
}

const struct cross_entropy_op cl_cross_entropy_op = {.run = cross_entropy};
