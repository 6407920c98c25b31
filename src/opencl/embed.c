/* SPDX-License-Identifier: Apache-2.0 */
/* The embedding table. */
#include "opencl/plan.h"

static const char file[] = "embed.cl";

static minrnn_status embed_forward(struct op_context *context,
                                   const struct embed_forward_args *args) {
    struct cl_device *device = cl_device_of(context);
    struct plan plan;
    const minrnn_status status =
        plan_rows(device, file, "embed_forward", args->rows, args->width, 0, &plan);
    return status ? status
                  : LAUNCH(device, plan.kernel, &plan.range, ARG_LONG(args->rows),
                           ARG_LONG(plan.run), ARG_LONG(args->width), ARG_TENSOR(args->tokens),
                           ARG_TENSOR(args->table), ARG_TENSOR(args->y));
}

static minrnn_status embed_backward(struct op_context *context,
                                    const struct embed_backward_args *args) {
    struct cl_device *device = cl_device_of(context);
    const int most = tuned(&device->traits, TUNE_embed_vectors);
    /* Few columns: rather more work-items, for one token may have most of the rows. */
    const int64_t vectors = min_i64(most, max_i64(1, args->width / (most * plan_vector(device))));
    struct plan plan;
    minrnn_status status =
        plan_columns(device, file, "embed_backward", args->width, args->vocab, (int)vectors, &plan);
    for (int64_t skip = 0; !status && skip < args->rows; skip += PLAN_MOST_STEPS) {
        status = LAUNCH(device, plan.kernel, &plan.range, ARG_LONG(args->width), ARG_LONG(skip),
                        ARG_LONG(PLAN_MOST_STEPS), ARG_TENSOR(args->order), ARG_TENSOR(args->start),
                        ARG_TENSOR(args->dy), ARG_TENSOR(args->dtable));
    }
    return status;
}

const struct embed_forward_op cl_embed_forward_op = {.run = embed_forward};
const struct embed_backward_op cl_embed_backward_op = {.run = embed_backward};
