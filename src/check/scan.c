/* SPDX-License-Identifier: Apache-2.0 */
/* The scan: h_t = a_t h_{t-1} + b_t walked step by step, and the reverse walk for its gradient.
 *
 * Both algs are this one recurrence: in double precision exp(log a) and exp(log b) lose nothing
 * that a single-precision h could hold.
 *
 * Scales are a running error analysis: with unit relative errors of a and b (and, in log space, of
 * their logarithms), the error of h_t is |a_t| error(h_{t-1}) + error(a_t) |h_{t-1}| + error(b_t).
 */
#include "check/op_check.h"
#include "check/walk.h"
#include "op/scan_kinds.h"

/* ---- the oracle ---- */

enum { MAX_GATES = 3 };
#define SATURATED 0x1p-64

/* a, b at one step, their derivatives by each pre-activation, and the size of their errors. */
struct step {
    double a, b;
    double da[MAX_GATES], db[MAX_GATES];
    double a_error, b_error;
    double slope_error; /* relative error of the derivatives, in units */
    double candidate;   /* what multiplies a gate's error; 0 if there is no gate */
    double b_slope;     /* derivative of b by what the tensor b holds, linear cell */
};

/* One channel at one step: what forward and backward both see. */
struct cell {
    minrnn_scan_alg alg;
    minrnn_scan_cell cell;
    minrnn_candidate candidate;
    bool normalised;
    double forget_offset;
    int64_t width;
    const double *x, *b, *bias;
};

static double log_error(const struct cell *cell, double value) {
    const bool log_space = cell->alg == MINRNN_SCAN_LOG && value > 0;
    return fabs(value) * (log_space ? 1 + fabs(log(value)) : 1);
}

static struct step linear_step(const struct cell *cell, int64_t row, int64_t channel) {
    const double x = cell->x[row * cell->width + channel];
    const double b = cell->b[row * cell->width + channel];
    struct step step = {.a = x, .b = b, .da = {1}, .b_slope = 1};
    if (cell->alg == MINRNN_SCAN_LOG) {
        step.a = exp(x);
        step.b = exp(b);
        step.da[0] = step.a;
        step.b_slope = step.b;
    }
    step.a_error = log_error(cell, step.a);
    step.b_error = log_error(cell, step.b);
    return step;
}

static double pre_activation(const struct cell *cell, int64_t row, int64_t channel, int gate) {
    const int64_t gates = scan_gates(cell->cell);
    const int64_t column = gate * cell->width + channel;
    const double bias = cell->bias ? cell->bias[column] : 0;
    return cell->x[row * gates * cell->width + column] + bias;
}

static struct step mingru_step(const struct cell *cell, double c, double c_slope, double gate) {
    const double z = oracle_sigma(gate);
    const double a = oracle_sigma(-gate);
    return (struct step){
        .a = a,
        .b = z * c,
        .da = {0, -z * a},
        .db = {z * c_slope, z * a * c},
        .a_error = log_error(cell, a) + SATURATED,
        .b_error = log_error(cell, z * c) + SATURATED * fabs(c),
        .candidate = c,
    };
}

static struct step minlstm_step(const struct cell *cell, double c, double c_slope, double forget,
                                double input) {
    const double f = oracle_sigma(forget), f_rest = oracle_sigma(-forget);
    const double i = oracle_sigma(input), i_rest = oracle_sigma(-input);
    if (!cell->normalised) {
        return (struct step){
            .a = f,
            .b = i * c,
            .da = {0, f * f_rest, 0},
            .db = {i * c_slope, 0, i * i_rest * c},
            .a_error = log_error(cell, f) + SATURATED,
            .b_error = log_error(cell, i * c) + SATURATED * fabs(c),
            .candidate = c,
        };
    }
    const double d = oracle_softplus(-forget) - oracle_softplus(-input);
    const double a = oracle_sigma(-d), rest = oracle_sigma(d), slope = a * rest;
    /* If both gates are near 0 the ratio sees the rounding of the pre-activations themselves. */
    const bool rounded = cell->bias || cell->forget_offset != 0 || cell->alg == MINRNN_SCAN_LOG;
    const double reach = rounded ? fabs(forget) + fabs(input) : 0;
    return (struct step){
        .a = a,
        .b = rest * c,
        .da = {0, slope * f_rest, -slope * i_rest},
        .db = {rest * c_slope, -slope * f_rest * c, slope * i_rest * c},
        .a_error = log_error(cell, a) + slope * reach + SATURATED,
        .b_error = log_error(cell, rest * c) + (slope * reach + SATURATED) * fabs(c),
        .slope_error = reach,
        .candidate = c,
    };
}

