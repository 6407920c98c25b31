/* SPDX-License-Identifier: Apache-2.0 */
/* RMSNorm. */
#include "base/alloc.h"
#include "check/op_check.h"

/* ---- the oracle ---- */

static void rmsnorm_forward_oracle(union op_oracle *all) {
    struct rmsnorm_forward_oracle *o = &all->rmsnorm_forward;
    for (int64_t r = 0; r < o->rows; r++) {
        const double *x = o->x + r * o->width;
        double squares = 0;
        for (int64_t c = 0; c < o->width; c++) {
            squares += x[c] * x[c];
        }
        o->inverse[r] = 1 / sqrt(squares / (double)o->width + o->epsilon);
        for (int64_t c = 0; c < o->width; c++) {
            o->y[r * o->width + c] = x[c] * o->inverse[r] * o->gain[c];
        }
    }
}

/* y_c = x_c s gain_c with s = (mean x^2 + epsilon)^(-1/2), so ds/dx_c = -s^3 x_c / width:
 * dx_c = s gain_c dy_c - x_c s^3 / width * sum_j gain_j dy_j x_j. */
static void rmsnorm_backward_oracle(union op_oracle *all) {
    struct rmsnorm_backward_oracle *o = &all->rmsnorm_backward;
    for (int64_t r = 0; r < o->rows; r++) {
        const double *x = o->x + r * o->width, *dy = o->dy + r * o->width;
        const double s = o->inverse[r];
        double product = 0, product_size = 0;
        for (int64_t c = 0; c < o->width; c++) {
            product += o->gain[c] * dy[c] * x[c];
            product_size += fabs(o->gain[c] * dy[c] * x[c]);
        }
        for (int64_t c = 0; c < o->width; c++) {
            double *dx = &o->dx[r * o->width + c];
            const double before = o->accumulate ? *dx : 0;
            const double share = s * s * s * x[c] / (double)o->width;
            *dx = before + s * o->gain[c] * dy[c] - share * product;
            oracle_scale(&o->dx_scale,
                         fabs(before) + s * fabs(o->gain[c] * dy[c]) + fabs(share) * product_size);
        }
    }
    for (int64_t c = 0; c < o->width; c++) {
        double magnitude = fabs(o->dgain[c]);
        for (int64_t r = 0; r < o->rows; r++) {
            const double term = o->dy[r * o->width + c] * o->x[r * o->width + c] * o->inverse[r];
            o->dgain[c] += term;
            magnitude += fabs(term);
        }
        oracle_scale(&o->dgain_scale, magnitude);
    }
}

/* ---- bounds ----
 *
 * Forward: mean square: the sum, halved by the square root that follows; then / 2.5 by width and
 * + epsilon 1/2, both halved, sqrt 3, / 2.5, two products 1: 8.
 * Backward dx: the sum of products, / 2.5, inverse^2 1, two products, two sums: 8; dgain: two
 * products 1, the sum over rows, partial sums: 4. */

BOUND(rmsnorm_forward, y, 8 + sum_error(a->width) / 2)
BOUND(rmsnorm_forward, inverse, 8 + sum_error(a->width) / 2)
BOUND(rmsnorm_backward, dx, 8 + sum_error(a->width))
BOUND(rmsnorm_backward, dgain, 4 + sum_error(a->rows))

/* ---- inputs ---- */

/* The backward norm reads what its own forward wrote. */
static minrnn_status derive_inverse(const struct filler *filler) {
    const struct rmsnorm_backward_args *a = &filler->c->args.rmsnorm_backward;
    struct operand *operands = filler->operands;
    struct operand *inverse = &operands[INDEX(rmsnorm_backward, inverse)];
    double *y = mem_alloc((uint64_t)(a->rows * a->width), sizeof *y);
    if (!y) {
        return MINRNN_OUT_OF_MEMORY;
    }
    struct rmsnorm_forward_oracle forward = {
        .rows = a->rows,
        .width = a->width,
        .epsilon = 1e-6f,
        .x = operands[INDEX(rmsnorm_backward, x)].host,
        .gain = operands[INDEX(rmsnorm_backward, gain)].host,
        .y = y,
        .inverse = inverse->host,
    };
    oracle_rmsnorm_forward(&forward);
    operand_round(inverse);
    mem_free(y);
    return MINRNN_OK;
}

/* ---- cases ---- */

static void make_rmsnorm_forward(struct maker *maker) {
    const struct sizes edges = SOME_ROW_EDGES;
    FOR_DRAWS(maker) {
        struct check_case c = maker_draw(maker);
        c.args.rmsnorm_forward =
            (struct rmsnorm_forward_args){.rows = maker_pick(maker, SOME_ROWS),
                                          .width = maker_pick(maker, SOME_ROW_WIDTHS),
                                          .epsilon = 1e-6f};
        maker_take(maker, &c);
    }
    FOR_SIZES(maker, i, edges) {
        struct check_case c = maker_draw(maker);
        c.args.rmsnorm_forward = (struct rmsnorm_forward_args){
            .rows = maker_pick(maker, SOME_ROWS), .width = edges.at[i], .epsilon = 1e-6f};
        maker_take(maker, &c);
    }
}

static void make_rmsnorm_backward(struct maker *maker) {
    const struct sizes edges = SOME_ROW_EDGES;
    FOR_DRAWS(maker) {
        struct check_case c = maker_draw(maker);
        c.args.rmsnorm_backward =
            (struct rmsnorm_backward_args){.rows = maker_pick(maker, SOME_ROWS),
                                           .width = maker_pick(maker, SOME_ROW_WIDTHS),
                                           .accumulate = maker_flip(maker)};
        maker_take(maker, &c);
    }
    FOR_SIZES(maker, i, edges) {
        struct check_case c = maker_draw(maker);
        c.args.rmsnorm_backward = (struct rmsnorm_backward_args){
            .rows = maker_pick(maker, SOME_ROWS), .width = edges.at[i]};
        maker_take(maker, &c);
    }
}

/* ---- the ops ---- */

const struct op_check check_rmsnorm_forward = {
    .oracle = rmsnorm_forward_oracle,
    .bounds = {BOUNDED(rmsnorm_forward, y), BOUNDED(rmsnorm_forward, inverse)},
    .cases = make_rmsnorm_forward,
    .large =
        LARGE(rmsnorm_forward, ~0u, .rows = LARGE_ROWS, .width = LARGE_WIDTH, .epsilon = 1e-6f),
    .timed = {TIMED_WIDTHS(rmsnorm_forward, 0, .rows = TIMED_ROWS)},
};

const struct op_check check_rmsnorm_backward = {
    .oracle = rmsnorm_backward_oracle,
    .bounds = {BOUNDED(rmsnorm_backward, dx), BOUNDED(rmsnorm_backward, dgain)},
    .cases = make_rmsnorm_backward,
    .fill = {AT(rmsnorm_backward, dx) = fill_accumulated},
    .derive = derive_inverse,
    .large =
        LARGE(rmsnorm_backward, ~0u, .rows = LARGE_ROWS, .width = LARGE_WIDTH, .accumulate = true),
    .timed = {TIMED_WIDTHS(rmsnorm_backward, 0, .rows = TIMED_ROWS)},
};
