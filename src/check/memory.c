/* SPDX-License-Identifier: Apache-2.0 */
/* Filling and copying. */
#include "check/op_check.h"

#include <string.h>

static void fill_oracle(union op_oracle *all) {
    struct fill_oracle *o = &all->fill;
    for (int64_t i = 0; i < o->count; i++) {
        o->x[i] = o->value;
    }
}

static void copy_oracle(union op_oracle *all) {
    struct copy_oracle *o = &all->copy;
    memcpy(o->y, o->x, (size_t)o->count * sizeof *o->y);
}

static void copy_rows_oracle(union op_oracle *all) {
    struct copy_rows_oracle *o = &all->copy_rows;
    for (int64_t r = 0; r < o->rows; r++) {
        for (int64_t c = 0; c < o->width; c++) {
            o->y[r * (o->y_row ? o->y_row : o->width) + c] =
                o->x[r * (o->x_row ? o->x_row : o->width) + c];
        }
    }
}

/* Bits. */
BOUND(fill, x, 0)
BOUND(copy, y, 0)
BOUND(copy_rows, y, 0)

static void make_fill(struct maker *maker) {
    FOR_DRAWS(maker) {
        struct check_case c = maker_draw(maker);
        c.args.fill =
            (struct fill_args){.count = maker_pick(maker, SOME_COUNTS),
                               .value = maker_flip(maker) ? 0 : random_normal(&maker->random)};
        maker_take(maker, &c);
    }
}

static void make_copy(struct maker *maker) {
    FOR_DRAWS(maker) {
        struct check_case c = maker_draw(maker);
        c.args.copy = (struct copy_args){.count = maker_pick(maker, SOME_COUNTS)};
        maker_take(maker, &c);
    }
}

/* Rows together or apart, on either side. */
static void make_copy_rows(struct maker *maker) {
    FOR_DRAWS(maker) {
        struct check_case c = maker_draw(maker);
        const int64_t width = maker_pick(maker, SOME_WIDTHS);
        c.args.copy_rows = (struct copy_rows_args){
            .rows = maker_pick(maker, SOME_ROWS),
            .width = width,
            .x_row = maker_flip(maker) ? width + maker_pick(maker, SIZES(0, 1, 16)) : 0,
            .y_row = maker_flip(maker) ? width + maker_pick(maker, SIZES(0, 1, 16)) : 0};
        maker_take(maker, &c);
    }
}

/* The distances are those of another width. */
static void copy_rows_resized(union op_args *args) {
    args->copy_rows.x_row = args->copy_rows.y_row = 0;
}

const struct op_check check_fill = {
    .oracle = fill_oracle,
    .bounds = {BOUNDED(fill, x)},
    .cases = make_fill,
    .large = LARGE(fill, ~0u, .count = LARGE_COUNT, .value = 2.0f),
    .timed = {TIMED_COUNTS(fill)},
};

const struct op_check check_copy = {
    .oracle = copy_oracle,
    .bounds = {BOUNDED(copy, y)},
    .cases = make_copy,
    .large = LARGE(copy, ~0u, .count = LARGE_COUNT),
    .timed = {TIMED_COUNTS(copy)},
};

const struct op_check check_copy_rows = {
    .oracle = copy_rows_oracle,
    .bounds = {BOUNDED(copy_rows, y)},
    .cases = make_copy_rows,
    .resized = copy_rows_resized,
    .large = LARGE(copy_rows, ~0u, .rows = LARGE_ROWS, .width = LARGE_WIDTH, .x_row = 128),
    .timed = {TIMED_WIDTHS(copy_rows, 0, .rows = TIMED_ROWS)},
};
