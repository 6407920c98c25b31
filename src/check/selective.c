/* SPDX-License-Identifier: Apache-2.0 */
/* The selective scan, channel by channel and step by step.
 *
 * Scales are a running error analysis: beside each number goes what it may err by, in units of what
 * one rounding makes of it. Of a long sum that is what its terms may err by; the bounds count the
 * rounding of the sum itself. */
#include "base/alloc.h"
#include "check/op_check.h"

struct number {
    double value, error;
};

static struct number exact(double x) {
    return (struct number){x, 0};
}

static struct number times(struct number a, struct number b) {
    const double value = a.value * b.value;
    return (struct number){value, a.error * fabs(b.value) + fabs(a.value) * b.error + fabs(value)};
}

static struct number plus(struct number a, struct number b) {
    return (struct number){a.value + b.value, a.error + b.error + fabs(a.value) + fabs(b.value)};
}

/* A term of a long sum. */
static void add(struct number *sum, struct number term) {
    sum->value += term.value;
    sum->error += term.error;
}

static struct number exponential(struct number x) {
    const double value = exp(x.value);
    return (struct number){value, value * x.error + value};
}

static struct number logistic(struct number x) {
    const double value = oracle_sigma(x.value);
    return (struct number){value, value * oracle_sigma(-x.value) * x.error + value};
}

static struct number softplus(struct number x) {
    const double value = oracle_softplus(x.value);
    return (struct number){value, oracle_sigma(x.value) * x.error + value};
}

/* ---- what a step reads ---- */

struct problem {
    int64_t batch, time, width, states;
    const double *u, *p, *z, *bc, *a_log, *p_bias, *skip;
    const int32_t *reset, *lengths;
};

#define PROBLEM(o)                                                                                 \
    {                                                                                              \
        .batch = (o)->batch, .time = (o)->time, .width = (o)->width, .states = (o)->states,        \
        .u = (o)->u, .p = (o)->p, .z = (o)->z, .bc = (o)->bc, .a_log = (o)->a_log,                 \
        .p_bias = (o)->p_bias, .skip = (o)->skip, .reset = (o)->reset, .lengths = (o)->lengths     \
    }

/* A channel at a row. */
struct place {
    int64_t channel, row;
    struct number u, z, x, step; /* x = p + p_bias */
    bool cut;
};

static struct place place_of(const struct problem *p, int64_t channel, int64_t row) {
    const int64_t at = row * p->width + channel;
    const struct number x = plus(exact(p->p[at]), exact(p->p_bias[channel]));
    return (struct place){channel,
                          row,
                          exact(p->u[at]),
                          exact(p->z[at]),
                          x,
                          softplus(x),
                          p->reset && p->reset[row] != 0};
}

static struct number b_at(const struct problem *p, const struct place *at, int64_t n) {
    return exact(p->bc[at->row * 2 * p->states + n]);
}

static struct number c_at(const struct problem *p, const struct place *at, int64_t n) {
    return exact(p->bc[(at->row * 2 + 1) * p->states + n]);
}

static struct number rate_at(const struct problem *p, const struct place *at, int64_t n) {
    const struct number magnitude = exponential(exact(p->a_log[at->channel * p->states + n]));
    return (struct number){-magnitude.value, magnitude.error};
}

static struct number decay_at(const struct problem *p, const struct place *at, int64_t n) {
    return exponential(times(at->step, rate_at(p, at, n)));
}

/* h from what is left of the state before: decay h_before. */
static struct number after(const struct problem *p, const struct place *at, int64_t n,
                           struct number left) {
    return plus(left, times(times(at->step, at->u), b_at(p, at, n)));
}

static struct number silu(struct number z) {
    return times(z, logistic(z));
}

static int64_t length_of(const struct problem *p, int64_t sequence) {
    return p->lengths ? p->lengths[sequence] : p->time;
}

