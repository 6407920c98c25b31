/* SPDX-License-Identifier: Apache-2.0 */
/* The backward pass: the same walk backwards, carrying mu_t = a_t lambda_t, the gradient of
 * h_{t-1}; lambda_t = dh_t + mu_{t+1}, dh_t being what the output's gradient dy_t is worth to the
 * state. What elements came from is computed again from the inputs; the states come from memory. */
#include "base/status.h"
#include "cpu/scan/cell.h"
#include "cpu/scan/run.h"

/* ---- what each kind does with a panel; the same in every algebra that walks alike ---- */

#define SCAN_KIND(name, alg, reverse, cell, CANDIDATE, normalised)                                 \
    static void step_##name(const struct scan_lane *lane, int64_t t, const float *restrict before, \
                            int64_t stride, const float *restrict dy, float *restrict mu) {        \
        const struct scan_kind kind = SCAN_KIND_OF(alg, reverse, cell, CANDIDATE, normalised);     \
        const struct cell##_row row = cell##_row(lane, t);                                         \
        const struct cell##_target target = cell##_target(lane, t);                                \
        const int64_t count = lane->channels.count;                                                \
        _Pragma("omp simd") for (int64_t c = 0; c < count; c++) {                                  \
            const struct cell##_input in = cell##_load(&row, c);                                   \
            const struct reverse##_state lambda = reverse##_add(                                   \
                cell##_output_back(&row, c, dy[c]), reverse##_state_load(mu + c, SCAN_PANEL));     \
            const struct reverse##_state h = reverse##_state_load(before + c, stride);             \
            const struct cell##_gradient d = cell##_gradient(kind, in, dy[c], lambda, h);          \
            reverse##_state_store(reverse##_back(cell##_##reverse(kind, in), lambda), mu + c,      \
                                  SCAN_PANEL);                                                     \
            cell##_store(&target, c, d);                                                           \
        }                                                                                          \
        cell##_share(lane, t);                                                                     \
    }                                                                                              \
    static void reduce_##name(const struct scan_lane *lane, int64_t t, const float *restrict dy,   \
                              float *restrict elem) {                                              \
        const struct scan_kind kind = SCAN_KIND_OF(alg, reverse, cell, CANDIDATE, normalised);     \
        const struct cell##_row row = cell##_row(lane, t);                                         \
        const int64_t count = lane->channels.count;                                                \
        _Pragma("omp simd") for (int64_t c = 0; c < count; c++) {                                  \
            const struct reverse##_elem e = cell##_##reverse(kind, cell##_load(&row, c));          \
            const struct reverse##_elem later = reverse##_elem_load(elem + c, SCAN_PANEL);         \
            reverse##_elem_store(reverse##_cat_back(later, e, cell##_output_back(&row, c, dy[c])), \
                                 elem + c, SCAN_PANEL);                                            \
        }                                                                                          \
    }
#define SCAN_KIND_LIKE(name, alg, reverse, cell, CANDIDATE, normalised, like)
#include "op/scan_kinds.def"

struct functions {
    void (*prepare)(struct scan_lane *lane);
    void (*step)(const struct scan_lane *lane, int64_t t, const float *before, int64_t stride,
                 const float *dy, float *mu);
    void (*reduce)(const struct scan_lane *lane, int64_t t, const float *dy, float *elem);
    void (*clear)(const struct scan_lane *lane, int64_t t);
};

