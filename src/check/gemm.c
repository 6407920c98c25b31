/* SPDX-License-Identifier: Apache-2.0 */
/* The matrix product. */
#include "check/op_check.h"

static int64_t a_row(const struct gemm_oracle *o) {
    return o->a_row ? o->a_row : o->transpose_a ? o->m : o->k;
}

static int64_t b_row(const struct gemm_oracle *o) {
    return o->b_row ? o->b_row : o->transpose_b ? o->k : o->n;
}

static int64_t c_row(const struct gemm_oracle *o) {
    return o->c_row ? o->c_row : o->n;
}

static int64_t matrix_step(int64_t step, int64_t rows, int64_t row) {
    return step ? step : rows * row;
}

static void one_product(struct gemm_oracle *o, const double *a, const double *b, double *c) {
    /* Element [i, l] of op(a) and [l, j] of op(b), by strides. */
    const int64_t a_line = o->transpose_a ? 1 : a_row(o), a_next = o->transpose_a ? a_row(o) : 1;
    const int64_t b_line = o->transpose_b ? 1 : b_row(o), b_next = o->transpose_b ? b_row(o) : 1;
    for (int64_t i = 0; i < o->m; i++) {
        for (int64_t j = 0; j < o->n; j++) {
            double *to = &c[i * c_row(o) + j];
            double total = o->accumulate ? *to : 0;
            double magnitude = fabs(total);
            for (int64_t l = 0; l < o->k; l++) {
                const double term = a[i * a_line + l * a_next] * b[l * b_line + j * b_next];
                total += term;
                magnitude += fabs(term);
            }
            *to = total;
            oracle_scale(&o->c_scale, magnitude);
        }
    }
}

