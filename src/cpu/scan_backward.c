/* The scan's gradient: the same walk backwards, carrying mu_t = a_t lambda_t, the gradient of
 * h_{t-1}; lambda_t = dh_t + mu_{t+1}. Gates are computed again from the pre-activations. */
#include "base/status.h"
#include "cpu/scan.h"

/* The tensors of the backward pass alone; layouts as in minrnn/scan.h. */
struct gradients {
    const float *h, *dh, *dh_last;
    float *dx, *db, *dh0, *dinit;
};

/* ---- rows: one step of a panel ---- */

struct outputs {
    float *x[3];
};

ALWAYS_INLINE void backward_row(struct scan_kind kind, int64_t count, struct scan_inputs in,
                                const struct scan_bias *bias, const float *restrict previous,
                                const float *restrict dh, float *restrict mu, struct outputs out) {
#pragma omp simd
    for (int64_t c = 0; c < count; c++) {
        const struct scan_input input = scan_input(kind, &in, bias, c);
        const float lambda = dh[c] + mu[c];
        const struct scan_gradient gradient = scan_gradient(kind, input, lambda, previous[c]);
        mu[c] = gradient.a * lambda;
        out.x[0][c] = gradient.dx[0];
        out.x[1][c] = gradient.dx[1];
        if (kind.cell == MINRNN_CELL_MINLSTM) {
            out.x[2][c] = gradient.dx[2];
        }
    }
}

/* mu before = a mu after + b, over all steps so far. */
ALWAYS_INLINE void reduce_row(struct scan_kind kind, int64_t count, struct scan_inputs in,
                              const struct scan_bias *bias, const float *restrict dh,
                              float *restrict a, float *restrict b) {
#pragma omp simd
    for (int64_t c = 0; c < count; c++) {
        const float decay = scan_decay(kind, scan_input(kind, &in, bias, c));
        b[c] = decay * (dh[c] + b[c]);
        a[c] *= decay;
    }
}

/* ---- pieces ---- */

static struct outputs outputs(const struct scan *scan, const struct gradients *gradients,
                              int64_t sequence, int64_t t, int64_t channel) {
    const int64_t row = (sequence * scan->time + t) * scan->width;
    float *dx = gradients->dx + row * scan->gates + channel;
    if (scan->gates == 1) {
        return (struct outputs){{dx, gradients->db + row + channel, NULL}};
    }
    return (struct outputs){{dx, dx + scan->width, scan->gates == 3 ? dx + 2 * scan->width : NULL}};
}

/* What crosses a cut belongs to the initial state. */
static void cut(int64_t count, float *mu, float *dinit) {
    for (int64_t c = 0; c < count; c++) {
        dinit[c] += mu[c];
        mu[c] = 0.0f;
    }
}

ALWAYS_INLINE void backward_piece(struct scan_kind kind, const struct scan *scan,
                                  const struct gradients *gradients, int64_t sequence,
                                  struct span channels, struct span steps, float *mu,
                                  float *dinit) {
    const int64_t length = scan_length(scan, sequence);
    struct scan_bias bias = {0};
    float initial[SCAN_PANEL];
    float first[SCAN_PANEL];
    scan_load_bias(scan, channels, &bias);
    scan_load(scan->init, channels, initial);
    scan_load_first(scan, sequence, channels, first);
    for (int64_t step = steps.begin + steps.count - 1; step >= steps.begin; step--) {
        const int64_t t = scan_time(scan, length, step);
        const bool is_cut = scan_is_cut(scan, sequence, length, t);
        const float *previous = initial;
        if (!is_cut) {
            previous = step == 0 ? first
                                 : gradients->h + scan_row(scan, sequence,
                                                           scan_time(scan, length, step - 1),
                                                           channels.begin);
        }
        backward_row(kind, channels.count, scan_inputs(scan, sequence, t, channels.begin), &bias,
                     previous, gradients->dh + scan_row(scan, sequence, t, channels.begin), mu,
                     outputs(scan, gradients, sequence, t, channels.begin));
        if (is_cut) {
            cut(channels.count, mu, dinit);
        }
    }
}

ALWAYS_INLINE void reduce_piece(struct scan_kind kind, const struct scan *scan, const float *dh,
                                int64_t sequence, struct span channels, struct span steps, float *a,
                                float *b) {
    const int64_t length = scan_length(scan, sequence);
    struct scan_bias bias = {0};
    scan_load_bias(scan, channels, &bias);
    for (int64_t c = 0; c < channels.count; c++) {
        a[c] = 1.0f;
        b[c] = 0.0f;
    }
    for (int64_t step = steps.begin + steps.count - 1; step >= steps.begin; step--) {
        const int64_t t = scan_time(scan, length, step);
        reduce_row(kind, channels.count, scan_inputs(scan, sequence, t, channels.begin), &bias,
                   dh + scan_row(scan, sequence, t, channels.begin), a, b);
        if (scan_is_cut(scan, sequence, length, t)) {
            memset(a, 0, (size_t)channels.count * sizeof *a);
            memset(b, 0, (size_t)channels.count * sizeof *b);
        }
    }
}