static struct step step_at(const struct cell *cell, int64_t row, int64_t channel) {
    if (cell->cell == MINRNN_CELL_LINEAR) {
        return linear_step(cell, row, channel);
    }
    const double hidden = pre_activation(cell, row, channel, 0);
    const bool g = cell->candidate == MINRNN_CANDIDATE_G;
    const double c = g ? oracle_g(hidden) : hidden;
    const double c_slope = g ? oracle_g_slope(hidden) : 1;
    if (cell->cell == MINRNN_CELL_MINGRU) {
        return mingru_step(cell, c, c_slope, pre_activation(cell, row, channel, 1));
    }
    const double forget = pre_activation(cell, row, channel, 1) + cell->forget_offset;
    return minlstm_step(cell, c, c_slope, forget, pre_activation(cell, row, channel, 2));
}

static void forward_channel(struct scan_forward_oracle *o, const struct cell *cell,
                            const struct walk *walk, int64_t channel) {
    const int64_t first = walk->batch * o->width + channel;
    const double init = o->init ? o->init[channel] : 0;
    double h = o->h0 ? o->h0[first] : init;
    double error = 0;
    for (int64_t t = walk->length; t < o->time; t++) {
        o->h[(walk->batch * o->time + t) * o->width + channel] = 0;
    }
    for (int64_t s = 0; s < walk->length; s++) {
        const int64_t row = walk_row(walk, s);
        const struct step step = step_at(cell, row, channel);
        if (walk_cut(walk, s)) {
            h = init;
            error = 0;
        }
        error = fabs(step.a) * error + step.a_error * fabs(h) + step.b_error;
        h = step.a * h + step.b;
        if (cell->alg == MINRNN_SCAN_LOG) {
            error += log_error(cell, h);
        }
        o->h[row * o->width + channel] = h;
        oracle_scale(&o->h_scale, error);
    }
    if (o->h_last) {
        o->h_last[first] = h;
        oracle_scale(&o->h_last_scale, error);
    }
}

static void scan_forward_oracle(union op_oracle *all) {
    struct scan_forward_oracle *o = &all->scan_forward;
    const struct cell cell = {o->alg,   o->cell, o->candidate, o->normalised, o->forget_offset,
                              o->width, o->x,    o->b,         o->bias};
    for (int64_t batch = 0; batch < o->batch; batch++) {
        const struct walk walk = walk_of(batch, o->time, o->reversed, o->reset, o->lengths);
        for (int64_t channel = 0; channel < o->width; channel++) {
            forward_channel(o, &cell, &walk, channel);
        }
    }
}

/* The gradient that reaches a state, and the error it may carry. */
struct carried {
    double value, error;
};

static void write_pre_activations(struct scan_backward_oracle *o, int64_t row, int64_t channel,
                                  const struct step *step, double previous, double lambda,
                                  double error) {
    const int64_t gates = scan_gates(o->cell);
    const double saturated =
        gates > 1 ? SATURATED * (1 + fabs(previous) + fabs(step->candidate)) : 0;
    for (int64_t gate = 0; gate < gates; gate++) {
        const double da = step->da[gate], db = step->db[gate];
        const double magnitude = (fabs(da * previous) + fabs(db)) * (1 + step->slope_error);
        o->dx[(row * gates + gate) * o->width + channel] = lambda * (da * previous + db);
        oracle_scale(&o->dx_scale, error * (magnitude + saturated));
    }
    if (o->db) {
        o->db[row * o->width + channel] = lambda * step->b_slope;
        oracle_scale(&o->db_scale, error * fabs(step->b_slope));
    }
}

