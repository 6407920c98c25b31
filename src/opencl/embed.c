/* SPDX-License-Identifier: Apache-2.0 */
/* The embedding table. */
#include "opencl/plan.h"

#include <stdio.h>

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

/* Two parts for each block. */
static int64_t embed_backward_scratch(const minrnn_device *device,
                                      const struct embed_backward_args *args) {
    (void)device;
    return 2 * ceil_div(args->rows, plan_block_rows(args->rows)) * args->width * F32_BYTES;
}

/* CPUs, if there are few columns: rather more work-items. */
static int vectors_of(const struct cl_device *device, int64_t width) {
    const int most = tuned(&device->traits, TUNE_embed_vectors);
    return (int)min_i64(most, max_i64(1, width / (most * plan_vector(device))));
}

/* Blocks into the table, or, of tokens that cross from one to the next, into the scratch. */
static minrnn_status add_blocks(struct op_context *context, const struct embed_backward_args *args,
                                int64_t run) {
    struct cl_device *device = cl_device_of(context);
    const bool loops = plan_loops(device);
    const int vectors = loops ? vectors_of(device, args->width) : 1;
    char options[64];
    struct kernel *kernel = NULL;
    snprintf(options, sizeof options, "-DCOLUMN_VECTORS=%d -DIN_FLIGHT=%d", vectors,
             loops ? 1 : tuned(&device->traits, TUNE_embed_in_flight));
    const minrnn_status status = plan_kernel(device, file, "embed_backward", options, &kernel);
    if (status) {
        return status;
    }
    const int64_t span = (int64_t)vectors * plan_vector(device);
    const struct launch_range range =
        plan_grid(device, kernel, ceil_div(args->width, span), ceil_div(args->rows, run));
    return LAUNCH(device, kernel, &range, ARG_LONG(args->rows), ARG_LONG(run),
                  ARG_LONG(args->width), ARG_TENSOR(args->tokens), ARG_TENSOR(args->order),
                  ARG_TENSOR(args->start), ARG_TENSOR(args->dy), ARG_TENSOR(args->dtable),
                  ARG_TENSOR(context->scratch));
}

/* From the scratch into the table. */
static minrnn_status add_crossing(struct op_context *context,
                                  const struct embed_backward_args *args, int64_t run) {
    struct cl_device *device = cl_device_of(context);
    struct plan plan;
    const minrnn_status status =
        plan_totals(device, file, "embed_crossing", args->width, ceil_div(args->rows, run) - 1,
                    vectors_of(device, args->width), &plan);
    return status
               ? status
               : LAUNCH(device, plan.kernel, &plan.range, ARG_LONG(run), ARG_LONG(args->width),
                        ARG_TENSOR(args->tokens), ARG_TENSOR(args->order), ARG_TENSOR(args->start),
                        ARG_TENSOR(context->scratch), ARG_TENSOR(args->dtable));
}

static minrnn_status embed_backward(struct op_context *context,
                                    const struct embed_backward_args *args) {
    const int64_t run = plan_block_rows(args->rows);
    const minrnn_status status = add_blocks(context, args, run);
    return status || run >= args->rows ? status : add_crossing(context, args, run);
}

const struct embed_forward_op cl_embed_forward_op = {.run = embed_forward};
const struct embed_backward_op cl_embed_backward_op = {.run = embed_backward,
                                                       .scratch = embed_backward_scratch};
