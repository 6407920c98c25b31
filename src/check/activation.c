/* SPDX-License-Identifier: Apache-2.0 */
/* Activations: g, GELU, SiLU, GEGLU. */
#include "check/op_check.h"

/* ---- the oracle ---- */

static void g_forward_oracle(union op_oracle *all) {
    struct g_forward_oracle *o = &all->g_forward;
    for (int64_t i = 0; i < o->count; i++) {
        o->y[i] = oracle_g(o->x[i]);
    }
}

static void g_backward_oracle(union op_oracle *all) {
    struct g_backward_oracle *o = &all->g_backward;
    for (int64_t i = 0; i < o->count; i++) {
        const double term = oracle_g_slope(o->x[i]) * o->dy[i];
        oracle_scale(&o->dx_scale, fabs(o->dx[i]) + fabs(term));
        o->dx[i] += term;
    }
}

static double gelu(double u) {
    return u * oracle_normal_cdf(u);
}

static double gelu_slope(double u) {
    return oracle_normal_cdf(u) + u * oracle_normal_pdf(u);
}

static void gelu_forward_oracle(union op_oracle *all) {
    struct gelu_forward_oracle *o = &all->gelu_forward;
    for (int64_t i = 0; i < o->rows * o->width; i++) {
        const double u = o->x[i] + (o->bias ? o->bias[i % o->width] : 0);
        o->y[i] = gelu(u);
        oracle_scale(&o->y_scale, fabs(u));
    }
}

static void gelu_backward_oracle(union op_oracle *all) {
    struct gelu_backward_oracle *o = &all->gelu_backward;
    for (int64_t i = 0; i < o->rows * o->width; i++) {
        const double u = o->x[i] + (o->bias ? o->bias[i % o->width] : 0);
        o->dx[i] = gelu_slope(u) * o->dy[i];
        oracle_scale(&o->dx_scale, fabs(o->dy[i]));
    }
}

static void silu_forward_oracle(union op_oracle *all) {
    struct silu_forward_oracle *o = &all->silu_forward;
    for (int64_t i = 0; i < o->rows * o->width; i++) {
        const double u = o->x[i] + (o->bias ? o->bias[i % o->width] : 0);
        o->y[i] = u * oracle_sigma(u);
        oracle_scale(&o->y_scale, fabs(u));
    }
}

static void silu_backward_oracle(union op_oracle *all) {
    struct silu_backward_oracle *o = &all->silu_backward;
    for (int64_t i = 0; i < o->rows * o->width; i++) {
        const double u = o->x[i] + (o->bias ? o->bias[i % o->width] : 0);
        o->dx[i] = oracle_sigma(u) * (1 + u * oracle_sigma(-u)) * o->dy[i];
        oracle_scale(&o->dx_scale, fabs(o->dy[i]));
    }
}

static double geglu_input(const double *x, const double *bias, int64_t width, int64_t row,
                          int64_t column) {
    return x[row * 2 * width + column] + (bias ? bias[column] : 0);
}

static void geglu_forward_oracle(union op_oracle *all) {
    struct geglu_forward_oracle *o = &all->geglu_forward;
    for (int64_t r = 0; r < o->rows; r++) {
        for (int64_t c = 0; c < o->width; c++) {
            const double u = geglu_input(o->x, o->bias, o->width, r, c);
            const double v = geglu_input(o->x, o->bias, o->width, r, o->width + c);
            o->y[r * o->width + c] = u * gelu(v);
            oracle_scale(&o->y_scale, fabs(u * v));
        }
    }
}

static void geglu_backward_oracle(union op_oracle *all) {
    struct geglu_backward_oracle *o = &all->geglu_backward;
    for (int64_t r = 0; r < o->rows; r++) {
        for (int64_t c = 0; c < o->width; c++) {
            const double u = geglu_input(o->x, o->bias, o->width, r, c);
            const double v = geglu_input(o->x, o->bias, o->width, r, o->width + c);
            const double dy = o->dy[r * o->width + c];
            o->dx[r * 2 * o->width + c] = dy * gelu(v);
            o->dx[r * 2 * o->width + o->width + c] = dy * u * gelu_slope(v);
            oracle_scale(&o->dx_scale, fabs(dy) * fmax(fabs(u), fabs(v)));
        }
    }
}

