/* SPDX-License-Identifier: Apache-2.0 */
/* Matrix products: a single-threaded CBLAS on panels that the shape alone fixes. */
#include "base/status.h"
#include "cpu/blas.h"
#include "cpu/ops.h"

#include <cblas.h>
#include <string.h>

/* With so few rows of c, matrix-vector products beat a matrix product. */
enum { VECTOR_ROWS = 4 };

/* How a product is cut: tiles of c, and blocks of k whose products are added up in order. */
struct plan {
    int64_t m, n, k; /* size of a piece */
};

static int64_t pieces_of(const struct gemm_args *args, struct plan plan) {
    return ceil_div(args->m, plan.m) * ceil_div(args->n, plan.n);
}

/* `size` in about `pieces` pieces, none but the last smaller than `least`. */
static int64_t cut(int64_t size, int64_t pieces, int64_t least) {
    return min_i64(size, max_i64(least, ceil_div(ceil_div(size, pieces), 16) * 16));
}

/* Few, large pieces are the fastest, for a BLAS packs its operands anew for each; sixteen are
 * enough to share out. */
static struct plan plan_gemm(const struct gemm_args *args) {
    enum {
        PIECES = 16,
        LONG_K = 2048,       /* from here on k is cut rather than small tiles of c */
        VECTOR_BLOCK = 32768 /* elements of b in a piece with few rows: they stay in the cache */
    };
    const int64_t m = args->m, n = args->n, k = args->k;
    struct plan plan = {m, n, k};
    if (m <= VECTOR_ROWS) {
        plan.n = cut(n, ceil_div(n * k, VECTOR_BLOCK), 64);
        return plan;
    }
    const bool long_k = k >= LONG_K;
    plan.m = cut(m, PIECES, long_k ? 768 : 512);
    if (pieces_of(args, plan) < PIECES) {
        plan.n = cut(n, ceil_div(PIECES, ceil_div(m, plan.m)), long_k ? 768 : 256);
    }
    if (pieces_of(args, plan) < PIECES && !long_k) {
        plan.m = cut(m, ceil_div(PIECES, ceil_div(n, plan.n)), 128);
    }
    if (pieces_of(args, plan) < PIECES && long_k) {
        plan.k = cut(k, ceil_div(PIECES, pieces_of(args, plan)), LONG_K / 2);
    }
    return plan;
}

/* One piece: c[m, n] = op(a)[m, k] op(b)[k, n] + beta c, the rows of c being c_row apart. */
static void multiply(const struct gemm_args *args, struct span m, struct span n, struct span k,
                     float beta, float *c, int c_row) {
    const float *a = f32(args->a) + (args->transpose_a ? k.begin * args->a_row + m.begin
                                                       : m.begin * args->a_row + k.begin);
    const float *b = f32(args->b) + (args->transpose_b ? n.begin * args->b_row + k.begin
                                                       : k.begin * args->b_row + n.begin);
    cblas_sgemm(CblasRowMajor, args->transpose_a ? CblasTrans : CblasNoTrans,
                args->transpose_b ? CblasTrans : CblasNoTrans, (int)m.count, (int)n.count,
                (int)k.count, 1.0f, a, (int)args->a_row, b, (int)args->b_row, beta, c, c_row);
}

/* The same for few rows, one after another. */
static void multiply_rows(const struct gemm_args *args, struct span n, float beta, float *c) {
    const float *b = f32(args->b) + (args->transpose_b ? n.begin * args->b_row : n.begin);
    for (int64_t row = 0; row < args->m; row++) {
        const float *a = f32(args->a) + (args->transpose_a ? row : row * args->a_row);
        const int stride = (int)(args->transpose_a ? args->a_row : 1);
        if (args->transpose_b) {
            cblas_sgemv(CblasRowMajor, CblasNoTrans, (int)n.count, (int)args->k, 1.0f, b,
                        (int)args->b_row, a, stride, beta, c + row * args->c_row, 1);
        } else {
            cblas_sgemv(CblasRowMajor, CblasTrans, (int)args->k, (int)n.count, 1.0f, b,
                        (int)args->b_row, a, stride, beta, c + row * args->c_row, 1);
        }
    }
}

static int64_t gemm_scratch(const minrnn_device *device, const struct gemm_args *args) {
    (void)device;
    const struct plan plan = plan_gemm(args);
    const int64_t blocks = ceil_div(args->k, plan.k);
    return blocks > 1 ? blocks * args->m * args->n * (int64_t)sizeof(float) : 0;
}

