/* SPDX-License-Identifier: Apache-2.0 */
/* Dropout, and the residual sum it stands in. */
#include "cpu/philox_lanes.h"

/* Elements whose random words are drawn at once. */
enum { TILE = 4 * PHILOX_DRAWN };

struct dropout {
    uint64_t seed;
    uint32_t site, step, threshold;
    float scale;
};

#define DROPOUT_OF(args)                                                                           \
    {                                                                                              \
        .seed = (args)->seed, .site = (args)->site, .step = (args)->step,                          \
        .threshold = philox_threshold((args)->dropout), .scale = 1.0f / (1.0f - (args)->dropout)   \
    }

/* The factors of elements first .. first + TILE - 1: 0 if dropped, else the scale. */
static void draw(const struct dropout *dropout, uint64_t first, float *restrict factor) {
    uint32_t words[TILE];
    const uint32_t threshold = dropout->threshold;
    const float scale = dropout->scale;
    philox_draw(dropout->seed, dropout->site, dropout->step, first / 4, words);
#pragma omp simd
    for (int i = 0; i < TILE; i++) {
        factor[i] = words[i] < threshold ? 0.0f : scale;
    }
}

/* A run of elements inside one row: y = residual + factor * (x + bias), each optional but x. */
static void add_run(int64_t count, const float *x, const float *bias, const float *residual,
                    const float *factor, float *y) {
    if (bias && residual) {
#pragma omp simd
        for (int64_t i = 0; i < count; i++) {
            y[i] = residual[i] + factor[i] * (x[i] + bias[i]);
        }
    } else if (bias) {
#pragma omp simd
        for (int64_t i = 0; i < count; i++) {
            y[i] = factor[i] * (x[i] + bias[i]);
        }
    } else if (residual) {
#pragma omp simd
        for (int64_t i = 0; i < count; i++) {
            y[i] = residual[i] + factor[i] * x[i];
        }
    } else {
#pragma omp simd
        for (int64_t i = 0; i < count; i++) {
            y[i] = factor[i] * x[i];
        }
    }
}

/* One tile, in runs that end where rows do. */
static void add_tile(struct span tile, int64_t width, const float *x, const float *bias,
                     const float *residual, const float *factor, float *y) {
    int64_t done = 0;
    while (done < tile.count) {
        const int64_t at = tile.begin + done;
        const int64_t column = at % width;
        const int64_t count = bias ? min_i64(tile.count - done, width - column) : tile.count;
        add_run(count, x + at, bias ? bias + column : NULL, residual ? residual + at : NULL,
                factor + done, y + at);
        done += count;
    }
}

static void add_all(const struct op_context *context, const struct dropout *dropout, int64_t rows,
                    int64_t width, const float *x, const float *bias, const float *residual,
                    float *y) {
    const int64_t count = rows * width;
    const int64_t blocks = ceil_div(count, ELEMENT_BLOCK);
#pragma omp parallel for num_threads(cpu_threads(context)) schedule(static) if (blocks > 1)
    for (int64_t i = 0; i < blocks; i++) {
        const struct span block = span_of(i, count, ELEMENT_BLOCK);
        float factor[TILE];
        for (int j = 0; j < TILE; j++) {
            factor[j] = 1.0f;
        }
        for (int64_t j = 0; j < ceil_div(block.count, TILE); j++) {
            struct span tile = span_of(j, block.count, TILE);
            tile.begin += block.begin;
            if (dropout->threshold > 0) {
                draw(dropout, (uint64_t)tile.begin, factor);
            }
            add_tile(tile, width, x, bias, residual, factor, y);
        }
    }
}

static minrnn_status residual_forward(struct op_context *context,
                                      const struct residual_forward_args *args) {
    const struct dropout dropout = DROPOUT_OF(args);
    add_all(context, &dropout, args->rows, args->width, f32(args->x), f32(args->bias),
            f32(args->residual), f32(args->y));
    return MINRNN_OK;
}

static minrnn_status residual_backward(struct op_context *context,
                                       const struct residual_backward_args *args) {
    const struct dropout dropout = DROPOUT_OF(args);
    add_all(context, &dropout, args->rows, args->width, f32(args->dy), NULL, NULL, f32(args->dx));
    return MINRNN_OK;
}

const struct residual_forward_op CPU_NAME(residual_forward_op) = {.run = residual_forward};
const struct residual_backward_op CPU_NAME(residual_backward_op) = {.run = residual_backward};
