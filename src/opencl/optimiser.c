/* SPDX-License-Identifier: Apache-2.0 */
/* AdamW. */
#include "opencl/plan.h"

static minrnn_status adamw(struct op_context *context, const struct adamw_args *args) {
    struct cl_device *device = cl_device_of(context);
    struct plan plan;
    const minrnn_status status =
        plan_flat(device, "optimiser.cl", "adamw", "", args->count, 1, &plan);
    return status ? status
                  : LAUNCH(device, plan.kernel, &plan.range, ARG_LONG(args->count),
                           ARG_LONG(plan.run), ARG_FLOAT(args->rate), ARG_FLOAT(args->beta1),
                           ARG_FLOAT(args->beta2), ARG_FLOAT(args->epsilon), ARG_FLOAT(args->decay),
                           ARG_FLOAT(args->correction1), ARG_FLOAT(args->correction2),
                           ARG_FLOAT(args->clip), ARG_TENSOR(args->grad),
                           ARG_TENSOR(args->square_norm), ARG_TENSOR(args->param),
                           ARG_TENSOR(args->m), ARG_TENSOR(args->v));
}

const struct adamw_op cl_adamw_op = {.run = adamw};
