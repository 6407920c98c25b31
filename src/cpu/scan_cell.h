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

/* What a gated cell makes of its pre-activations: h_t = keep h_{t-1} + take c. */
struct gates {
    float keep, take;
    struct positive c;            /* the candidate and its derivative */
    struct sigmoid first, second; /* minGRU: z; minLSTM: f and i */
};

/* exp(-|hidden|) where the candidate needs it, else nothing. */
ALWAYS_INLINE float candidate_decay(struct scan_kind kind, float hidden) {
    return kind.candidate == MINRNN_CANDIDATE_G ? exp_negative_f32(-fabsf(hidden)) : 0.0f;
}

ALWAYS_INLINE struct positive candidate(struct scan_kind kind, float hidden, float e,
                                        float inverse) {
    return kind.candidate == MINRNN_CANDIDATE_G ? positive_of(hidden, e, inverse)
                                                : (struct positive){hidden, 1.0f};
}

ALWAYS_INLINE struct gates mingru_gates(struct scan_kind kind, struct scan_input in) {
    const float e = candidate_decay(kind, in.x[0]);
    const float ez = exp_negative_f32(-fabsf(in.x[1]));
    const struct reciprocals r = reciprocals_f32(1.0f + ez, 1.0f + e);
    const struct sigmoid z = sigmoid_of(in.x[1], ez, r.x);
    return (struct gates){
        .keep = z.off, .take = z.on, .c = candidate(kind, in.x[0], e, r.y), .first = z};
}

/* Normalised, the gates are f / (f + i) and i / (f + i). 1 / sigma(p) is
 * (1 + exp(-|p|)) exp(relu(-p)); the larger of the two last factors is divided out, so that nothing
 * overflows and no two underflowed gates are divided by each other. */
ALWAYS_INLINE struct gates minlstm_gates(struct scan_kind kind, struct scan_input in) {
    const float forget = in.x[1], input = in.x[2];
    const float e = candidate_decay(kind, in.x[0]);
    const float ef = exp_negative_f32(-fabsf(forget));
    const float ei = exp_negative_f32(-fabsf(input));
    const struct reciprocals r = reciprocals_f32(1.0f + ef, 1.0f + ei);
    const struct sigmoid f = sigmoid_of(forget, ef, r.x);
    const struct sigmoid i = sigmoid_of(input, ei, r.y);
    if (!kind.normalised) {
        const float inverse = 1.0f / (1.0f + e);
        return (struct gates){f.on, i.on, candidate(kind, in.x[0], e, inverse), f, i};
    }
    const float gap = relu_f32(-input) - relu_f32(-forget);
    const float lesser = exp_negative_f32(-fabsf(gap));
    const float inverse_f = (1.0f + ef) * (gap > 0.0f ? lesser : 1.0f);
    const float inverse_i = (1.0f + ei) * (gap > 0.0f ? 1.0f : lesser);
    const struct reciprocals share = reciprocals_f32(inverse_f + inverse_i, 1.0f + e);
    return (struct gates){inverse_i * share.x, inverse_f * share.x,
                          candidate(kind, in.x[0], e, share.y), f, i};
}

ALWAYS_INLINE struct gates gates_of(struct scan_kind kind, struct scan_input in) {
    return kind.cell == MINRNN_CELL_MINGRU ? mingru_gates(kind, in) : minlstm_gates(kind, in);
}

/* a and b. */
ALWAYS_INLINE struct scan_element affine_element(struct scan_kind kind, struct scan_input in) {
    if (kind.cell == MINRNN_CELL_LINEAR) {
        return (struct scan_element){in.x[0], in.x[1]};
    }
    const struct gates gates = gates_of(kind, in);
    return (struct scan_element){gates.keep, gates.take * gates.c.value};
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
    const struct gates gates = gates_of(kind, in);
    out.a = gates.keep;
    out.dx[0] = lambda * gates.take * gates.c.slope;
    if (kind.cell == MINRNN_CELL_MINGRU) {
        out.dx[1] = lambda * (gates.c.value - previous) * (gates.keep * gates.take);
    } else if (kind.normalised) {
        const float common = lambda * (gates.c.value - previous) * (gates.keep * gates.take);
        out.dx[1] = -common * gates.first.off;
        out.dx[2] = common * gates.second.off;
    } else {
        out.dx[1] = lambda * previous * (gates.first.on * gates.first.off);
        out.dx[2] = lambda * gates.c.value * (gates.second.on * gates.second.off);
    }
    return out;
}

/* a alone: what lambda's own recurrence needs. */
ALWAYS_INLINE float scan_decay(struct scan_kind kind, struct scan_input in) {
    const float a = affine_element(kind, in).a;
    return kind.cell == MINRNN_CELL_LINEAR && kind.alg == MINRNN_SCAN_LOG ? exp_f32(a) : a;
}

#endif