static void clear_past(struct scan_backward_oracle *o, const struct walk *walk, int64_t channel) {
    const int64_t gates = scan_gates(o->cell);
    for (int64_t t = walk->length; t < o->time; t++) {
        const int64_t row = walk->batch * o->time + t;
        for (int64_t gate = 0; gate < gates; gate++) {
            o->dx[(row * gates + gate) * o->width + channel] = 0;
        }
        if (o->db) {
            o->db[row * o->width + channel] = 0;
        }
    }
}

static void backward_channel(struct scan_backward_oracle *o, const struct cell *cell,
                             const struct walk *walk, int64_t channel) {
    const int64_t first = walk->batch * o->width + channel;
    const double init = o->init ? o->init[channel] : 0;
    const double start = o->h0 ? o->h0[first] : init;
    const double last = o->dh_last ? o->dh_last[first] : 0;
    struct carried carried = {last, fabs(last)};
    struct carried to_init = {0, 0};
    clear_past(o, walk, channel);
    for (int64_t s = walk->length - 1; s >= 0; s--) {
        const int64_t row = walk_row(walk, s);
        const struct step step = step_at(cell, row, channel);
        const bool cut = walk_cut(walk, s);
        const double before = s > 0 ? o->h[walk_row(walk, s - 1) * o->width + channel] : start;
        const double dh = o->dh[row * o->width + channel];
        const double lambda = dh + carried.value;
        const double error = fabs(dh) + fabs(carried.value) + carried.error;
        write_pre_activations(o, row, channel, &step, cut ? init : before, lambda, error);
        carried.value = step.a * lambda;
        carried.error = fabs(step.a) * error + step.a_error * fabs(lambda);
        if (cut) {
            to_init.value += carried.value;
            to_init.error += carried.error;
            carried = (struct carried){0, 0};
        }
    }
    if (!o->h0) {
        to_init.value += carried.value;
        to_init.error += carried.error;
    }
    if (o->dh0) {
        o->dh0[first] = carried.value;
        oracle_scale(&o->dh0_scale, carried.error);
    }
    if (o->dinit) {
        o->dinit[first] = to_init.value;
        oracle_scale(&o->dinit_scale, to_init.error);
    }
}

static void scan_backward_oracle(union op_oracle *all) {
    struct scan_backward_oracle *o = &all->scan_backward;
    const struct cell cell = {o->alg,   o->cell, o->candidate, o->normalised, o->forget_offset,
                              o->width, o->x,    o->b,         o->bias};
    for (int64_t batch = 0; batch < o->batch; batch++) {
        const struct walk walk = walk_of(batch, o->time, o->reversed, o->reset, o->lengths);
        for (int64_t channel = 0; channel < o->width; channel++) {
            backward_channel(o, &cell, &walk, channel);
        }
    }
}

/* ---- bounds ----
 *
 *   sigma          exp 3, + 1/2, / 2.5                                                  = 6
 *   normalised     1 + exp 3.5, their sum 1/2 more, / 2.5, * 1/2, the numerator 3.5     = 10.5
 *   candidate      g: sigma, or one +                                                   = 6
 *   softplus       exp 3 through log(1 + u), whose polynomial is good to 2e-7 (2) and
 *                  rounds its last steps (1), + 1/2                                     = 6.5
 *   log sigma      a softplus; normalised, one of the difference of two                 = 20
 *
 * A gate 1 - z loses digits if z is near 1. That error is at most 6 z |h| in absolute terms, and
 * a step that makes it keeps only 1 - z of those before: together 6 largest |h|.
 *
 * Forward h, h_last; linear: gate 6 and candidate 6 make b, so 12, what multiplies h 6, and both
 * meet in 2 roundings; the oracle's scale runs the recurrence of these errors over time. log: log
 * sigma 20 (6.5 without NORMALISED), log g 3, the steps' own log_add (6.5 as softplus) and the last
 * exp 3: 24, in units of 1 + |log|, by which the scale weighs them (log_error).
 * Backward dx: lambda (a gate's products along time, as forward) times a slope, f (1 - f), which is
 * the gate twice, times c - h: a gate more, and 4 products and 2 sums make at most 6; db is lambda
 * alone, dh0 one a more, dinit a sum over the resets of all steps. */

