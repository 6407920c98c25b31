/* SPDX-License-Identifier: Apache-2.0 */
/* Sums over rows and over everything, in two passes of a fixed order. */
#include "opencl/plan.h"

static const char file[] = "reduce.cl";

/* ---- over rows ---- */

/* Sums blocks of `run` rows into total[block]. */
static minrnn_status column_pass(struct cl_device *device, int64_t rows, int64_t width,
                                 int64_t stride, int64_t run, bool accumulate, minrnn_tensor x,
                                 minrnn_tensor total) {
    const int vectors = tuned(&device->traits, TUNE_column_sum_vectors);
    const int64_t blocks = ceil_div(rows, run);
    struct plan plan;
    const minrnn_status status =
        blocks > 1 ? plan_columns(device, file, "column_sum", width, blocks, vectors, &plan)
                   : plan_totals(device, file, "column_sum", width, blocks, vectors, &plan);
    return status ? status
                  : LAUNCH(device, plan.kernel, &plan.range, ARG_LONG(rows), ARG_LONG(width),
                           ARG_LONG(stride), ARG_LONG(run), ARG_INT(accumulate), ARG_TENSOR(x),
                           ARG_TENSOR(total));
}

minrnn_status column_total(struct cl_device *device, int64_t rows, int64_t width, int64_t stride,
                           minrnn_tensor x, minrnn_tensor total) {
    return column_pass(device, rows, width, stride, rows, true, x, total);
}

static int64_t column_sum_scratch(const minrnn_device *device, const struct column_sum_args *args) {
    (void)device;
    return ceil_div(args->rows, plan_block_rows(args->rows)) * args->width * F32_BYTES;
}

static minrnn_status column_sum(struct op_context *context, const struct column_sum_args *args) {
    struct cl_device *device = cl_device_of(context);
    const int64_t run = plan_block_rows(args->rows);
    const minrnn_status status = column_pass(device, args->rows, args->width, args->width, run,
                                             false, args->x, context->scratch);
    return status ? status
                  : column_total(device, ceil_div(args->rows, run), args->width, args->width,
                                 context->scratch, args->total);
}

/* ---- over everything ---- */

/* Elements of a partial sum; at most 4096 partial sums. */
static int64_t sum_run(int64_t count) {
    return max_i64(16384, ceil_div(count, 4096));
}

static int64_t partial_bytes(int64_t count) {
    return ceil_div(count, sum_run(count)) * F32_BYTES;
}

/* As in the kernel. */
enum summand { SUM_VALUES, SUM_SQUARES, SUM_NONFINITE };

static minrnn_status sum_pass(struct cl_device *device, int64_t count, int64_t run,
                              enum summand what, bool accumulate, float scale, minrnn_tensor x,
                              minrnn_tensor total) {
    struct plan plan;
    /* A row group for each `run` elements. */
    const minrnn_status status =
        plan_rows(device, file, "sum", ceil_div(count, run), run, 1, &plan);
    return status ? status
                  : LAUNCH(device, plan.kernel, &plan.range, ARG_LONG(count), ARG_LONG(run),
                           ARG_INT((int)what), ARG_INT(accumulate), ARG_FLOAT(scale), ARG_TENSOR(x),
                           ARG_TENSOR(total));
}

static minrnn_status sum_all(struct op_context *context, int64_t count, enum summand what,
                             bool accumulate, float scale, minrnn_tensor x, minrnn_tensor total) {
    struct cl_device *device = cl_device_of(context);
    const int64_t run = sum_run(count);
    const int64_t parts = ceil_div(count, run);
    const minrnn_status status =
        sum_pass(device, count, run, what, false, 1.0f, x, context->scratch);
    return status ? status
                  : sum_pass(device, parts, parts, SUM_VALUES, accumulate, scale, context->scratch,
                             total);
}

static int64_t sum_scratch(const minrnn_device *device, const struct sum_args *args) {
    (void)device;
    return partial_bytes(args->count);
}

static minrnn_status sum(struct op_context *context, const struct sum_args *args) {
    return sum_all(context, args->count, SUM_VALUES, args->accumulate, args->scale, args->x,
                   args->total);
}

static int64_t square_sum_scratch(const minrnn_device *device, const struct square_sum_args *args) {
    (void)device;
    return partial_bytes(args->count);
}

static minrnn_status square_sum(struct op_context *context, const struct square_sum_args *args) {
    return sum_all(context, args->count, SUM_SQUARES, false, 1.0f, args->x, args->total);
}

static int64_t nonfinite_count_scratch(const minrnn_device *device,
                                       const struct nonfinite_count_args *args) {
    (void)device;
    return partial_bytes(args->count);
}

static minrnn_status nonfinite_count(struct op_context *context,
                                     const struct nonfinite_count_args *args) {
    return sum_all(context, args->count, SUM_NONFINITE, false, 1.0f, args->x, args->total);
}

const struct column_sum_op cl_column_sum_op = {.run = column_sum, .scratch = column_sum_scratch};
const struct sum_op cl_sum_op = {.run = sum, .scratch = sum_scratch};
const struct square_sum_op cl_square_sum_op = {.run = square_sum, .scratch = square_sum_scratch};
const struct nonfinite_count_op cl_nonfinite_count_op = {.run = nonfinite_count,
                                                         .scratch = nonfinite_count_scratch};
