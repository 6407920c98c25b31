/* SPDX-License-Identifier: Apache-2.0 */
/* RMS normalisation of rows. */
#include "cpu/ops.h"

#include <math.h>
#include <string.h>

static float forward_row(int64_t width, float epsilon, const float *restrict x,
                         const float *restrict gain, float *restrict y) {
    float squares = 0.0f;
#pragma omp simd reduction(+ : squares)
    for (int64_t c = 0; c < width; c++) {
        squares += x[c] * x[c];
    }
    const float inverse = 1.0f / sqrtf(squares / (float)width + epsilon);
#pragma omp simd
    for (int64_t c = 0; c < width; c++) {
        y[c] = x[c] * inverse * gain[c];
    }
    return inverse;
}

static minrnn_status rmsnorm_forward(struct op_context *context,
                                     const struct rmsnorm_forward_args *args) {
    const int64_t width = args->width;
    const int64_t size = row_block(width);
    const int64_t blocks = ceil_div(args->rows, size);
    const float *x = f32(args->x);
    const float *gain = f32(args->gain);
    float *y = f32(args->y);
    float *inverse = f32(args->inverse);
#pragma omp parallel for num_threads(cpu_threads(context)) schedule(static) if (blocks > 1)
    for (int64_t i = 0; i < blocks; i++) {
        const struct span span = span_of(i, args->rows, size);
        for (int64_t row = span.begin; row < span.begin + span.count; row++) {
            inverse[row] =
                forward_row(width, args->epsilon, x + row * width, gain, y + row * width);
        }
    }
    return MINRNN_OK;
}

ALWAYS_INLINE void backward_row(int64_t width, bool accumulate, const float *restrict x,
                                const float *restrict gain, float inverse, const float *restrict dy,
                                float *restrict dx, float *restrict dgain) {
    float dot = 0.0f;
#pragma omp simd reduction(+ : dot)
    for (int64_t c = 0; c < width; c++) {
        dot += dy[c] * gain[c] * x[c];
    }
    const float pull = dot * inverse * inverse / (float)width;
#pragma omp simd
    for (int64_t c = 0; c < width; c++) {
        const float before = accumulate ? dx[c] : 0.0f;
        dx[c] = before + inverse * (dy[c] * gain[c] - x[c] * pull);
        dgain[c] += dy[c] * x[c] * inverse;
    }
}

static int64_t rmsnorm_backward_scratch(const minrnn_device *device,
                                        const struct rmsnorm_backward_args *args) {
    (void)device;
    return ceil_div(args->rows, sum_block(args->rows)) * args->width * (int64_t)sizeof(float);
}

static minrnn_status rmsnorm_backward(struct op_context *context,
                                      const struct rmsnorm_backward_args *args) {
    const int64_t width = args->width;
    const int64_t size = sum_block(args->rows);
    const int64_t blocks = ceil_div(args->rows, size);
    const float *x = f32(args->x);
    const float *gain = f32(args->gain);
    const float *inverse = f32(args->inverse);
    const float *dy = f32(args->dy);
    float *dx = f32(args->dx);
    float *partial = f32(context->scratch);
    const bool shared = threads_repay(blocks, args->rows * width);
#pragma omp parallel for num_threads(cpu_threads(context)) schedule(static) if (shared)
    for (int64_t i = 0; i < blocks; i++) {
        const struct span span = span_of(i, args->rows, size);
        float *dgain = partial + i * width;
        memset(dgain, 0, (size_t)width * sizeof *dgain);
        for (int64_t row = span.begin; row < span.begin + span.count; row++) {
            const int64_t at = row * width;
            if (args->accumulate) {
                backward_row(width, true, x + at, gain, inverse[row], dy + at, dx + at, dgain);
            } else {
                backward_row(width, false, x + at, gain, inverse[row], dy + at, dx + at, dgain);
            }
        }
    }
    CPU_NAME(add_partials)(context, blocks, width, width, partial, f32(args->dgain));
    return MINRNN_OK;
}

const struct rmsnorm_forward_op CPU_NAME(rmsnorm_forward_op) = {.run = rmsnorm_forward};
const struct rmsnorm_backward_op CPU_NAME(rmsnorm_backward_op) = {
    .run = rmsnorm_backward, .scratch = rmsnorm_backward_scratch};
