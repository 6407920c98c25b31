/* SPDX-License-Identifier: Apache-2.0 */
/* The residual connection with dropout. */
#include "base/philox.h"
#include "check/op_check.h"

/* ---- the oracle ---- */

static double dropout_factor(double dropout, uint64_t seed, uint32_t site, uint32_t step,
                             int64_t i) {
    if (dropout == 0) {
        return 1;
    }
    const struct philox block = philox_block(seed, site, step, (uint64_t)i / 4);
    return block.word[i % 4] < philox_threshold((float)dropout) ? 0 : 1 / (1 - dropout);
}

static void residual_forward_oracle(union op_oracle *all) {
    struct residual_forward_oracle *o = &all->residual_forward;
    for (int64_t i = 0; i < o->rows * o->width; i++) {
        const double bias = o->bias ? o->bias[i % o->width] : 0;
        const double residual = o->residual ? o->residual[i] : 0;
        const double factor = dropout_factor(o->dropout, o->seed, o->site, o->step, i);
        o->y[i] = residual + factor * (o->x[i] + bias);
        oracle_scale(&o->y_scale, fabs(residual) + factor * (fabs(o->x[i]) + fabs(bias)));
    }
}

static void residual_backward_oracle(union op_oracle *all) {
    struct residual_backward_oracle *o = &all->residual_backward;
    for (int64_t i = 0; i < o->rows * o->width; i++) {
        o->dx[i] = o->dy[i] * dropout_factor(o->dropout, o->seed, o->site, o->step, i);
    }
}

/* ---- bounds ----
 *
 * Forward: the scale 1 / (1 - dropout) is - 1/2, / 2.5; x + bias 1/2, * 1/2, + 1/2: 4.5 of 6.
 * Backward: the scale 3, * 1/2: 3.5 of 4. */

BOUND(residual_forward, y, 6)
BOUND(residual_backward, dx, 4)

/* ---- cases ---- */

static float draw_dropout(struct maker *maker) {
    static const float some[] = {0, 0.2f, 0.5f, 0.9f};
    return some[random_below(&maker->random, 4)];
}

static void make_residual_forward(struct maker *maker) {
    FOR_DRAWS(maker) {
        struct check_case c = maker_draw(maker);
        c.args.residual_forward = (struct residual_forward_args){
            .rows = maker_pick(maker, SOME_ROWS),
            .width = maker_pick(maker, SOME_WIDTHS),
            .dropout = draw_dropout(maker),
            .seed = (uint64_t)random_word(&maker->random) << 32 | random_word(&maker->random),
            .site = PHILOX_SITE_DROPOUT + random_word(&maker->random) % 8,
            .step = random_word(&maker->random),
        };
        const int64_t alias = random_below(&maker->random, 3);
        if (alias == 1) {
            ALIAS(&c, residual_forward, y, x);
        } else if (alias == 2) {
            ALIAS(&c, residual_forward, y, residual);
        }
        maker_take(maker, &c);
    }
}

static void make_residual_backward(struct maker *maker) {
    FOR_DRAWS(maker) {
        struct check_case c = maker_draw(maker);
        c.args.residual_backward = (struct residual_backward_args){
            .rows = maker_pick(maker, SOME_ROWS),
            .width = maker_pick(maker, SOME_WIDTHS),
            .dropout = draw_dropout(maker),
            .seed = (uint64_t)random_word(&maker->random) << 32 | random_word(&maker->random),
            .site = PHILOX_SITE_DROPOUT + random_word(&maker->random) % 8,
            .step = random_word(&maker->random),
        };
        if (maker_flip(maker)) {
            ALIAS(&c, residual_backward, dx, dy);
        }
        maker_take(maker, &c);
    }
}

/* ---- the ops ---- */

const struct op_check check_residual_forward = {
    .oracle = residual_forward_oracle,
    .bounds = {BOUNDED(residual_forward, y)},
    .cases = make_residual_forward,
    .large =
        LARGE(residual_forward, ~0u, .rows = LARGE_ROWS, .width = LARGE_WIDTH, .dropout = 0.2f),
    .timed = {TIMED_WIDTHS(residual_forward, BIT(residual_forward, residual), .rows = TIMED_ROWS,
                           .dropout = 0.2f)},
};

const struct op_check check_residual_backward = {
    .oracle = residual_backward_oracle,
    .bounds = {BOUNDED(residual_backward, dx)},
    .cases = make_residual_backward,
    .large =
        LARGE(residual_backward, ~0u, .rows = LARGE_ROWS, .width = LARGE_WIDTH, .dropout = 0.2f),
    .timed = {TIMED_WIDTHS(residual_backward, 0, .rows = TIMED_ROWS, .dropout = 0.2f)},
};
