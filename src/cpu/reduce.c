/* SPDX-License-Identifier: Apache-2.0 */
/* Sums in a fixed order: blocks cut by shape, then the blocks' sums one after another. */
#include "cpu/ops.h"

#include <string.h>

void CPU_NAME(add_partials)(const struct op_context *context, int64_t blocks, int64_t width,
                            int64_t stride, const float *partial, float *total) {
    enum { COLUMNS = 256 };
    const int64_t pieces = ceil_div(width, COLUMNS);
#pragma omp parallel for num_threads(cpu_threads(context))                                         \
    schedule(static) if (width * blocks > ELEMENT_BLOCK)
    for (int64_t i = 0; i < pieces; i++) {
        const struct span span = span_of(i, width, COLUMNS);
        float sum[COLUMNS] = {0};
        for (int64_t block = 0; block < blocks; block++) {
            const float *row = partial + block * stride + span.begin;
#pragma omp simd
            for (int64_t c = 0; c < span.count; c++) {
                sum[c] += row[c];
            }
        }
#pragma omp simd
        for (int64_t c = 0; c < span.count; c++) {
            total[span.begin + c] += sum[c];
        }
    }
}

static int64_t column_sum_scratch(const minrnn_device *device, const struct column_sum_args *args) {
    (void)device;
    return ceil_div(args->rows, sum_block(args->rows)) * args->width * (int64_t)sizeof(float);
}

static minrnn_status column_sum(struct op_context *context, const struct column_sum_args *args) {
    const int64_t width = args->width;
    const int64_t size = sum_block(args->rows);
    const int64_t blocks = ceil_div(args->rows, size);
    const float *x = f32(args->x);
    float *partial = f32(context->scratch);
    const bool shared = threads_repay(blocks, args->rows * width);
#pragma omp parallel for num_threads(cpu_threads(context)) schedule(static) if (shared)
    for (int64_t i = 0; i < blocks; i++) {
        const struct span span = span_of(i, args->rows, size);
        float *sum = partial + i * width;
        memset(sum, 0, (size_t)width * sizeof *sum);
        for (int64_t row = span.begin; row < span.begin + span.count; row++) {
            const float *in = x + row * width;
#pragma omp simd
            for (int64_t c = 0; c < width; c++) {
                sum[c] += in[c];
            }
        }
    }
    CPU_NAME(add_partials)(context, blocks, width, width, partial, f32(args->total));
    return MINRNN_OK;
}

static float block_sum(int64_t count, const float *x) {
    float sum = 0.0f;
#pragma omp simd reduction(+ : sum)
    for (int64_t i = 0; i < count; i++) {
        sum += x[i];
    }
    return sum;
}

static float block_square_sum(int64_t count, const float *x) {
    float sum = 0.0f;
#pragma omp simd reduction(+ : sum)
    for (int64_t i = 0; i < count; i++) {
        sum += x[i] * x[i];
    }
    return sum;
}

/* By the bits: an exponent of all ones. */
static float block_nonfinite_count(int64_t count, const float *x) {
    int32_t found = 0;
    for (int64_t i = 0; i < count; i++) {
        uint32_t bits;
        memcpy(&bits, x + i, sizeof bits);
        found += (bits & 0x7f800000u) == 0x7f800000u;
    }
    return (float)found;
}

/* Double for the blocks' sums: they are few, and there may be many elements. */
static double sum_blocks(const struct op_context *context, int64_t count, const float *x,
                         float (*sum)(int64_t, const float *)) {
    const int64_t blocks = ceil_div(count, ELEMENT_BLOCK);
    float *partial = f32(context->scratch);
#pragma omp parallel for num_threads(cpu_threads(context)) schedule(static) if (blocks > 1)
    for (int64_t i = 0; i < blocks; i++) {
        const struct span span = span_of(i, count, ELEMENT_BLOCK);
        partial[i] = sum(span.count, x + span.begin);
    }
    double total = 0.0;
    for (int64_t i = 0; i < blocks; i++) {
        total += (double)partial[i];
    }
    return total;
}

static int64_t sum_scratch(const minrnn_device *device, const struct sum_args *args) {
    (void)device;
    return ceil_div(args->count, ELEMENT_BLOCK) * (int64_t)sizeof(float);
}

static minrnn_status sum(struct op_context *context, const struct sum_args *args) {
    const double sum = sum_blocks(context, args->count, f32(args->x), block_sum);
    float *total = f32(args->total);
    const double before = args->accumulate ? (double)*total : 0.0;
    *total = (float)(before + (double)args->scale * sum);
    return MINRNN_OK;
}

static int64_t square_sum_scratch(const minrnn_device *device, const struct square_sum_args *args) {
    (void)device;
    return ceil_div(args->count, ELEMENT_BLOCK) * (int64_t)sizeof(float);
}

static minrnn_status square_sum(struct op_context *context, const struct square_sum_args *args) {
    *f32(args->total) = (float)sum_blocks(context, args->count, f32(args->x), block_square_sum);
    return MINRNN_OK;
}

static int64_t nonfinite_count_scratch(const minrnn_device *device,
                                       const struct nonfinite_count_args *args) {
    (void)device;
    return ceil_div(args->count, ELEMENT_BLOCK) * (int64_t)sizeof(float);
}

static minrnn_status nonfinite_count(struct op_context *context,
                                     const struct nonfinite_count_args *args) {
    *f32(args->total) =
        (float)sum_blocks(context, args->count, f32(args->x), block_nonfinite_count);
    return MINRNN_OK;
}

const struct column_sum_op CPU_NAME(column_sum_op) = {.run = column_sum,
                                                      .scratch = column_sum_scratch};
const struct sum_op CPU_NAME(sum_op) = {.run = sum, .scratch = sum_scratch};
const struct square_sum_op CPU_NAME(square_sum_op) = {.run = square_sum,
                                                      .scratch = square_sum_scratch};
const struct nonfinite_count_op CPU_NAME(nonfinite_count_op) = {.run = nonfinite_count,
                                                                .scratch = nonfinite_count_scratch};