static double gate_error(minrnn_scan_alg alg) {
    return alg == MINRNN_SCAN_LOG ? 24 : 12;
}

BOUND(scan_forward, h, gate_error(a->alg))
BOUND(scan_forward, h_last, gate_error(a->alg))
BOUND(scan_backward, dx, 2 * gate_error(a->alg) + 6)
BOUND(scan_backward, db, gate_error(a->alg))
BOUND(scan_backward, dh0, gate_error(a->alg))
BOUND(scan_backward, dinit, gate_error(a->alg) + sum_error(a->time))

/* ---- inputs ---- */

static bool is_log(const struct filler *filler) {
    return filler_size(filler, "alg") == MINRNN_SCAN_LOG;
}

static bool is_linear_cell(const struct filler *filler) {
    return filler_size(filler, "cell") == MINRNN_CELL_LINEAR;
}

/* The linear cell's a is a factor of every step: at most 1, or the recurrence overflows. In log
 * space x and b are logarithms; b up to 4. */
static float draw_a(const struct filler *filler) {
    const float value = filler_draw(filler);
    return is_log(filler) ? -fabsf(value) : fmaxf(-1, fminf(value, 1));
}

static float draw_b(const struct filler *filler) {
    const float value = filler_draw(filler);
    return is_log(filler) ? fminf(value, 4) : fmaxf(-1000, fminf(value, 1000));
}

/* States in log space are positive: zero is none, its logarithm being no number. */
static float draw_state(const struct filler *filler) {
    const float value = filler_draw(filler);
    return is_log(filler) ? fabsf(value) + 0x1p-10f : value;
}

static void fill_x(const struct filler *filler, struct operand *operand) {
    fill_each(filler, operand, is_linear_cell(filler) ? draw_a : filler_draw);
}

static void fill_b(const struct filler *filler, struct operand *operand) {
    fill_each(filler, operand, draw_b);
}

static void fill_state(const struct filler *filler, struct operand *operand) {
    fill_each(filler, operand, draw_state);
}

/* The backward scan reads the states of its own forward. */
static minrnn_status derive_states(const struct filler *filler) {
    const struct scan_backward_args *a = &filler->c->args.scan_backward;
    struct operand *operands = filler->operands;
    struct operand *h = &operands[INDEX(scan_backward, h)];
    struct scan_forward_oracle forward = {
        .batch = a->batch,
        .time = a->time,
        .width = a->width,
        .alg = a->alg,
        .cell = a->cell,
        .candidate = a->candidate,
        .normalised = a->normalised,
        .reversed = a->reversed,
        .forget_offset = a->forget_offset,
        .x = operands[INDEX(scan_backward, x)].host,
        .b = operands[INDEX(scan_backward, b)].host,
        .bias = operands[INDEX(scan_backward, bias)].host,
        .h0 = operands[INDEX(scan_backward, h0)].host,
        .init = operands[INDEX(scan_backward, init)].host,
        .reset = operands[INDEX(scan_backward, reset)].host,
        .lengths = operands[INDEX(scan_backward, lengths)].host,
        .h = h->host,
    };
    oracle_scan_forward(&forward);
    operand_round(h);
    return MINRNN_OK;
}

/* ---- cases ---- */

enum { RUNS = MINRNN_RUN_CHUNK + 1 };

/* What a scan op is checked with: the same sizes and options forward and backward. */
struct scan_options {
    const struct scan_kind *kind;
    minrnn_scan_run run;
    bool reversed;
};

/* What the arguments of both ops have in common. */
#define SCAN_OPTIONS(options, shape)                                                               \
    .batch = (shape).batch, .time = (shape).time, .width = (shape).width,                          \
    .alg = (options)->kind->alg, .cell = (options)->kind->cell, .run = (options)->run,             \
    .candidate = (options)->kind->candidate, .normalised = (options)->kind->normalised,            \
    .reversed = (options)->reversed

