/* SPDX-License-Identifier: Apache-2.0 */
/* A lane: one vector of channels of one sequence. This file alone knows where its states lie, in
 * which order time is walked, which steps are in use and where the recurrence is cut; what a step
 * reads besides is the cell's.
 *
 * Steps are numbered s = 0 .. steps - 1 in the recurrence's own order; `time_of` says at which
 * place in memory one is. Absent tensors are NULL, and what would read them is compiled away.
 *
 * What a cell gives to the other parts (linear.cl, and mingru.cl and minlstm.cl on gated.cl):
 *   CELL_PARAMETERS                   a kernel's parameters
 *   CELL(cell, sequence, channel)     fills in a lane's cell_t from them
 *   cell_load(s), cell_prefetch(s)    what step s reads, a pre_t; a hint that it will
 *   cell_elem(pre)                    the step's element
 *   cell_output(s, state)             what the step gives out: the state's value, or more
 * and for the gradient:
 *   cell_output_back(s, dy)           what the output's gradient is worth to the state
 *   cell_gradient(pre, dy, lambda, before)   a gradient_t of what was read, from the gradients of
 *                                     output and state, and the state before
 *   TARGET_PARAMETERS, TARGET(target, sequence, channel)   the same for where it goes, a target_t
 *   cell_store(s), cell_clear(t)      writes it; zero at an unused place in time
 *   cell_share(s)                     the part that channels share: each vector of channels writes
 *                                     the sum of its own to a place of its own, and a later kernel
 *                                     adds up the places in their order */

#define LANE_PARAMETERS                                                                            \
    __global const float *h0, ulong h0_offset, __global const float *restrict init,                \
        ulong init_offset, __global const int *restrict reset, ulong reset_offset,                 \
        __global const int *restrict lengths, ulong lengths_offset, int time, int width

/* Fills in a lane_t in a kernel that has LANE_PARAMETERS. Here and in the other parts structs are
 * filled in place, for Mesa gets some copies of nested ones wrong. */
#define LANE(lane, sequence, channel)                                                              \
    make_lane((lane), h0 + h0_offset, init + init_offset, reset + reset_offset,                    \
              lengths + lengths_offset, time, width, (sequence), (channel))

typedef struct {
    __global const float *h0;   /* [STATE_FLOATS, width], at this sequence and channel */
    __global const float *init; /* [STATE_FLOATS, width], at this channel */
    __global const int *reset;  /* [time], at this sequence */
    size_t width;
    int steps; /* in use: the sequence's length */
} lane_t;

static inline void make_lane(lane_t *lane, __global const float *h0, __global const float *init,
                             __global const int *reset, __global const int *lengths, int time,
                             int width, int sequence, int channel) {
    lane->h0 = h0 + (size_t)sequence * STATE_FLOATS * width + channel;
    lane->init = init + channel;
    lane->reset = reset + (size_t)sequence * time;
    lane->width = width;
#ifdef HAS_LENGTHS
    lane->steps = clamp(lengths[sequence], 0, time);
#else
    lane->steps = time;
#endif
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
static inline state_t initial_state(const lane_t *lane) {
#ifdef HAS_INIT
    return state_enter(state_load(lane->init, lane->width));
#else
    return state_zero();
#endif
}

/* The state before the first step, unless that is a cut. */
static inline state_t first_state(const lane_t *lane) {
#ifdef HAS_H0
    return state_enter(state_load(lane->h0, lane->width));
#else
    return initial_state(lane);
#endif
}

/* A hint, AHEAD steps before, that the line at `p` will be read: for CPUs, whose own prefetchers do
 * not see through the strides of time. Any address is harmless. SPIR-V has no such instruction, and
 * translators to it stop at LLVM's; Mesa's ends the process, and of SPIR's names has only SPIR64.
 */
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
