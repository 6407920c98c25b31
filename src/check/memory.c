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

/* Bits. */
BOUND(fill, x, 0)
BOUND(copy, y, 0)

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
