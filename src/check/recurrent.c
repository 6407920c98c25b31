/* SPDX-License-Identifier: Apache-2.0 */
/* GRU and LSTM, step by step and sequence by sequence.
 *
 * Scales are a running error analysis in units of what one element's own sum may err by: `error` is
 * the largest such of what is carried. Of a product's terms the errors are independent, so that
 * they add up as the root of their squares. */
#include "base/alloc.h"
#include "check/op_check.h"
#include "check/walk.h"

/* ---- the oracle: forward ---- */

struct number {
    double value, error;
};

static struct number logistic(struct number x) {
    const double value = oracle_sigma(x.value);
    return (struct number){value, value * oracle_sigma(-x.value) * x.error + value};
}

static struct number hyperbolic(struct number x) {
    const double value = tanh(x.value);
    return (struct number){value, (1 - value * value) * x.error + fabs(value)};
}

/* What both passes carry along a sequence, or [width] of it. NULL: 0. */
struct sequence {
    struct walk walk;
    int64_t width, gates, parts;
    const double *weight; /* [gates, width, width] */
};

/* Row `row` of the weight with what lies at `from` [width], whose elements may err. */
static struct number product(const struct sequence *s, int64_t row, const double *from,
                             double error) {
    double value = 0, magnitude = 0, square = 0;
    for (int64_t k = 0; from && k < s->width; k++) {
        const double weight = s->weight[row * s->width + k];
        value += weight * from[k];
        magnitude += fabs(weight * from[k]);
        square += weight * weight;
    }
    return (struct number){value, magnitude + sqrt(square) * error};
}

static struct number plus(struct number a, double b) {
    return (struct number){a.value + b, a.error + fabs(b)};
}

static double at(const double *bias, int64_t i) {
    return bias ? bias[i] : 0;
}

/* The state before a step: of the part that `rows` has after each, and `given` before all. */
static const double *before_step(const struct sequence *s, int64_t step, const double *rows,
                                 const double *given) {
    if (walk_cut(&s->walk, step)) {
        return NULL;
    }
    return step == 0 ? given : rows + walk_row(&s->walk, step - 1) * s->width;
}

/* One step: where its rows lie. */
struct forward_step {
    double *gates, *kept, *h;
    const double *before, *c_before;
    double error, c_error; /* of these two */
};

/* A gate's whole pre-activation: that of the inputs, the product, both biases. */
static struct number pre_activation(const struct recurrent_forward_oracle *o,
                                    const struct sequence *s, const struct forward_step *step,
                                    int64_t row) {
    const struct number q = product(s, row, step->before, step->error);
    return plus(plus(plus(q, at(o->bias, row)), at(o->bias_x, row)), step->gates[row]);
}

/* h = (1 - z) n + z h_before */
static struct number blend(struct number z, struct number n, double before, double error) {
    const double value = (1 - z.value) * n.value + z.value * before;
    return (struct number){value, (1 - z.value) * n.error + z.value * error +
                                      z.error * (fabs(n.value) + fabs(before)) + fabs(n.value) +
                                      fabs(before)};
}

/* The candidate's pre-activation; `kept` is written. */
static struct number gru_candidate(struct recurrent_forward_oracle *o, const struct sequence *s,
                                   const struct forward_step *step, struct number r, int64_t j) {
    const int64_t row = 2 * s->width + j;
    const struct number q = plus(product(s, row, step->before, step->error), at(o->bias, row));
    const struct number reset = {r.value * q.value, r.value * q.error + r.error * fabs(q.value)};
    step->kept[j] = q.value;
    oracle_scale(&o->kept_scale, q.error);
    return plus(plus(reset, at(o->bias_x, row)), step->gates[row]);
}

static struct number gru_channel(struct recurrent_forward_oracle *o, const struct sequence *s,
                                 const struct forward_step *step, int64_t j) {
    const struct number r = logistic(pre_activation(o, s, step, j));
    const struct number z = logistic(pre_activation(o, s, step, s->width + j));
    const struct number n = hyperbolic(gru_candidate(o, s, step, r, j));
    step->gates[j] = r.value;
    step->gates[s->width + j] = z.value;
    step->gates[2 * s->width + j] = n.value;
    oracle_scale(&o->gates_scale, fmax(r.error, fmax(z.error, n.error)));
    return blend(z, n, at(step->before, j), step->error);
}

