/* SPDX-License-Identifier: Apache-2.0 */
/* The causal depthwise convolution. */
#include "check/op_check.h"

/* ---- the oracle ---- */

/* What both directions see of a convolution's input. */
struct conv_input {
    int64_t time, width, taps;
    const double *x, *state;
    const int32_t *reset, *lengths;
};

static int64_t conv_length(const struct conv_input *in, int64_t batch) {
    return in->lengths ? in->lengths[batch] : in->time;
}

/* Whether a reset lies after time `from` and not after time `to`. */
static bool conv_cut(const struct conv_input *in, int64_t batch, int64_t from, int64_t to) {
    for (int64_t t = from < 0 ? 0 : from + 1; in->reset && t <= to; t++) {
        if (in->reset[batch * in->time + t]) {
            return true;
        }
    }
    return false;
}

/* The input at time `from` (negative: of the state) as time `to` sees it. */
static double conv_value(const struct conv_input *in, int64_t batch, int64_t from, int64_t to,
                         int64_t channel) {
    if (conv_cut(in, batch, from, to)) {
        return 0;
    }
    if (from >= 0) {
        return in->x[(batch * in->time + from) * in->width + channel];
    }
    const int64_t j = from + in->taps - 1;
    return in->state ? in->state[(batch * (in->taps - 1) + j) * in->width + channel] : 0;
}

static void conv_forward_row(struct conv_forward_oracle *o, const struct conv_input *in,
                             int64_t batch, int64_t t) {
    for (int64_t c = 0; c < o->width; c++) {
        const int64_t i = (batch * o->time + t) * o->width + c;
        double y = (o->residual ? o->residual[i] : 0) + (o->bias ? o->bias[c] : 0);
        double magnitude = fabs(o->residual ? o->residual[i] : 0) + fabs(o->bias ? o->bias[c] : 0);
        for (int64_t k = 0; k < o->taps; k++) {
            const double term =
                o->weight[c * o->taps + k] * conv_value(in, batch, t - (o->taps - 1) + k, t, c);
            y += term;
            magnitude += fabs(term);
        }
        const bool used = t < conv_length(in, batch);
        o->y[i] = used ? y : 0;
        oracle_scale(&o->y_scale, used ? magnitude : 0);
    }
}

static void conv_state_out(struct conv_forward_oracle *o, const struct conv_input *in,
                           int64_t batch) {
    const int64_t length = conv_length(in, batch);
    for (int64_t j = 0; j < o->taps - 1; j++) {
        const int64_t from = length - (o->taps - 1) + j;
        for (int64_t c = 0; c < o->width; c++) {
            o->state_out[(batch * (o->taps - 1) + j) * o->width + c] =
                conv_value(in, batch, from, length - 1, c);
        }
    }
}

static void conv_forward_oracle(union op_oracle *all) {
    struct conv_forward_oracle *o = &all->conv_forward;
    const struct conv_input in = {o->time, o->width, o->taps, o->x, o->state, o->reset, o->lengths};
    for (int64_t batch = 0; batch < o->batch; batch++) {
        for (int64_t t = 0; t < o->time; t++) {
            conv_forward_row(o, &in, batch, t);
        }
        if (o->state_out) {
            conv_state_out(o, &in, batch);
        }
    }
}

/* A sum and what its rounding errors are measured by. */
struct conv_sum {
    double total, magnitude;
};

static void conv_add(struct conv_sum *sum, double term) {
    sum->total += term;
    sum->magnitude += fabs(term);
}

/* What the outputs, and the state that goes out, hand to the input at time s (negative: of the
 * state that came in). */
static struct conv_sum conv_gradient(const struct conv_backward_oracle *o,
                                     const struct conv_input *in, int64_t batch, int64_t s,
                                     int64_t c) {
    const int64_t length = conv_length(in, batch), kept = o->taps - 1;
    struct conv_sum sum = {0};
    for (int64_t k = 0; k < o->taps; k++) {
        const int64_t t = s + kept - k;
        if (t >= 0 && t < length && !conv_cut(in, batch, s, t)) {
            conv_add(&sum,
                     o->weight[c * o->taps + k] * o->dy[(batch * o->time + t) * o->width + c]);
        }
    }
    const int64_t j = s - (length - kept);
    if (o->dstate_out && j >= 0 && !conv_cut(in, batch, s, length - 1)) {
        conv_add(&sum, o->dstate_out[(batch * kept + j) * o->width + c]);
    }
    return sum;
}

static void conv_backward_dx(struct conv_backward_oracle *o, const struct conv_input *in,
                             int64_t batch, int64_t s, int64_t c) {
    const int64_t i = (batch * o->time + s) * o->width + c;
    struct conv_sum sum = {0};
    if (s < conv_length(in, batch)) {
        sum = conv_gradient(o, in, batch, s, c);
        conv_add(&sum, o->dresidual ? o->dresidual[i] : 0);
    }
    o->dx[i] = sum.total;
    oracle_scale(&o->dx_scale, sum.magnitude);
}

static void conv_backward_state(struct conv_backward_oracle *o, const struct conv_input *in,
                                int64_t batch) {
    const int64_t kept = o->taps - 1;
    for (int64_t j = 0; j < kept; j++) {
        for (int64_t c = 0; c < o->width; c++) {
            const struct conv_sum sum = conv_gradient(o, in, batch, j - kept, c);
            o->dstate[(batch * kept + j) * o->width + c] = sum.total;
            oracle_scale(&o->dstate_scale, sum.magnitude);
        }
    }
}

