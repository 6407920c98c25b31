/* SPDX-License-Identifier: Apache-2.0 */
/* What the gated cells share: a step reads several pre-activations of each channel, one after the
 * other in a row of x and each with a bias; and the candidate state. */
#ifndef CPU_SCAN_GATED_H
#define CPU_SCAN_GATED_H

#include "cpu/scan/alg.h"
#include "cpu/scan/lane.h"

/* What is added to the pre-activations of a gate: the bias, and an offset. */
static inline void gated_prepare(struct scan_lane *lane, int64_t gate, float offset) {
    const struct scan *scan = lane->scan;
    for (int64_t c = 0; c < lane->channels.count; c++) {
        const float bias =
            scan->bias ? scan->bias[gate * scan->width + lane->channels.begin + c] : 0.0f;
        lane->added[gate][c] = bias + offset;
    }
}

static inline const float *gated_x(const struct scan_lane *lane, int64_t t, int64_t gate) {
    const struct scan *scan = lane->scan;
    return scan->x + scan_row(lane, t, scan_gates(scan->cell)) + gate * scan->width;
}

static inline float *gated_dx(const struct scan_lane *lane, int64_t t, int64_t gate) {
    const struct scan *scan = lane->scan;
    return scan->dx + scan_row(lane, t, scan_gates(scan->cell)) + gate * scan->width;
}

static inline void gated_clear(const struct scan_lane *lane, int64_t t) {
    for (int64_t gate = 0; gate < scan_gates(lane->scan->cell); gate++) {
        memset(gated_dx(lane, t, gate), 0, (size_t)lane->channels.count * sizeof(float));
    }
}

/* exp(-|hidden|) if the candidate needs it, else nothing. */
ALWAYS_INLINE float candidate_decay(struct scan_kind kind, float hidden) {
    return kind.candidate == MINRNN_CANDIDATE_G ? exp_negative_f32(-fabsf(hidden)) : 0.0f;
}

/* The candidate and its derivative. */
ALWAYS_INLINE struct positive candidate(struct scan_kind kind, float hidden, float e,
                                        float inverse) {
    return kind.candidate == MINRNN_CANDIDATE_G ? positive_of(hidden, e, inverse)
                                                : (struct positive){hidden, 1.0f};
}

#endif
