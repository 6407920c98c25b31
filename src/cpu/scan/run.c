/* SPDX-License-Identifier: Apache-2.0 */
/* The serial run and the chunk run: scratch, the order of the walks, and sums over chunks. */
#include "cpu/scan/run.h"

#include "cpu/scan/alg.h"

/* ---- operators on panels ---- */

#define SCAN_ALG(alg, ALG, ...)                                                                    \
    static void identity_##alg(int64_t count, float *elem) {                                       \
        for (int64_t c = 0; c < count; c++) {                                                      \
            alg##_elem_store(alg##_identity(), elem + c, SCAN_PANEL);                              \
        }                                                                                          \
    }                                                                                              \
    static void constant_##alg(int64_t count, const float *state, float *elem) {                   \
        for (int64_t c = 0; c < count; c++) {                                                      \
            alg##_elem_store(alg##_constant(alg##_state_load(state + c, SCAN_PANEL)), elem + c,    \
                             SCAN_PANEL);                                                          \
        }                                                                                          \
    }                                                                                              \
    static void apply_##alg(int64_t count, const float *elem, float *state) {                      \
        for (int64_t c = 0; c < count; c++) {                                                      \
            const struct alg##_elem e = alg##_elem_load(elem + c, SCAN_PANEL);                     \
            alg##_state_store(alg##_apply(e, alg##_state_load(state + c, SCAN_PANEL)), state + c,  \
                              SCAN_PANEL);                                                         \
        }                                                                                          \
    }
#include "op/scan_kinds.def"

