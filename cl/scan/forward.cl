/* The forward pass: the carry is the state, and each step writes it to h.
 *
 * What a pass gives to a run (backward.cl has the same names):
 *   PASS_PARAMETERS, PASS(sequence, channel)   a kernel's parameters; a pass_t of one lane
 *   pass_begin                                 the carry before the walk's first step
 *   pass_load(r), pass_elem                    step r of the walk, and its element
 *   pass_prefetch(r)                           a hint that pass_load(r) will come
 *   pass_step(r)                               writes the step's outputs; the carry after it
 *   pass_end, pass_share, pass_clear           outputs after the last step, of a chunk, unused */

#define PASS_PARAMETERS                                                                            \
    LANE_PARAMETERS, __global float *restrict h, ulong h_offset, __global float *h_last,           \
        ulong h_last_offset

#define PASS(sequence, channel)                                                                    \
    make_pass(LANE((sequence), (channel)), h + h_offset, h_last + h_last_offset, time, (sequence), \
              (channel))

typedef struct {
    lane_t lane;
    __global float *h;      /* [time, width], at the lane's sequence and channel */
    __global float *h_last; /* at the lane's sequence and channel */
} pass_t;

typedef elem_t step_t;

static inline pass_t make_pass(lane_t lane, __global float *h, __global float *h_last, int time,
                               int sequence, int channel) {
    pass_t pass;
    pass.lane = lane;
    pass.h = h + (size_t)sequence * time * lane.width + channel;
    pass.h_last = h_last + sequence * lane.width + channel;
    return pass;
}

static inline vfloat pass_begin(const pass_t *pass) {
    return state_from(first_state(&pass->lane));
}

static inline void pass_prefetch(const pass_t *pass, int r) {
    cell_prefetch(&pass->lane, r);
}

static inline step_t pass_load(const pass_t *pass, int r) {
    const lane_t *lane = &pass->lane;
    const elem_t e = cell_elem(cell_load(lane, r));
    return is_cut(lane, r) ? elem_constant(elem_apply(e, state_from(initial_state(lane)))) : e;
}

static inline elem_t pass_elem(step_t step) {
    return step;
}

static inline vfloat pass_step(const pass_t *pass, int r, step_t step, vfloat carry,
                               vfloat *share) {
    const vfloat state = elem_apply(step, carry);
    STREAM(state_value(state), pass->h + time_of(&pass->lane, r) * pass->lane.width);
    return state;
}

static inline void pass_end(const pass_t *pass, vfloat carry, vfloat *share) {
#ifdef HAS_H_LAST
    STORE(state_value(carry), pass->h_last);
#endif
}

static inline void pass_share(const pass_t *pass, size_t slot, vfloat share) {
}

static inline void pass_clear(const pass_t *pass, int t) {
    STREAM((vfloat)0.0f, pass->h + t * pass->lane.width);
}
