/* The matrix product. */
#include "check/op_check.h"

static void gemm_oracle(union op_oracle *all) {
    struct gemm_oracle *o = &all->gemm;
    /* Element [i, l] of op(a) and [l, j] of op(b), by strides. */
    const int64_t a_row = o->transpose_a ? 1 : o->k, a_column = o->transpose_a ? o->m : 1;
    const int64_t b_row = o->transpose_b ? 1 : o->n, b_column = o->transpose_b ? o->k : 1;
    for (int64_t i = 0; i < o->m; i++) {
        for (int64_t j = 0; j < o->n; j++) {
            double *c = &o->c[i * o->n + j];
            double total = o->accumulate ? *c : 0;
            double magnitude = fabs(total);
            for (int64_t l = 0; l < o->k; l++) {
                const double term = o->a[i * a_row + l * a_column] * o->b[l * b_row + j * b_column];
                total += term;
                magnitude += fabs(term);
            }
            *c = total;
            oracle_scale(&o->c_scale, magnitude);
        }
    }
}

/* Products 1/2, the sum: 2 and that. */
BOUND(gemm, c, 2 + sum_error(a->k))

static void take_gemm(struct maker *maker, int64_t m, int64_t n, int64_t k, bool transpose_a,
                      bool transpose_b) {
    struct check_case c = maker_draw(maker);
    c.args.gemm = (struct gemm_args){.m = m,
                                     .n = n,
                                     .k = k,
                                     .transpose_a = transpose_a,
                                     .transpose_b = transpose_b,
                                     .accumulate = maker_flip(maker)};
    maker_take(maker, &c);
}

static void make_gemm(struct maker *maker) {
    const struct sizes sizes = SIZES(1, 2, 3, 16, 33, 64, 100, 203);
    int flags = 0;
    FOR_DRAWS(maker) {
        flags++;
        take_gemm(maker, maker_pick(maker, sizes), maker_pick(maker, sizes),
                  maker_pick(maker, sizes), flags & 1, flags & 2);
    }
    for (flags = 0; flags < 4 && maker->mode != CHECK_SMALL; flags++) {
        take_gemm(maker, 1, 203, 100, flags & 1, flags & 2);  /* one token */
        take_gemm(maker, 33, 65, 4099, flags & 1, flags & 2); /* a weight's gradient */
        take_gemm(maker, 257, 200, 130, flags & 1, flags & 2);
    }
    if (maker->mode == CHECK_THOROUGH) {
        take_gemm(maker, 1030, 768, 384, false, true); /* a layer: forward, and its gradients */
        take_gemm(maker, 1030, 384, 768, false, false);
        take_gemm(maker, 384, 768, 1030, true, false);
    }
}

static double gemm_operations(const union op_args *args) {
    return 2.0 * (double)args->gemm.m * (double)args->gemm.n * (double)args->gemm.k;
}

const struct op_check check_gemm = {
    .oracle = gemm_oracle,
    .bounds = {BOUNDED(gemm, c)},
    .cases = make_gemm,
    .fill = {AT(gemm, c) = fill_accumulated},
    .large = LARGE(gemm, 0, .m = LARGE_ROWS, .n = 600, .k = 70),
    /* a layer's product, 384 to 1536, and its two gradients */
    .timed = {TIMED(gemm, 0, .m = TIMED_ROWS, .n = 1536, .k = 384, .transpose_b = true),
              TIMED(gemm, 0, .m = TIMED_ROWS, .n = 384, .k = 1536),
              TIMED(gemm, 0, .m = 1536, .n = 384, .k = TIMED_ROWS, .transpose_a = true)},
    .operations = gemm_operations,
    .extra_cost = 3,
};