static void gemm_oracle(union op_oracle *all) {
    struct gemm_oracle *o = &all->gemm;
    const int64_t count = o->count > 0 ? o->count : 1;
    for (int64_t index = 0; index < count; index++) {
        one_product(o,
                    o->a + index * matrix_step(o->a_step, o->transpose_a ? o->k : o->m, a_row(o)),
                    o->b + index * matrix_step(o->b_step, o->transpose_b ? o->n : o->k, b_row(o)),
                    o->c + index * matrix_step(o->c_step, o->m, c_row(o)));
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

/* Rows and products apart, as in a step of a batch of sequences, or the heads of a layer. */
static void take_apart(struct maker *maker, int64_t m, int64_t n, int64_t k, int flags) {
    const bool transpose_a = flags & 1, transpose_b = flags & 2;
    const int64_t a_columns = transpose_a ? m : k, a_rows = transpose_a ? k : m;
    const int64_t b_columns = transpose_b ? k : n, b_rows = transpose_b ? n : k;
    struct check_case c = maker_draw(maker);
    struct gemm_args args = {.m = m,
                             .n = n,
                             .k = k,
                             .transpose_a = transpose_a,
                             .transpose_b = transpose_b,
                             .accumulate = maker_flip(maker),
                             .count = 1 + random_below(&maker->random, 3)};
    /* Heads lie beside each other in a row; products of a batch one after the other. */
    const bool heads = maker_flip(maker);
    args.a_row = heads ? args.count * a_columns : a_columns + random_below(&maker->random, 5);
    args.b_row = heads ? args.count * b_columns : b_columns + random_below(&maker->random, 5);
    args.c_row = heads ? args.count * n : n + random_below(&maker->random, 5);
    args.a_step = heads ? a_columns : a_rows * args.a_row + 3;
    args.b_step = heads ? b_columns : b_rows * args.b_row;
    args.c_step = heads ? n : m * args.c_row + 2;
    c.args.gemm = args;
    maker_take(maker, &c);
}

/* Rows that begin at multiples of four elements and end elsewhere: what lies between them must not
 * be taken for theirs. */
static void take_ragged(struct maker *maker, int flags) {
    const int64_t m = 33, n = 67, k = 70;
    const bool transpose_a = flags & 1, transpose_b = flags & 2;
    struct check_case c = maker_draw(maker);
    c.aligned = true;
    c.args.gemm = (struct gemm_args){.m = m,
                                     .n = n,
                                     .k = k,
                                     .transpose_a = transpose_a,
                                     .transpose_b = transpose_b,
                                     .a_row = round_up(transpose_a ? m : k, 4),
                                     .b_row = round_up(transpose_b ? k : n, 4),
                                     .c_row = round_up(n, 4)};
    maker_take(maker, &c);
}

/* Small products; their rows apart. */
static void take_many(struct maker *maker) {
    struct check_case c = maker_draw(maker);
    c.args.gemm = (struct gemm_args){.m = 2, .n = 1, .k = 1, .c_row = 2, .count = MANY};
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
    for (flags = 0; flags < 8; flags++) {
        take_apart(maker, maker_pick(maker, sizes), maker_pick(maker, sizes),
                   maker_pick(maker, sizes), flags);
    }
    for (flags = 0; flags < 4; flags++) {
        take_ragged(maker, flags);
    }
    for (flags = 0; flags < 4 && maker->mode != CHECK_SMALL; flags++) {
        take_apart(maker, 33, 65, 4099, flags);
        take_apart(maker, 2, 70, 100, flags);
    }
    if (maker->mode != CHECK_SMALL) {
        take_gemm(maker, 8 * MANY, 1, 2, false, false);
        take_many(maker);
    }
    if (maker->mode == CHECK_THOROUGH) {
        const struct sizes edges = SIZES(1, 15, 16, 17, 63, 64, 65, 127, 128, 129);
        for (flags = 0; flags < 64; flags++) { /* where tiles begin and end */
            take_gemm(maker, maker_pick(maker, edges), maker_pick(maker, edges),
                      maker_pick(maker, edges), flags & 1, flags & 2);
        }
        for (flags = 0; flags < 4; flags++) { /* weights' gradients of long batches */
            take_gemm(maker, 16, 17, 1 << 18, flags & 1, flags & 2);
            take_gemm(maker, 128, 64, 1 << 15, flags & 1, flags & 2);
        }
        take_gemm(maker, 1030, 768, 384, false, true); /* a layer: forward, and its gradients */
        take_gemm(maker, 1030, 384, 768, false, false);
        take_gemm(maker, 384, 768, 1030, true, false);
    }
}

/* What is only written begins as NaN; what lies between rows and products stays as it is. */
static void fill_c(const struct filler *filler, struct operand *operand) {
    const struct gemm_args *args = &filler->c->args.gemm;
    fill_each(filler, operand, filler_draw);
    if (args->accumulate) {
        return;
    }
    const int64_t row = args->c_row ? args->c_row : args->n;
    const int64_t step = args->c_step ? args->c_step : args->m * row;
    for (int64_t i = 0; i < (args->count > 0 ? args->count : 1) * args->m; i++) {
        for (int64_t j = 0; j < args->n; j++) {
            operand->initial[i / args->m * step + i % args->m * row + j].f = NAN;
        }
    }
}

/* Strides were drawn for other sizes. */
static void gemm_resized(union op_args *args) {
    struct gemm_args *gemm = &args->gemm;
    gemm->a_row = gemm->b_row = gemm->c_row = 0;
    gemm->a_step = gemm->b_step = gemm->c_step = 0;
}

static double gemm_operations(const union op_args *args) {
    return 2.0 * (double)args->gemm.m * (double)args->gemm.n * (double)args->gemm.k;
}

const struct op_check check_gemm = {
    .oracle = gemm_oracle,
    .bounds = {BOUNDED(gemm, c)},
    .cases = make_gemm,
    .resized = gemm_resized,
    .fill = {AT(gemm, c) = fill_c},
    .large = LARGE(gemm, 0, .m = LARGE_ROWS, .n = 600, .k = 70),
    /* a layer's product, 384 to 1536, and its two gradients */
    .timed = {TIMED(gemm, 0, .m = TIMED_ROWS, .n = 1536, .k = 384, .transpose_b = true),
              TIMED(gemm, 0, .m = TIMED_ROWS, .n = 384, .k = 1536),
              TIMED(gemm, 0, .m = 1536, .n = 384, .k = TIMED_ROWS, .transpose_a = true)},
    .operations = gemm_operations,
    .extra_cost = 3,
};

/* ---- a dense layer's gradients ---- */

static void dense_gradients_oracle(union op_oracle *all) {
    struct dense_gradients_oracle *o = &all->dense_gradients;
    for (int64_t i = 0; i < o->outputs; i++) {
        double total = o->dbias[i], magnitude = fabs(total);
        for (int64_t r = 0; r < o->rows; r++) {
            total += o->dy[r * o->outputs + i];
            magnitude += fabs(o->dy[r * o->outputs + i]);
        }
        o->dbias[i] = total;
        oracle_scale(&o->dbias_scale, magnitude);
        for (int64_t j = 0; j < o->inputs; j++) {
            double *to = &o->dweight[i * o->inputs + j];
            double weight = *to, scale = fabs(weight);
            for (int64_t r = 0; r < o->rows; r++) {
                const double term = o->dy[r * o->outputs + i] * o->x[r * o->inputs + j];
                weight += term;
                scale += fabs(term);
            }
            *to = weight;
            oracle_scale(&o->dweight_scale, scale);
        }
    }
}

BOUND(dense_gradients, dweight, 2 + sum_error(a->rows))
BOUND(dense_gradients, dbias, 2 + sum_error(a->rows))

static void take_gradients(struct maker *maker, int64_t rows, int64_t in, int64_t out) {
    struct check_case c = maker_draw(maker);
    c.args.dense_gradients =
        (struct dense_gradients_args){.rows = rows, .inputs = in, .outputs = out};
    maker_take(maker, &c);
}

static void make_dense_gradients(struct maker *maker) {
    const struct sizes sizes = SIZES(1, 3, 16, 33, 64, 100, 203);
    FOR_DRAWS(maker) {
        take_gradients(maker, maker_pick(maker, SOME_ROWS), maker_pick(maker, sizes),
                       maker_pick(maker, sizes));
    }
    if (maker->mode != CHECK_SMALL) {
        take_gradients(maker, 4099, 65, 33);
        take_gradients(maker, 4100, 64, 132);
    }
}

static double dense_gradients_operations(const union op_args *args) {
    const struct dense_gradients_args *a = &args->dense_gradients;
    return 2.0 * (double)a->rows * (double)a->inputs * (double)a->outputs;
}

const struct op_check check_dense_gradients = {
    .oracle = dense_gradients_oracle,
    .bounds = {BOUNDED(dense_gradients, dweight), BOUNDED(dense_gradients, dbias)},
    .cases = make_dense_gradients,
    .large = LARGE(dense_gradients, 0, .rows = LARGE_ROWS, .inputs = 70, .outputs = 600),
    .timed = {TIMED(dense_gradients, 0, .rows = TIMED_ROWS, .inputs = 384, .outputs = 1536)},
    .operations = dense_gradients_operations,
    .extra_cost = 3,
};
