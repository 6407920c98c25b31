/* SPDX-License-Identifier: Apache-2.0 */
/* minGRU: z = sigma(gate), h = (1 - z) h_before + z candidate(hidden). cell.h says what a cell
 * gives. */
#ifndef CPU_SCAN_MINGRU_H
#define CPU_SCAN_MINGRU_H

#include "cpu/scan/gated.h"

struct mingru_row {
    const float *hidden, *gate, *hidden_added, *gate_added;
};

struct mingru_input {
    float hidden, gate; /* pre-activations */
};

struct mingru_gradient {
    float hidden, gate;
};

struct mingru_target {
    float *hidden, *gate;
};

static inline void mingru_prepare(struct scan_lane *lane) {
    gated_prepare(lane, 0, 0.0f);
    gated_prepare(lane, 1, 0.0f);
}

static inline struct mingru_row mingru_row(const struct scan_lane *lane, int64_t t) {
    return (struct mingru_row){gated_x(lane, t, 0), gated_x(lane, t, 1), lane->added[0],
                               lane->added[1]};
}

ALWAYS_INLINE struct mingru_input mingru_load(const struct mingru_row *row, int64_t c) {
    return (struct mingru_input){row->hidden[c] + row->hidden_added[c],
                                 row->gate[c] + row->gate_added[c]};
}

/* h_t = z.off h_{t-1} + z.on c */
struct mingru_gates {
    struct sigmoid z;
    struct positive c;
};

ALWAYS_INLINE struct mingru_gates mingru_gates(struct scan_kind kind, struct mingru_input in) {
    const float e = candidate_decay(kind, in.hidden);
    const float ez = exp_negative_f32(-fabsf(in.gate));
    const struct reciprocals r = reciprocals_f32(1.0f + ez, 1.0f + e);
    return (struct mingru_gates){sigmoid_of(in.gate, ez, r.x), candidate(kind, in.hidden, e, r.y)};
}

ALWAYS_INLINE struct affine_elem mingru_affine(struct scan_kind kind, struct mingru_input in) {
    const struct mingru_gates g = mingru_gates(kind, in);
    return (struct affine_elem){g.z.off, g.z.on * g.c.value};
}

ALWAYS_INLINE struct log_affine_elem mingru_log_affine(struct scan_kind kind,
                                                       struct mingru_input in) {
    (void)kind;
    const struct softplus gate = softplus_f32(in.gate);
    return (struct log_affine_elem){-gate.plus, log_positive_f32(in.hidden) - gate.minus};
}

ALWAYS_INLINE float mingru_output(const struct mingru_row *row, int64_t c,
                                  struct affine_state state) {
    (void)row, (void)c;
    return state.h;
}

ALWAYS_INLINE struct affine_state mingru_output_back(const struct mingru_row *row, int64_t c,
                                                     float dy) {
    (void)row, (void)c;
    return (struct affine_state){dy};
}

ALWAYS_INLINE struct mingru_gradient mingru_gradient(struct scan_kind kind, struct mingru_input in,
                                                     float dy, struct affine_state lambda,
                                                     struct affine_state before) {
    (void)dy;
    const struct mingru_gates g = mingru_gates(kind, in);
    return (struct mingru_gradient){lambda.h * g.z.on * g.c.slope,
                                    lambda.h * (g.c.value - before.h) * (g.z.off * g.z.on)};
}

static inline struct mingru_target mingru_target(const struct scan_lane *lane, int64_t t) {
    return (struct mingru_target){gated_dx(lane, t, 0), gated_dx(lane, t, 1)};
}

ALWAYS_INLINE void mingru_store(const struct mingru_target *target, int64_t c,
                                struct mingru_gradient d) {
    target->hidden[c] = d.hidden;
    target->gate[c] = d.gate;
}

static inline void mingru_share(const struct scan_lane *lane, int64_t t) {
    (void)lane, (void)t;
}

static inline void mingru_clear(const struct scan_lane *lane, int64_t t) {
    gated_clear(lane, t);
}

#endif
