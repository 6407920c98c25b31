/* SPDX-License-Identifier: Apache-2.0 */
/* AdamW. */
#include "cpu/ops.h"

#include <math.h>

static float clip_scale(float clip, const float *square_norm) {
    if (!(clip > 0.0f) || !square_norm) {
        return 1.0f;
    }
    const float norm = sqrtf(square_norm[0]);
    return norm > clip ? clip / norm : 1.0f;
}

static void adamw_block(int64_t count, const struct adamw_args *args, float scale,
                        const float *restrict grad, float *restrict param, float *restrict m,
                        float *restrict v) {
    const float keep = 1.0f - args->rate * args->decay;
    const float rate = args->rate / args->correction1;
    const float beta1 = args->beta1, rest1 = 1.0f - args->beta1;
    const float beta2 = args->beta2, rest2 = 1.0f - args->beta2;
    const float inverse2 = 1.0f / args->correction2;
    const float epsilon = args->epsilon;
#pragma omp simd
    for (int64_t i = 0; i < count; i++) {
        const float g = scale * grad[i];
        const float mean = beta1 * m[i] + rest1 * g;
        const float square = beta2 * v[i] + rest2 * g * g;
        m[i] = mean;
        v[i] = square;
        param[i] = param[i] * keep - rate * mean / (sqrtf(square * inverse2) + epsilon);
    }
}

static minrnn_status adamw(struct op_context *context, const struct adamw_args *args) {
    const int64_t blocks = ceil_div(args->count, ELEMENT_BLOCK);
    const float *square_norm = f32(args->square_norm);
    if (square_norm && !isfinite(square_norm[0])) {
        return MINRNN_OK;
    }
    const float scale = clip_scale(args->clip, square_norm);
    const float *grad = f32(args->grad);
    float *param = f32(args->param);
    float *m = f32(args->m);
    float *v = f32(args->v);
#pragma omp parallel for num_threads(cpu_threads(context)) schedule(static) if (blocks > 1)
    for (int64_t i = 0; i < blocks; i++) {
        const struct span span = span_of(i, args->count, ELEMENT_BLOCK);
        adamw_block(span.count, args, scale, grad + span.begin, param + span.begin, m + span.begin,
                    v + span.begin);
    }
    return MINRNN_OK;
}

const struct adamw_op CPU_NAME(adamw_op) = {.run = adamw};
