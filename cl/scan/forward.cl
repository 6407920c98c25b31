/* SPDX-License-Identifier: Apache-2.0 */
/* The forward pass: the carry is the state, and each step writes what the cell gives out of it.
 *
 * What a pass gives to a run (backward.cl has the same names); carries and shares are states:
 *   PASS_PARAMETERS                            a kernel's parameters
 *   PASS(pass, sequence, channel)              fills in a lane's pass_t from them
 *   pass_begin                                 the carry before the walk's first step
 *   pass_load(r), pass_elem(r)                 step r of the walk, and its element
 *   pass_prefetch(r)                           a hint that pass_load(r) will come
 *   pass_step(r)                               writes the step's outputs; the carry after it
 *   pass_end, pass_share, pass_clear           outputs after the last step, of a chunk, unused */

#define PASS_PARAMETERS                                                                            \
    LANE_PARAMETERS, CELL_PARAMETERS, __global float *restrict y, ulong y_offset,                  \
        __global float *h_last, ulong h_last_offset

#define PASS(pass, sequence, channel)                                                              \
    do {                                                                                           \
        LANE(&(pass)->lane, (sequence), (channel));                                                \
        CELL(&(pass)->cell, (sequence), (channel));                                                \
        make_pass((pass), y + y_offset, h_last + h_last_offset, time, (sequence), (channel));      \
    } while (0)

typedef struct {
    lane_t lane;
    cell_t cell;
    __global float *y;      /* [time, width], at the lane's sequence and channel */
    __global float *h_last; /* [STATE_FLOATS, width], likewise */
} pass_t;

typedef elem_t step_t;

static inline void make_pass(pass_t *pass, __global float *y, __global float *h_last, int time,
                             int sequence, int channel) {
    pass->y = y + (size_t)sequence * time * pass->lane.width + channel;
    pass->h_last = h_last + sequence * (STATE_FLOATS * pass->lane.width) + channel;
}

static inline state_t pass_begin(const pass_t *pass) {
    return first_state(&pass->lane);
}

static inline void pass_prefetch(const pass_t *pass, int r) {
    cell_prefetch(&pass->cell, &pass->lane, r);
}

static inline step_t pass_load(const pass_t *pass, int r) {
    const lane_t *lane = &pass->lane;
    const elem_t e = cell_elem(cell_load(&pass->cell, lane, r));
    return is_cut(lane, r) ? elem_constant(elem_apply(e, initial_state(lane))) : e;
}

static inline elem_t pass_elem(const pass_t *pass, int r, step_t step) {
    return step;
}

static inline state_t pass_step(const pass_t *pass, int r, step_t step, state_t carry,
                                state_t *share) {
    const lane_t *lane = &pass->lane;
    const state_t state = elem_apply(step, carry);
    STREAM(cell_output(&pass->cell, lane, r, state), pass->y + time_of(lane, r) * lane->width);
    return state;
}

static inline void pass_end(const pass_t *pass, state_t carry, state_t *share) {
#ifdef HAS_H_LAST
    state_store(state_leave(carry), pass->h_last, pass->lane.width);
#endif
}

static inline void pass_share(const pass_t *pass, size_t slot, state_t share) {
}

static inline void pass_clear(const pass_t *pass, int t) {
    STREAM((vfloat)0.0f, pass->y + t * pass->lane.width);
}