/* ---- one pair of functions for each kind ---- */

typedef void backward_function(const struct scan *scan, const struct gradients *gradients,
                               int64_t sequence, struct span channels, struct span steps, float *mu,
                               float *dinit);
typedef void reduce_function(const struct scan *scan, const float *dh, int64_t sequence,
                             struct span channels, struct span steps, float *a, float *b);

#define KIND(name, alg, cell, candidate, normalised)                                               \
    { MINRNN_SCAN_##alg, MINRNN_CELL_##cell, MINRNN_CANDIDATE_##candidate, normalised }
#define DEFINE(name, ...)                                                                          \
    static void backward_##name(const struct scan *scan, const struct gradients *gradients,        \
                                int64_t sequence, struct span channels, struct span steps,         \
                                float *mu, float *dinit) {                                         \
        backward_piece((struct scan_kind)KIND(name, __VA_ARGS__), scan, gradients, sequence,       \
                       channels, steps, mu, dinit);                                                \
    }                                                                                              \
    static void reduce_##name(const struct scan *scan, const float *dh, int64_t sequence,          \
                              struct span channels, struct span steps, float *a, float *b) {       \
        reduce_piece((struct scan_kind)KIND(name, __VA_ARGS__), scan, dh, sequence, channels,      \
                     steps, a, b);                                                                 \
    }
SCAN_LINEAR_KINDS(DEFINE)

struct functions {
    struct scan_kind kind;
    backward_function *backward;
    reduce_function *reduce;
};

#define ENTRY(name, ...) {KIND(name, __VA_ARGS__), backward_##name, reduce_##name},
static const struct functions table[] = {SCAN_LINEAR_KINDS(ENTRY)};

/* The kind's functions; what a cell has no use for does not count, the algebra included, for a
 * gated cell's gradient is the same in both. */
static const struct functions *find(const struct scan_backward_args *args) {
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        const struct scan_kind kind = table[i].kind;
        const bool is_linear = kind.cell == MINRNN_CELL_LINEAR;
        if (kind.cell == args->cell && (!is_linear || kind.alg == args->alg) &&
            (is_linear || kind.candidate == args->candidate) &&
            (kind.cell != MINRNN_CELL_MINLSTM || kind.normalised == args->normalised)) {
            return &table[i];
        }
    }
    return NULL;
}

/* ---- whole gradients ---- */

static void clear_tail(const struct scan *scan, const struct gradients *gradients, int64_t sequence,
                       struct span channels) {
    const size_t bytes = (size_t)channels.count * sizeof(float);
    for (int64_t t = scan_length(scan, sequence); t < scan->time; t++) {
        const struct outputs out = outputs(scan, gradients, sequence, t, channels.begin);
        for (int i = 0; i < 3; i++) {
            if (out.x[i]) {
                memset(out.x[i], 0, bytes);
            }
        }
    }
}

/* The gradient of the state before the first step is h0's, or init's where h0 is not given. */
static void finish(const struct scan *scan, const struct gradients *gradients, int64_t sequence,
                   struct span channels, const float *mu, float *dinit) {
    const size_t bytes = (size_t)channels.count * sizeof(float);
    const int64_t row = sequence * scan->width + channels.begin;
    if (!scan->h0) {
        for (int64_t c = 0; c < channels.count; c++) {
            dinit[c] += mu[c];
        }
    } else if (gradients->dh0) {
        memcpy(gradients->dh0 + row, mu, bytes);
    }
    if (gradients->dinit) {
        memcpy(gradients->dinit + row, dinit, bytes);
    }
    clear_tail(scan, gradients, sequence, channels);
}

static const float *last_gradient(const struct scan *scan, const struct gradients *gradients,
                                  int64_t sequence) {
    return gradients->dh_last ? gradients->dh_last + sequence * scan->width : NULL;
}

static void run_serial(const struct op_context *context, const struct functions *functions,
                       const struct scan *scan, const struct gradients *gradients,
                       struct scan_plan plan) {
    const int64_t pieces = scan->batch * plan.panels;
    const bool shared = threads_repay(pieces, scan->batch * scan->time * scan->width);
#pragma omp parallel for num_threads(cpu_threads(context)) schedule(static) if (shared)
    for (int64_t i = 0; i < pieces; i++) {
        const int64_t sequence = i / plan.panels;
        const struct span channels = span_of(i % plan.panels, scan->width, plan.panel);
        const struct span steps = {0, scan_length(scan, sequence)};
        float mu[SCAN_PANEL];
        float dinit[SCAN_PANEL] = {0};
        scan_load(last_gradient(scan, gradients, sequence), channels, mu);
        functions->backward(scan, gradients, sequence, channels, steps, mu, dinit);
        finish(scan, gradients, sequence, channels, mu, dinit);
    }
}