static int64_t state_place(const struct problem *p, int64_t sequence, int64_t channel) {
    return (sequence * p->width + channel) * p->states;
}

static int64_t carry_place(const struct problem *p, int64_t sequence, int64_t chunk, int64_t n) {
    return ((sequence * selective_chunks(p->time) + chunk) * p->states + n) * p->width;
}

/* ---- the oracle: forward ---- */

/* Takes the states over a step; returns C h + skip u. */
static struct number forward_step(const struct problem *p, const struct place *at,
                                  struct number *h) {
    struct number sum = times(exact(p->skip[at->channel]), at->u);
    for (int64_t n = 0; n < p->states; n++) {
        const struct number before = at->cut ? exact(0) : h[n];
        h[n] = after(p, at, n, times(decay_at(p, at, n), before));
        add(&sum, times(c_at(p, at, n), h[n]));
    }
    return sum;
}

static void write_carries(struct selective_forward_oracle *o, const struct problem *p,
                          int64_t sequence, int64_t t, int64_t channel, const struct number *h) {
    for (int64_t n = 0; o->carries && n < p->states && t % SELECTIVE_CHUNK == 0; n++) {
        const bool used = t < length_of(p, sequence);
        o->carries[carry_place(p, sequence, t / SELECTIVE_CHUNK, n) + channel] =
            used ? h[n].value : 0;
        oracle_scale(&o->carries_scale, used ? h[n].error : 0);
    }
}

static void forward_channel(struct selective_forward_oracle *o, const struct problem *p,
                            int64_t sequence, int64_t channel) {
    const int64_t state = state_place(p, sequence, channel);
    struct number h[SELECTIVE_MOST_STATES];
    for (int64_t n = 0; n < p->states; n++) {
        h[n] = exact(o->state ? o->state[state + n] : 0);
    }
    for (int64_t t = 0; t < p->time; t++) {
        const struct place at = place_of(p, channel, sequence * p->time + t);
        struct number y = {0, 0};
        write_carries(o, p, sequence, t, channel, h);
        if (t < length_of(p, sequence)) {
            y = times(forward_step(p, &at, h), silu(at.z));
        }
        o->y[at.row * p->width + channel] = y.value;
        oracle_scale(&o->y_scale, y.error);
    }
    for (int64_t n = 0; o->state_out && n < p->states; n++) {
        o->state_out[state + n] = h[n].value;
        oracle_scale(&o->state_out_scale, h[n].error);
    }
}

static void selective_forward_oracle(union op_oracle *all) {
    struct selective_forward_oracle *o = &all->selective_forward;
    const struct problem p = PROBLEM(o);
    for (int64_t i = 0; i < o->batch * o->width; i++) {
        forward_channel(o, &p, i / o->width, i % o->width);
    }
}

/* ---- the oracle: backward ---- */

/* What a channel adds up over all sequences, and what goes back along one. */
struct gradients {
    struct number a_log[SELECTIVE_MOST_STATES], bias, skip;
    struct number carry[SELECTIVE_MOST_STATES];
};

/* Sums over a step's states. */
struct step_sums {
    struct number out, u, step;
};

/* One state of a step; `before` is its h before, `dsum` the gradient of C h + skip u. dbc and its
 * errors [2 states] are the step's. */
static void state_back(const struct problem *p, const struct place *at, int64_t n,
                       struct number before, struct number dsum, struct gradients *gradients,
                       struct step_sums *sums, double *dbc, double *errors) {
    const struct number b = b_at(p, at, n), c = c_at(p, at, n);
    const struct number rate = rate_at(p, at, n), decay = decay_at(p, at, n);
    const struct number left = times(decay, before), h = after(p, at, n, left);
    const struct number g = plus(times(dsum, c), gradients->carry[n]);
    const struct number db = times(g, times(at->step, at->u)), dc = times(dsum, h);
    add(&sums->out, times(c, h));
    add(&sums->u, times(at->step, times(g, b)));
    add(&sums->step, times(at->u, times(g, b)));
    add(&sums->step, times(rate, times(g, left)));
    add(&gradients->a_log[n], times(rate, times(at->step, times(g, left))));
    dbc[n] += db.value;
    errors[n] += db.error;
    dbc[p->states + n] += dc.value;
    errors[p->states + n] += dc.error;
    gradients->carry[n] = at->cut ? exact(0) : times(decay, g);
}