/* r h_before of all channels, which the candidates' product is of; returns its error. */
static double reset_before(struct recurrent_forward_oracle *o, const struct sequence *s,
                           const struct forward_step *step) {
    double error = 0;
    for (int64_t j = 0; j < s->width; j++) {
        const struct number r = logistic(pre_activation(o, s, step, j));
        const double before = at(step->before, j);
        step->gates[j] = r.value;
        step->kept[j] = r.value * before;
        oracle_scale(&o->gates_scale, r.error);
        oracle_scale(&error, r.error * fabs(before) + r.value * step->error);
    }
    oracle_scale(&o->kept_scale, error);
    return error;
}

static struct number gru_before_channel(struct recurrent_forward_oracle *o,
                                        const struct sequence *s, const struct forward_step *step,
                                        double error, int64_t j) {
    const int64_t row = 2 * s->width + j;
    const struct number z = logistic(pre_activation(o, s, step, s->width + j));
    const struct number q = product(s, row, step->kept, error);
    const struct number n =
        hyperbolic(plus(plus(plus(q, at(o->bias, row)), at(o->bias_x, row)), step->gates[row]));
    step->gates[s->width + j] = z.value;
    step->gates[row] = n.value;
    oracle_scale(&o->gates_scale, fmax(z.error, n.error));
    return blend(z, n, at(step->before, j), step->error);
}

/* *c is the cell's state. */
static struct number lstm_channel(struct recurrent_forward_oracle *o, const struct sequence *s,
                                  const struct forward_step *step, int64_t j, struct number *c) {
    struct number gate[4];
    for (int64_t k = 0; k < 4; k++) {
        const struct number p = pre_activation(o, s, step, k * s->width + j);
        gate[k] = k == 2 ? hyperbolic(p) : logistic(p);
    }
    for (int64_t k = 0; k < 4; k++) {
        step->gates[k * s->width + j] = gate[k].value;
        oracle_scale(&o->gates_scale, gate[k].error);
    }
    const double before = at(step->c_before, j);
    const double old = gate[1].value * before, fresh = gate[0].value * gate[2].value;
    *c = (struct number){old + fresh, gate[1].value * step->c_error + gate[1].error * fabs(before) +
                                          gate[0].value * gate[2].error +
                                          gate[0].error * fabs(gate[2].value) + fabs(old) +
                                          fabs(fresh)};
    const struct number out = hyperbolic(*c);
    step->kept[j] = c->value;
    oracle_scale(&o->kept_scale, c->error);
    return (struct number){gate[3].value * out.value,
                           gate[3].value * out.error + gate[3].error * fabs(out.value)};
}

/* Writes the step's rows; its errors become those of the next. */
static void forward_step(struct recurrent_forward_oracle *o, const struct sequence *s,
                         struct forward_step *step) {
    double error = 0, c_error = 0;
    const bool before = o->cell == RECURRENT_GRU_BEFORE;
    const double reset_error = before ? reset_before(o, s, step) : 0;
    for (int64_t j = 0; j < s->width; j++) {
        struct number c = {0, 0};
        const struct number h = before ? gru_before_channel(o, s, step, reset_error, j)
                                : o->cell == RECURRENT_LSTM ? lstm_channel(o, s, step, j, &c)
                                                            : gru_channel(o, s, step, j);
        step->h[j] = h.value;
        oracle_scale(&error, h.error);
        oracle_scale(&c_error, c.error);
    }
    oracle_scale(&o->h_scale, error);
    step->error = error;
    step->c_error = c_error;
}

static void clear_rows(double *x, int64_t begin, int64_t end, int64_t width) {
    for (int64_t i = begin * width; i < end * width; i++) {
        x[i] = 0;
    }
}