/* ---- bounds ----
 *
 * g y: sigma (exp 3, + 1/2, / 2.5) 6, a step more for the fused or split forms of
 * exp(x) / (1 + exp(x)): 8. dx: s (1 - s): sigma twice and 1/2 each, * dy, + dx: 14.5; 18 with
 * exp's 4 ulp of embedded devices. gelu y: Phi: exp 3 with -u^2 / 2 rounded twice (which exp
 * multiplies by u^2, and bell's own smallness makes at most 1), q: / 2.5, P's last steps 2, three
 * products 1.5: 10; * u 1/2: 12 with the bias's sum. dx: also u * bell * density: 3 products and
 * their sum, * dy: 20. silu y: sigma (exp 3, + 1/2, / 2.5, * 1/2), * u 1/2: 7, and the bias's sum:
 * 8. dx: sigma twice, of which u sigma(-u), below 0.28 beside the first, counts a quarter, two
 * products and two sums: 11. geglu: gelu's with one product (forward), one of u and its bias
 * (backward) more: 2. */

BOUND(g_forward, y, 8)
BOUND(g_backward, dx, 18)
BOUND(gelu_forward, y, 12)
BOUND(gelu_backward, dx, 20)
BOUND(silu_forward, y, 8)
BOUND(silu_backward, dx, 11)
BOUND(geglu_forward, y, 14)
BOUND(geglu_backward, dx, 22)

/* ---- cases ---- */

static void make_g_forward(struct maker *maker) {
    FOR_DRAWS(maker) {
        struct check_case c = maker_draw(maker);
        c.args.g_forward = (struct g_forward_args){.count = maker_pick(maker, SOME_COUNTS)};
        maker_take(maker, &c);
    }
}

static void make_g_backward(struct maker *maker) {
    FOR_DRAWS(maker) {
        struct check_case c = maker_draw(maker);
        c.args.g_backward = (struct g_backward_args){.count = maker_pick(maker, SOME_COUNTS)};
        maker_take(maker, &c);
    }
}

static void make_gelu_forward(struct maker *maker) {
    FOR_DRAWS(maker) {
        struct check_case c = maker_draw(maker);
        c.args.gelu_forward = (struct gelu_forward_args){.rows = maker_pick(maker, SOME_ROWS),
                                                         .width = maker_pick(maker, SOME_WIDTHS)};
        if (maker_flip(maker)) {
            ALIAS(&c, gelu_forward, y, x);
        }
        maker_take(maker, &c);
    }
}

static void make_gelu_backward(struct maker *maker) {
    FOR_DRAWS(maker) {
        struct check_case c = maker_draw(maker);
        c.args.gelu_backward = (struct gelu_backward_args){.rows = maker_pick(maker, SOME_ROWS),
                                                           .width = maker_pick(maker, SOME_WIDTHS)};
        if (maker_flip(maker)) {
            ALIAS(&c, gelu_backward, dx, dy);
        }
        maker_take(maker, &c);
    }
}

static void make_silu_forward(struct maker *maker) {
    FOR_DRAWS(maker) {
        struct check_case c = maker_draw(maker);
        c.args.silu_forward = (struct silu_forward_args){.rows = maker_pick(maker, SOME_ROWS),
                                                         .width = maker_pick(maker, SOME_WIDTHS)};
        if (maker_flip(maker)) {
            ALIAS(&c, silu_forward, y, x);
        }
        maker_take(maker, &c);
    }
}

static void make_silu_backward(struct maker *maker) {
    FOR_DRAWS(maker) {
        struct check_case c = maker_draw(maker);
        c.args.silu_backward = (struct silu_backward_args){.rows = maker_pick(maker, SOME_ROWS),
                                                           .width = maker_pick(maker, SOME_WIDTHS)};
        if (maker_flip(maker)) {
            ALIAS(&c, silu_backward, dx, dy);
        }
        maker_take(maker, &c);
    }
}

static void make_geglu_forward(struct maker *maker) {
    FOR_DRAWS(maker) {
        struct check_case c = maker_draw(maker);
        c.args.geglu_forward = (struct geglu_forward_args){.rows = maker_pick(maker, SOME_ROWS),
                                                           .width = maker_pick(maker, SOME_WIDTHS)};
        maker_take(maker, &c);
    }
}

static void make_geglu_backward(struct maker *maker) {
    FOR_DRAWS(maker) {
        struct check_case c = maker_draw(maker);
        c.args.geglu_backward = (struct geglu_backward_args){
            .rows = maker_pick(maker, SOME_ROWS), .width = maker_pick(maker, SOME_WIDTHS)};
        maker_take(maker, &c);
    }
}

/* ---- the ops ---- */

const struct op_check check_g_forward = {
    .oracle = g_forward_oracle,
    .bounds = {BOUNDED(g_forward, y)},
    .cases = make_g_forward,
    .large = LARGE(g_forward, ~0u, .count = LARGE_COUNT),
    .timed = {TIMED_COUNTS(g_forward)},
};

