/* SPDX-License-Identifier: Apache-2.0 */
/* The product of a few rows with a matrix that is used again and again: it is packed once into
 * panels of vectors, and register tiles walk down them. The order of a sum is that of k, whatever
 * the rows. */
#ifndef CPU_PANELS_H
#define CPU_PANELS_H

#include "cpu/ops.h"

#if defined(__AVX512F__)
enum { VECTOR = 16, TILE_ROWS = 8 };
#elif defined(__AVX__)
enum { VECTOR = 8, TILE_ROWS = 4 };
#else
enum { VECTOR = 4, TILE_ROWS = 4 };
#endif
enum { TILE_VECTORS = 3 }; /* TILE_ROWS times that many sums fit the registers */

typedef float vector __attribute__((vector_size(VECTOR * sizeof(float))));
typedef float unaligned_vector
    __attribute__((vector_size(VECTOR * sizeof(float)), aligned(sizeof(float)), may_alias));

#ifdef __clang__
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 8")
#endif

/* b[k, n] in panels: panel by panel, step by step. Columns past n are 0. */
struct panels {
    int64_t k, n;
    int64_t vectors; /* of n, rounded up */
    int64_t wide;    /* vectors of a panel, the last one aside */
    float *data;
};

/* Floats between rows of a product: n, rounded up to whole vectors. */
static inline int64_t panels_row(int64_t n) {
    return round_up(n, VECTOR);
}

static inline int64_t panels_floats(int64_t k, int64_t n) {
    return k * panels_row(n);
}

/* As few panels as there can be, all but the last of the same width. */
static inline struct panels panels_of(int64_t k, int64_t n, float *data) {
    const int64_t vectors = ceil_div(n, VECTOR);
    const int64_t wide = ceil_div(vectors, ceil_div(vectors, TILE_VECTORS));
    return (struct panels){k, n, vectors, wide, data};
}

static inline void panels_pack_one(const struct panels *p, struct span panel, const float *b,
                                   int64_t step_apart, int64_t column_apart) {
    const int64_t width = panel.count * VECTOR, first = panel.begin * VECTOR;
    float *to = p->data + first * p->k;
    const int64_t columns = min_i64(width, p->n - first);
    for (int64_t column = 0; column < width; column++) {
        const float *from = b + (first + column) * column_apart;
        for (int64_t step = 0; step < p->k; step++) {
            to[step * width + column] = column < columns ? from[step * step_apart] : 0.0f;
        }
    }
}

/* Packs a matrix whose element [step, column] is b[step * step_apart + column * column_apart]. */
static inline void panels_pack(const struct op_context *context, const struct panels *p,
                               const float *b, int64_t step_apart, int64_t column_apart) {
    const int64_t count = ceil_div(p->vectors, p->wide);
    const bool shared = threads_repay(count, p->k * p->n);
#pragma omp parallel for num_threads(cpu_threads(context)) schedule(static) if (shared)
    for (int64_t i = 0; i < count; i++) {
        panels_pack_one(p, span_of(i, p->vectors, p->wide), b, step_apart, column_apart);
    }
}

/* c[rows, vectors] = a[rows, k] panel[k, vectors] (+ c) */
ALWAYS_INLINE void panels_tile(int rows, int vectors, int64_t k, const float *a, int64_t a_row,
                               const float *panel, bool accumulate, float *c, int64_t c_row) {
    vector sum[TILE_ROWS][TILE_VECTORS];
    UNROLL for (int i = 0; i < rows; i++) {
        UNROLL for (int j = 0; j < vectors; j++) {
            sum[i][j] = (vector){0};
            if (accumulate) {
                sum[i][j] = *(const unaligned_vector *)(c + i * c_row + j * VECTOR);
            }
        }
    }
    for (int64_t step = 0; step < k; step++) {
        const unaligned_vector *b = (const unaligned_vector *)(panel + step * vectors * VECTOR);
        UNROLL for (int i = 0; i < rows; i++) {
            UNROLL for (int j = 0; j < vectors; j++) {
                sum[i][j] += a[i * a_row + step] * b[j];
            }
        }
    }
    UNROLL for (int i = 0; i < rows; i++) {
        UNROLL for (int j = 0; j < vectors; j++) {
            *(unaligned_vector *)(c + i * c_row + j * VECTOR) = sum[i][j];
        }
    }
}

typedef void panels_tile_function(int64_t k, const float *a, int64_t a_row, const float *panel,
                                  bool accumulate, float *c, int64_t c_row);

#define PANELS_TILE(rows, vectors)                                                                 \
    static void panels_tile_##rows##x##vectors(int64_t k, const float *a, int64_t a_row,           \
                                               const float *panel, bool accumulate, float *c,      \
                                               int64_t c_row) {                                    \
        panels_tile(rows, vectors, k, a, a_row, panel, accumulate, c, c_row);                      \
    }
#define PANELS_TILES(rows) PANELS_TILE(rows, 1) PANELS_TILE(rows, 2) PANELS_TILE(rows, 3)
PANELS_TILES(1)
PANELS_TILES(2)
PANELS_TILES(4)
#if defined(__AVX512F__)
PANELS_TILES(8)
#endif

#define PANELS_NAMES(rows)                                                                         \
    { panels_tile_##rows##x1, panels_tile_##rows##x2, panels_tile_##rows##x3 }
/* By the logarithm of the rows, and the vectors. */
static panels_tile_function *const panels_tiles[][TILE_VECTORS] = {
    PANELS_NAMES(1),
    PANELS_NAMES(2),
    PANELS_NAMES(4),
#if defined(__AVX512F__)
    PANELS_NAMES(8),
#endif
};

/* c[rows, n] = a[rows, k] b (+ c). Whole vectors of c are written: its rows are panels_row(n) apart
 * at least. */
static void panels_multiply(const struct panels *p, int64_t rows, const float *a, int64_t a_row,
                            bool accumulate, float *c, int64_t c_row) {
    for (int64_t i = 0; i < ceil_div(p->vectors, p->wide); i++) {
        const struct span panel = span_of(i, p->vectors, p->wide);
        const float *data = p->data + panel.begin * VECTOR * p->k;
        int power = (int)(sizeof panels_tiles / sizeof *panels_tiles) - 1;
        for (int64_t row = 0; row < rows; row += (int64_t)1 << power) {
            while ((int64_t)1 << power > rows - row) {
                power--;
            }
            panels_tiles[power][panel.count - 1](p->k, a + row * a_row, a_row, data, accumulate,
                                                 c + row * c_row + panel.begin * VECTOR, c_row);
        }
    }
}

#endif
