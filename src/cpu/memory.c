/* SPDX-License-Identifier: Apache-2.0 */
/* Filling and copying. */
#include "cpu/ops.h"

#include <string.h>

static minrnn_status fill(struct op_context *context, const struct fill_args *args) {
    const int64_t blocks = ceil_div(args->count, ELEMENT_BLOCK);
    const float value = args->value;
    float *x = f32(args->x);
#pragma omp parallel for num_threads(cpu_threads(context)) schedule(static) if (blocks > 1)
    for (int64_t i = 0; i < blocks; i++) {
        const struct span span = span_of(i, args->count, ELEMENT_BLOCK);
        for (int64_t j = span.begin; j < span.begin + span.count; j++) {
            x[j] = value;
        }
    }
    return MINRNN_OK;
}

static minrnn_status copy(struct op_context *context, const struct copy_args *args) {
    const int64_t blocks = ceil_div(args->count, ELEMENT_BLOCK);
    const float *x = f32(args->x);
    float *y = f32(args->y);
#pragma omp parallel for num_threads(cpu_threads(context)) schedule(static) if (blocks > 1)
    for (int64_t i = 0; i < blocks; i++) {
        const struct span span = span_of(i, args->count, ELEMENT_BLOCK);
        memcpy(y + span.begin, x + span.begin, (size_t)span.count * sizeof *y);
    }
    return MINRNN_OK;
}

static minrnn_status copy_rows(struct op_context *context, const struct copy_rows_args *args) {
    const int64_t width = args->width;
    const int64_t x_row = args->x_row ? args->x_row : width;
    const int64_t y_row = args->y_row ? args->y_row : width;
    const int64_t size = row_block(width);
    const int64_t blocks = ceil_div(args->rows, size);
    const float *x = f32(args->x);
    float *y = f32(args->y);
#pragma omp parallel for num_threads(cpu_threads(context)) schedule(static) if (blocks > 1)
    for (int64_t i = 0; i < blocks; i++) {
        const struct span span = span_of(i, args->rows, size);
        for (int64_t row = span.begin; row < span.begin + span.count; row++) {
            memcpy(y + row * y_row, x + row * x_row, (size_t)width * sizeof *y);
        }
    }
    return MINRNN_OK;
}

const struct fill_op CPU_NAME(fill_op) = {.run = fill};
const struct copy_op CPU_NAME(copy_op) = {.run = copy};
const struct copy_rows_op CPU_NAME(copy_rows_op) = {.run = copy_rows};
