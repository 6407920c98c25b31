/* SPDX-License-Identifier: Apache-2.0 */
/* minLSTM: f = sigma(forget + offset), i = sigma(input), h = f h_before + i candidate(hidden);
 * normalised: f / (f + i) and i / (f + i) in their place. cell.h says what a cell gives. */
#ifndef CPU_SCAN_MINLSTM_H
#define CPU_SCAN_MINLSTM_H

#include "cpu/scan/gated.h"

struct minlstm_row {
    const float *hidden, *forget, *input, *hidden_added, *forget_added, *input_added;
};

struct minlstm_input {
    float hidden, forget, input; /* pre-activations */
};

struct minlstm_gradient {
    float hidden, forget, input;
};

struct minlstm_target {
    float *hidden, *forget, *input;
};

static inline void minlstm_prepare(struct scan_lane *lane) {
    gated_prepare(lane, 0, 0.0f);
    gated_prepare(lane, 1, lane->scan->forget_offset);
    gated_prepare(lane, 2, 0.0f);
}

static inline struct minlstm_row minlstm_row(const struct scan_lane *lane, int64_t t) {
    return (struct minlstm_row){gated_x(lane, t, 0), gated_x(lane, t, 1), gated_x(lane, t, 2),
                                lane->added[0],      lane->added[1],      lane->added[2]};
}

ALWAYS_INLINE struct minlstm_input minlstm_load(const struct minlstm_row *row, int64_t c) {
    return (struct minlstm_input){row->hidden[c] + row->hidden_added[c],
                                  row->forget[c] + row->forget_added[c],
                                  row->input[c] + row->input_added[c]};
}

/* h_t = keep h_{t-1} + take c */
struct minlstm_gates {
    float keep, take;
    struct positive c;
    struct sigmoid f, i;
};

/* Normalised, the gates are f / (f + i) and i / (f + i). 1 / sigma(p) is
 * (1 + exp(-|p|)) exp(relu(-p)); the larger of the two last factors is divided out, so that nothing
 * overflows and no two underflowed gates are divided by each other. */
ALWAYS_INLINE struct minlstm_gates minlstm_gates(struct scan_kind kind, struct minlstm_input in) {
    const float e = candidate_decay(kind, in.hidden);
    const float ef = exp_negative_f32(-fabsf(in.forget));
    const float ei = exp_negative_f32(-fabsf(in.input));
    const struct reciprocals r = reciprocals_f32(1.0f + ef, 1.0f + ei);
    const struct sigmoid f = sigmoid_of(in.forget, ef, r.x);
    const struct sigmoid i = sigmoid_of(in.input, ei, r.y);
    if (!kind.normalised) {
        const float inverse = 1.0f / (1.0f + e);
        return (struct minlstm_gates){f.on, i.on, candidate(kind, in.hidden, e, inverse), f, i};
    }
    const float gap = relu_f32(-in.input) - relu_f32(-in.forget);
    const float lesser = exp_negative_f32(-fabsf(gap));
    const float inverse_f = (1.0f + ef) * (gap > 0.0f ? lesser : 1.0f);
    const float inverse_i = (1.0f + ei) * (gap > 0.0f ? 1.0f : lesser);
    const struct reciprocals share = reciprocals_f32(inverse_f + inverse_i, 1.0f + e);
    return (struct minlstm_gates){inverse_i * share.x, inverse_f * share.x,
                                  candidate(kind, in.hidden, e, share.y), f, i};
}

ALWAYS_INLINE struct affine_elem minlstm_affine(struct scan_kind kind, struct minlstm_input in) {
    const struct minlstm_gates g = minlstm_gates(kind, in);
    return (struct affine_elem){g.keep, g.take * g.c.value};
}

ALWAYS_INLINE struct log_affine_elem minlstm_log_affine(struct scan_kind kind,
                                                        struct minlstm_input in) {
    const float log_f = -softplus_f32(in.forget).minus;
    const float log_i = -softplus_f32(in.input).minus;
    const float log_c = log_positive_f32(in.hidden);
    if (!kind.normalised) {
        return (struct log_affine_elem){log_f, log_i + log_c};
    }
    const struct softplus d = softplus_f32(log_i - log_f);
    return (struct log_affine_elem){-d.plus, log_c - d.minus};
}

ALWAYS_INLINE float minlstm_output(const struct minlstm_row *row, int64_t c,
                                   struct affine_state state) {
    (void)row, (void)c;
    return state.h;
}

ALWAYS_INLINE struct affine_state minlstm_output_back(const struct minlstm_row *row, int64_t c,
                                                      float dy) {
    (void)row, (void)c;
    return (struct affine_state){dy};
}

ALWAYS_INLINE struct minlstm_gradient minlstm_gradient(struct scan_kind kind,
                                                       struct minlstm_input in, float dy,
                                                       struct affine_state lambda,
                                                       struct affine_state before) {
    (void)dy;
    const struct minlstm_gates g = minlstm_gates(kind, in);
    const float hidden = lambda.h * g.take * g.c.slope;
    if (kind.normalised) {
        const float common = lambda.h * (g.c.value - before.h) * (g.keep * g.take);
        return (struct minlstm_gradient){hidden, -common * g.f.off, common * g.i.off};
    }
    return (struct minlstm_gradient){hidden, lambda.h * before.h * (g.f.on * g.f.off),
                                     lambda.h * g.c.value * (g.i.on * g.i.off)};
}

static inline struct minlstm_target minlstm_target(const struct scan_lane *lane, int64_t t) {
    return (struct minlstm_target){gated_dx(lane, t, 0), gated_dx(lane, t, 1),
                                   gated_dx(lane, t, 2)};
}

ALWAYS_INLINE void minlstm_store(const struct minlstm_target *target, int64_t c,
                                 struct minlstm_gradient d) {
    target->hidden[c] = d.hidden;
    target->forget[c] = d.forget;
    target->input[c] = d.input;
}

static inline void minlstm_share(const struct scan_lane *lane, int64_t t) {
    (void)lane, (void)t;
}

static inline void minlstm_clear(const struct scan_lane *lane, int64_t t) {
    gated_clear(lane, t);
}

#endif
