/* The scan over time: a piece is a sequence, a panel of channels and a run of steps. */
#include "base/status.h"
#include "cpu/scan.h"

/* ---- rows: one step of a panel ---- */

/* state is h_{t-1}, then h_t (its logarithm in the log algebra). */
ALWAYS_INLINE void forward_row(struct scan_kind kind, int64_t count, struct scan_inputs in,
                               const struct scan_bias *bias, float *restrict state,
                               float *restrict h) {
#pragma omp simd
    for (int64_t c = 0; c < count; c++) {
        const struct scan_input input = scan_input(kind, &in, bias, c);
        if (kind.alg == MINRNN_SCAN_LOG) {
            const struct scan_element e = log_element(kind, input);
            state[c] = log_add_f32(e.a + state[c], e.b);
            h[c] = exp_f32(state[c]);
        } else {
            const struct scan_element e = affine_element(kind, input);
            state[c] = e.a * state[c] + e.b;
            h[c] = state[c];
        }
    }
}

/* (a, b) becomes the element of all steps so far. */
ALWAYS_INLINE void reduce_row(struct scan_kind kind, int64_t count, struct scan_inputs in,
                              const struct scan_bias *bias, float *restrict a, float *restrict b) {
#pragma omp simd
    for (int64_t c = 0; c < count; c++) {
        const struct scan_input input = scan_input(kind, &in, bias, c);
        if (kind.alg == MINRNN_SCAN_LOG) {
            const struct scan_element e = log_element(kind, input);
            b[c] = log_add_f32(e.a + b[c], e.b);
            a[c] += e.a;
        } else {
            const struct scan_element e = affine_element(kind, input);
            b[c] = e.a * b[c] + e.b;
            a[c] *= e.a;
        }
    }
}

/* ---- pieces ---- */

static void to_state(minrnn_scan_alg alg, int64_t count, float *panel) {
    if (alg == MINRNN_SCAN_LOG) {
        for (int64_t c = 0; c < count; c++) {
            panel[c] = logf(panel[c]);
        }
    }
}

static void set(int64_t count, float value, float *panel) {
    for (int64_t c = 0; c < count; c++) {
        panel[c] = value;
    }
}

ALWAYS_INLINE void forward_piece(struct scan_kind kind, const struct scan *scan, int64_t sequence,
                                 struct span channels, struct span steps, float *state, float *h) {
    const int64_t length = scan_length(scan, sequence);
    struct scan_bias bias = {0};
    float initial[SCAN_PANEL];
    scan_load_bias(scan, channels, &bias);
    scan_load(scan->init, channels, initial);
    to_state(kind.alg, channels.count, initial);
    for (int64_t step = steps.begin; step < steps.begin + steps.count; step++) {
        const int64_t t = scan_time(scan, length, step);
        if (scan_is_cut(scan, sequence, length, t)) {
            memcpy(state, initial, (size_t)channels.count * sizeof *state);
        }
        forward_row(kind, channels.count, scan_inputs(scan, sequence, t, channels.begin), &bias,
                    state, h + scan_row(scan, sequence, t, channels.begin));
    }
}

ALWAYS_INLINE void reduce_piece(struct scan_kind kind, const struct scan *scan, int64_t sequence,
                                struct span channels, struct span steps, float *a, float *b) {
    const bool is_log = kind.alg == MINRNN_SCAN_LOG;
    const float zero = is_log ? -INFINITY : 0.0f;
    const int64_t length = scan_length(scan, sequence);
    struct scan_bias bias = {0};
    float initial[SCAN_PANEL];
    scan_load_bias(scan, channels, &bias);
    scan_load(scan->init, channels, initial);
    to_state(kind.alg, channels.count, initial);
    set(channels.count, is_log ? 0.0f : 1.0f, a);
    set(channels.count, zero, b);
    for (int64_t step = steps.begin; step < steps.begin + steps.count; step++) {
        const int64_t t = scan_time(scan, length, step);
        if (scan_is_cut(scan, sequence, length, t)) {
            set(channels.count, zero, a);
            memcpy(b, initial, (size_t)channels.count * sizeof *b);
        }
        reduce_row(kind, channels.count, scan_inputs(scan, sequence, t, channels.begin), &bias, a,
                   b);
    }
}