const struct op_check check_g_backward = {
    .oracle = g_backward_oracle,
    .bounds = {BOUNDED(g_backward, dx)},
    .cases = make_g_backward,
    .large = LARGE(g_backward, ~0u, .count = LARGE_COUNT),
    .timed = {TIMED_COUNTS(g_backward)},
};

/* Phi: |u|, its quotient, nine multiply-adds, the exponential of a product of three, what is left
 * and which side it is. The derivative: three more. */
enum {
    GELU_INSTRUCTIONS = 2 + DIVISION_INSTRUCTIONS + 9 + 2 + EXP_INSTRUCTIONS + 5,
    GELU_SLOPE_INSTRUCTIONS = GELU_INSTRUCTIONS + 3
};

static double gelu_forward_instructions(const union op_args *args) {
    return (double)(args->gelu_forward.rows * args->gelu_forward.width) * GELU_INSTRUCTIONS;
}

static double gelu_backward_instructions(const union op_args *args) {
    return (double)(args->gelu_backward.rows * args->gelu_backward.width) * GELU_SLOPE_INSTRUCTIONS;
}

const struct op_check check_gelu_forward = {
    .oracle = gelu_forward_oracle,
    .bounds = {BOUNDED(gelu_forward, y)},
    .cases = make_gelu_forward,
    .instructions = gelu_forward_instructions,
    .large = LARGE(gelu_forward, ~0u, .rows = LARGE_ROWS, .width = LARGE_WIDTH),
    .timed = {TIMED_WIDTHS(gelu_forward, 0, .rows = TIMED_ROWS)},
};

const struct op_check check_gelu_backward = {
    .oracle = gelu_backward_oracle,
    .bounds = {BOUNDED(gelu_backward, dx)},
    .cases = make_gelu_backward,
    .instructions = gelu_backward_instructions,
    .large = LARGE(gelu_backward, ~0u, .rows = LARGE_ROWS, .width = LARGE_WIDTH),
    .timed = {TIMED_WIDTHS(gelu_backward, 0, .rows = TIMED_ROWS)},
};

/* |u|, the exponential and the quotient, e's product, which side it is and u's product. The
 * derivative: two more. */
enum {
    SILU_INSTRUCTIONS = 1 + EXP_INSTRUCTIONS + 1 + DIVISION_INSTRUCTIONS + 3,
    SILU_SLOPE_INSTRUCTIONS = SILU_INSTRUCTIONS + 2
};

static double silu_forward_instructions(const union op_args *args) {
    return (double)(args->silu_forward.rows * args->silu_forward.width) * SILU_INSTRUCTIONS;
}

static double silu_backward_instructions(const union op_args *args) {
    return (double)(args->silu_backward.rows * args->silu_backward.width) * SILU_SLOPE_INSTRUCTIONS;
}

const struct op_check check_silu_forward = {
    .oracle = silu_forward_oracle,
    .bounds = {BOUNDED(silu_forward, y)},
    .cases = make_silu_forward,
    .instructions = silu_forward_instructions,
    .large = LARGE(silu_forward, ~0u, .rows = LARGE_ROWS, .width = LARGE_WIDTH),
    .timed = {TIMED_WIDTHS(silu_forward, 0, .rows = TIMED_ROWS)},
};

const struct op_check check_silu_backward = {
    .oracle = silu_backward_oracle,
    .bounds = {BOUNDED(silu_backward, dx)},
    .cases = make_silu_backward,
    .instructions = silu_backward_instructions,
    .large = LARGE(silu_backward, ~0u, .rows = LARGE_ROWS, .width = LARGE_WIDTH),
    .timed = {TIMED_WIDTHS(silu_backward, 0, .rows = TIMED_ROWS)},
};

const struct op_check check_geglu_forward = {
    .oracle = geglu_forward_oracle,
    .bounds = {BOUNDED(geglu_forward, y)},
    .cases = make_geglu_forward,
    .large = LARGE(geglu_forward, ~0u, .rows = LARGE_ROWS, .width = LARGE_WIDTH),
    .timed = {TIMED_WIDTHS(geglu_forward, 0, .rows = TIMED_ROWS)},
};

const struct op_check check_geglu_backward = {
    .oracle = geglu_backward_oracle,
    .bounds = {BOUNDED(geglu_backward, dx)},
    .cases = make_geglu_backward,
    .large = LARGE(geglu_backward, ~0u, .rows = LARGE_ROWS, .width = LARGE_WIDTH),
    .timed = {TIMED_WIDTHS(geglu_backward, 0, .rows = TIMED_ROWS)},
};