/* b of each chunk becomes mu after it. [chunks, batch, width] */
static void carry(const struct scan *scan, const struct gradients *gradients, int64_t chunks,
                  int64_t sequence, struct span channels, const float *a, float *b) {
    float mu[SCAN_PANEL];
    scan_load(last_gradient(scan, gradients, sequence), channels, mu);
    for (int64_t chunk = chunks - 1; chunk >= 0; chunk--) {
        const int64_t row = (chunk * scan->batch + sequence) * scan->width + channels.begin;
        for (int64_t c = 0; c < channels.count; c++) {
            const float after = mu[c];
            mu[c] = a[row + c] * after + b[row + c];
            b[row + c] = after;
        }
    }
}

/* Adds up the chunks' shares of dinit, in order; mu before the first chunk is the first chunk's. */
static void finish_chunks(const struct scan *scan, const struct gradients *gradients,
                          int64_t chunks, int64_t sequence, struct span channels, const float *mu,
                          const float *shares) {
    float dinit[SCAN_PANEL] = {0};
    const int64_t row = sequence * scan->width + channels.begin;
    for (int64_t chunk = 0; chunk < chunks; chunk++) {
        const float *share = shares + chunk * scan->batch * scan->width + row;
        for (int64_t c = 0; c < channels.count; c++) {
            dinit[c] += share[c];
        }
    }
    finish(scan, gradients, sequence, channels, mu + row, dinit);
}

static void run_chunks(const struct op_context *context, const struct functions *functions,
                       const struct scan *scan, const struct gradients *gradients,
                       struct scan_plan plan) {
    const int64_t columns = scan->batch * plan.panels;
    const int64_t pieces = columns * plan.chunks;
    const int64_t carries = plan.chunks * scan->batch * scan->width;
    float *a = f32(context->scratch);
    float *b = a + carries;
    float *shares = b + carries;
#pragma omp parallel for num_threads(cpu_threads(context)) schedule(static)
    for (int64_t i = 0; i < pieces; i++) {
        const int64_t chunk = i / columns;
        const int64_t sequence = i % columns / plan.panels;
        const struct span channels = span_of(i % plan.panels, scan->width, plan.panel);
        const struct span steps =
            scan_steps(span_of(chunk, scan->time, plan.chunk), scan_length(scan, sequence));
        const int64_t row = (chunk * scan->batch + sequence) * scan->width + channels.begin;
        functions->reduce(scan, gradients->dh, sequence, channels, steps, a + row, b + row);
    }
#pragma omp parallel for num_threads(cpu_threads(context)) schedule(static) if (columns > 1)
    for (int64_t i = 0; i < columns; i++) {
        carry(scan, gradients, plan.chunks, i / plan.panels,
              span_of(i % plan.panels, scan->width, plan.panel), a, b);
    }
#pragma omp parallel for num_threads(cpu_threads(context)) schedule(static)
    for (int64_t i = 0; i < pieces; i++) {
        const int64_t chunk = i / columns;
        const int64_t sequence = i % columns / plan.panels;
        const struct span channels = span_of(i % plan.panels, scan->width, plan.panel);
        const struct span steps =
            scan_steps(span_of(chunk, scan->time, plan.chunk), scan_length(scan, sequence));
        const int64_t row = (chunk * scan->batch + sequence) * scan->width + channels.begin;
        memset(shares + row, 0, (size_t)channels.count * sizeof *shares);
        functions->backward(scan, gradients, sequence, channels, steps, b + row, shares + row);
    }
    for (int64_t i = 0; i < columns; i++) {
        finish_chunks(scan, gradients, plan.chunks, i / plan.panels,
                      span_of(i % plan.panels, scan->width, plan.panel), b, shares);
    }
}

static int64_t scan_backward_scratch(const minrnn_device *device,
                                     const struct scan_backward_args *args) {
    (void)device;
    const struct scan_plan plan = scan_plan(args->run, args->batch, args->time, args->width);
    const int64_t carries = plan.chunks > 1 ? 3 * plan.chunks * args->batch * args->width : 0;
    return carries * (int64_t)sizeof(float);
}

static minrnn_status scan_backward(struct op_context *context,
                                   const struct scan_backward_args *args) {
    const struct scan scan = SCAN_OF(args);
    const struct gradients gradients = {
        .h = f32(args->h),
        .dh = f32(args->dh),
        .dh_last = f32(args->dh_last),
        .dx = f32(args->dx),
        .db = f32(args->db),
        .dh0 = f32(args->dh0),
        .dinit = f32(args->dinit),
    };
    const struct functions *functions = find(args);
    if (!functions || (args->cell == MINRNN_CELL_LINEAR && (!args->b.buffer || !args->db.buffer))) {
        return fail(MINRNN_INVALID_ARGUMENT,
                    "scan_backward: no such scan, or tensor b or db is missing");
    }
    const struct scan_plan plan = scan_plan(args->run, args->batch, args->time, args->width);
    if (plan.chunks > 1) {
        run_chunks(context, functions, &scan, &gradients, plan);
    } else {
        run_serial(context, functions, &scan, &gradients, plan);
    }
    return MINRNN_OK;
}

const struct scan_backward_op CPU_NAME(scan_backward_op) = {.run = scan_backward,
                                                            .scratch = scan_backward_scratch};