static void forward_sequence(struct recurrent_forward_oracle *o, const struct sequence *s,
                             const double *given) {
    const struct walk *walk = &s->walk;
    const int64_t width = s->width, end = (walk->batch + 1) * walk->time;
    struct forward_step step = {0};
    for (int64_t t = 0; t < walk->length; t++) {
        const int64_t row = walk_row(walk, t);
        if (walk_cut(walk, t)) {
            step.error = step.c_error = 0;
        }
        step.gates = o->gates + row * s->gates * width;
        step.kept = o->kept + row * width;
        step.h = o->h + row * width;
        step.before = before_step(s, t, o->h, given);
        step.c_before = before_step(s, t, o->kept, given ? given + width : NULL);
        forward_step(o, s, &step);
    }
    clear_rows(o->gates, end - walk->time + walk->length, end, s->gates * width);
    clear_rows(o->kept, end - walk->time + walk->length, end, width);
    clear_rows(o->h, end - walk->time + walk->length, end, width);
    for (int64_t i = 0; o->state_out && i < s->parts * width; i++) {
        const double *from = i < width ? o->h : o->kept;
        const int64_t last = walk->length > 0 ? walk_row(walk, walk->length - 1) : 0;
        o->state_out[walk->batch * s->parts * width + i] =
            walk->length > 0 ? from[last * width + i % width] : at(given, i);
        oracle_scale(&o->state_out_scale, fmax(step.error, step.c_error));
    }
}

static struct sequence sequence_of(enum recurrent_cell cell, int64_t batch, int64_t time,
                                   int64_t width, bool reversed, const double *weight,
                                   const int32_t *reset, const int32_t *lengths) {
    return (struct sequence){walk_of(batch, time, reversed, reset, lengths), width,
                             recurrent_gates(cell), recurrent_parts(cell), weight};
}

static void recurrent_forward_oracle(union op_oracle *all) {
    struct recurrent_forward_oracle *o = &all->recurrent_forward;
    for (int64_t batch = 0; batch < o->batch; batch++) {
        const struct sequence s = sequence_of(o->cell, batch, o->time, o->width, o->reversed,
                                              o->weight, o->reset, o->lengths);
        forward_sequence(o, &s, o->state ? o->state + batch * s.parts * s.width : NULL);
    }
}

/* ---- the oracle: backward ---- */

/* The gradients of the state after a step [width], then of that before it, and the largest error.
 */
struct carried {
    double *dh, *dc, *again; /* again: the gradient of r h_before */
    double error, c_error;
};

struct backward_step {
    const double *gates, *kept, *dh;
    const double *before, *c_before;
    double *dgates, *dproduct;
    double error; /* the largest of the gates' gradients */
};

/* A gate's gradient, and what it may err by. */
static double put(struct backward_step *step, int64_t i, double value, double error) {
    step->dgates[i] = value;
    oracle_scale(&step->error, error + fabs(value));
    return value;
}

/* Gradients of a GRU's z and n; returns n's. The state's becomes z's share. */
static double blend_back(const struct sequence *s, struct backward_step *step,
                         struct carried *carried, int64_t j) {
    const double z = step->gates[s->width + j], n = step->gates[2 * s->width + j];
    const double before = at(step->before, j), d = step->dh[j] + carried->dh[j];
    const double error = fabs(step->dh[j]) + fabs(carried->dh[j]) + carried->error;
    const double slope = z * (1 - z), candidate = (1 - z) * (1 - n * n);
    put(step, s->width + j, d * (before - n) * slope, error * (fabs(before) + fabs(n)) * slope);
    carried->dh[j] = d * z;
    return put(step, 2 * s->width + j, d * candidate, error * candidate);
}

static void gru_channel_back(const struct sequence *s, struct backward_step *step,
                             struct carried *carried, int64_t j) {
    const double error = fabs(step->dh[j]) + fabs(carried->dh[j]) + carried->error;
    const double r = step->gates[j], m = step->kept[j];
    const double dn = blend_back(s, step, carried, j);
    const double dr = put(step, j, dn * m * r * (1 - r), error * fabs(m) * r * (1 - r));
    step->dproduct[j] = dr;
    step->dproduct[s->width + j] = step->dgates[s->width + j];
    step->dproduct[2 * s->width + j] = dn * r;
}