static float draw_offset(struct maker *maker, const struct scan_options *options) {
    return options->kind->cell == MINRNN_CELL_MINLSTM && maker_flip(maker) ? 3.0f : 0;
}

/* The linear cell has tensors of its own, which are not optional, and no bias. */
static uint32_t given_to(const struct scan_options *options, uint32_t given, uint32_t of_linear,
                         uint32_t bias) {
    return options->kind->cell == MINRNN_CELL_LINEAR ? (given | of_linear) & ~bias : given;
}

static void take_forward(struct maker *maker, const struct scan_options *options,
                         struct check_shape shape, uint32_t given) {
    struct check_case c = maker_draw(maker);
    c.args.scan_forward = (struct scan_forward_args){
        SCAN_OPTIONS(options, shape),
        .forget_offset = draw_offset(maker, options),
    };
    c.given = given_to(options, given, BIT(scan_forward, b), BIT(scan_forward, bias));
    if (maker_flip(maker)) {
        ALIAS(&c, scan_forward, h_last, h0);
    }
    maker_take(maker, &c);
}

static void take_backward(struct maker *maker, const struct scan_options *options,
                          struct check_shape shape, uint32_t given) {
    struct check_case c = maker_draw(maker);
    c.args.scan_backward = (struct scan_backward_args){
        SCAN_OPTIONS(options, shape),
        .forget_offset = draw_offset(maker, options),
    };
    c.given = given_to(options, given, BIT(scan_backward, b) | BIT(scan_backward, db),
                       BIT(scan_backward, bias));
    if (!(c.given & BIT(scan_backward, h0))) {
        c.given &= ~BIT(scan_backward, dh0);
    }
    maker_take(maker, &c);
}

/* The tensors of marks among a scan's, as bits. */
struct scan_marks {
    uint32_t reset, lengths;
};

typedef void (*scan_take)(struct maker *maker, const struct scan_options *options,
                          struct check_shape shape, uint32_t given);

/* Every combination of kind, strategy and direction, each with all optional tensors, none, and
 * some of them. */
static void every_scan(struct maker *maker, uint32_t optional, scan_take take_one) {
    for (int i = 0; i < SCAN_KINDS * RUNS * 2; i++) {
        const struct scan_options options = {
            .kind = &scan_kinds[i / (2 * RUNS)],
            .run = (minrnn_scan_run)(i / 2 % RUNS),
            .reversed = i % 2 == 1,
        };
        for (int k = 0; k < 10 && !maker->stopped; k++) {
            const uint32_t drawn = random_word(&maker->random) & optional;
            take_one(maker, &options, maker_shape(maker), k == 0 ? optional : k == 1 ? 0 : drawn);
        }
    }
}

/* The selection: every kind, and every strategy in both directions of time, but few pairs of
 * them, turned by the seed. A device may build a program for each set of options and each width, so
 * one of each serves several cases. */
static void selected_scans(struct maker *maker, uint32_t optional, scan_take take_one) {
    enum { SELECTED = 12 }; /* SCAN_KINDS at least, and each strategy in each direction */
    const int64_t turn = random_below(&maker->random, SELECTED);
    const int rounds = maker->mode == CHECK_SMALL ? 1 : 5;
    uint32_t given[SELECTED];
    int64_t width[SELECTED];
    for (int i = 0; i < SELECTED; i++) {
        const uint32_t drawn = random_word(&maker->random) & optional;
        given[i] = i % 4 == turn % 4 ? optional : i % 8 == turn % 8 + 1 ? 0 : drawn;
        width[i] = maker_pick(maker, SOME_WIDTHS);
    }
    /* Whoever stops early has seen all of them. */
    for (int k = 0; k < rounds * SELECTED && !maker->stopped; k++) {
        const int i = k % SELECTED;
        const struct scan_options options = {
            .kind = &scan_kinds[(i + turn) % SCAN_KINDS],
            .run = (minrnn_scan_run)(i % RUNS),
            .reversed = i / RUNS % 2 == 1,
        };
        struct check_shape shape = maker_shape(maker);
        shape.width = width[i];
        take_one(maker, &options, shape, given[i]);
    }
}

