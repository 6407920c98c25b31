/* SPDX-License-Identifier: Apache-2.0 */
/* The embedding table. */
#include "cpu/ops.h"

#include <string.h>

static minrnn_status embed_forward(struct op_context *context,
                                   const struct embed_forward_args *args) {
    const int64_t width = args->width;
    const int64_t size = row_block(width);
    const int64_t blocks = ceil_div(args->rows, size);
    const int32_t *tokens = i32(args->tokens);
    const float *table = f32(args->table);
    float *y = f32(args->y);
#pragma omp parallel for num_threads(cpu_threads(context)) schedule(static) if (blocks > 1)
    for (int64_t i = 0; i < blocks; i++) {
        const struct span span = span_of(i, args->rows, size);
        for (int64_t row = span.begin; row < span.begin + span.count; row++) {
            const size_t bytes = (size_t)width * sizeof *y;
            if (tokens[row] < 0) {
                memset(y + row * width, 0, bytes);
            } else {
                memcpy(y + row * width, table + tokens[row] * width, bytes);
            }
        }
    }
    return MINRNN_OK;
}

/* Tokens are unevenly frequent, so threads take pieces as they go; each sum has its own order. */
static minrnn_status embed_backward(struct op_context *context,
                                    const struct embed_backward_args *args) {
    enum { COLUMNS = 128 };
    const int64_t width = args->width;
    const int64_t panels = ceil_div(width, COLUMNS);
    const int64_t pieces = args->vocab * panels;
    const int32_t *order = i32(args->order);
    const int32_t *start = i32(args->start);
    const float *dy = f32(args->dy);
    float *dtable = f32(args->dtable);
#pragma omp parallel for num_threads(cpu_threads(context))                                         \
    schedule(dynamic) if (args->rows * width > ELEMENT_BLOCK)
    for (int64_t i = 0; i < pieces; i++) {
        const int64_t token = i / panels;
        const struct span columns = span_of(i % panels, width, COLUMNS);
        float sum[COLUMNS] = {0};
        for (int64_t j = start[token]; j < start[token + 1]; j++) {
            const float *row = dy + order[j] * width + columns.begin;
#pragma omp simd
            for (int64_t c = 0; c < columns.count; c++) {
                sum[c] += row[c];
            }
        }
        float *out = dtable + token * width + columns.begin;
#pragma omp simd
        for (int64_t c = 0; c < columns.count; c++) {
            out[c] += sum[c];
        }
    }
    return MINRNN_OK;
}

const struct embed_forward_op CPU_NAME(embed_forward_op) = {.run = embed_forward};
const struct embed_backward_op CPU_NAME(embed_backward_op) = {.run = embed_backward};