static void lstm_channel_back(const struct sequence *s, struct backward_step *step,
                              struct carried *carried, int64_t j) {
    const int64_t width = s->width;
    const double i = step->gates[j], f = step->gates[width + j];
    const double g = step->gates[2 * width + j], o = step->gates[3 * width + j];
    const double c = tanh(step->kept[j]), before = at(step->c_before, j);
    const double d = step->dh[j] + carried->dh[j];
    const double error = fabs(step->dh[j]) + fabs(carried->dh[j]) + carried->error;
    const double dc = carried->dc[j] + d * o * (1 - c * c);
    const double c_error = fabs(carried->dc[j]) + carried->c_error + error * o * (1 - c * c);
    put(step, j, dc * g * i * (1 - i), c_error * fabs(g) * i * (1 - i));
    put(step, width + j, dc * before * f * (1 - f), c_error * fabs(before) * f * (1 - f));
    put(step, 2 * width + j, dc * i * (1 - g * g), c_error * i * (1 - g * g));
    put(step, 3 * width + j, d * c * o * (1 - o), error * fabs(c) * o * (1 - o));
    carried->dh[j] = 0;
    carried->dc[j] = dc * f;
}

/* Columns of the weight's rows first .. end - 1 with the gates' gradients d: into `to`, with the
 * largest of its errors. */
static double product_back(const struct sequence *s, int64_t first, int64_t end, const double *d,
                           double error, double *to) {
    double worst = 0;
    for (int64_t k = 0; k < s->width; k++) {
        double magnitude = 0, square = 0;
        for (int64_t row = first; row < end; row++) {
            const double weight = s->weight[row * s->width + k];
            to[k] += weight * d[row];
            magnitude += fabs(weight * d[row]);
            square += weight * weight;
        }
        oracle_scale(&worst, magnitude + sqrt(square) * error);
    }
    return worst;
}

/* A reset before the product: r's gradient needs that of r h_before. */
static double reset_back(const struct sequence *s, struct backward_step *step,
                         struct carried *carried) {
    const int64_t width = s->width;
    for (int64_t j = 0; j < width; j++) {
        carried->again[j] = 0;
    }
    const double error =
        product_back(s, 2 * width, 3 * width, step->dgates, step->error, carried->again);
    for (int64_t j = 0; j < width; j++) {
        const double r = step->gates[j], before = at(step->before, j);
        put(step, j, carried->again[j] * before * r * (1 - r), error * fabs(before) * r * (1 - r));
        carried->dh[j] += carried->again[j] * r;
    }
    return error;
}

/* The largest error that a state's gradient may have from its own value, before the product's
 * share. */
static double direct_error(const struct sequence *s, const struct backward_step *step,
                           const struct carried *carried, int64_t j) {
    const double z = s->parts > 1 ? 0 : step->gates[s->width + j];
    return z * (fabs(step->dh[j]) + fabs(carried->dh[j]) + carried->error);
}

static void backward_step(struct recurrent_backward_oracle *o, const struct sequence *s,
                          struct backward_step *step, struct carried *carried) {
    const int64_t width = s->width;
    double direct = 0, c_error = 0, reset_error = 0;
    for (int64_t j = 0; j < width; j++) {
        oracle_scale(&direct, direct_error(s, step, carried, j));
        if (o->cell == RECURRENT_LSTM) {
            const double slope = step->gates[3 * width + j];
            oracle_scale(&c_error,
                         step->gates[width + j] *
                             (fabs(carried->dc[j]) + carried->c_error +
                              slope * (fabs(step->dh[j]) + fabs(carried->dh[j]) + carried->error)));
            lstm_channel_back(s, step, carried, j);
        } else if (o->cell == RECURRENT_GRU) {
            gru_channel_back(s, step, carried, j);
        } else {
            (void)blend_back(s, step, carried, j);
        }
    }
    if (o->cell == RECURRENT_GRU_BEFORE) {
        reset_error = reset_back(s, step, carried);
    }
    const double *of = o->cell == RECURRENT_GRU ? step->dproduct : step->dgates;
    const int64_t rows = (o->cell == RECURRENT_GRU_BEFORE ? 2 : s->gates) * width;
    const double back = product_back(s, 0, rows, of, step->error, carried->dh);
    carried->error = direct + reset_error + back;
    carried->c_error = c_error;
    oracle_scale(&o->dgates_scale, step->error);
    oracle_scale(&o->dproduct_scale, step->error);
}