/* ---- one pair of functions for each kind ---- */

typedef void forward_function(const struct scan *scan, int64_t sequence, struct span channels,
                              struct span steps, float *state, float *h);
typedef void reduce_function(const struct scan *scan, int64_t sequence, struct span channels,
                             struct span steps, float *a, float *b);

#define KIND(name, alg, cell, candidate, normalised)                                               \
    { MINRNN_SCAN_##alg, MINRNN_CELL_##cell, MINRNN_CANDIDATE_##candidate, normalised }
#define DEFINE(name, ...)                                                                          \
    static void forward_##name(const struct scan *scan, int64_t sequence, struct span channels,    \
                               struct span steps, float *state, float *h) {                        \
        forward_piece((struct scan_kind)KIND(name, __VA_ARGS__), scan, sequence, channels, steps,  \
                      state, h);                                                                   \
    }                                                                                              \
    static void reduce_##name(const struct scan *scan, int64_t sequence, struct span channels,     \
                              struct span steps, float *a, float *b) {                             \
        reduce_piece((struct scan_kind)KIND(name, __VA_ARGS__), scan, sequence, channels, steps,   \
                     a, b);                                                                        \
    }
SCAN_LINEAR_KINDS(DEFINE)
SCAN_LOG_KINDS(DEFINE)

struct functions {
    struct scan_kind kind;
    forward_function *forward;
    reduce_function *reduce;
};

#define ENTRY(name, ...) {KIND(name, __VA_ARGS__), forward_##name, reduce_##name},
static const struct functions table[] = {SCAN_LINEAR_KINDS(ENTRY) SCAN_LOG_KINDS(ENTRY)};

/* The kind's functions; what a cell has no use for does not count. */
static const struct functions *find(const struct scan_forward_args *args) {
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        const struct scan_kind kind = table[i].kind;
        if (kind.alg == args->alg && kind.cell == args->cell &&
            (kind.cell == MINRNN_CELL_LINEAR || kind.candidate == args->candidate) &&
            (kind.cell != MINRNN_CELL_MINLSTM || kind.normalised == args->normalised)) {
            return &table[i];
        }
    }
    return NULL;
}

/* ---- whole scans ---- */

/* What lies past the length, and the last state. */
static void finish(const struct scan *scan, int64_t sequence, struct span channels, float *h,
                   float *h_last) {
    const int64_t length = scan_length(scan, sequence);
    const size_t bytes = (size_t)channels.count * sizeof(float);
    for (int64_t t = length; t < scan->time; t++) {
        memset(h + scan_row(scan, sequence, t, channels.begin), 0, bytes);
    }
    if (!h_last) {
        return;
    }
    float *last = h_last + sequence * scan->width + channels.begin;
    if (length > 0) {
        const int64_t t = scan_time(scan, length, length - 1);
        memcpy(last, h + scan_row(scan, sequence, t, channels.begin), bytes);
    } else {
        float first[SCAN_PANEL];
        scan_load_first(scan, sequence, channels, first);
        memcpy(last, first, bytes);
    }
}

static void run_serial(const struct op_context *context, const struct functions *functions,
                       const struct scan *scan, struct scan_plan plan, float *h, float *h_last) {
    const int64_t pieces = scan->batch * plan.panels;
    const bool shared = threads_repay(pieces, scan->batch * scan->time * scan->width);
#pragma omp parallel for num_threads(cpu_threads(context)) schedule(static) if (shared)
    for (int64_t i = 0; i < pieces; i++) {
        const int64_t sequence = i / plan.panels;
        const struct span channels = span_of(i % plan.panels, scan->width, plan.panel);
        const struct span steps = {0, scan_length(scan, sequence)};
        float state[SCAN_PANEL];
        scan_load_first(scan, sequence, channels, state);
        to_state(functions->kind.alg, channels.count, state);
        functions->forward(scan, sequence, channels, steps, state, h);
        finish(scan, sequence, channels, h, h_last);
    }
}