#define SCAN_KIND_LIKE(name, alg, reverse, cell, CANDIDATE, normalised, like)                      \
    [SCAN_KIND_##name] = {cell##_prepare, step_##like, reduce_##like, cell##_clear},
#define SCAN_KIND(name, alg, reverse, cell, CANDIDATE, normalised)                                 \
    SCAN_KIND_LIKE(name, alg, reverse, cell, CANDIDATE, normalised, name)
static const struct functions functions[SCAN_KINDS] = {
#include "op/scan_kinds.def"
};

/* ---- the pass ---- */

static void begin(const struct scan_pass *pass, const struct scan_lane *lane, float *carry) {
    const int64_t floats = pass->alg->floats.state;
    const float *given = lane->scan->dh_last;
    scan_load(lane, floats, given ? given + scan_place(lane, floats) : NULL, carry);
}

/* What crosses a cut belongs to the initial state. */
static void cut(const struct scan_lane *lane, int64_t floats, float *mu, float *dinit) {
    for (int64_t k = 0; k < floats; k++) {
        for (int64_t c = k * SCAN_PANEL; c < k * SCAN_PANEL + lane->channels.count; c++) {
            dinit[c] += mu[c];
            mu[c] = 0.0f;
        }
    }
}

static void walk(const struct scan_pass *pass, const struct scan_lane *lane, struct span steps,
                 float *carry, float *share) {
    const struct functions *kind = pass->functions;
    const struct scan *scan = lane->scan;
    const int64_t floats = pass->alg->floats.state;
    struct scan_states initial, first;
    scan_load_initial(lane, floats, initial.x);
    scan_load_first(lane, floats, first.x);
    for (int64_t step = steps.begin + steps.count - 1; step >= steps.begin; step--) {
        const int64_t t = scan_time(lane, step);
        const float *dy = scan->dh + scan_row(lane, t, 1);
        if (scan_is_cut(lane, t)) {
            kind->step(lane, t, initial.x, SCAN_PANEL, dy, carry);
            cut(lane, floats, carry, share);
        } else if (step == 0) {
            kind->step(lane, t, first.x, SCAN_PANEL, dy, carry);
        } else {
            const float *before = scan->h + scan_row(lane, scan_time(lane, step - 1), floats);
            kind->step(lane, t, before, scan->width, dy, carry);
        }
    }
}

static void reduce(const struct scan_pass *pass, const struct scan_lane *lane, struct span steps,
                   float *elem) {
    const struct functions *kind = pass->functions;
    const struct scan_states none = {{0}};
    for (int64_t step = steps.begin + steps.count - 1; step >= steps.begin; step--) {
        const int64_t t = scan_time(lane, step);
        kind->reduce(lane, t, lane->scan->dh + scan_row(lane, t, 1), elem);
        if (scan_is_cut(lane, t)) {
            pass->alg->constant(lane->channels.count, none.x, elem);
        }
    }
}

/* The gradient of the state before the first step is h0's, or init's if h0 is not given. */
static void end(const struct scan_pass *pass, const struct scan_lane *lane, float *carry,
                float *share) {
    const struct functions *kind = pass->functions;
    const struct scan *scan = lane->scan;
    const int64_t floats = pass->alg->floats.state;
    if (!scan->h0) {
        cut(lane, floats, carry, share);
    } else if (scan->dh0) {
        scan_store(lane, floats, carry, scan->dh0 + scan_place(lane, floats));
    }
    if (scan->dinit) {
        scan_store(lane, floats, share, scan->dinit + scan_place(lane, floats));
    }
    for (int64_t t = lane->length; t < scan->time; t++) {
        kind->clear(lane, t);
    }
}

/* The operator of the walk; any if there is no such kind. */
static minrnn_scan_alg reverse_alg(const struct scan_backward_args *args) {
    const int kind = scan_kind_of(args->alg, args->cell, args->candidate, args->normalised);
    return kind < 0 ? args->alg : scan_kinds[kind].reverse;
}

static int64_t scan_backward_scratch(const minrnn_device *device,
                                     const struct scan_backward_args *args) {
    (void)device;
    return CPU_NAME(scan_run_scratch)(reverse_alg(args), args->run, args->batch, args->time,
                                      args->width);
}

static minrnn_status scan_backward(struct op_context *context,
                                   const struct scan_backward_args *args) {
    const struct scan scan = {
        SCAN_ARGUMENTS(args),      .dh = f32(args->dh), .dh_last = f32(args->dh_last),
        .dx = f32(args->dx),       .db = f32(args->db), .dh0 = f32(args->dh0),
        .dinit = f32(args->dinit),
    };
    const int kind = scan_kind_of(args->alg, args->cell, args->candidate, args->normalised);
    if (kind < 0 || (args->cell == MINRNN_CELL_LINEAR && (!args->b.buffer || !args->db.buffer))) {
        return fail(MINRNN_INVALID_ARGUMENT,
                    "scan_backward: no such scan, or tensor b or db is missing");
    }
    const struct scan_pass pass = {
        .scan = &scan,
        .alg = CPU_NAME(scan_alg)(scan_kinds[kind].reverse),
        .backward = true,
        .functions = &functions[kind],
        .prepare = functions[kind].prepare,
        .begin = begin,
        .reduce = reduce,
        .walk = walk,
        .end = end,
    };
    CPU_NAME(scan_run)(context, &pass, args->run);
    return MINRNN_OK;
}

const struct scan_backward_op CPU_NAME(scan_backward_op) = {.run = scan_backward,
                                                            .scratch = scan_backward_scratch};
