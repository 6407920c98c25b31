/* SPDX-License-Identifier: Apache-2.0 */
/* The forward pass: the carry is the state, and each step writes what the cell gives out of it. */
#include "base/status.h"
#include "cpu/scan/cell.h"
#include "cpu/scan/run.h"

/* ---- what each kind does with a panel; state is h_{t-1}, then h_t ---- */

#define SCAN_KIND(name, alg, reverse, cell, CANDIDATE, normalised)                                 \
    static void step_##name(const struct scan_lane *lane, int64_t t, float *restrict state,        \
                            float *restrict y) {                                                   \
        const struct scan_kind kind = SCAN_KIND_OF(alg, reverse, cell, CANDIDATE, normalised);     \
        const struct cell##_row row = cell##_row(lane, t);                                         \
        const int64_t count = lane->channels.count;                                                \
        _Pragma("omp simd") for (int64_t c = 0; c < count; c++) {                                  \
            const struct alg##_elem e = cell##_##alg(kind, cell##_load(&row, c));                  \
            const struct alg##_state next =                                                        \
                alg##_apply(e, alg##_state_load(state + c, SCAN_PANEL));                           \
            alg##_state_store(next, state + c, SCAN_PANEL);                                        \
            y[c] = cell##_output(&row, c, alg##_leave(next));                                      \
        }                                                                                          \
    }                                                                                              \
    static void reduce_##name(const struct scan_lane *lane, int64_t t, float *restrict elem) {     \
        const struct scan_kind kind = SCAN_KIND_OF(alg, reverse, cell, CANDIDATE, normalised);     \
        const struct cell##_row row = cell##_row(lane, t);                                         \
        const int64_t count = lane->channels.count;                                                \
        _Pragma("omp simd") for (int64_t c = 0; c < count; c++) {                                  \
            const struct alg##_elem e = cell##_##alg(kind, cell##_load(&row, c));                  \
            alg##_elem_store(alg##_cat(alg##_elem_load(elem + c, SCAN_PANEL), e), elem + c,        \
                             SCAN_PANEL);                                                          \
        }                                                                                          \
    }                                                                                              \
    static void enter_##name(int64_t count, float *panel) {                                        \
        for (int64_t c = 0; c < count; c++) {                                                      \
            alg##_state_store(alg##_enter(reverse##_state_load(panel + c, SCAN_PANEL)), panel + c, \
                              SCAN_PANEL);                                                         \
        }                                                                                          \
    }                                                                                              \
    static void leave_##name(int64_t count, float *panel) {                                        \
        for (int64_t c = 0; c < count; c++) {                                                      \
            reverse##_state_store(alg##_leave(alg##_state_load(panel + c, SCAN_PANEL)), panel + c, \
                                  SCAN_PANEL);                                                     \
        }                                                                                          \
    }
#include "op/scan_kinds.def"

struct functions {
    void (*prepare)(struct scan_lane *lane);
    void (*step)(const struct scan_lane *lane, int64_t t, float *state, float *y);
    void (*reduce)(const struct scan_lane *lane, int64_t t, float *elem);
    void (*enter)(int64_t count, float *panel);
    void (*leave)(int64_t count, float *panel);
};

#define SCAN_KIND(name, alg, reverse, cell, CANDIDATE, normalised)                                 \
    [SCAN_KIND_##name] = {cell##_prepare, step_##name, reduce_##name, enter_##name, leave_##name},
static const struct functions functions[SCAN_KINDS] = {
#include "op/scan_kinds.def"
};

/* ---- the pass ---- */

static void load_initial(const struct scan_pass *pass, const struct scan_lane *lane,
                         struct scan_states *initial) {
    const struct functions *kind = pass->functions;
    scan_load_initial(lane, pass->alg->floats.state, initial->x);
    kind->enter(lane->channels.count, initial->x);
}

static void begin(const struct scan_pass *pass, const struct scan_lane *lane, float *carry) {
    const struct functions *kind = pass->functions;
    scan_load_first(lane, pass->alg->floats.state, carry);
    kind->enter(lane->channels.count, carry);
}

static void walk(const struct scan_pass *pass, const struct scan_lane *lane, struct span steps,
                 float *carry, float *share) {
    (void)share;
    const struct functions *kind = pass->functions;
    struct scan_states initial;
    load_initial(pass, lane, &initial);
    for (int64_t step = steps.begin; step < steps.begin + steps.count; step++) {
        const int64_t t = scan_time(lane, step);
        if (scan_is_cut(lane, t)) {
            scan_copy(lane, pass->alg->floats.state, initial.x, carry);
        }
        kind->step(lane, t, carry, lane->scan->h + scan_row(lane, t, 1));
    }
}

static void reduce(const struct scan_pass *pass, const struct scan_lane *lane, struct span steps,
                   float *elem) {
    const struct functions *kind = pass->functions;
    struct scan_states initial;
    load_initial(pass, lane, &initial);
    for (int64_t step = steps.begin; step < steps.begin + steps.count; step++) {
        const int64_t t = scan_time(lane, step);
        if (scan_is_cut(lane, t)) {
            pass->alg->constant(lane->channels.count, initial.x, elem);
        }
        kind->reduce(lane, t, elem);
    }
}

/* What lies past the length, and the last state. */
static void end(const struct scan_pass *pass, const struct scan_lane *lane, float *carry,
                float *share) {
    (void)share;
    const struct scan *scan = lane->scan;
    const struct functions *kind = pass->functions;
    const int64_t floats = pass->alg->floats.state;
    for (int64_t t = lane->length; t < scan->time; t++) {
        memset(scan->h + scan_row(lane, t, 1), 0, (size_t)lane->channels.count * sizeof(float));
    }
    if (!scan->h_last) {
        return;
    }
    if (lane->length > 0) {
        kind->leave(lane->channels.count, carry);
    } else {
        scan_load_first(lane, floats, carry); /* as given, not in and out of the operator's form */
    }
    scan_store(lane, floats, carry, scan->h_last + scan_place(lane, floats));
}

static int64_t scan_forward_scratch(const minrnn_device *device,
                                    const struct scan_forward_args *args) {
    (void)device;
    return CPU_NAME(scan_run_scratch)(args->alg, args->run, args->batch, args->time, args->width);
}

static minrnn_status scan_forward(struct op_context *context,
                                  const struct scan_forward_args *args) {
    const struct scan scan = {SCAN_ARGUMENTS(args), .h_last = f32(args->h_last)};
    const int kind = scan_kind_of(args->alg, args->cell, args->candidate, args->normalised);
    if (kind < 0 || (args->cell == MINRNN_CELL_LINEAR && !args->b.buffer)) {
        return fail(MINRNN_INVALID_ARGUMENT, "scan_forward: no such scan, or tensor b is missing");
    }
    const struct scan_pass pass = {
        .scan = &scan,
        .alg = CPU_NAME(scan_alg)(args->alg),
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

const struct scan_forward_op CPU_NAME(scan_forward_op) = {.run = scan_forward,
                                                          .scratch = scan_forward_scratch};