static void put(double *to, double *scale, struct number x) {
    *to = x.value;
    oracle_scale(scale, x.error);
}

static void step_back(struct selective_backward_oracle *o, const struct problem *p,
                      const struct place *at, const struct number *before,
                      struct gradients *gradients, double *errors) {
    const int64_t i = at->row * p->width + at->channel, row = at->row * 2 * p->states;
    const struct number skip = exact(p->skip[at->channel]), gate = logistic(at->z);
    const struct number dy = exact(o->dy[i]), dsum = times(dy, silu(at->z));
    struct step_sums sums = {times(skip, at->u), times(dsum, skip), {0, 0}};
    for (int64_t n = 0; n < p->states; n++) {
        state_back(p, at, n, at->cut ? exact(0) : before[n], dsum, gradients, &sums, o->dbc + row,
                   errors + row);
    }
    const struct number minus = {-at->z.value, 0};
    const struct number slope = times(gate, plus(exact(1), times(at->z, logistic(minus))));
    const struct number dp = times(sums.step, logistic(at->x));
    add(&gradients->bias, dp);
    add(&gradients->skip, times(dsum, at->u));
    put(&o->du[i], &o->du_scale, sums.u);
    put(&o->dp[i], &o->dp_scale, dp);
    put(&o->dz[i], &o->dz_scale, times(times(dy, sums.out), slope));
}

/* The states before each step of a chunk, from where forward left the chunk before. */
static void walk_chunk(const struct selective_backward_oracle *o, const struct problem *p,
                       int64_t sequence, int64_t channel, int64_t chunk,
                       struct number before[][SELECTIVE_MOST_STATES]) {
    for (int64_t n = 0; n < p->states; n++) {
        before[0][n] = exact(o->carries[carry_place(p, sequence, chunk, n) + channel]);
    }
    for (int64_t i = 0; i + 1 < SELECTIVE_CHUNK; i++) {
        const int64_t t = chunk * SELECTIVE_CHUNK + i;
        if (t + 1 >= length_of(p, sequence)) {
            return;
        }
        const struct place at = place_of(p, channel, sequence * p->time + t);
        for (int64_t n = 0; n < p->states; n++) {
            before[i + 1][n] = before[i][n];
        }
        (void)forward_step(p, &at, before[i + 1]);
    }
}

static void sequence_back(struct selective_backward_oracle *o, const struct problem *p,
                          int64_t sequence, int64_t channel, struct gradients *gradients,
                          double *errors) {
    struct number before[SELECTIVE_CHUNK][SELECTIVE_MOST_STATES];
    const int64_t state = state_place(p, sequence, channel), length = length_of(p, sequence);
    for (int64_t n = 0; n < p->states; n++) {
        gradients->carry[n] = exact(o->dstate_out ? o->dstate_out[state + n] : 0);
    }
    for (int64_t t = p->time - 1; t >= 0; t--) {
        const int64_t row = sequence * p->time + t, i = row * p->width + channel;
        if (t >= length) {
            o->du[i] = o->dp[i] = o->dz[i] = 0;
            continue;
        }
        if (t == length - 1 || t % SELECTIVE_CHUNK == SELECTIVE_CHUNK - 1) {
            walk_chunk(o, p, sequence, channel, t / SELECTIVE_CHUNK, before);
        }
        const struct place at = place_of(p, channel, row);
        step_back(o, p, &at, before[t % SELECTIVE_CHUNK], gradients, errors);
    }
    for (int64_t n = 0; o->dstate && n < p->states; n++) {
        put(&o->dstate[state + n], &o->dstate_scale, gradients->carry[n]);
    }
}