/* b of each chunk becomes the state before it. [chunks, batch, width] */
static void carry(const struct scan *scan, minrnn_scan_alg alg, int64_t chunks, int64_t sequence,
                  struct span channels, const float *a, float *b) {
    float state[SCAN_PANEL];
    scan_load_first(scan, sequence, channels, state);
    to_state(alg, channels.count, state);
    for (int64_t chunk = 0; chunk < chunks; chunk++) {
        const int64_t row = (chunk * scan->batch + sequence) * scan->width + channels.begin;
        for (int64_t c = 0; c < channels.count; c++) {
            const float before = state[c];
            state[c] = alg == MINRNN_SCAN_LOG ? log_add_f32(a[row + c] + before, b[row + c])
                                              : a[row + c] * before + b[row + c];
            b[row + c] = before;
        }
    }
}

static void run_chunks(const struct op_context *context, const struct functions *functions,
                       const struct scan *scan, struct scan_plan plan, float *h, float *h_last) {
    const int64_t columns = scan->batch * plan.panels;
    const int64_t pieces = columns * plan.chunks;
    float *a = f32(context->scratch);
    float *b = a + plan.chunks * scan->batch * scan->width;
#pragma omp parallel for num_threads(cpu_threads(context)) schedule(static)
    for (int64_t i = 0; i < pieces; i++) {
        const int64_t chunk = i / columns;
        const int64_t sequence = i % columns / plan.panels;
        const struct span channels = span_of(i % plan.panels, scan->width, plan.panel);
        const struct span steps =
            scan_steps(span_of(chunk, scan->time, plan.chunk), scan_length(scan, sequence));
        const int64_t row = (chunk * scan->batch + sequence) * scan->width + channels.begin;
        functions->reduce(scan, sequence, channels, steps, a + row, b + row);
    }
#pragma omp parallel for num_threads(cpu_threads(context)) schedule(static) if (columns > 1)
    for (int64_t i = 0; i < columns; i++) {
        carry(scan, functions->kind.alg, plan.chunks, i / plan.panels,
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
        functions->forward(scan, sequence, channels, steps, b + row, h);
    }
    for (int64_t i = 0; i < columns; i++) {
        finish(scan, i / plan.panels, span_of(i % plan.panels, scan->width, plan.panel), h, h_last);
    }
}

static int64_t scan_forward_scratch(const minrnn_device *device,
                                    const struct scan_forward_args *args) {
    (void)device;
    const struct scan_plan plan = scan_plan(args->run, args->batch, args->time, args->width);
    const int64_t carries = plan.chunks > 1 ? 2 * plan.chunks * args->batch * args->width : 0;
    return carries * (int64_t)sizeof(float);
}

static minrnn_status scan_forward(struct op_context *context,
                                  const struct scan_forward_args *args) {
    const struct scan scan = SCAN_OF(args);
    const struct functions *functions = find(args);
    if (!functions || (args->cell == MINRNN_CELL_LINEAR && !args->b.buffer)) {
        return fail(MINRNN_INVALID_ARGUMENT, "scan_forward: no such scan, or tensor b is missing");
    }
    const struct scan_plan plan = scan_plan(args->run, args->batch, args->time, args->width);
    if (plan.chunks > 1) {
        run_chunks(context, functions, &scan, plan, f32(args->h), f32(args->h_last));
    } else {
        run_serial(context, functions, &scan, plan, f32(args->h), f32(args->h_last));
    }
    return MINRNN_OK;
}

const struct scan_forward_op CPU_NAME(scan_forward_op) = {.run = scan_forward,
                                                          .scratch = scan_forward_scratch};