static void drop(const struct sequence *s, struct carried *carried) {
    for (int64_t j = 0; j < s->width; j++) {
        carried->dh[j] = carried->dc[j] = 0;
    }
    carried->error = carried->c_error = 0;
}

static void begin_back(const struct sequence *s, const double *given, struct carried *carried) {
    drop(s, carried);
    for (int64_t j = 0; given && j < s->width; j++) {
        carried->dh[j] = given[j];
        carried->dc[j] = s->parts > 1 ? given[s->width + j] : 0;
    }
}

static void backward_sequence(struct recurrent_backward_oracle *o, const struct sequence *s,
                              struct carried *carried) {
    const struct walk *walk = &s->walk;
    const int64_t width = s->width, end = (walk->batch + 1) * walk->time;
    const int64_t place = walk->batch * s->parts * width;
    const double *given = o->state ? o->state + place : NULL;
    begin_back(s, o->dstate_out ? o->dstate_out + place : NULL, carried);
    for (int64_t t = walk->length - 1; t >= 0; t--) {
        const int64_t row = walk_row(walk, t);
        struct backward_step step = {
            .gates = o->gates + row * s->gates * width,
            .kept = o->kept + row * width,
            .dh = o->dh + row * width,
            .before = before_step(s, t, o->h, given),
            .c_before = before_step(s, t, o->kept, given ? given + width : NULL),
            .dgates = o->dgates + row * s->gates * width,
            .dproduct = o->dproduct ? o->dproduct + row * s->gates * width : NULL,
        };
        backward_step(o, s, &step, carried);
        for (int64_t j = 0; j < width; j++) {
            o->before[row * width + j] = at(step.before, j);
        }
        if (walk_cut(walk, t)) {
            drop(s, carried);
        }
    }
    clear_rows(o->dgates, end - walk->time + walk->length, end, s->gates * width);
    clear_rows(o->before, end - walk->time + walk->length, end, width);
    if (o->cell == RECURRENT_GRU) {
        clear_rows(o->dproduct, end - walk->time + walk->length, end, s->gates * width);
    }
    for (int64_t i = 0; o->dstate && i < s->parts * width; i++) {
        o->dstate[place + i] = i < width ? carried->dh[i] : carried->dc[i - width];
        oracle_scale(&o->dstate_scale, fmax(carried->error, carried->c_error));
    }
}

/* Without memory the outputs stay NaN, which nothing passes. */
static void recurrent_backward_oracle(union op_oracle *all) {
    struct recurrent_backward_oracle *o = &all->recurrent_backward;
    double *room = mem_alloc(3 * (uint64_t)o->width, sizeof *room);
    for (int64_t batch = 0; room && batch < o->batch; batch++) {
        const struct sequence s = sequence_of(o->cell, batch, o->time, o->width, o->reversed,
                                              o->weight, o->reset, o->lengths);
        struct carried carried = {room, room + o->width, room + 2 * o->width, 0, 0};
        backward_sequence(o, &s, &carried);
    }
    mem_free(room);
}

/* ---- bounds ----
 *
 * A pre-activation is a sum of width + 3 terms, of products 1/2. A gate adds 6 (exp 3, + 1/2,
 * / 2.5), a candidate as much, tanh by exp 3, its sums 1, / 2.5; h is their blend, 3 products and
 * sums more. What is carried is in the scale. Backward a gate's gradient is of 5 products and sums,
 * each 1/2, at most; tanh(c) 6.5; the product with the weight is a sum of the gates' rows. `before`
 * is copied. */

static double step_error(int64_t terms) {
    return 12 + sum_error(terms);
}

