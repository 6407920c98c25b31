/* A lane: one vector of channels of one sequence. This file alone knows where its data lies, in
 * which order time is walked, which steps are in use and where the recurrence is cut.
 *
 * Steps are numbered s = 0 .. steps - 1 in the recurrence's own order; `time_of` says at which place
 * in memory one is. Absent tensors are NULL, and what would read them is compiled away. */

#define LANE_PARAMETERS                                                                            \
    __global const float *restrict x, ulong x_offset, __global const float *restrict b,            \
        ulong b_offset, __global const float *restrict bias, ulong bias_offset,                    \
        __global const float *h0, ulong h0_offset, __global const float *restrict init,            \
        ulong init_offset, __global const int *restrict reset, ulong reset_offset,                 \
        __global const int *restrict lengths, ulong lengths_offset, int time, int width,           \
        float forget_offset

/* A lane of a kernel that has LANE_PARAMETERS. GATES, the pre-activations a channel reads, comes
 * with the cell. */
#define LANE(sequence, channel)                                                                    \
    make_lane(x + x_offset, b + b_offset, bias + bias_offset, h0 + h0_offset, init + init_offset,  \
              reset + reset_offset, lengths + lengths_offset, time, width, forget_offset,          \
              GATES, (sequence), (channel))

typedef struct {
    __global const float *x;    /* [time, GATES * width], at this sequence and channel */
    __global const float *b;    /* [time, width], likewise */
    __global const float *bias; /* [GATES * width], at this channel */
    __global const float *h0;   /* at this sequence and channel */
    __global const float *init; /* at this channel */
    __global const int *reset;  /* [time], at this sequence */
    size_t width;
    size_t x_row; /* GATES * width */
    int steps;    /* in use: the sequence's length */
    float forget_offset;
} lane_t;

static inline lane_t make_lane(__global const float *x, __global const float *b,
                               __global const float *bias, __global const float *h0,
                               __global const float *init, __global const int *reset,
                               __global const int *lengths, int time, int width,
                               float forget_offset, int gates, int sequence, int channel) {
    const size_t first = (size_t)sequence * time;
    lane_t lane;
    lane.x = x + first * gates * width + channel;
    lane.b = b + first * width + channel;
    lane.bias = bias + channel;
    lane.h0 = h0 + (size_t)sequence * width + channel;
    lane.init = init + channel;
    lane.reset = reset + first;
    lane.width = width;
    lane.x_row = (size_t)gates * width;
    lane.forget_offset = forget_offset;
#ifdef HAS_LENGTHS
    lane.steps = clamp(lengths[sequence], 0, time);
#else
    lane.steps = time;
#endif
    return lane;
}

static inline int time_of(const lane_t *lane, int s) {
#ifdef REVERSED
    return lane->steps - 1 - s;
#else
    return s;
#endif
}

/* Whether a document's border lies between step s and the step before it: between t - 1 and a t
 * whose reset is set, whichever way time is walked. */
static inline bool is_cut(const lane_t *lane, int s) {
#if defined(HAS_RESET) && defined(REVERSED)
    return s > 0 && lane->reset[time_of(lane, s) + 1] != 0;
#elif defined(HAS_RESET)
    return lane->reset[s] != 0;
#else
    return false;
#endif
}

/* The state that stands in at a cut. */
static inline vfloat initial_state(const lane_t *lane) {
#ifdef HAS_INIT
    return LOAD(lane->init);
#else
    return (vfloat)0.0f;
#endif
}

/* The state before the first step, unless that is a cut. */
static inline vfloat first_state(const lane_t *lane) {
#ifdef HAS_H0
    return LOAD(lane->h0);
#else
    return initial_state(lane);
#endif
}

/* A pre-activation of step s: one of GATES vectors, each `width` apart. */
static inline size_t gate_index(const lane_t *lane, int s, int gate) {
    return time_of(lane, s) * lane->x_row + gate * lane->width;
}

static inline vfloat load_gate(const lane_t *lane, int s, int gate) {
    const vfloat value = LOAD(lane->x + gate_index(lane, s, gate));
#ifdef HAS_BIAS
    return value + LOAD(lane->bias + gate * lane->width);
#else
    return value;
#endif
}

/* A hint, AHEAD steps before, that the line at `p` will be read: for CPUs, whose own prefetchers do
 * not see through the strides of time. Any address is harmless. SPIR-V has no such instruction, and
 * translators to it stop at LLVM's; Mesa's ends the process, and of SPIR's names has only SPIR64. */
#ifndef AHEAD
#define AHEAD 0
#endif
#if AHEAD > 0 && defined(__has_builtin) && !defined(__SPIR__) && !defined(__SPIR64__) &&           \
    !defined(__SPIRV__)
#if __has_builtin(__builtin_prefetch)
#define PREFETCH(p) __builtin_prefetch((const void *)(size_t)(p))
#endif
#endif
#ifndef PREFETCH
#define PREFETCH(p)
#endif
