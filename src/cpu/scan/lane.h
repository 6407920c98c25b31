/* SPDX-License-Identifier: Apache-2.0 */
/* The problem, and a lane of it: a panel of channels of one sequence. This file alone knows where a
 * lane's rows lie, in which order time is walked, which steps are in use and where the recurrence
 * is cut.
 *
 * Steps are counted in the direction of the scan; scan_time says at which place in memory one is.
 */
#ifndef CPU_SCAN_LANE_H
#define CPU_SCAN_LANE_H

#include "cpu/scan/kind.h"

/* What the two passes read and write; layouts as in minrnn/scan.h. The output h is the state, or
 * what the cell makes of it; h0, init and their like are [.., floats of a state, width]. */
struct scan {
    int64_t batch, time, width;
    minrnn_scan_cell cell;
    bool reversed;
    float forget_offset;
    const float *x, *b, *bias, *h0, *init;
    const int32_t *reset, *lengths;
    float *h, *h_last;
    const float *dh, *dh_last;
    float *dx, *db, *dh0, *dinit;
};

/* The arguments that both passes have. */
#define SCAN_ARGUMENTS(args)                                                                       \
    .batch = (args)->batch, .time = (args)->time, .width = (args)->width, .cell = (args)->cell,    \
    .reversed = (args)->reversed, .forget_offset = (args)->forget_offset, .x = f32((args)->x),     \
    .b = f32((args)->b), .bias = f32((args)->bias), .h0 = f32((args)->h0),                         \
    .init = f32((args)->init), .reset = i32((args)->reset), .lengths = i32((args)->lengths),       \
    .h = f32((args)->h)

struct scan_lane {
    const struct scan *scan;
    int64_t sequence, length; /* in steps */
    struct span channels;
    float added[SCAN_MOST_GATES][SCAN_PANEL]; /* by the cell, to the channels' pre-activations */
};

/* A panel of states: [floats][SCAN_PANEL]. */
struct scan_states {
    float x[SCAN_MOST_STATE * SCAN_PANEL];
};

/* Steps in use. */
static inline int64_t scan_length(const struct scan *scan, int64_t sequence) {
    return scan->lengths ? min_i64(scan->time, max_i64(0, scan->lengths[sequence])) : scan->time;
}

/* The part of steps `all` that is in use. */
static inline struct span scan_steps(struct span all, int64_t length) {
    return (struct span){all.begin, max_i64(0, min_i64(all.count, length - all.begin))};
}

/* The time of a step. */
static inline int64_t scan_time(const struct scan_lane *lane, int64_t step) {
    return lane->scan->reversed ? lane->length - 1 - step : step;
}

/* Whether the initial state takes the place of the previous one: a document begins at t, or, from
 * behind, ends there. */
static inline bool scan_is_cut(const struct scan_lane *lane, int64_t t) {
    const struct scan *scan = lane->scan;
    const int64_t begin = scan->reversed ? t + 1 : t;
    return scan->reset && begin < lane->length &&
           scan->reset[lane->sequence * scan->time + begin] != 0;
}

/* Elements before the lane in a [batch, time, rows, width] tensor at t. */
static inline int64_t scan_row(const struct scan_lane *lane, int64_t t, int64_t rows) {
    const struct scan *scan = lane->scan;
    return (lane->sequence * scan->time + t) * rows * scan->width + lane->channels.begin;
}

/* Elements before the lane in a [batch, floats, width] tensor. */
static inline int64_t scan_place(const struct scan_lane *lane, int64_t floats) {
    return lane->sequence * floats * lane->scan->width + lane->channels.begin;
}

/* A panel of `floats` rows of `width` channels, zero if they are absent; and back. */
static inline void scan_load(const struct scan_lane *lane, int64_t floats, const float *rows,
                             float *panel) {
    for (int64_t k = 0; k < floats; k++) {
        for (int64_t c = 0; c < lane->channels.count; c++) {
            panel[k * SCAN_PANEL + c] = rows ? rows[k * lane->scan->width + c] : 0.0f;
        }
    }
}

static inline void scan_store(const struct scan_lane *lane, int64_t floats, const float *panel,
                              float *rows) {
    for (int64_t k = 0; k < floats; k++) {
        memcpy(rows + k * lane->scan->width, panel + k * SCAN_PANEL,
               (size_t)lane->channels.count * sizeof *rows);
    }
}

/* From panel to panel. */
static inline void scan_copy(const struct scan_lane *lane, int64_t floats, const float *from,
                             float *to) {
    for (int64_t k = 0; k < floats; k++) {
        memcpy(to + k * SCAN_PANEL, from + k * SCAN_PANEL,
               (size_t)lane->channels.count * sizeof *to);
    }
}

/* The values of the state that stands in at a cut. */
static inline void scan_load_initial(const struct scan_lane *lane, int64_t floats, float *panel) {
    const float *init = lane->scan->init;
    scan_load(lane, floats, init ? init + lane->channels.begin : NULL, panel);
}

/* Those before the first step. */
static inline void scan_load_first(const struct scan_lane *lane, int64_t floats, float *panel) {
    if (lane->scan->h0) {
        scan_load(lane, floats, lane->scan->h0 + scan_place(lane, floats), panel);
    } else {
        scan_load_initial(lane, floats, panel);
    }
}

#endif