BOUND(recurrent_forward, gates, step_error(a->width + 3))
BOUND(recurrent_forward, kept, step_error(a->width + 3))
BOUND(recurrent_forward, h, step_error(a->width + 3))
BOUND(recurrent_forward, state_out, step_error(a->width + 3))
BOUND(recurrent_backward, dgates, step_error(recurrent_gates(a->cell) * a->width))
BOUND(recurrent_backward, dproduct, step_error(recurrent_gates(a->cell) * a->width))
BOUND(recurrent_backward, before, 0)
BOUND(recurrent_backward, dstate, step_error(recurrent_gates(a->cell) * a->width))

/* ---- inputs ---- */

/* Of a size that a step takes no more out of than it put in: else errors would grow without end. */
static float draw_weight(const struct filler *filler) {
    const float width = (float)filler_size(filler, "width");
    return fmaxf(-1, fminf(filler_draw(filler), 1)) / sqrtf(width);
}

static void fill_weight(const struct filler *filler, struct operand *operand) {
    fill_each(filler, operand, draw_weight);
}

/* Backward reads what its own forward left. */
static minrnn_status derive_forward(const struct filler *filler) {
    const struct recurrent_backward_args *a = &filler->c->args.recurrent_backward;
    struct operand *operands = filler->operands;
    struct operand *written[] = {&operands[INDEX(recurrent_backward, gates)],
                                 &operands[INDEX(recurrent_backward, kept)],
                                 &operands[INDEX(recurrent_backward, h)]};
    struct recurrent_forward_oracle forward = {
        .batch = a->batch,
        .time = a->time,
        .width = a->width,
        .cell = a->cell,
        .reversed = a->reversed,
        .weight = operands[INDEX(recurrent_backward, weight)].host,
        .state = operands[INDEX(recurrent_backward, state)].host,
        .reset = operands[INDEX(recurrent_backward, reset)].host,
        .lengths = operands[INDEX(recurrent_backward, lengths)].host,
        .gates = written[0]->host,
        .kept = written[1]->host,
        .h = written[2]->host,
    };
    oracle_recurrent_forward(&forward);
    for (int i = 0; i < 3; i++) {
        operand_round(written[i]);
    }
    return MINRNN_OK;
}

/* ---- cases ---- */

struct recurrent_options {
    enum recurrent_cell cell;
    bool reversed;
};

#define RECURRENT_OPTIONS(options, shape)                                                          \
    .batch = (shape).batch, .time = (shape).time, .width = (shape).width, .cell = (options)->cell, \
    .reversed = (options)->reversed

typedef void (*recurrent_take)(struct maker *maker, const struct recurrent_options *options,
                               struct check_shape shape, uint32_t without);

static void take_forward(struct maker *maker, const struct recurrent_options *options,
                         struct check_shape shape, uint32_t without) {
    struct check_case c = maker_draw(maker);
    c.args.recurrent_forward = (struct recurrent_forward_args){RECURRENT_OPTIONS(options, shape)};
    c.given &= ~without;
    maker_take(maker, &c);
}

static void take_backward(struct maker *maker, const struct recurrent_options *options,
                          struct check_shape shape, uint32_t without) {
    struct check_case c = maker_draw(maker);
    c.args.recurrent_backward = (struct recurrent_backward_args){RECURRENT_OPTIONS(options, shape)};
    const uint32_t product = BIT(recurrent_backward, dproduct);
    c.given &= ~(without | product);
    c.given |= options->cell == RECURRENT_GRU ? product : 0; /* of others it is dgates */
    maker_take(maker, &c);
}

/* Every cell in both directions; sequences in number that make one block and several, of whole
 * tiles and not; then a reset, or a length, at every place. */
