/* SPDX-License-Identifier: Apache-2.0 */
/* Sums over rows and over everything. */
#include "check/op_check.h"

/* ---- the oracle ---- */

static void column_sum_oracle(union op_oracle *all) {
    struct column_sum_oracle *o = &all->column_sum;
    for (int64_t c = 0; c < o->width; c++) {
        double magnitude = fabs(o->total[c]);
        for (int64_t r = 0; r < o->rows; r++) {
            o->total[c] += o->x[r * o->width + c];
            magnitude += fabs(o->x[r * o->width + c]);
        }
        oracle_scale(&o->total_scale, magnitude);
    }
}

static void sum_oracle(union op_oracle *all) {
    struct sum_oracle *o = &all->sum;
    double total = 0, magnitude = 0;
    for (int64_t i = 0; i < o->count; i++) {
        total += o->x[i];
        magnitude += fabs(o->x[i]);
    }
    const double before = o->accumulate ? o->total[0] : 0;
    o->total[0] = before + o->scale * total;
    o->total_scale = fabs(before) + fabs((double)o->scale) * magnitude;
}

static void square_sum_oracle(union op_oracle *all) {
    struct square_sum_oracle *o = &all->square_sum;
    double total = 0;
    for (int64_t i = 0; i < o->count; i++) {
        total += o->x[i] * o->x[i];
    }
    o->total[0] = total;
}

static void nonfinite_count_oracle(union op_oracle *all) {
    struct nonfinite_count_oracle *o = &all->nonfinite_count;
    o->total[0] = 0;
    for (int64_t i = 0; i < o->count; i++) {
        o->total[0] += !isfinite(o->x[i]);
    }
}

/* ---- bounds: products 1/2, scaling 1/2, the sum: 2 and that; nonfinite_count: counted ---- */

BOUND(column_sum, total, 2 + sum_error(a->rows))
BOUND(sum, total, 2 + sum_error(a->count))
BOUND(square_sum, total, 2 + sum_error(a->count))
BOUND(nonfinite_count, total, 0)

/* ---- inputs ---- */

static float draw_some_nonfinite(const struct filler *filler) {
    return filler_draw_or_nonfinite(filler, filler_draw(filler), 0.01);
}

static void fill_counted(const struct filler *filler, struct operand *x) {
    fill_each(filler, x, filler->c->marks == MARKS_NOWHERE ? filler_draw : draw_some_nonfinite);
}

/* ---- cases ---- */

static void make_column_sum(struct maker *maker) {
    FOR_DRAWS(maker) {
        struct check_case c = maker_draw(maker);
        c.args.column_sum = (struct column_sum_args){.rows = maker_pick(maker, SOME_ROWS),
                                                     .width = maker_pick(maker, SOME_ROW_WIDTHS)};
        maker_take(maker, &c);
    }
}

static void make_sum(struct maker *maker) {
    FOR_DRAWS(maker) {
        struct check_case c = maker_draw(maker);
        c.args.sum = (struct sum_args){.count = maker_pick(maker, SOME_COUNTS),
                                       .scale = maker_flip(maker) ? 1 : -0.37f,
                                       .accumulate = maker_flip(maker)};
        maker_take(maker, &c);
    }
}

static void make_square_sum(struct maker *maker) {
    FOR_DRAWS(maker) {
        struct check_case c = maker_draw(maker);
        c.args.square_sum = (struct square_sum_args){.count = maker_pick(maker, SOME_COUNTS)};
        maker_take(maker, &c);
    }
}

static void make_nonfinite_count(struct maker *maker) {
    FOR_DRAWS(maker) {
        struct check_case c = maker_draw(maker);
        c.args.nonfinite_count =
            (struct nonfinite_count_args){.count = maker_pick(maker, SOME_COUNTS)};
        maker_take(maker, &c);
    }
}

/* ---- the ops ---- */

const struct op_check check_column_sum = {
    .oracle = column_sum_oracle,
    .bounds = {BOUNDED(column_sum, total)},
    .cases = make_column_sum,
    .large = LARGE(column_sum, ~0u, .rows = LARGE_ROWS, .width = LARGE_WIDTH),
    .timed = {TIMED_WIDTHS(column_sum, 0, .rows = TIMED_ROWS)},
};

const struct op_check check_sum = {
    .oracle = sum_oracle,
    .bounds = {BOUNDED(sum, total)},
    .cases = make_sum,
    .fill = {AT(sum, total) = fill_accumulated},
    .large = LARGE(sum, ~0u, .count = LARGE_COUNT, .scale = 0.5f),
    .timed = {TIMED_COUNTS(sum)},
};

const struct op_check check_square_sum = {
    .oracle = square_sum_oracle,
    .bounds = {BOUNDED(square_sum, total)},
    .cases = make_square_sum,
    .large = LARGE(square_sum, ~0u, .count = LARGE_COUNT),
    .timed = {TIMED_COUNTS(square_sum)},
};

const struct op_check check_nonfinite_count = {
    .oracle = nonfinite_count_oracle,
    .bounds = {BOUNDED(nonfinite_count, total)},
    .cases = make_nonfinite_count,
    .fill = {AT(nonfinite_count, x) = fill_counted},
    .large = LARGE(nonfinite_count, ~0u, .count = LARGE_COUNT),
    .timed = {TIMED_COUNTS(nonfinite_count)},
};