#define SCAN_ALG(alg, ALG, elem_floats, state_floats)                                              \
    [MINRNN_SCAN_##                                                                                \
        ALG] = {{elem_floats, state_floats}, identity_##alg, constant_##alg, apply_##alg},
static const struct scan_alg algs[] = {
#include "op/scan_kinds.def"
};

const struct scan_alg *CPU_NAME(scan_alg)(minrnn_scan_alg alg) {
    return &algs[alg];
}

/* ---- how a scan is cut: sequence x panel of channels x chunk of steps ---- */

struct scan_plan {
    int64_t panel, panels;
    int64_t chunk, chunks;
};

/* As few pieces as keep 64 threads busy, for wide rows stream best. */
static int64_t scan_panel(int64_t batch, int64_t width) {
    const int64_t share = ceil_div(batch * width, 64);
    return min_i64(SCAN_PANEL, ceil_div(share, 64) * 64);
}

static struct scan_plan scan_plan(minrnn_scan_run run, int64_t batch, int64_t time, int64_t width) {
    /* Chunks read the input twice: only if sequences and panels are few and time is long. */
    enum { FEW = 3, LONG = 2048, CHUNK_MIN = 16, CHUNK_MAX = 512 };
    const int64_t panel = scan_panel(batch, width);
    const int64_t pieces = batch * ceil_div(width, panel);
    const bool chunked =
        run == MINRNN_RUN_AUTO ? pieces < FEW && time >= LONG : run != MINRNN_RUN_SERIAL;
    if (!chunked) {
        return (struct scan_plan){panel, ceil_div(width, panel), time, 1};
    }
    const int64_t chunk = min_i64(CHUNK_MAX, max_i64(CHUNK_MIN, time / 8));
    return (struct scan_plan){SCAN_PANEL, ceil_div(width, SCAN_PANEL), chunk,
                              ceil_div(time, chunk)};
}

/* Lane number `column` of the plan's sequences and panels. */
static void open_lane(const struct scan_pass *pass, struct scan_plan plan, int64_t column,
                      struct scan_lane *lane) {
    lane->scan = pass->scan;
    lane->sequence = column / plan.panels;
    lane->length = scan_length(pass->scan, lane->sequence);
    lane->channels = span_of(column % plan.panels, pass->scan->width, plan.panel);
    pass->prepare(lane);
}

/* ---- serial ---- */

static void run_serial(const struct op_context *context, const struct scan_pass *pass,
                       struct scan_plan plan) {
    const struct scan *scan = pass->scan;
    const int64_t columns = scan->batch * plan.panels;
    const bool shared = threads_repay(columns, scan->batch * scan->time * scan->width);
#pragma omp parallel for num_threads(cpu_threads(context)) schedule(static) if (shared)
    for (int64_t i = 0; i < columns; i++) {
        struct scan_lane lane;
        struct scan_states carry, share = {{0}};
        open_lane(pass, plan, i, &lane);
        pass->begin(pass, &lane, carry.x);
        pass->walk(pass, &lane, (struct span){0, lane.length}, carry.x, share.x);
        pass->end(pass, &lane, carry.x, share.x);
    }
}

/* ---- chunks: [chunks, batch, floats, width] of elements, carries and shares ---- */

struct chunks {
    const struct scan_pass *pass;
    struct scan_plan plan;
    float *elements, *carries;
    float *shares; /* in the elements' room, once they have become carries */
};

/* A lane's place in one of these. */
static float *slot(const struct scan_lane *lane, int64_t chunk, int64_t floats, float *room) {
    const struct scan *scan = lane->scan;
    return room + (chunk * scan->batch + lane->sequence) * floats * scan->width +
           lane->channels.begin;
}

static struct span steps_of(const struct chunks *chunks, const struct scan_lane *lane,
                            int64_t chunk) {
    return scan_steps(span_of(chunk, lane->scan->time, chunks->plan.chunk), lane->length);
}

static void reduce_chunk(const struct chunks *chunks, int64_t column, int64_t chunk) {
    const struct scan_pass *pass = chunks->pass;
    const int64_t floats = pass->alg->floats.elem;
    struct scan_lane lane;
    float elem[SCAN_MOST_ELEM * SCAN_PANEL];
    open_lane(pass, chunks->plan, column, &lane);
    pass->alg->identity(lane.channels.count, elem);
    pass->reduce(pass, &lane, steps_of(chunks, &lane, chunk), elem);
    scan_store(&lane, floats, elem, slot(&lane, chunk, floats, chunks->elements));
}

/* The carries into the chunks, in the order in which they are walked. */
static void carry_column(const struct chunks *chunks, int64_t column) {
    const struct scan_pass *pass = chunks->pass;
    const struct scan_floats floats = pass->alg->floats;
    const int64_t count = chunks->plan.chunks;
    struct scan_lane lane;
    struct scan_states carry;
    float elem[SCAN_MOST_ELEM * SCAN_PANEL];
    open_lane(pass, chunks->plan, column, &lane);
    pass->begin(pass, &lane, carry.x);
    for (int64_t i = 0; i < count; i++) {
        const int64_t chunk = pass->backward ? count - 1 - i : i;
        scan_store(&lane, floats.state, carry.x, slot(&lane, chunk, floats.state, chunks->carries));
        scan_load(&lane, floats.elem, slot(&lane, chunk, floats.elem, chunks->elements), elem);
        pass->alg->apply(lane.channels.count, elem, carry.x);
    }
}

/* Leaves the carry after the chunk in place of that before. */
static void walk_chunk(const struct chunks *chunks, int64_t column, int64_t chunk) {
    const struct scan_pass *pass = chunks->pass;
    const int64_t floats = pass->alg->floats.state;
    struct scan_lane lane;
    struct scan_states carry, share = {{0}};
    open_lane(pass, chunks->plan, column, &lane);
    float *carried = slot(&lane, chunk, floats, chunks->carries);
    scan_load(&lane, floats, carried, carry.x);
    pass->walk(pass, &lane, steps_of(chunks, &lane, chunk), carry.x, share.x);
    scan_store(&lane, floats, carry.x, carried);
    if (pass->backward) {
        scan_store(&lane, floats, share.x, slot(&lane, chunk, floats, chunks->shares));
    }
}

/* The sum of the chunks' shares, in order. */
static void sum_shares(const struct chunks *chunks, const struct scan_lane *lane, float *sum) {
    const int64_t floats = chunks->pass->alg->floats.state;
    for (int64_t chunk = 0; chunk < chunks->plan.chunks; chunk++) {
        const float *share = slot(lane, chunk, floats, chunks->shares);
        for (int64_t k = 0; k < floats; k++) {
            for (int64_t c = 0; c < lane->channels.count; c++) {
                sum[k * SCAN_PANEL + c] += share[k * lane->scan->width + c];
            }
        }
    }
}

/* The walk's last step in use is the first, or that of the length. */
static void end_column(const struct chunks *chunks, int64_t column) {
    const struct scan_pass *pass = chunks->pass;
    const int64_t floats = pass->alg->floats.state;
    struct scan_lane lane;
    struct scan_states carry, share = {{0}};
    open_lane(pass, chunks->plan, column, &lane);
    const int64_t last = pass->backward ? 0 : max_i64(lane.length - 1, 0) / chunks->plan.chunk;
    scan_load(&lane, floats, slot(&lane, last, floats, chunks->carries), carry.x);
    if (pass->backward) {
        sum_shares(chunks, &lane, share.x);
    }
    pass->end(pass, &lane, carry.x, share.x);
}

static void run_chunks(const struct op_context *context, const struct scan_pass *pass,
                       struct scan_plan plan) {
    const struct scan *scan = pass->scan;
    const int64_t columns = scan->batch * plan.panels;
    const int64_t pieces = columns * plan.chunks;
    const int64_t elements = plan.chunks * scan->batch * pass->alg->floats.elem * scan->width;
    float *room = f32(context->scratch);
    const struct chunks chunks = {pass, plan, room, room + elements, room};
#pragma omp parallel for num_threads(cpu_threads(context)) schedule(static)
    for (int64_t i = 0; i < pieces; i++) {
        reduce_chunk(&chunks, i % columns, i / columns);
    }
#pragma omp parallel for num_threads(cpu_threads(context)) schedule(static) if (columns > 1)
    for (int64_t i = 0; i < columns; i++) {
        carry_column(&chunks, i);
    }
#pragma omp parallel for num_threads(cpu_threads(context)) schedule(static)
    for (int64_t i = 0; i < pieces; i++) {
        walk_chunk(&chunks, i % columns, i / columns);
    }
    for (int64_t i = 0; i < columns; i++) {
        end_column(&chunks, i);
    }
}

/* ---- which ---- */

void CPU_NAME(scan_run)(const struct op_context *context, const struct scan_pass *pass,
                        minrnn_scan_run run) {
    const struct scan *scan = pass->scan;
    const struct scan_plan plan = scan_plan(run, scan->batch, scan->time, scan->width);
    if (plan.chunks > 1) {
        run_chunks(context, pass, plan);
    } else {
        run_serial(context, pass, plan);
    }
}

int64_t CPU_NAME(scan_run_scratch)(minrnn_scan_alg alg, minrnn_scan_run run, int64_t batch,
                                   int64_t time, int64_t width) {
    const struct scan_floats floats = scan_floats_of(alg);
    const struct scan_plan plan = scan_plan(run, batch, time, width);
    return plan.chunks > 1
               ? plan.chunks * batch * (floats.elem + floats.state) * width * (int64_t)sizeof(float)
               : 0;
}