static void make_recurrent(struct maker *maker, uint32_t reset, uint32_t lengths,
                           recurrent_take take_one) {
    const struct sizes batches = SIZES(1, 2, 5, 8, 19), times = SIZES(1, 2, 7, 33, 203);
    int turn = 0;
    FOR_DRAWS(maker) {
        const struct recurrent_options options = {(enum recurrent_cell)(turn % RECURRENT_CELLS),
                                                  turn / RECURRENT_CELLS % 2 == 1};
        const struct check_shape shape = {maker_pick(maker, batches), maker_pick(maker, times),
                                          maker_pick(maker, SOME_WIDTHS)};
        take_one(maker, &options, shape, 0);
        turn++;
    }
    maker->fixed = EACH_MARK;
    for (int i = 0; i < 4 * RECURRENT_CELLS && !maker->stopped; i++) {
        const struct recurrent_options options = {(enum recurrent_cell)(i % RECURRENT_CELLS),
                                                  i / RECURRENT_CELLS % 2 == 1};
        take_one(maker, &options, (struct check_shape){12, 11, 3},
                 i < 2 * RECURRENT_CELLS ? reset : lengths);
    }
    maker->fixed = DRAWN;
}

static void make_recurrent_forward(struct maker *maker) {
    make_recurrent(maker, BIT(recurrent_forward, reset), BIT(recurrent_forward, lengths),
                   take_forward);
}

static void make_recurrent_backward(struct maker *maker) {
    make_recurrent(maker, BIT(recurrent_backward, reset), BIT(recurrent_backward, lengths),
                   take_backward);
}

/* ---- the ops ---- */

/* The products with the state. */
static double recurrent_operations(int64_t rows, int64_t width, enum recurrent_cell cell) {
    return 2.0 * (double)rows * (double)recurrent_gates(cell) * (double)width * (double)width;
}

static double recurrent_forward_operations(const union op_args *args) {
    const struct recurrent_forward_args *a = &args->recurrent_forward;
    return recurrent_operations(a->batch * a->time, a->width, a->cell);
}

static double recurrent_backward_operations(const union op_args *args) {
    const struct recurrent_backward_args *a = &args->recurrent_backward;
    return recurrent_operations(a->batch * a->time, a->width, a->cell);
}

#define TIMED_RECURRENT(op, present, of_width, of_cell)                                            \
    TIMED(op, present, .batch = TIMED_BATCH, .time = TIMED_TIME, .width = (of_width),              \
          .cell = (of_cell))

const struct op_check check_recurrent_forward = {
    .oracle = recurrent_forward_oracle,
    .bounds = {BOUNDED(recurrent_forward, gates), BOUNDED(recurrent_forward, kept),
               BOUNDED(recurrent_forward, h), BOUNDED(recurrent_forward, state_out)},
    .cases = make_recurrent_forward,
    .fill = {AT(recurrent_forward, weight) = fill_weight, AT(recurrent_forward, reset) = fill_reset,
             AT(recurrent_forward, lengths) = fill_lengths},
    .large = LARGE(recurrent_forward, ~0u, .batch = 40, .time = 12, .width = 70),
    .timed = {TIMED_RECURRENT(recurrent_forward, 0, 64, RECURRENT_GRU),
              TIMED_RECURRENT(recurrent_forward, 0, 256, RECURRENT_GRU),
              TIMED_RECURRENT(recurrent_forward, 0, 256, RECURRENT_LSTM)},
    .operations = recurrent_forward_operations,
    .extra_cost = 3,
};

const struct op_check check_recurrent_backward = {
    .oracle = recurrent_backward_oracle,
    .bounds = {BOUNDED(recurrent_backward, dgates), BOUNDED(recurrent_backward, dproduct),
               BOUNDED(recurrent_backward, before), BOUNDED(recurrent_backward, dstate)},
    .cases = make_recurrent_backward,
    .fill = {AT(recurrent_backward, weight) = fill_weight,
             AT(recurrent_backward, reset) = fill_reset,
             AT(recurrent_backward, lengths) = fill_lengths},
    .derive = derive_forward,
    .large = LARGE(recurrent_backward, ~0u, .batch = 40, .time = 12, .width = 70),
    .timed = {TIMED_RECURRENT(recurrent_backward, BIT(recurrent_backward, dproduct), 64,
                              RECURRENT_GRU),
              TIMED_RECURRENT(recurrent_backward, BIT(recurrent_backward, dproduct), 256,
                              RECURRENT_GRU),
              TIMED_RECURRENT(recurrent_backward, 0, 256, RECURRENT_LSTM)},
    .operations = recurrent_backward_operations,
    .extra_cost = 3,
};
