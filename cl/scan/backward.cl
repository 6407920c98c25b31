/* The backward pass: the same walk from the other end. With lambda_t = dL/dh_t,
 *
 *   lambda_t = dh_t + a_{t+1} * lambda_{t+1},   db_t = lambda_t,   da_t = lambda_t * h_{t-1},
 *
 * the carry is a * lambda of the step walked before: what this step's state is worth to the later
 * ones. That recurrence is affine whatever the forward one was, with elements (a_t, a_t * dh_t).
 * At a cut the carry leaves the walk: it is the initial state's, whose gradient `share` sums. */

#define PASS_PARAMETERS                                                                            \
    LANE_PARAMETERS, __global const float *restrict h, ulong h_offset,                             \
        __global const float *restrict dh, ulong dh_offset, __global const float *restrict dh_last, \
        ulong dh_last_offset, __global float *restrict dx, ulong dx_offset,                        \
        __global float *restrict db, ulong db_offset, __global float *restrict dh0,                \
        ulong dh0_offset, __global float *restrict dinit, ulong dinit_offset

#define PASS(sequence, channel)                                                                    \
    make_pass(LANE((sequence), (channel)), h + h_offset, dh + dh_offset, dh_last + dh_last_offset, \
              dx + dx_offset, db + db_offset, dh0 + dh0_offset, dinit + dinit_offset, time,        \
              (sequence), (channel))

typedef struct {
    lane_t lane;
    __global const float *h, *dh;  /* [time, width], at the lane's sequence and channel */
    __global const float *dh_last; /* at the lane's sequence and channel */
    __global float *dx;            /* [time, GATES * width], likewise */
    __global float *db;            /* [time, width], likewise */
    __global float *dh0;           /* at the lane's sequence and channel */
    __global float *dinit;         /* [slots, width], at the lane's channel */
} pass_t;

typedef struct {
    pre_t pre;
    vfloat dh;
    vfloat before; /* the state before the step */
    bool cut;
} step_t;

static inline pass_t make_pass(lane_t lane, __global const float *h, __global const float *dh,
                               __global const float *dh_last, __global float *dx,
                               __global float *db, __global float *dh0, __global float *dinit,
                               int time, int sequence, int channel) {
    const size_t first = (size_t)sequence * time;
    pass_t pass;
    pass.lane = lane;
    pass.h = h + first * lane.width + channel;
    pass.dh = dh + first * lane.width + channel;
    pass.dh_last = dh_last + sequence * lane.width + channel;
    pass.dx = dx + first * lane.x_row + channel;
    pass.db = db + first * lane.width + channel;
    pass.dh0 = dh0 + sequence * lane.width + channel;
    pass.dinit = dinit + channel;
    return pass;
}

static inline vfloat pass_begin(const pass_t *pass) {
#ifdef HAS_DH_LAST
    return LOAD(pass->dh_last);
#else
    return (vfloat)0.0f;
#endif
}

static inline vfloat state_before(const pass_t *pass, int s, bool cut) {
    const lane_t *lane = &pass->lane;
    if (cut) {
        return initial_state(lane);
    }
    return s > 0 ? LOAD(pass->h + time_of(lane, s - 1) * lane->width) : first_state(lane);
}

/* Step r of this walk is the recurrence's r-th from its end. */
static inline int step_of(const pass_t *pass, int r) {
    return pass->lane.steps - 1 - r;
}

static inline void pass_prefetch(const pass_t *pass, int r) {
    const lane_t *lane = &pass->lane;
    const int s = step_of(pass, r);
    cell_prefetch(lane, s);
    PREFETCH(pass->dh + time_of(lane, s) * lane->width);
    PREFETCH(pass->h + time_of(lane, s - 1) * lane->width);
}

static inline step_t pass_load(const pass_t *pass, int r) {
    const lane_t *lane = &pass->lane;
    const int s = step_of(pass, r);
    step_t step;
    step.pre = cell_load(lane, s);
    step.dh = LOAD(pass->dh + time_of(lane, s) * lane->width);
    step.cut = is_cut(lane, s);
    step.before = state_before(pass, s, step.cut);
    return step;
}

static inline elem_t pass_elem(step_t step) {
    const vfloat a = cell_elem(step.pre).a;
    return step.cut ? elem_constant((vfloat)0.0f) : elem(a, a * step.dh);
}

static inline vfloat pass_step(const pass_t *pass, int r, step_t step, vfloat carry,
                               vfloat *share) {
    const vfloat lambda = step.dh + carry;
    const vfloat next = cell_elem(step.pre).a * lambda;
    cell_store(&pass->lane, pass->dx, pass->db, step_of(pass, r),
               cell_gradient(step.pre, lambda, step.before));
    if (step.cut) {
        *share += next;
        return (vfloat)0.0f;
    }
    return next;
}

static inline void pass_end(const pass_t *pass, vfloat carry, vfloat *share) {
#if defined(HAS_H0) && defined(HAS_DH0)
    STORE(carry, pass->dh0);
#elif !defined(HAS_H0)
    *share += carry;
#endif
}

/* dinit, or this chunk's part of it. */
static inline void pass_share(const pass_t *pass, size_t slot, vfloat share) {
#ifdef HAS_DINIT
    STORE(share, pass->dinit + slot * pass->lane.width);
#endif
}

static inline void pass_clear(const pass_t *pass, int t) {
#pragma unroll
    for (int gate = 0; gate < GATES; gate++) {
        STREAM((vfloat)0.0f, pass->dx + t * pass->lane.x_row + gate * pass->lane.width);
    }
#ifdef HAS_DB
    STREAM((vfloat)0.0f, pass->db + t * pass->lane.width);
#endif
}