/* Adds the blocks of k up, in their order. */
static void add_blocks(const struct op_context *context, const struct gemm_args *args,
                       int64_t blocks, const float *partial) {
    const int64_t size = args->m * args->n;
    const bool whole = args->c_row == args->n; /* then all rows are one */
    const int64_t rows = whole ? 1 : args->m;
    const int64_t width = whole ? size : args->n;
    for (int64_t row = 0; row < rows; row++) {
        float *c = f32(args->c) + row * args->c_row;
        if (!args->accumulate) {
            memset(c, 0, (size_t)width * sizeof *c);
        }
        CPU_NAME(add_partials)(context, blocks, width, size, partial + row * width, c);
    }
}

static bool fits_blas(const struct gemm_args *args) {
    const int64_t sizes[] = {args->m, args->n, args->k, args->a_row, args->b_row, args->c_row};
    bool fits = true;
    for (int i = 0; i < 6; i++) {
        fits = fits && sizes[i] <= INT32_MAX;
    }
    return fits;
}

static minrnn_status product(struct op_context *context, const struct gemm_args *args) {
    if (!fits_blas(args)) {
        return fail(MINRNN_UNSUPPORTED, "gemm: %lld x %lld x %lld exceeds the BLAS's 32-bit sizes",
                    (long long)args->m, (long long)args->n, (long long)args->k);
    }
    const struct plan plan = plan_gemm(args);
    const int64_t columns = ceil_div(args->n, plan.n);
    const int64_t tiles = pieces_of(args, plan);
    const int64_t blocks = ceil_div(args->k, plan.k);
    const int64_t pieces = tiles * blocks;
    const float beta = args->accumulate ? 1.0f : 0.0f;
    float *c = f32(args->c);
    float *partial = f32(context->scratch);
    /* An element of a product takes k steps, 16 of which a processor does in about one. */
    const bool shared = threads_repay(pieces, args->m * args->n * ceil_div(args->k, 16));
    struct blas_use blas;
    const minrnn_status status = blas_begin(shared ? cpu_threads(context) : 1, &blas);
    if (status) {
        return status;
    }
#pragma omp parallel for num_threads(blas.threads) schedule(dynamic) if (shared)
    for (int64_t i = 0; i < pieces; i++) {
        const int64_t tile = i % tiles;
        const struct span m = span_of(tile / columns, args->m, plan.m);
        const struct span n = span_of(tile % columns, args->n, plan.n);
        const struct span k = span_of(i / tiles, args->k, plan.k);
        float *piece = c + m.begin * args->c_row + n.begin;
        if (blocks > 1) {
            multiply(args, m, n, k, 0.0f,
                     partial + (i / tiles * args->m + m.begin) * args->n + n.begin, (int)args->n);
        } else if (args->m <= VECTOR_ROWS) {
            multiply_rows(args, n, beta, piece);
        } else {
            multiply(args, m, n, k, beta, piece, (int)args->c_row);
        }
    }
    blas_end(&blas);
    if (blocks > 1) {
        add_blocks(context, args, blocks, partial);
    }
    return MINRNN_OK;
}

static minrnn_status gemm(struct op_context *context, const struct gemm_args *args) {
    minrnn_status status = MINRNN_OK;
    for (int64_t i = 0; !status && i < max_i64(args->count, 1); i++) {
        const struct gemm_args one = gemm_of_batch(args, i);
        status = product(context, &one);
    }
    return status;
}

const struct gemm_op CPU_NAME(gemm_op) = {.run = gemm, .scratch = gemm_scratch};

/* ---- a dense layer's gradients: the two parts one after the other ---- */

static int64_t dense_gradients_scratch(const minrnn_device *device,
                                       const struct dense_gradients_args *args) {
    const struct gemm_args product = gemm_of_gradients(args);
    const struct column_sum_args sum = column_sum_of_gradients(args);
    return max_i64(gemm_scratch(device, &product), CPU_NAME(column_sum_op).scratch(device, &sum));
}

static minrnn_status dense_gradients(struct op_context *context,
                                     const struct dense_gradients_args *args) {
    const struct gemm_args product = gemm_of_gradients(args);
    const struct column_sum_args sum = column_sum_of_gradients(args);
    const minrnn_status status = gemm(context, &product);
    return status ? status : CPU_NAME(column_sum_op).run(context, &sum);
}

const struct dense_gradients_op CPU_NAME(dense_gradients_op) = {.run = dense_gradients,
                                                                .scratch = dense_gradients_scratch};