/* A reset, then a length, at every place of a sequence, one a sequence; the other strategies' tiles
 * and chunks end within it. */
static void scans_with_each_mark(struct maker *maker, const struct scan_marks *marks,
                                 uint32_t optional, scan_take take_one) {
    const int64_t time = maker->mode == CHECK_SMALL ? 5 : 133;
    maker->fixed = EACH_MARK;
    for (int i = 0; i < 2 * (RUNS - 1) && !maker->stopped; i++) {
        const struct scan_options options = {
            .kind = &scan_kinds[(maker->made + i) % SCAN_KINDS],
            .run = (minrnn_scan_run)(1 + i / 2),
            .reversed = i / 2 == 1,
        };
        take_one(maker, &options, (struct check_shape){time + 1, time, 3},
                 optional & ~(i % 2 ? marks->reset : marks->lengths));
    }
    maker->fixed = DRAWN;
}

/* Sizes at which devices do things differently. */
static void special_scans(struct maker *maker, const struct scan_marks *marks,
                          struct check_shape large, uint32_t optional, scan_take take_one) {
    /* Some compilers lose count in loops of 65,536 rounds and more. */
    maker->fixed = NO_MARK;
    for (int run = MINRNN_RUN_AUTO; run < RUNS && !maker->stopped; run++) {
        const struct scan_options options = {.kind = &scan_kinds[SCAN_KIND_mingru_g],
                                             .run = (minrnn_scan_run)run};
        take_one(maker, &options, (struct check_shape){1, 65537 + 463 * run, 2},
                 run % 2 ? optional & ~marks->lengths : 0);
    }
    /* On CPUs so many tiles take minutes, and two chunks of so many sequences a second. */
    const int last = maker->mode == CHECK_THOROUGH ? RUNS - 1 : MINRNN_RUN_SERIAL;
    for (int run = MINRNN_RUN_SERIAL; run <= last && !maker->stopped; run++) {
        const struct scan_options options = {.kind = &scan_kinds[SCAN_KIND_mingru_g],
                                             .run = (minrnn_scan_run)run};
        const int64_t time = run == MINRNN_RUN_CHUNK ? 65 : 3;
        take_one(maker, &options, (struct check_shape){MANY, time, 1}, optional);
    }
    /* 32 MiB of output do not stay in a cache, so stores may pass it by. */
    maker->fixed = PLAIN_ALIGNED;
    take_one(maker, &(struct scan_options){.kind = &scan_kinds[SCAN_KIND_mingru_g]}, large, 0);
    maker->fixed = DRAWN;
}

static void make_scan(struct maker *maker, const struct scan_marks *marks, struct check_shape large,
                      uint32_t optional, scan_take take_one) {
    if (maker->mode == CHECK_THOROUGH) {
        every_scan(maker, optional, take_one);
    } else {
        selected_scans(maker, optional, take_one);
    }
    scans_with_each_mark(maker, marks, optional, take_one);
    if (maker->mode != CHECK_SMALL) {
        special_scans(maker, marks, large, optional, take_one);
    }
}

static void make_scan_forward(struct maker *maker) {
    const uint32_t optional = BIT(scan_forward, bias) | BIT(scan_forward, h0) |
                              BIT(scan_forward, init) | BIT(scan_forward, reset) |
                              BIT(scan_forward, lengths) | BIT(scan_forward, h_last);
    const struct scan_marks marks = {BIT(scan_forward, reset), BIT(scan_forward, lengths)};
    make_scan(maker, &marks, (struct check_shape){16, 512, 1024}, optional, take_forward);
}