/* dweight[c, k], and dbias[c] if k = taps. */
static void conv_backward_weight(struct conv_backward_oracle *o, const struct conv_input *in,
                                 int64_t c, int64_t k) {
    const bool bias = k == o->taps;
    double *total = bias ? &o->dbias[c] : &o->dweight[c * o->taps + k];
    double magnitude = fabs(*total);
    for (int64_t batch = 0; batch < o->batch; batch++) {
        for (int64_t t = 0; t < conv_length(in, batch); t++) {
            const double x = bias ? 1 : conv_value(in, batch, t - (o->taps - 1) + k, t, c);
            const double term = x * o->dy[(batch * o->time + t) * o->width + c];
            *total += term;
            magnitude += fabs(term);
        }
    }
    oracle_scale(bias ? &o->dbias_scale : &o->dweight_scale, magnitude);
}

static void conv_backward_oracle(union op_oracle *all) {
    struct conv_backward_oracle *o = &all->conv_backward;
    const struct conv_input in = {o->time, o->width, o->taps, o->x, o->state, o->reset, o->lengths};
    for (int64_t batch = 0; batch < o->batch; batch++) {
        for (int64_t t = 0; t < o->time; t++) {
            for (int64_t c = 0; c < o->width; c++) {
                conv_backward_dx(o, &in, batch, t, c);
            }
        }
        if (o->dstate) {
            conv_backward_state(o, &in, batch);
        }
    }
    for (int64_t c = 0; c < o->width; c++) {
        for (int64_t k = 0; k <= o->taps; k++) {
            conv_backward_weight(o, &in, c, k);
        }
    }
}

/* ---- bounds ----
 *
 * y, dx, dstate: a product 1/2 and the sum of the taps, bias, residual and the state's gradient;
 * the first two units are the products' and the store's. dweight, dbias: over batch and time.
 * state_out: bits. */

BOUND(conv_forward, y, 2 + sum_error(a->taps + 2))
BOUND(conv_forward, state_out, 0)
BOUND(conv_backward, dx, 2 + sum_error(a->taps + 2))
BOUND(conv_backward, dstate, 2 + sum_error(a->taps + 1))
BOUND(conv_backward, dweight, 2 + sum_error(a->batch * a->time))
BOUND(conv_backward, dbias, 2 + sum_error(a->batch * a->time))

/* ---- cases ---- */

#define TAPS SIZES(1, 2, 3, 4)

static void make_conv_forward(struct maker *maker) {
    FOR_DRAWS(maker) {
        const struct check_shape shape = maker_shape(maker);
        struct check_case c = maker_draw(maker);
        c.args.conv_forward = (struct conv_forward_args){
            .batch = shape.batch,
            .time = shape.time,
            .width = shape.width,
            .taps = maker_flip(maker) ? 4 : maker_pick(maker, TAPS),
        };
        if (maker_flip(maker)) {
            ALIAS(&c, conv_forward, residual, x);
        }
        maker_take(maker, &c);
    }
    if (maker->mode != CHECK_SMALL) {
        struct check_case c = maker_draw(maker);
        c.args.conv_forward =
            (struct conv_forward_args){.batch = MANY, .time = 3, .width = 1, .taps = 2};
        c.given = ~0u;
        maker_take(maker, &c);
    }
}

static void make_conv_backward(struct maker *maker) {
    FOR_DRAWS(maker) {
        const struct check_shape shape = maker_shape(maker);
        struct check_case c = maker_draw(maker);
        c.args.conv_backward = (struct conv_backward_args){
            .batch = shape.batch,
            .time = shape.time,
            .width = shape.width,
            .taps = maker_flip(maker) ? 4 : maker_pick(maker, TAPS),
        };
        if (maker_flip(maker)) {
            ALIAS(&c, conv_backward, dresidual, dy);
        }
        maker_take(maker, &c);
    }
    /* Resets among the last inputs, which the state that goes out has too. */
    struct check_case c = maker_draw(maker);
    c.args.conv_backward =
        (struct conv_backward_args){.batch = 3, .time = 6, .width = 5, .taps = 4};
    c.marks = MARKS_EVERYWHERE;
    c.given = ~BIT(conv_backward, lengths);
    maker_take(maker, &c);
}

/* ---- the ops ---- */

#define LARGE_CONV(op) LARGE(op, ~0u, .batch = 3, .time = 300, .width = LARGE_WIDTH, .taps = 4)
#define TIMED_CONV(op) TIMED_WIDTHS(op, 0, .batch = TIMED_BATCH, .time = TIMED_TIME, .taps = 4)

const struct op_check check_conv_forward = {
    .oracle = conv_forward_oracle,
    .bounds = {BOUNDED(conv_forward, y), BOUNDED(conv_forward, state_out)},
    .cases = make_conv_forward,
    .fill = {AT(conv_forward, reset) = fill_reset, AT(conv_forward, lengths) = fill_lengths},
    .large = LARGE_CONV(conv_forward),
    .timed = {TIMED_CONV(conv_forward)},
};

const struct op_check check_conv_backward = {
    .oracle = conv_backward_oracle,
    .bounds = {BOUNDED(conv_backward, dx), BOUNDED(conv_backward, dweight),
               BOUNDED(conv_backward, dbias), BOUNDED(conv_backward, dstate)},
    .cases = make_conv_backward,
    .fill = {AT(conv_backward, reset) = fill_reset, AT(conv_backward, lengths) = fill_lengths},
    .large = LARGE_CONV(conv_backward),
    .timed = {TIMED_CONV(conv_backward)},
};