/* Adds a channel's sum to what was there. */
static void add_to(double *total, double *scale, struct number sum) {
    oracle_scale(scale, fabs(*total) + sum.error);
    *total += sum.value;
}

static void channel_back(struct selective_backward_oracle *o, const struct problem *p,
                         int64_t channel, double *errors) {
    struct gradients gradients = {.bias = {0, 0}};
    for (int64_t sequence = 0; sequence < p->batch; sequence++) {
        sequence_back(o, p, sequence, channel, &gradients, errors);
    }
    for (int64_t n = 0; n < p->states; n++) {
        add_to(&o->da_log[channel * p->states + n], &o->da_log_scale, gradients.a_log[n]);
    }
    add_to(&o->dp_bias[channel], &o->dp_bias_scale, gradients.bias);
    add_to(&o->dskip[channel], &o->dskip_scale, gradients.skip);
}

/* Without memory the outputs stay NaN, which nothing passes. */
static void selective_backward_oracle(union op_oracle *all) {
    struct selective_backward_oracle *o = &all->selective_backward;
    const struct problem p = PROBLEM(o);
    const int64_t count = o->batch * o->time * 2 * o->states;
    double *errors = mem_alloc((uint64_t)count, sizeof *errors);
    if (!errors) {
        return;
    }
    for (int64_t i = 0; i < count; i++) {
        o->dbc[i] = errors[i] = 0;
    }
    for (int64_t channel = 0; channel < o->width; channel++) {
        channel_back(o, &p, channel, errors);
    }
    for (int64_t i = 0; i < count; i++) {
        oracle_scale(&o->dbc_scale, errors[i]);
    }
    mem_free(errors);
}

/* ---- bounds ----
 *
 * softplus is 6 (exp 3, log1p 2, their sum), a decay 4 (exp, the product in it), a logistic
 * function 6, products and sums 1/2. Each is one unit of the scale, where they add up along time.
 * The sums are over states, channels, or everything. */

enum { STEP_ERROR = 12 };

BOUND(selective_forward, y, STEP_ERROR + sum_error(a->states + 1))
BOUND(selective_forward, carries, STEP_ERROR)
BOUND(selective_forward, state_out, STEP_ERROR)
BOUND(selective_backward, du, STEP_ERROR + sum_error(a->states + 1))
BOUND(selective_backward, dp, STEP_ERROR + sum_error(2 * a->states))
BOUND(selective_backward, dz, STEP_ERROR + sum_error(a->states + 1))
BOUND(selective_backward, dbc, STEP_ERROR + sum_error(a->width))
BOUND(selective_backward, da_log, STEP_ERROR + sum_error(a->batch * a->time))
BOUND(selective_backward, dp_bias,
      STEP_ERROR + sum_error(2 * a->states) + sum_error(a->batch * a->time))
BOUND(selective_backward, dskip, STEP_ERROR + sum_error(a->batch * a->time))
BOUND(selective_backward, dstate, STEP_ERROR)

/* ---- inputs ---- */

/* Around -A = 1 .. states, with which models begin. */
static void fill_a_log(const struct filler *filler, struct operand *operand) {
    const int64_t states = filler_size(filler, "states");
    for (int64_t i = 0; i < operand->argument.extent; i++) {
        const float drawn = fmaxf(-3, fminf(filler_draw(filler), 3));
        operand->initial[i].f = logf((float)(1 + i % states)) + 0.3f * drawn;
    }
}

/* Steps of about 0.05, which states outlive by far. */
static float draw_bias(const struct filler *filler) {
    return filler_draw(filler) - 3;
}

static void fill_p_bias(const struct filler *filler, struct operand *operand) {
    fill_each(filler, operand, draw_bias);
}

