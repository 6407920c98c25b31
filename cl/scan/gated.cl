/* SPDX-License-Identifier: Apache-2.0 */
/* What the gated cells share: a step reads GATES pre-activations of each channel (the host says how
 * many), one after the other in a row of x and each with a bias. Their output is the state. */

#define GATED_PARAMETERS                                                                           \
    __global const float *restrict x, ulong x_offset, __global const float *restrict bias,         \
        ulong bias_offset

#define GATED(gated, sequence, channel)                                                            \
    make_gated((gated), x + x_offset, bias + bias_offset, time, width, (sequence), (channel))

#define GATED_TARGET_PARAMETERS __global float *restrict dx, ulong dx_offset

#define GATED_TARGET(target, sequence, channel)                                                    \
    make_gated_target((target), dx + dx_offset, time, width, (sequence), (channel))

typedef struct {
    __global const float *x;    /* [time, GATES * width], at the lane's sequence and channel */
    __global const float *bias; /* [GATES * width], at the lane's channel */
    size_t row;                 /* GATES * width: kept, since that spares registers */
} gated_t;

typedef struct {
    __global float *dx; /* as x */
    size_t row;
} gated_target_t;

static inline size_t gated_place(int time, int width, int sequence, int channel) {
    return (size_t)sequence * time * GATES * width + channel;
}

static inline void make_gated(gated_t *gated, __global const float *x, __global const float *bias,
                              int time, int width, int sequence, int channel) {
    gated->x = x + gated_place(time, width, sequence, channel);
    gated->bias = bias + channel;
    gated->row = (size_t)GATES * width;
}

static inline void make_gated_target(gated_target_t *target, __global float *dx, int time,
                                     int width, int sequence, int channel) {
    target->dx = dx + gated_place(time, width, sequence, channel);
    target->row = (size_t)GATES * width;
}

static inline size_t gate_index(const lane_t *lane, size_t row, int t, int gate) {
    return t * row + gate * lane->width;
}

static inline vfloat load_gate(const gated_t *gated, const lane_t *lane, int s, int gate) {
    const vfloat value = LOAD(gated->x + gate_index(lane, gated->row, time_of(lane, s), gate));
#ifdef HAS_BIAS
    return value + LOAD(gated->bias + gate * lane->width);
#else
    return value;
#endif
}

static inline void prefetch_gates(const gated_t *gated, const lane_t *lane, int s) {
#pragma unroll
    for (int gate = 0; gate < GATES; gate++) {
        PREFETCH(gated->x + gate_index(lane, gated->row, time_of(lane, s), gate));
    }
}

static inline void store_gate(const gated_target_t *target, const lane_t *lane, int s, int gate,
                              vfloat value) {
    STREAM(value, target->dx + gate_index(lane, target->row, time_of(lane, s), gate));
}

static inline void clear_gates(const gated_target_t *target, const lane_t *lane, int t) {
#pragma unroll
    for (int gate = 0; gate < GATES; gate++) {
        STREAM((vfloat)0.0f, target->dx + gate_index(lane, target->row, t, gate));
    }
}
