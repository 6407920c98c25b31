/* SPDX-License-Identifier: Apache-2.0 */
/* AdamW. */
#include "check/op_check.h"

static void adamw_oracle(union op_oracle *all) {
    struct adamw_oracle *o = &all->adamw;
    if (o->square_norm && !isfinite(o->square_norm[0])) {
        return;
    }
    const double norm = o->square_norm ? sqrt(o->square_norm[0]) : 0;
    const double shrink = o->clip > 0 && norm > o->clip ? o->clip / norm : 1;
    for (int64_t i = 0; i < o->count; i++) {
        const double grad = shrink * o->grad[i];
        const double old_m = o->beta1 * o->m[i], new_m = (1 - (double)o->beta1) * grad;
        const double old_v = o->beta2 * o->v[i], new_v = (1 - (double)o->beta2) * grad * grad;
        const double kept = o->param[i] * (1 - (double)o->rate * o->decay);
        o->m[i] = old_m + new_m;
        o->v[i] = old_v + new_v;
        const double step =
            o->rate / o->correction1 / (sqrt(o->v[i] / o->correction2) + o->epsilon);
        o->param[i] = kept - step * o->m[i];
        oracle_scale(&o->m_scale, fabs(old_m) + fabs(new_m));
        oracle_scale(&o->param_scale, fabs(kept) + step * (fabs(old_m) + fabs(new_m)));
    }
}

/* s: sqrt 3, / 2.5, g = s * grad 1/2: 6. m: that, two products, 1 - beta (1/2), a sum: 10. v: g
 * squared 12, products and sum 2, 1 - beta, and sqrt's argument: 18. param: m 10, half of v's error
 * 9, sqrt 3, correction / 2.5 halved, + epsilon 1/2, / 2.5, rate / correction1 2.5, and the last
 * three roundings, of which all but the kept weight's are errors of the small step: 24. */
BOUND(adamw, param, 24)
BOUND(adamw, m, 10)
BOUND(adamw, v, 18)

/* m may be flushed, g before it, and its product with the rate; then epsilon divides them. */
static double adamw_flushed(const union op_args *args) {
    const struct adamw_args *a = &args->adamw;
    return (1 + 4 * (double)a->rate / (double)a->correction1) / (double)a->epsilon;
}

static float draw_square(const struct filler *filler) {
    return fabsf(filler_draw(filler));
}

/* One bad step must not spoil parameters and moments. */
static float draw_square_norm(const struct filler *filler) {
    return filler_draw_or_nonfinite(filler, draw_square(filler), 0.25);
}

static void fill_v(const struct filler *filler, struct operand *v) {
    fill_each(filler, v, draw_square);
}

static void fill_square_norm(const struct filler *filler, struct operand *square_norm) {
    fill_each(filler, square_norm, draw_square_norm);
}

static void make_adamw(struct maker *maker) {
    FOR_DRAWS(maker) {
        struct check_case c = maker_draw(maker);
        const double step = (double)maker_pick(maker, SIZES(1, 2, 100));
        const float beta1 = 0.9f, beta2 = maker_flip(maker) ? 0.99f : 0.999f;
        const bool clips = maker_flip(maker);
        c.args.adamw = (struct adamw_args){
            .count = maker_pick(maker, SOME_COUNTS),
            .rate = 1e-3f,
            .beta1 = beta1,
            .beta2 = beta2,
            .epsilon = 1e-8f,
            .decay = maker_flip(maker) ? 0.1f : 0,
            .correction1 = (float)(1 - pow((double)beta1, step)),
            .correction2 = (float)(1 - pow((double)beta2, step)),
            .clip = clips ? 0.5f : 0,
        };
        c.given |= clips ? BIT(adamw, square_norm) : 0;
        maker_take(maker, &c);
    }
}

const struct op_check check_adamw = {
    .oracle = adamw_oracle,
    .bounds = {BOUNDED(adamw, param), BOUNDED(adamw, m), BOUNDED(adamw, v)},
    .flushed = adamw_flushed,
    .cases = make_adamw,
    .fill = {AT(adamw, square_norm) = fill_square_norm, AT(adamw, v) = fill_v},
    .large = LARGE(adamw, ~0u, .count = LARGE_COUNT, .rate = 1e-3f, .beta1 = 0.9f, .beta2 = 0.99f,
                   .epsilon = 1e-8f, .correction1 = 0.1f, .correction2 = 0.01f, .clip = 1.0f),
    /* the parameters of the paper's character model */
    .timed = {TIMED(adamw, 0, .count = 6260000, .rate = 1e-3f, .beta1 = 0.9f, .beta2 = 0.99f,
                    .epsilon = 1e-8f, .correction1 = 0.1f, .correction2 = 0.01f)},
};