/* Backward reads what its own forward left. */
static minrnn_status derive_carries(const struct filler *filler) {
    const struct selective_backward_args *a = &filler->c->args.selective_backward;
    struct operand *operands = filler->operands;
    struct operand *carries = &operands[INDEX(selective_backward, carries)];
    const int64_t states = a->batch * a->width * a->states;
    double *state = mem_alloc((uint64_t)states, sizeof *state);
    for (int64_t i = 0; state && i < states; i++) {
        state[i] = (double)filler_draw(filler);
    }
    struct selective_forward_oracle forward = {
        .batch = a->batch,
        .time = a->time,
        .width = a->width,
        .states = a->states,
        .u = operands[INDEX(selective_backward, u)].host,
        .p = operands[INDEX(selective_backward, p)].host,
        .z = operands[INDEX(selective_backward, z)].host,
        .bc = operands[INDEX(selective_backward, bc)].host,
        .a_log = operands[INDEX(selective_backward, a_log)].host,
        .p_bias = operands[INDEX(selective_backward, p_bias)].host,
        .skip = operands[INDEX(selective_backward, skip)].host,
        .state = state,
        .reset = operands[INDEX(selective_backward, reset)].host,
        .lengths = operands[INDEX(selective_backward, lengths)].host,
        .y = operands[INDEX(selective_backward, du)].host, /* of the same size, still unused */
        .carries = carries->host,
    };
    oracle_selective_forward(&forward);
    operand_round(carries);
    mem_free(state);
    return state ? MINRNN_OK : MINRNN_OUT_OF_MEMORY;
}

/* ---- cases ---- */

struct selective_shape {
    int64_t batch, time, width, states;
};

#define SELECTIVE_SHAPE(shape)                                                                     \
    .batch = (shape).batch, .time = (shape).time, .width = (shape).width, .states = (shape).states

typedef void (*selective_take)(struct maker *maker, struct selective_shape shape, uint32_t without);

static void take_forward(struct maker *maker, struct selective_shape shape, uint32_t without) {
    struct check_case c = maker_draw(maker);
    c.args.selective_forward = (struct selective_forward_args){SELECTIVE_SHAPE(shape)};
    c.given &= ~without;
    maker_take(maker, &c);
}

static void take_backward(struct maker *maker, struct selective_shape shape, uint32_t without) {
    struct check_case c = maker_draw(maker);
    c.args.selective_backward = (struct selective_backward_args){SELECTIVE_SHAPE(shape)};
    c.given &= ~without;
    maker_take(maker, &c);
}

/* Sizes that the oracle walks in some milliseconds. */
static struct selective_shape draw_shape(struct maker *maker) {
    const struct sizes times = SIZES(1, 2, 7, 16, 17, 48, 203), states = SIZES(1, 4, 16, 37, 64);
    struct selective_shape shape;
    do {
        shape = (struct selective_shape){maker_pick(maker, SOME_BATCHES), maker_pick(maker, times),
                                         maker_pick(maker, SOME_WIDTHS), maker_pick(maker, states)};
    } while (shape.batch * shape.time * shape.width * shape.states > 300000);
    return shape;
}

/* A reset, then a length, at every place of a sequence, one a sequence: four chunks and a part, and
 * two segments where devices cut time. */
static void with_each_mark(struct maker *maker, uint32_t reset, uint32_t lengths,
                           selective_take take_one) {
    const int64_t time = maker->mode == CHECK_SMALL ? 5 : 4 * SELECTIVE_CHUNK + 3;
    maker->fixed = EACH_MARK;
    take_one(maker, (struct selective_shape){time + 1, time, 3, 4}, lengths);
    take_one(maker, (struct selective_shape){time + 1, time, 3, 4}, reset);
    maker->fixed = DRAWN;
}

