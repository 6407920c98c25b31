/* The scan: h_t = a_t h_{t-1} + b_t walked step by step, and the reverse walk for its gradient.
 *
 * Both algs are this one recurrence: in double precision exp(log a) and exp(log b) lose nothing
 * that a single-precision h could hold.
 *
 * Scales are a running error analysis: with unit relative errors of a and b (and, in log space, of
 * their logarithms), the error of h_t is |a_t| error(h_{t-1}) + error(a_t) |h_{t-1}| + error(b_t).
 */
#include "check/oracle.h"

#include <math.h>
#include <stddef.h>

enum { MAX_GATES = 3 };
#define SATURATED 0x1p-64

/* a, b at one step, their derivatives by each pre-activation, and the size of their errors. */
struct step {
    double a, b;
    double da[MAX_GATES], db[MAX_GATES];
    double a_error, b_error;
    double slope_error; /* relative error of the derivatives, in units */
    double candidate;   /* what multiplies a gate's error; 0 where there is no gate */
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
    /* Where both gates are near 0 the ratio sees the rounding of the pre-activations themselves. */
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

/* Where the walk stands: step s of `length` in walking order is time t, whose row is b T + t. */
struct walk {
    int64_t batch, time, length;
    bool reversed;
    const int32_t *reset;
};

static int64_t walk_row(const struct walk *walk, int64_t s) {
    return walk->batch * walk->time + (walk->reversed ? walk->length - 1 - s : s);
}

/* Whether a document begins between step s - 1 of the walk and step s. */
static bool walk_cut(const struct walk *walk, int64_t s) {
    if (!walk->reset) {
        return false;
    }
    const int64_t row = walk_row(walk, s);
    return walk->reversed ? s > 0 && walk->reset[row + 1] : walk->reset[row] != 0;
}

static struct walk walk_of(int64_t batch, int64_t time, bool reversed, const int32_t *reset,
                           const int32_t *lengths) {
    return (struct walk){batch, time, lengths ? lengths[batch] : time, reversed, reset};
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

void oracle_scan_forward(struct scan_forward_oracle *o) {
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

void oracle_scan_backward(struct scan_backward_oracle *o) {
    const struct cell cell = {o->alg,   o->cell, o->candidate, o->normalised, o->forget_offset,
                              o->width, o->x,    o->b,         o->bias};
    for (int64_t batch = 0; batch < o->batch; batch++) {
        const struct walk walk = walk_of(batch, o->time, o->reversed, o->reset, o->lengths);
        for (int64_t channel = 0; channel < o->width; channel++) {
            backward_channel(o, &cell, &walk, channel);
        }
    }
}
