/* The scan's cells: how a step's coefficients, and the gradients of what they came from, are read
 * from the pre-activations. The kind is known at compile time wherever these are used. */
#ifndef CPU_SCAN_CELL_H
#define CPU_SCAN_CELL_H

#include "cpu/vector_math.h"

struct scan_kind {
    minrnn_scan_alg alg;
    minrnn_scan_cell cell;
    minrnn_candidate candidate;
    bool normalised;
};

/* Every kind there is, for tables: KIND(name, alg, cell, candidate, normalised). The gradient of a
 * gated cell is the same in both algebras. */
#define SCAN_LINEAR_KINDS(KIND)                                                                    \
    KIND(linear, LINEAR, LINEAR, PLAIN, false)                                                     \
    KIND(mingru_plain, LINEAR, MINGRU, PLAIN, false)                                               \
    KIND(mingru_g, LINEAR, MINGRU, G, false)                                                       \
    KIND(minlstm_plain, LINEAR, MINLSTM, PLAIN, false)                                             \
    KIND(minlstm_g, LINEAR, MINLSTM, G, false)                                                     \
    KIND(minlstm_normalised_plain, LINEAR, MINLSTM, PLAIN, true)                                   \
    KIND(minlstm_normalised_g, LINEAR, MINLSTM, G, true)                                           \
    KIND(log_linear, LOG, LINEAR, PLAIN, false)
#define SCAN_LOG_KINDS(KIND)                                                                       \
    KIND(log_mingru, LOG, MINGRU, G, false)                                                        \
    KIND(log_minlstm, LOG, MINLSTM, G, false)                                                      \
    KIND(log_minlstm_normalised, LOG, MINLSTM, G, true)

/* What a channel reads at one step. LINEAR: a, b. minGRU: hidden, gate. minLSTM: hidden, forget,
 * input. */
struct scan_input {
    float x[3];
};

/* h_t = a h_{t-1} + b, or the logarithms of a and b. */
struct scan_element {
    float a, b;
};

/* minLSTM's gates, the share of each in f' = f / (f + i), i' = i / (f + i), and 1 - f, 1 - i.
 * 1 / sigma(p) = (1 + exp(-|p|)) exp(relu(-p)): what underflows cancels before it is divided. */
struct minlstm_gates {
    float forget, input;         /* f, i or f', i' */
    float forget_off, input_off; /* 1 - f, 1 - i */
};

ALWAYS_INLINE struct minlstm_gates minlstm_gates(struct scan_kind kind, float forget, float input) {
    if (!kind.normalised) {
        const struct sigmoid f = sigmoid_f32(forget);
        const struct sigmoid i = sigmoid_f32(input);
        return (struct minlstm_gates){f.on, i.on, f.off, i.off};
    }
    const float ef = exp_negative_f32(-fabsf(forget));
    const float ei = exp_negative_f32(-fabsf(input));
    const float gap = relu_f32(-input) - relu_f32(-forget);
    const float e = exp_negative_f32(-fabsf(gap));
    const float inverse_f = (1.0f + ef) * (gap > 0.0f ? e : 1.0f);
    const float inverse_i = (1.0f + ei) * (gap > 0.0f ? 1.0f : e);
    const float share = 1.0f / (inverse_f + inverse_i);
    return (struct minlstm_gates){
        .forget = inverse_i * share,
        .input = inverse_f * share,
        .forget_off = (forget >= 0.0f ? ef : 1.0f) / (1.0f + ef),
        .input_off = (input >= 0.0f ? ei : 1.0f) / (1.0f + ei),
    };
}

ALWAYS_INLINE float candidate(struct scan_kind kind, float hidden) {
    return kind.candidate == MINRNN_CANDIDATE_G ? positive_f32(hidden).value : hidden;
}

/* a and b. */
ALWAYS_INLINE struct scan_element affine_element(struct scan_kind kind, struct scan_input in) {
    if (kind.cell == MINRNN_CELL_MINGRU) {
        const struct sigmoid z = sigmoid_f32(in.x[1]);
        return (struct scan_element){z.off, z.on * candidate(kind, in.x[0])};
    }
    if (kind.cell == MINRNN_CELL_MINLSTM) {
        const struct minlstm_gates gates = minlstm_gates(kind, in.x[1], in.x[2]);
        return (struct scan_element){gates.forget, gates.input * candidate(kind, in.x[0])};
    }
    return (struct scan_element){in.x[0], in.x[1]};
}

/* log a and log b (paper, appendix B.2). */
ALWAYS_INLINE struct scan_element log_element(struct scan_kind kind, struct scan_input in) {
    if (kind.cell == MINRNN_CELL_MINGRU) {
        const struct softplus gate = softplus_f32(in.x[1]);
        return (struct scan_element){-gate.plus, log_positive_f32(in.x[0]) - gate.minus};
    }
    if (kind.cell == MINRNN_CELL_MINLSTM) {
        const float log_f = -softplus_f32(in.x[1]).minus;
        const float log_i = -softplus_f32(in.x[2]).minus;
        const float log_c = log_positive_f32(in.x[0]);
        if (!kind.normalised) {
            return (struct scan_element){log_f, log_i + log_c};
        }
        const struct softplus d = softplus_f32(log_i - log_f);
        return (struct scan_element){-d.plus, log_c - d.minus};
    }
    return (struct scan_element){in.x[0], in.x[1]};
}

/* The gradients of a channel's inputs, given lambda = the gradient of h_t and previous = h_{t-1},
 * and a, which carries lambda on to h_{t-1}. */
struct scan_gradient {
    float dx[3];
    float a;
};

ALWAYS_INLINE struct scan_gradient scan_gradient(struct scan_kind kind, struct scan_input in,
                                                 float lambda, float previous) {
    struct scan_gradient out = {{0}, 0};
    if (kind.cell == MINRNN_CELL_LINEAR) {
        const bool is_log = kind.alg == MINRNN_SCAN_LOG;
        out.a = is_log ? exp_f32(in.x[0]) : in.x[0];
        out.dx[0] = is_log ? lambda * out.a * previous : lambda * previous;
        out.dx[1] = is_log ? lambda * exp_f32(in.x[1]) : lambda;
        return out;
    }
    const bool positive = kind.candidate == MINRNN_CANDIDATE_G;
    const struct positive g = positive_f32(in.x[0]);
    const float c = positive ? g.value : in.x[0];
    const float slope = positive ? g.slope : 1.0f;
    if (kind.cell == MINRNN_CELL_MINGRU) {
        const struct sigmoid z = sigmoid_f32(in.x[1]);
        out.a = z.off;
        out.dx[0] = lambda * z.on * slope;
        out.dx[1] = lambda * (c - previous) * (z.on * z.off);
        return out;
    }
    const struct minlstm_gates gates = minlstm_gates(kind, in.x[1], in.x[2]);
    out.a = gates.forget;
    out.dx[0] = lambda * gates.input * slope;
    if (kind.normalised) {
        const float common = lambda * (c - previous) * (gates.forget * gates.input);
        out.dx[1] = -common * gates.forget_off;
        out.dx[2] = common * gates.input_off;
    } else {
        out.dx[1] = lambda * previous * (gates.forget * gates.forget_off);
        out.dx[2] = lambda * c * (gates.input * gates.input_off);
    }
    return out;
}

/* a alone: what lambda's own recurrence needs. */
ALWAYS_INLINE float scan_decay(struct scan_kind kind, struct scan_input in) {
    const float a = affine_element(kind, in).a;
    return kind.cell == MINRNN_CELL_LINEAR && kind.alg == MINRNN_SCAN_LOG ? exp_f32(a) : a;
}

#endif