static void make_selective(struct maker *maker, uint32_t reset, uint32_t lengths,
                           selective_take take_one) {
    FOR_DRAWS(maker) {
        take_one(maker, draw_shape(maker), 0);
    }
    with_each_mark(maker, reset, lengths, take_one);
    if (maker->mode != CHECK_SMALL) {
        take_one(maker, (struct selective_shape){1, 1400, 9, 16}, 0);
        /* More steps than some compilers count in loops. */
        take_one(maker, (struct selective_shape){1, 70000, 1, 1}, lengths);
    }
    /* As long as the selective copying of the papers, in one stretch. */
    if (maker->mode == CHECK_THOROUGH) {
        maker->fixed = NO_MARK;
        take_one(maker, (struct selective_shape){2, 4112, 40, 16}, reset | lengths);
        maker->fixed = DRAWN;
    }
}

static void make_selective_forward(struct maker *maker) {
    make_selective(maker, BIT(selective_forward, reset), BIT(selective_forward, lengths),
                   take_forward);
}

static void make_selective_backward(struct maker *maker) {
    make_selective(maker, BIT(selective_backward, reset), BIT(selective_backward, lengths),
                   take_backward);
}

/* ---- the ops ---- */

/* A state takes an exponential and three more; backward two of these and nine. */
static double selective_forward_instructions(const union op_args *all) {
    const struct selective_forward_args *a = &all->selective_forward;
    return (double)(a->batch * a->time * a->width * a->states) * (EXP_INSTRUCTIONS + 3);
}

static double selective_backward_instructions(const union op_args *all) {
    const struct selective_backward_args *a = &all->selective_backward;
    return (double)(a->batch * a->time * a->width * a->states) * (EXP_INSTRUCTIONS + 12);
}

/* The presets' sizes of text, and sequences as long as in selective copying. */
#define TIMED_SELECTIVE(op, present)                                                               \
    TIMED(op, present, .batch = TIMED_BATCH, .time = TIMED_TIME, .width = 768, .states = 16),      \
        TIMED(op, present, .batch = 8, .time = 4112, .width = 128, .states = 16)

const struct op_check check_selective_forward = {
    .oracle = selective_forward_oracle,
    .bounds = {BOUNDED(selective_forward, y), BOUNDED(selective_forward, carries),
               BOUNDED(selective_forward, state_out)},
    .cases = make_selective_forward,
    .fill = {AT(selective_forward, a_log) = fill_a_log, AT(selective_forward, p_bias) = fill_p_bias,
             AT(selective_forward, reset) = fill_reset,
             AT(selective_forward, lengths) = fill_lengths},
    .large = LARGE(selective_forward, ~0u, .batch = 3, .time = 100, .width = 200, .states = 16),
    .timed = {TIMED_SELECTIVE(selective_forward, BIT(selective_forward, carries))},
    .instructions = selective_forward_instructions,
    .extra_cost = 3,
};

const struct op_check check_selective_backward = {
    .oracle = selective_backward_oracle,
    .bounds = {BOUNDED(selective_backward, du), BOUNDED(selective_backward, dp),
               BOUNDED(selective_backward, dz), BOUNDED(selective_backward, dbc),
               BOUNDED(selective_backward, da_log), BOUNDED(selective_backward, dp_bias),
               BOUNDED(selective_backward, dskip), BOUNDED(selective_backward, dstate)},
    .cases = make_selective_backward,
    .fill = {AT(selective_backward, a_log) = fill_a_log,
             AT(selective_backward, p_bias) = fill_p_bias,
             AT(selective_backward, reset) = fill_reset,
             AT(selective_backward, lengths) = fill_lengths},
    .derive = derive_carries,
    .large = LARGE(selective_backward, ~0u, .batch = 3, .time = 100, .width = 200, .states = 16),
    .timed = {TIMED_SELECTIVE(selective_backward, 0)},
    .instructions = selective_backward_instructions,
    .extra_cost = 3,
};
