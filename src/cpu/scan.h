/* What the scan's forward and backward passes share: the problem, how it is cut, where rows lie. */
#ifndef CPU_SCAN_H
#define CPU_SCAN_H

#include "cpu/scan_cell.h"

/* The arguments that both passes read; layouts as in minrnn/scan.h. */
struct scan {
    int64_t batch, time, width, gates;
    bool reversed;
    float forget_offset;
    const float *x, *b, *bias, *h0, *init;
    const int32_t *reset, *lengths;
};

#define SCAN_OF(args)                                                                              \
    {                                                                                              \
        .batch = (args)->batch, .time = (args)->time, .width = (args)->width,                      \
        .gates = scan_gates((args)->cell), .reversed = (args)->reversed,                           \
        .forget_offset = (args)->forget_offset, .x = f32((args)->x), .b = f32((args)->b),          \
        .bias = f32((args)->bias), .h0 = f32((args)->h0), .init = f32((args)->init),               \
        .reset = i32((args)->reset), .lengths = i32((args)->lengths)                               \
    }

/* Channels of one piece at most: their states and biases stay in the first-level cache. */
enum { SCAN_PANEL = 1024 };

/* How a scan is cut: sequence x panel of channels x chunk of steps. */
struct scan_plan {
    int64_t panel, panels;
    int64_t chunk, chunks;
};

/* As few pieces as keep 64 threads busy, for wide rows stream best. */
static inline int64_t scan_panel(int64_t batch, int64_t width) {
    const int64_t share = ceil_div(batch * width, 64);
    return min_i64(SCAN_PANEL, ceil_div(share, 64) * 64);
}

static inline struct scan_plan scan_plan(minrnn_scan_run run, int64_t batch, int64_t time,
                                         int64_t width) {
    /* Chunks read the input twice: only where sequences and panels are few and time is long. */
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

/* Steps in use. */
static inline int64_t scan_length(const struct scan *scan, int64_t sequence) {
    return scan->lengths ? min_i64(scan->time, max_i64(0, scan->lengths[sequence])) : scan->time;
}

/* The part of steps `all` that is in use. */
static inline struct span scan_steps(struct span all, int64_t length) {
    return (struct span){all.begin, max_i64(0, min_i64(all.count, length - all.begin))};
}

/* The time of a step, steps being counted in the direction of the scan. */
static inline int64_t scan_time(const struct scan *scan, int64_t length, int64_t step) {
    return scan->reversed ? length - 1 - step : step;
}

/* Whether the initial state takes the place of the previous one: a document begins at t, or, from
 * behind, ends there. */
static inline bool scan_is_cut(const struct scan *scan, int64_t sequence, int64_t length,
                               int64_t t) {
    const int64_t begin = scan->reversed ? t + 1 : t;
    return scan->reset && begin < length && scan->reset[sequence * scan->time + begin] != 0;
}

/* Elements before (sequence, t, channel) in a [batch, time, width] tensor. */
static inline int64_t scan_row(const struct scan *scan, int64_t sequence, int64_t t,
                               int64_t channel) {
    return (sequence * scan->time + t) * scan->width + channel;
}

/* The inputs of one step, at a panel's first channel. */
struct scan_inputs {
    const float *x[3];
};

static inline struct scan_inputs scan_inputs(const struct scan *scan, int64_t sequence, int64_t t,
                                             int64_t channel) {
    const int64_t row = (sequence * scan->time + t) * scan->width;
    const float *x = scan->x + row * scan->gates + channel;
    if (scan->gates == 1) {
        return (struct scan_inputs){{x, scan->b + row + channel, NULL}};
    }
    return (struct scan_inputs){
        {x, x + scan->width, scan->gates == 3 ? x + 2 * scan->width : NULL}};
}

/* What is added to a panel's pre-activations: the bias, and the forget gate's offset. */
struct scan_bias {
    float x[3][SCAN_PANEL];
};

static inline void scan_load_bias(const struct scan *scan, struct span channels,
                                  struct scan_bias *bias) {
    for (int64_t gate = 0; gate < scan->gates; gate++) {
        const float offset = scan->gates == 3 && gate == 1 ? scan->forget_offset : 0.0f;
        for (int64_t c = 0; c < channels.count; c++) {
            const float given =
                scan->bias ? scan->bias[gate * scan->width + channels.begin + c] : 0.0f;
            bias->x[gate][c] = given + offset;
        }
    }
}

ALWAYS_INLINE struct scan_input scan_input(struct scan_kind kind, const struct scan_inputs *in,
                                           const struct scan_bias *bias, int64_t c) {
    if (kind.cell == MINRNN_CELL_LINEAR) {
        return (struct scan_input){{in->x[0][c], in->x[1][c], 0.0f}};
    }
    return (struct scan_input){
        {in->x[0][c] + bias->x[0][c], in->x[1][c] + bias->x[1][c],
         kind.cell == MINRNN_CELL_MINLSTM ? in->x[2][c] + bias->x[2][c] : 0.0f}};
}

/* A panel of a [width] tensor, zero where it is absent. */
static inline void scan_load(const float *source, struct span channels, float *panel) {
    for (int64_t c = 0; c < channels.count; c++) {
        panel[c] = source ? source[channels.begin + c] : 0.0f;
    }
}

/* The state before the first step. */
static inline void scan_load_first(const struct scan *scan, int64_t sequence, struct span channels,
                                   float *panel) {
    scan_load(scan->h0 ? scan->h0 + sequence * scan->width : scan->init, channels, panel);
}

#endif
