/* SPDX-License-Identifier: Apache-2.0 */
/* Softmax cross entropy. */
#include "cpu/vector_math.h"

/* Lane by lane, for not every compiler vectorises the reduction if there may be NaN. */
static float largest_of(int64_t count, const float *x) {
    enum { LANES = 16 };
    float lanes[LANES];
    for (int i = 0; i < LANES; i++) {
        lanes[i] = x[0];
    }
    int64_t at = 0;
    for (; at + LANES <= count; at += LANES) {
#pragma omp simd
        for (int i = 0; i < LANES; i++) {
            lanes[i] = x[at + i] > lanes[i] ? x[at + i] : lanes[i];
        }
    }
    for (int i = 0; at < count; at++, i++) {
        lanes[i] = x[at] > lanes[i] ? x[at] : lanes[i];
    }
    float largest = lanes[0];
    for (int i = 1; i < LANES; i++) {
        largest = lanes[i] > largest ? lanes[i] : largest;
    }
    return largest;
}

/* The loss of a row, its gradient if dlogits is given, which may be the logits, and whether it is
 * told right if that is. */
static float cross_entropy_row(int64_t vocab, float scale, const float *logits, int64_t target,
                               float *dlogits, float *correct) {
    if (target < 0) {
        for (int64_t v = 0; dlogits && v < vocab; v++) {
            dlogits[v] = 0.0f;
        }
        if (correct) {
            *correct = 0.0f;
        }
        return 0.0f;
    }
    const float right = logits[target];
    const float largest = largest_of(vocab, logits);
    if (correct) {
        *correct = right < largest ? 0.0f : 1.0f;
    }
    float sum = 0.0f;
    if (!dlogits) {
#pragma omp simd reduction(+ : sum)
        for (int64_t v = 0; v < vocab; v++) {
            sum += exp_negative_f32(logits[v] - largest);
        }
        return logf(sum) + (largest - right);
    }
#pragma omp simd reduction(+ : sum)
    for (int64_t v = 0; v < vocab; v++) {
        const float e = exp_negative_f32(logits[v] - largest);
        dlogits[v] = e;
        sum += e;
    }
    const float factor = scale / sum;
#pragma omp simd
    for (int64_t v = 0; v < vocab; v++) {
        dlogits[v] *= factor;
    }
    dlogits[target] -= scale;
    return logf(sum) + (largest - right);
}

static minrnn_status cross_entropy(struct op_context *context,
                                   const struct cross_entropy_args *args) {
    const int64_t vocab = args->vocab;
    const int64_t size = row_block(vocab);
    const int64_t blocks = ceil_div(args->rows, size);
    const float *logits = f32(args->logits);
    const int32_t *targets = i32(args->targets);
    float *loss = f32(args->loss);
    float *dlogits = f32(args->dlogits), *correct = f32(args->correct);
#pragma omp parallel for num_threads(cpu_threads(context)) schedule(static) if (blocks > 1)
    for (int64_t i = 0; i < blocks; i++) {
        const struct span span = span_of(i, args->rows, size);
        for (int64_t row = span.begin; row < span.begin + span.count; row++) {
            loss[row] = cross_entropy_row(vocab, args->scale, logits + row * vocab, targets[row],
                                          dlogits ? dlogits + row * vocab : NULL,
                                          correct ? correct + row : NULL);
        }
    }
    return MINRNN_OK;
}

const struct cross_entropy_op CPU_NAME(cross_entropy_op) = {.run = cross_entropy};
