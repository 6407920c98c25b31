/* SPDX-License-Identifier: Apache-2.0 */
/* The backward pass: the same walk from the other end. With lambda_t = dL/dh_t and an affine
 * recurrence h_t = a_t * h_{t-1} + b_t,
 *
 *   lambda_t = dh_t + a_{t+1} * lambda_{t+1},   db_t = lambda_t,   da_t = lambda_t * h_{t-1},
 *
 * where dh_t is what the output's gradient dy_t is worth to the state. The carry is a * lambda of
 * the step walked before: what this step's state is worth to the later ones. That recurrence is
 * affine whatever the forward one was. At a cut the carry leaves the walk: it is the initial
 * state's, whose gradient `share` sums. The states come from memory; forward.cl says what a pass
 * gives. */

#define PASS_PARAMETERS                                                                            \
    LANE_PARAMETERS, CELL_PARAMETERS, __global const float *restrict h, ulong h_offset,            \
        __global const float *restrict dy, ulong dy_offset,                                        \
        __global const float *restrict dh_last, ulong dh_last_offset, TARGET_PARAMETERS,           \
        __global float *restrict dh0, ulong dh0_offset, __global float *restrict dinit,            \
        ulong dinit_offset

#define PASS(pass, sequence, channel)                                                              \
    do {                                                                                           \
        LANE(&(pass)->lane, (sequence), (channel));                                                \
        CELL(&(pass)->cell, (sequence), (channel));                                                \
        TARGET(&(pass)->target, (sequence), (channel));                                            \
        make_pass((pass), h + h_offset, dy + dy_offset, dh_last + dh_last_offset,                  \
                  dh0 + dh0_offset, dinit + dinit_offset, time, (sequence), (channel));            \
    } while (0)

typedef struct {
    lane_t lane;
    cell_t cell;
    target_t target;
    __global const float *h;  /* [time, STATE_FLOATS, width], at the lane's sequence, channel */
    __global const float *dy; /* [time, width], likewise */
    __global const float *dh_last; /* [STATE_FLOATS, width], likewise */
    __global float *dh0;           /* [STATE_FLOATS, width], likewise */
    __global float *dinit;         /* [slots, STATE_FLOATS, width], at the lane's channel */
    size_t state_row;              /* STATE_FLOATS * width */
} pass_t;

typedef struct {
    pre_t pre;
    vfloat dy;
    state_t before; /* the state before the step */
    bool cut;
} step_t;

static inline void make_pass(pass_t *pass, __global const float *h, __global const float *dy,
                             __global const float *dh_last, __global float *dh0,
                             __global float *dinit, int time, int sequence, int channel) {
    const size_t width = pass->lane.width;
    const size_t first = (size_t)sequence * time;
    pass->state_row = STATE_FLOATS * width;
    pass->h = h + first * pass->state_row + channel;
    pass->dy = dy + first * width + channel;
    pass->dh_last = dh_last + sequence * pass->state_row + channel;
    pass->dh0 = dh0 + sequence * pass->state_row + channel;
    pass->dinit = dinit + channel;
}

static inline state_t pass_begin(const pass_t *pass) {
#ifdef HAS_DH_LAST
    return state_load(pass->dh_last, pass->lane.width);
#else
    return state_zero();
#endif
}

static inline state_t state_before(const pass_t *pass, int s, bool cut) {
    const lane_t *lane = &pass->lane;
    if (cut) {
        return initial_state(lane);
    }
    return s > 0 ? state_load(pass->h + time_of(lane, s - 1) * pass->state_row, lane->width)
                 : first_state(lane);
}

/* Step r of this walk is the recurrence's r-th from its end. */
static inline int step_of(const pass_t *pass, int r) {
    return pass->lane.steps - 1 - r;
}

static inline void pass_prefetch(const pass_t *pass, int r) {
    const lane_t *lane = &pass->lane;
    const int s = step_of(pass, r);
    cell_prefetch(&pass->cell, lane, s);
    PREFETCH(pass->dy + time_of(lane, s) * lane->width);
    PREFETCH(pass->h + time_of(lane, s - 1) * pass->state_row);
}

static inline step_t pass_load(const pass_t *pass, int r) {
    const lane_t *lane = &pass->lane;
    const int s = step_of(pass, r);
    step_t step;
    step.pre = cell_load(&pass->cell, lane, s);
    step.dy = LOAD(pass->dy + time_of(lane, s) * lane->width);
    step.cut = is_cut(lane, s);
    step.before = state_before(pass, s, step.cut);
    return step;
}

/* The step's dh. */
static inline state_t output_back(const pass_t *pass, int r, step_t step) {
    return cell_output_back(&pass->cell, &pass->lane, step_of(pass, r), step.dy);
}

static inline elem_t pass_elem(const pass_t *pass, int r, step_t step) {
    const elem_t e = elem_reverse(cell_elem(step.pre), output_back(pass, r, step));
    return step.cut ? elem_constant(state_zero()) : e;
}

static inline state_t pass_step(const pass_t *pass, int r, step_t step, state_t carry,
                                state_t *share) {
    const lane_t *lane = &pass->lane;
    const int s = step_of(pass, r);
    const state_t lambda = state_add(output_back(pass, r, step), carry);
    const state_t next = elem_back(cell_elem(step.pre), lambda);
    const gradient_t d = cell_gradient(step.pre, step.dy, lambda, step.before);
    cell_store(&pass->target, lane, s, d);
    cell_share(&pass->target, lane, s, d);
    if (step.cut) {
        *share = state_add(*share, next);
        return state_zero();
    }
    return next;
}

static inline void pass_end(const pass_t *pass, state_t carry, state_t *share) {
#if defined(HAS_H0) && defined(HAS_DH0)
    state_store(carry, pass->dh0, pass->lane.width);
#elif !defined(HAS_H0)
    *share = state_add(*share, carry);
#endif
}

/* dinit, or this chunk's part of it. */
static inline void pass_share(const pass_t *pass, size_t slot, state_t share) {
#ifdef HAS_DINIT
    state_store(share, pass->dinit + slot * pass->state_row, pass->lane.width);
#endif
}

static inline void pass_clear(const pass_t *pass, int t) {
    cell_clear(&pass->target, &pass->lane, t);
}
