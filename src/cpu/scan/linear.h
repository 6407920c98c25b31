/* SPDX-License-Identifier: Apache-2.0 */
/* The linear cell: a and b are given (their logarithms if alg is log). cell.h says what a cell
 * gives. */
#ifndef CPU_SCAN_LINEAR_H
#define CPU_SCAN_LINEAR_H

#include "cpu/scan/alg.h"
#include "cpu/scan/lane.h"

struct linear_row {
    const float *a, *b;
};

struct linear_input {
    float a, b; /* as given */
};

struct linear_gradient {
    float a, b;
};

struct linear_target {
    float *a, *b;
};

static inline void linear_prepare(struct scan_lane *lane) {
    (void)lane;
}

static inline struct linear_row linear_row(const struct scan_lane *lane, int64_t t) {
    const int64_t row = scan_row(lane, t, 1);
    return (struct linear_row){lane->scan->x + row, lane->scan->b + row};
}

ALWAYS_INLINE struct linear_input linear_load(const struct linear_row *row, int64_t c) {
    return (struct linear_input){row->a[c], row->b[c]};
}

ALWAYS_INLINE struct affine_elem linear_affine(struct scan_kind kind, struct linear_input in) {
    return kind.alg == MINRNN_SCAN_LOG ? (struct affine_elem){exp_f32(in.a), exp_f32(in.b)}
                                       : (struct affine_elem){in.a, in.b};
}

ALWAYS_INLINE struct log_affine_elem linear_log_affine(struct scan_kind kind,
                                                       struct linear_input in) {
    (void)kind;
    return (struct log_affine_elem){in.a, in.b};
}

ALWAYS_INLINE float linear_output(const struct linear_row *row, int64_t c,
                                  struct affine_state state) {
    (void)row, (void)c;
    return state.h;
}

ALWAYS_INLINE struct affine_state linear_output_back(const struct linear_row *row, int64_t c,
                                                     float dy) {
    (void)row, (void)c;
    return (struct affine_state){dy};
}

ALWAYS_INLINE struct linear_gradient linear_gradient(struct scan_kind kind, struct linear_input in,
                                                     float dy, struct affine_state lambda,
                                                     struct affine_state before) {
    (void)dy;
    if (kind.alg == MINRNN_SCAN_LOG) {
        return (struct linear_gradient){lambda.h * exp_f32(in.a) * before.h,
                                        lambda.h * exp_f32(in.b)};
    }
    return (struct linear_gradient){lambda.h * before.h, lambda.h};
}

static inline struct linear_target linear_target(const struct scan_lane *lane, int64_t t) {
    const int64_t row = scan_row(lane, t, 1);
    return (struct linear_target){lane->scan->dx + row, lane->scan->db + row};
}

ALWAYS_INLINE void linear_store(const struct linear_target *target, int64_t c,
                                struct linear_gradient d) {
    target->a[c] = d.a;
    target->b[c] = d.b;
}

static inline void linear_share(const struct scan_lane *lane, int64_t t) {
    (void)lane, (void)t;
}

static inline void linear_clear(const struct scan_lane *lane, int64_t t) {
    const struct linear_target target = linear_target(lane, t);
    memset(target.a, 0, (size_t)lane->channels.count * sizeof *target.a);
    memset(target.b, 0, (size_t)lane->channels.count * sizeof *target.b);
}

#endif