static void make_scan_backward(struct maker *maker) {
    const uint32_t optional = BIT(scan_backward, bias) | BIT(scan_backward, h0) |
                              BIT(scan_backward, init) | BIT(scan_backward, reset) |
                              BIT(scan_backward, lengths) | BIT(scan_backward, dh_last) |
                              BIT(scan_backward, dh0) | BIT(scan_backward, dinit);
    const struct scan_marks marks = {BIT(scan_backward, reset), BIT(scan_backward, lengths)};
    make_scan(maker, &marks, (struct check_shape){8, 512, 1024}, optional, take_backward);
}

/* ---- the ops ---- */

/* One cell each. */
#define TIMED_SCAN(op, present, of_cell)                                                           \
    TIMED(op, present, .batch = TIMED_BATCH, .time = TIMED_TIME, .width = 768, .cell = (of_cell),  \
          .candidate = MINRNN_CANDIDATE_G, .normalised = true)

/* A gate is an exponential and a quotient; so is the candidate's g. The step itself, and what cells
 * do beside, are a few. Backward makes the gates anew. */
static double scan_instructions(int64_t elements, minrnn_scan_cell cell) {
    enum { FUNCTION_INSTRUCTIONS = EXP_INSTRUCTIONS + DIVISION_INSTRUCTIONS + 3 };
    return cell == MINRNN_CELL_LINEAR
               ? 0
               : (double)(elements * scan_gates(cell)) * FUNCTION_INSTRUCTIONS;
}

static double scan_forward_instructions(const union op_args *all) {
    const struct scan_forward_args *args = &all->scan_forward;
    return scan_instructions(args->batch * args->time * args->width, args->cell);
}

static double scan_backward_instructions(const union op_args *all) {
    const struct scan_backward_args *args = &all->scan_backward;
    return scan_instructions(args->batch * args->time * args->width, args->cell);
}

const struct op_check check_scan_forward = {
    .oracle = scan_forward_oracle,
    .bounds = {BOUNDED(scan_forward, h), BOUNDED(scan_forward, h_last)},
    .cases = make_scan_forward,
    .fill = {AT(scan_forward, x) = fill_x, AT(scan_forward, b) = fill_b,
             AT(scan_forward, h0) = fill_state, AT(scan_forward, init) = fill_state,
             AT(scan_forward, reset) = fill_reset, AT(scan_forward, lengths) = fill_lengths},
    .instructions = scan_forward_instructions,
    .large = LARGE(scan_forward, ~BIT(scan_forward, b), .batch = 3, .time = 300, .width = 200,
                   .cell = MINRNN_CELL_MINLSTM, .normalised = true),
    .timed = {TIMED_SCAN(scan_forward, BIT(scan_forward, b), MINRNN_CELL_LINEAR),
              TIMED_SCAN(scan_forward, 0, MINRNN_CELL_MINGRU),
              TIMED_SCAN(scan_forward, 0, MINRNN_CELL_MINLSTM)},
    .extra_cost = 3,
};

const struct op_check check_scan_backward = {
    .oracle = scan_backward_oracle,
    .bounds = {BOUNDED(scan_backward, dx), BOUNDED(scan_backward, db), BOUNDED(scan_backward, dh0),
               BOUNDED(scan_backward, dinit)},
    .cases = make_scan_backward,
    .fill = {AT(scan_backward, x) = fill_x, AT(scan_backward, b) = fill_b,
             AT(scan_backward, h0) = fill_state, AT(scan_backward, init) = fill_state,
             AT(scan_backward, reset) = fill_reset, AT(scan_backward, lengths) = fill_lengths},
    .derive = derive_states,
    .instructions = scan_backward_instructions,
    .large = LARGE(scan_backward, ~(BIT(scan_backward, b) | BIT(scan_backward, db)), .batch = 3,
                   .time = 300, .width = 200, .cell = MINRNN_CELL_MINGRU),
    .timed = {TIMED_SCAN(scan_backward, BIT(scan_backward, b) | BIT(scan_backward, db),
                         MINRNN_CELL_LINEAR),
              TIMED_SCAN(scan_backward, 0, MINRNN_CELL_MINGRU),
              TIMED_SCAN(scan_backward, 0, MINRNN_CELL_MINLSTM)},
    .extra_cost = 3,
};
