/* SPDX-License-Identifier: Apache-2.0 */
/* Activations: g, GELU, SiLU and GEGLU. */
#include "cpu/vector_math.h"

/* ---- g ---- */

static minrnn_status g_forward(struct op_context *context, const struct g_forward_args *args) {
    const int64_t blocks = ceil_div(args->count, ELEMENT_BLOCK);
    const float *x = f32(args->x);
    float *y = f32(args->y);
#pragma omp parallel for num_threads(cpu_threads(context)) schedule(static) if (blocks > 1)
    for (int64_t i = 0; i < blocks; i++) {
        const struct span span = span_of(i, args->count, ELEMENT_BLOCK);
#pragma omp simd
        for (int64_t j = span.begin; j < span.begin + span.count; j++) {
            y[j] = positive_f32(x[j]).value;
        }
    }
    return MINRNN_OK;
}

static minrnn_status g_backward(struct op_context *context, const struct g_backward_args *args) {
    const int64_t blocks = ceil_div(args->count, ELEMENT_BLOCK);
    const float *x = f32(args->x);
    const float *dy = f32(args->dy);
    float *dx = f32(args->dx);
#pragma omp parallel for num_threads(cpu_threads(context)) schedule(static) if (blocks > 1)
    for (int64_t i = 0; i < blocks; i++) {
        const struct span span = span_of(i, args->count, ELEMENT_BLOCK);
#pragma omp simd
        for (int64_t j = span.begin; j < span.begin + span.count; j++) {
            dx[j] += positive_f32(x[j]).slope * dy[j];
        }
    }
    return MINRNN_OK;
}

/* ---- of one number, with a bias ---- */

/* A row of f(x + bias), which does not read dy, or of f'(x + bias) dy. The bias may be NULL. */
typedef void row_function(int64_t width, const float *x, const float *bias, const float *dy,
                          float *out);

static minrnn_status by_rows(const struct op_context *context, int64_t rows, int64_t width,
                             row_function *of, const float *x, const float *bias, const float *dy,
                             float *out) {
    const int64_t size = row_block(width);
    const int64_t blocks = ceil_div(rows, size);
#pragma omp parallel for num_threads(cpu_threads(context)) schedule(static) if (blocks > 1)
    for (int64_t i = 0; i < blocks; i++) {
        const struct span span = span_of(i, rows, size);
        for (int64_t row = span.begin; row < span.begin + span.count; row++) {
            const int64_t at = row * width;
            of(width, x + at, bias, dy + at, out + at);
        }
    }
    return MINRNN_OK;
}

/* `value` and `slope` are of u = x + bias. */
#define ROW_FUNCTIONS(name, value, slope)                                                          \
    ALWAYS_INLINE void name##_values(int64_t width, bool has_bias, const float *x,                 \
                                     const float *bias, float *y) {                                \
        _Pragma("omp simd") for (int64_t c = 0; c < width; c++) {                                  \
            y[c] = value(has_bias ? x[c] + bias[c] : x[c]);                                        \
        }                                                                                          \
    }                                                                                              \
    ALWAYS_INLINE void name##_gradients(int64_t width, bool has_bias, const float *x,              \
                                        const float *bias, const float *dy, float *dx) {           \
        _Pragma("omp simd") for (int64_t c = 0; c < width; c++) {                                  \
            dx[c] = dy[c] * slope(has_bias ? x[c] + bias[c] : x[c]);                               \
        }                                                                                          \
    }                                                                                              \
    static void name##_row(int64_t width, const float *x, const float *bias, const float *dy,      \
                           float *y) {                                                             \
        (void)dy;                                                                                  \
        if (bias) {                                                                                \
            name##_values(width, true, x, bias, y);                                                \
        } else {                                                                                   \
            name##_values(width, false, x, NULL, y);                                               \
        }                                                                                          \
    }                                                                                              \
    static void name##_gradient_row(int64_t width, const float *x, const float *bias,              \
                                    const float *dy, float *dx) {                                  \
        if (bias) {                                                                                \
            name##_gradients(width, true, x, bias, dy, dx);                                        \
        } else {                                                                                   \
            name##_gradients(width, false, x, NULL, dy, dx);                                       \
        }                                                                                          \
    }

/* GELU: u Phi(u), its derivative Phi(u) + u phi(u). */
ALWAYS_INLINE float gelu_f32(float u) {
    return u * normal_f32(u).below;
}

ALWAYS_INLINE float gelu_slope_f32(float u) {
    const struct normal n = normal_f32(u);
    return n.below + u * n.density;
}

ROW_FUNCTIONS(gelu, gelu_f32, gelu_slope_f32)

/* SiLU: u sigma(u), its derivative sigma(u) (1 + u sigma(-u)). */
ALWAYS_INLINE float silu_f32(float u) {
    return u * sigmoid_f32(u).on;
}

ALWAYS_INLINE float silu_slope_f32(float u) {
    const struct sigmoid s = sigmoid_f32(u);
    return s.on * (1.0f + u * s.off);
}

ROW_FUNCTIONS(silu, silu_f32, silu_slope_f32)

static minrnn_status gelu_forward(struct op_context *context,
                                  const struct gelu_forward_args *args) {
    const float *x = f32(args->x);
    return by_rows(context, args->rows, args->width, gelu_row, x, f32(args->bias), x, f32(args->y));
}

static minrnn_status gelu_backward(struct op_context *context,
                                   const struct gelu_backward_args *args) {
    return by_rows(context, args->rows, args->width, gelu_gradient_row, f32(args->x),
                   f32(args->bias), f32(args->dy), f32(args->dx));
}

static minrnn_status silu_forward(struct op_context *context,
                                  const struct silu_forward_args *args) {
    const float *x = f32(args->x);
    return by_rows(context, args->rows, args->width, silu_row, x, f32(args->bias), x, f32(args->y));
}

static minrnn_status silu_backward(struct op_context *context,
                                   const struct silu_backward_args *args) {
    return by_rows(context, args->rows, args->width, silu_gradient_row, f32(args->x),
                   f32(args->bias), f32(args->dy), f32(args->dx));
}

/* ---- GEGLU: u gelu(v), a row being (u | v) ---- */

ALWAYS_INLINE void geglu_row(int64_t width, bool has_bias, const float *restrict x,
                             const float *restrict bias, float *restrict y) {
#pragma omp simd
    for (int64_t c = 0; c < width; c++) {
        const float u = has_bias ? x[c] + bias[c] : x[c];
        const float v = has_bias ? x[width + c] + bias[width + c] : x[width + c];
        y[c] = u * v * normal_f32(v).below;
    }
}

ALWAYS_INLINE void geglu_gradient_row(int64_t width, bool has_bias, const float *restrict x,
                                      const float *restrict bias, const float *restrict dy,
                                      float *restrict dx) {
#pragma omp simd
    for (int64_t c = 0; c < width; c++) {
        const float u = has_bias ? x[c] + bias[c] : x[c];
        const float v = has_bias ? x[width + c] + bias[width + c] : x[width + c];
        const struct normal n = normal_f32(v);
        dx[c] = dy[c] * v * n.below;
        dx[width + c] = dy[c] * u * (n.below + v * n.density);
    }
}

static minrnn_status geglu_forward(struct op_context *context,
                                   const struct geglu_forward_args *args) {
    const int64_t width = args->width;
    const int64_t size = row_block(width);
    const int64_t blocks = ceil_div(args->rows, size);
    const float *x = f32(args->x);
    const float *bias = f32(args->bias);
    float *y = f32(args->y);
#pragma omp parallel for num_threads(cpu_threads(context)) schedule(static) if (blocks > 1)
    for (int64_t i = 0; i < blocks; i++) {
        const struct span span = span_of(i, args->rows, size);
        for (int64_t row = span.begin; row < span.begin + span.count; row++) {
            if (bias) {
                geglu_row(width, true, x + row * 2 * width, bias, y + row * width);
            } else {
                geglu_row(width, false, x + row * 2 * width, NULL, y + row * width);
            }
        }
    }
    return MINRNN_OK;
}

static minrnn_status geglu_backward(struct op_context *context,
                                    const struct geglu_backward_args *args) {
    const int64_t width = args->width;
    const int64_t size = row_block(width);
    const int64_t blocks = ceil_div(args->rows, size);
    const float *x = f32(args->x);
    const float *bias = f32(args->bias);
    const float *dy = f32(args->dy);
    float *dx = f32(args->dx);
#pragma omp parallel for num_threads(cpu_threads(context)) schedule(static) if (blocks > 1)
    for (int64_t i = 0; i < blocks; i++) {
        const struct span span = span_of(i, args->rows, size);
        for (int64_t row = span.begin; row < span.begin + span.count; row++) {
            const int64_t in = row * 2 * width;
            if (bias) {
                geglu_gradient_row(width, true, x + in, bias, dy + row * width, dx + in);
            } else {
                geglu_gradient_row(width, false, x + in, NULL, dy + row * width, dx + in);
            }
        }
    }
    return MINRNN_OK;
}

const struct g_forward_op CPU_NAME(g_forward_op) = {.run = g_forward};
const struct g_backward_op CPU_NAME(g_backward_op) = {.run = g_backward};
const struct gelu_forward_op CPU_NAME(gelu_forward_op) = {.run = gelu_forward};
const struct gelu_backward_op CPU_NAME(gelu_backward_op) = {.run = gelu_backward};
const struct silu_forward_op CPU_NAME(silu_forward_op) = {.run = silu_forward};
const struct silu_backward_op CPU_NAME(silu_backward_op) = {.run = silu_backward};
const struct geglu_forward_op CPU_NAME(geglu_forward_op) = {.run = geglu_forward};
const struct geglu_backward_op CPU_NAME(geglu_backward_op) = {.run = geglu_backward};
