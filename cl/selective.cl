/* SPDX-License-Identifier: Apache-2.0 */
/* The selective scan. A work-item has a vector of channels of a sequence, and all of their STATES
 * states in private memory: loops over states are unrolled, so that these are registers. Dimension
 * 0: channels; 1: sequences; 2: segments of time, whole chunks of steps each. `carried` [batch,
 * segments, STATES, width] has what each segment begins with, from ahead or from behind. */
#ifndef STATES
#define STATES 16
#endif
#ifndef CHUNK
#define CHUNK 16
#endif
#if VECTOR == 1
#define EACH_STATE _Pragma("unroll") for (int n = 0; n < STATES; n++)
#else /* CPUs have fewer registers than states, and compilers would take long */
#define EACH_STATE for (int n = 0; n < STATES; n++)
#endif

#define LOG2_E 1.44269504f
#define LN2 0.693147181f

/* What all kernels read; absent tensors are NULL with offset 0. */
#define LANE_PARAMETERS                                                                            \
    long time, long width, __global const float *restrict u, ulong u_offset,                       \
        __global const float *restrict p, ulong p_offset, __global const float *restrict z,        \
        ulong z_offset, __global const float *restrict bc, ulong bc_offset,                        \
        __global const float *restrict a_log, ulong a_log_offset,                                  \
        __global const float *restrict p_bias, ulong p_bias_offset,                                \
        __global const float *restrict skip, ulong skip_offset,                                    \
        __global const int *restrict reset, ulong reset_offset,                                    \
        __global const int *restrict lengths, ulong lengths_offset

#define LANE(lane, sequence, channel)                                                              \
    do {                                                                                           \
        const long rows_ = (sequence)*time;                                                        \
        (lane)->width = width;                                                                     \
        (lane)->left = width - (channel);                                                          \
        (lane)->u = u + u_offset + rows_ * width + (channel);                                      \
        (lane)->p = p + p_offset + rows_ * width + (channel);                                      \
        (lane)->z = z + z_offset + rows_ * width + (channel);                                      \
        (lane)->bc = bc + bc_offset + rows_ * (2 * STATES);                                        \
        (lane)->reset = reset ? reset + reset_offset + rows_ : reset;                              \
        (lane)->bias = LOAD_N(p_bias + p_bias_offset + (channel), (lane)->left);                   \
        (lane)->skip = LOAD_N(skip + skip_offset + (channel), (lane)->left);                       \
    } while (0)

typedef struct {
    __global const float *u, *p, *z; /* at this sequence and channel */
    __global const float *bc;        /* at this sequence */
    __global const int *reset;       /* the same, or NULL */
    long width, left;                /* channels in all, and from this one on */
    vfloat bias, skip;
} lane_t;

/* State n of the vector's channels, whose states lie beside each other. */
static inline vfloat state_load(__global const float *from, int n, long left) {
#if VECTOR == 1
    return from[n];
#else
    lanes_t lanes;
    for (int i = 0; i < VECTOR; i++) {
        lanes.lane[i] = i < left ? from[i * STATES + n] : 0.0f;
    }
    return lanes.vector;
#endif
}

static inline void state_store(vfloat v, __global float *to, int n, long left) {
#if VECTOR == 1
    to[n] = v;
#else
    lanes_t lanes;
    lanes.vector = v;
    for (int i = 0; i < VECTOR && i < left; i++) {
        to[i * STATES + n] = lanes.lane[i];
    }
#endif
}

static inline void states_load(__global const float *from, long left, vfloat *states) {
    EACH_STATE {
        states[n] = from ? state_load(from, n, left) : (vfloat)(0.0f);
    }
}

/* The same where channels lie beside each other. */
static inline void carry_load(__global const float *from, const lane_t *lane, vfloat *states) {
    EACH_STATE {
        states[n] = LOAD_N(from + n * lane->width, lane->left);
    }
}

static inline void carry_store(const vfloat *states, const lane_t *lane, __global float *to) {
    EACH_STATE {
        STORE_N(states[n], to + n * lane->width, lane->left);
    }
}

/* A log2 e: a step's decay is 2^(step rate). */
static inline void rates_load(__global const float *a_log, long left, vfloat *rates) {
    EACH_STATE {
        rates[n] = -LOG2_E * exp(state_load(a_log, n, left));
    }
}

/* 2^x for x <= 0, 0 below 2^-126. What states lose in a step is the distance from 1, in which exp2,
 * that of fast hardware above all, may err by far more than one rounding: here it is right, too. */
static inline vfloat power(vfloat x) {
    const vfloat bias =
        (vfloat)(12583039.0f); /* 1.5 2^23 + 127: the exponent is what its last bits say */
    const vfloat from = x < -127.0f ? (vfloat)(-127.0f) : x;
    const vfloat whole = from + bias;
    const vfloat r = from - (whole - bias); /* 2^r by a polynomial: 2e-9 */
    vfloat q = MAD(r, (vfloat)(0.0001547630f), (vfloat)(0.0013400270f));
    q = MAD(r, q, (vfloat)(0.0096180039f));
    q = MAD(r, q, (vfloat)(0.0555032779f));
    q = MAD(r, q, (vfloat)(0.2402265135f));
    q = MAD(r, q, (vfloat)(0.6931472062f));
    return MAD(r, q, (vfloat)(1.0f)) * as_vfloat(as_vuint(whole) << 23);
}

static inline bool is_cut(const lane_t *lane, long t) {
    return lane->reset && lane->reset[t] != 0;
}

static inline vfloat step_input(const lane_t *lane, long t) {
    return LOAD_N(lane->p + t * lane->width, lane->left) + lane->bias;
}

/* h over step t; returns C h. */
static inline vfloat advance(const lane_t *lane, long t, vfloat step, vfloat fresh,
                             const vfloat *rates, vfloat *h) {
    __global const float *b = lane->bc + t * (2 * STATES);
    const bool cut = is_cut(lane, t);
    vfloat sum = (vfloat)(0.0f);
    EACH_STATE {
        const vfloat before = cut ? (vfloat)(0.0f) : h[n];
        h[n] = MAD(power(step * rates[n]), before, fresh * b[n]);
        sum = MAD((vfloat)(b[STATES + n]), h[n], sum);
    }
    return sum;
}

#ifdef KERNEL_selective_forward
/* Segments from `first` on; `steps` is that of a segment. CARRY_ON hands its last states to the
 * next. */
__kernel void selective_forward(LANE_PARAMETERS, long steps, long first, long segments,
                                int carry_on, __global const float *state, ulong state_offset,
                                __global float *y, ulong y_offset, __global float *carries,
                                ulong carries_offset, __global float *state_out,
                                ulong state_out_offset, __global float *carried,
                                ulong carried_offset) {
    const long c = (long)get_global_id(0) * VECTOR;
    const long sequence = get_global_id(1);
    const long segment = first + (long)get_global_id(2);
    if (c >= width) {
        return;
    }
    const long begin = segment * steps;
    const long end = min(begin + steps, time);
    const long length = lengths ? clamp((long)lengths[lengths_offset + sequence], 0L, time) : time;
    const long stop = min(length, end);
    const long chunks = (time + CHUNK - 1) / CHUNK;
    lane_t lane;
    vfloat h[STATES], rates[STATES];
    LANE(&lane, sequence, c);
    rates_load(a_log + a_log_offset + c * STATES, lane.left, rates);
    if (segment > 0) {
        carry_load(carried + carried_offset + (sequence * segments + segment) * STATES * width + c,
                   &lane, h);
    } else {
        states_load(state ? state + state_offset + (sequence * width + c) * STATES : state,
                    lane.left, h);
    }
    __global float *out = y + y_offset + sequence * time * width + c;
    __global float *kept = carries + carries_offset + sequence * chunks * STATES * width + c;
    long t = begin;
    for (long chunk = begin / CHUNK; t < stop; chunk++) {
        if (carries) {
            carry_store(h, &lane, kept + chunk * STATES * width);
        }
        for (const long pause = min(stop, (chunk + 1) * CHUNK); t < pause; t++) {
            const vfloat input = LOAD_N(lane.u + t * width, lane.left);
            const vfloat gate = LOAD_N(lane.z + t * width, lane.left);
            const vfloat step = softplus(step_input(&lane, t));
            const vfloat sum = advance(&lane, t, step, step * input, rates, h);
            STORE_N(MAD(lane.skip, input, sum) * (gate * sigmoid(gate)), out + t * width,
                    lane.left);
        }
    }
    if (state_out && segment == segments - 1) {
        EACH_STATE {
            state_store(h[n], state_out + state_out_offset + (sequence * width + c) * STATES, n,
                        lane.left);
        }
    }
    if (carry_on && segment < segments - 1) {
        carry_store(h, &lane,
                    carried + carried_offset +
                        (sequence * segments + segment + 1) * STATES * width + c);
    }
    for (long chunk = (max(stop, begin) + CHUNK - 1) / CHUNK; carries && chunk * CHUNK < end;
         chunk++) {
        EACH_STATE {
            h[n] = (vfloat)(0.0f);
        }
        carry_store(h, &lane, kept + chunk * STATES * width);
    }
    for (t = max(stop, begin); t < end; t++) {
        STORE_N((vfloat)(0.0f), out + t * width, lane.left);
    }
}
#endif

#ifdef KERNEL_selective_backward
/* On its way back a chunk is walked once more, and the states before every STRIDE-th step are
 * stashed but for the last of them: each step's are walked to from there. Read again from memory,
 * they would keep the addresses of all states in registers. */
#ifndef STRIDE
#define STRIDE 4
#endif
#define STASHES (CHUNK / STRIDE - 1)
#define PITCH (COLUMN_ITEMS + 1)

static inline vfloat step_of(const lane_t *lane, long t) {
    return softplus(step_input(lane, t));
}

/* h from step t to before step `end`. */
static inline void walk(const lane_t *lane, long t, long end, const vfloat *rates, vfloat *h) {
    for (; t < end; t++) {
        const vfloat step = step_of(lane, t);
        (void)advance(lane, t, step, step * LOAD_N(lane->u + t * lane->width, lane->left), rates,
                      h);
    }
}

/* The sum of a row of terms, one of each work-item. */
static inline float terms_sum(__local const float *terms) {
    float total = 0.0f;
#if COLUMN_ITEMS >= 8
    for (int i = 0; i < COLUMN_ITEMS; i += 8) {
        total += ((terms[i] + terms[i + 1]) + (terms[i + 2] + terms[i + 3])) +
                 ((terms[i + 4] + terms[i + 5]) + (terms[i + 6] + terms[i + 7]));
    }
#else
    for (int i = 0; i < COLUMN_ITEMS; i++) {
        total += terms[i];
    }
#endif
    return total;
}

/* Channels come in blocks of `splits` work-groups' each, a launch having the group number `split`
 * of every block: from the second on it adds to shares [batch, time, blocks, 2 STATES], of dbc.
 * `totals` [batch, segments] has a_log's [width, STATES], then p_bias's [width], then skip's. */
__kernel COLUMN_GROUP void selective_backward(
    LANE_PARAMETERS, long steps, long first, long segments, int carry_on, long blocks, int splits,
    int split, __global const float *carries, ulong carries_offset, __global const float *dy,
    ulong dy_offset, __global const float *dstate_out, ulong dstate_out_offset, __global float *du,
    ulong du_offset, __global float *dp, ulong dp_offset, __global float *dz, ulong dz_offset,
    __global float *dstate, ulong dstate_offset, __global float *shares, ulong shares_offset,
    __global float *totals, ulong totals_offset, __global float *carried, ulong carried_offset) {
    __local float terms[2 * STATES * PITCH];
    __local vfloat stash[STASHES * STATES * COLUMN_ITEMS];
    const int item = get_local_id(0);
    const long block = (long)get_global_id(0) / COLUMN_ITEMS;
    const long sequence = get_global_id(1);
    const long segment = first + (long)get_global_id(2);
    const long wanted = ((block * splits + split) * COLUMN_ITEMS + item) * VECTOR;
    const bool on = wanted < width; /* else it only takes part */
    const long c = on ? wanted : 0;
    const long begin = segment * steps;
    const long end = min(begin + steps, time);
    const long length = lengths ? clamp((long)lengths[lengths_offset + sequence], 0L, time) : time;
    const long stop = min(length, end);
    const long chunks = (time + CHUNK - 1) / CHUNK;
    const long slot = sequence * segments + segment;
    const long place = (sequence * width + c) * STATES;
    lane_t lane;
    vfloat h[STATES], base[STATES], rates[STATES], carry[STATES], da[STATES];
    vfloat bias_total = (vfloat)(0.0f), skip_total = (vfloat)(0.0f);
    LANE(&lane, sequence, c);
    rates_load(a_log + a_log_offset + c * STATES, lane.left, rates);
    if (segment < segments - 1) {
        carry_load(carried + carried_offset + slot * STATES * width + c, &lane, carry);
    } else {
        states_load(dstate_out ? dstate_out + dstate_out_offset + place : dstate_out, lane.left,
                    carry);
    }
    EACH_STATE {
        da[n] = (vfloat)(0.0f);
    }
    const long rows = sequence * time * width + c;
    __global const float *kept = carries + carries_offset + sequence * chunks * STATES * width + c;
    dy += dy_offset + rows;
    du += du_offset + rows;
    dp += dp_offset + rows;
    dz += dz_offset + rows;
    shares += shares_offset + (sequence * time * blocks + block) * (2 * STATES);

    for (long chunk = (stop + CHUNK - 1) / CHUNK - 1; chunk * CHUNK >= begin; chunk--) {
        const long head = chunk * CHUNK, tail = min(head + CHUNK, stop);
        __global const float *from = kept + chunk * STATES * width;
        const int parts = (int)(tail - head + STRIDE - 1) / STRIDE;
        carry_load(from, &lane, base);
        for (int i = 0; i < parts - 1; i++) {
            EACH_STATE {
                stash[(i * STATES + n) * COLUMN_ITEMS + item] = base[n];
            }
            walk(&lane, head + i * STRIDE, head + (i + 1) * STRIDE, rates, base);
        }
        for (long t = tail - 1; t >= head; t--) {
            const int i = (int)(t - head) / STRIDE;
            if (i < parts - 1 && (t - head) % STRIDE == STRIDE - 1) {
                EACH_STATE {
                    base[n] = stash[(i * STATES + n) * COLUMN_ITEMS + item];
                }
            }
            EACH_STATE {
                h[n] = base[n];
            }
            walk(&lane, head + i * STRIDE, t, rates, h);
            const bool cut = is_cut(&lane, t);
            __global const float *b = lane.bc + t * (2 * STATES);
            const vfloat x = step_input(&lane, t), step = softplus(x);
            const vfloat input = LOAD_N(lane.u + t * width, lane.left), fresh = step * input;
            const vfloat z_now = LOAD_N(lane.z + t * width, lane.left), gate = sigmoid(z_now);
            const vfloat dy_now = on ? LOAD_N(dy + t * width, lane.left) : (vfloat)(0.0f);
            const vfloat dsum = dy_now * (z_now * gate);
            vfloat sum = lane.skip * input;
            vfloat dfresh = (vfloat)(0.0f), ddecay = (vfloat)(0.0f);
            EACH_STATE {
                const vfloat a = power(step * rates[n]);
                const vfloat rest = cut ? (vfloat)(0.0f) : a * h[n];
                const vfloat now = MAD(fresh, (vfloat)(b[n]), rest);
                const vfloat g = MAD(dsum, (vfloat)(b[STATES + n]), carry[n]);
                const vfloat decayed = g * rest;
                terms[n * PITCH + item] = on ? lanes_sum(g * fresh) : 0.0f;
                terms[(STATES + n) * PITCH + item] = on ? lanes_sum(dsum * now) : 0.0f;
                sum = MAD((vfloat)(b[STATES + n]), now, sum);
                dfresh = MAD(g, (vfloat)(b[n]), dfresh);
                ddecay = MAD(rates[n], decayed, ddecay);
                da[n] = MAD(step, decayed, da[n]);
                carry[n] = cut ? (vfloat)(0.0f) : a * g;
            }
            const vfloat dp_now = MAD(input, dfresh, LN2 * ddecay) * sigmoid(x);
            bias_total += dp_now;
            skip_total = MAD(dsum, input, skip_total);
            if (on) {
                STORE_N(MAD(dsum, lane.skip, step * dfresh), du + t * width, lane.left);
                STORE_N(dp_now, dp + t * width, lane.left);
                STORE_N(dy_now * sum * (gate * (1.0f + z_now * (1.0f - gate))), dz + t * width,
                        lane.left);
            }
            barrier(CLK_LOCAL_MEM_FENCE);
            for (int v = item; v < 2 * STATES; v += COLUMN_ITEMS) {
                __global float *to = shares + t * blocks * (2 * STATES) + v;
                const float total = terms_sum(terms + v * PITCH);
                *to = split > 0 ? *to + total : total;
            }
            barrier(CLK_LOCAL_MEM_FENCE); /* before the next step's terms */
        }
    }

    for (long t = max(stop, begin); t < end; t++) {
        if (on) {
            STORE_N((vfloat)(0.0f), du + t * width, lane.left);
            STORE_N((vfloat)(0.0f), dp + t * width, lane.left);
            STORE_N((vfloat)(0.0f), dz + t * width, lane.left);
        }
        for (int v = item; v < 2 * STATES; v += COLUMN_ITEMS) {
            shares[t * blocks * (2 * STATES) + v] = 0.0f;
        }
    }
    if (on) {
        totals += totals_offset + slot * width * (STATES + 2);
        EACH_STATE {
            state_store(LN2 * rates[n] * da[n], totals + c * STATES, n, lane.left);
        }
        STORE_N(bias_total, totals + width * STATES + c, lane.left);
        STORE_N(skip_total, totals + width * (STATES + 1) + c, lane.left);
    }
    if (on && dstate && segment == 0) {
        EACH_STATE {
            state_store(carry[n], dstate + dstate_offset + place, n, lane.left);
        }
    }
    if (on && carry_on && segment > 0) {
        carry_store(carry, &lane, carried + carried_offset + (slot - 1) * STATES * width + c);
    }
}
#endif

#ifdef KERNEL_selective_share
/* dbc = the sum of the blocks' shares, in order. Dimension 0: the values of a row; 1: rows. */
__kernel void selective_share(long rows, long blocks, __global const float *shares,
                              ulong shares_offset, __global float *dbc, ulong dbc_offset) {
    const long v = get_global_id(0);
    const long row = get_global_id(1);
    if (v >= 2 * STATES || row >= rows) {
        return;
    }
    float total = 0.0f;
    shares += shares_offset + row * blocks * (2 * STATES) + v;
    for (long block = 0; block < blocks; block++) {
        total += shares[block * (2 * STATES)];
    }
    dbc[dbc_offset + row * (2 * STATES) + v] = total;
}
#endif

/* ---- segments at once: each from nothing, then what they begin with, then the passes above ----
 *
 * `carried` first has what a segment that begins with 0 leaves. `spans` [batch, segments, width]
 * has the sum of its steps, for that decays what it begins with; -1 if a reset cuts it. */

#ifdef KERNEL_selective_ahead
/* Forward, segments from `first` on. */
__kernel void selective_ahead(LANE_PARAMETERS, long steps, long first, long segments,
                              __global float *carried, ulong carried_offset, __global float *spans,
                              ulong spans_offset) {
    const long c = (long)get_global_id(0) * VECTOR;
    const long sequence = get_global_id(1);
    const long segment = first + (long)get_global_id(2);
    if (c >= width) {
        return;
    }
    const long length = lengths ? clamp((long)lengths[lengths_offset + sequence], 0L, time) : time;
    const long stop = min(length, min((segment + 1) * steps, time));
    const long slot = (sequence * segments + segment) * width;
    lane_t lane;
    vfloat h[STATES], rates[STATES];
    vfloat span = (vfloat)(0.0f);
    bool cut = false;
    LANE(&lane, sequence, c);
    rates_load(a_log + a_log_offset + c * STATES, lane.left, rates);
    EACH_STATE {
        h[n] = (vfloat)(0.0f);
    }
    for (long t = segment * steps; t < stop; t++) {
        const vfloat step = softplus(step_input(&lane, t));
        (void)advance(&lane, t, step, step * LOAD_N(lane.u + t * width, lane.left), rates, h);
        span += step;
        cut = cut || is_cut(&lane, t);
    }
    carry_store(h, &lane, carried + carried_offset + slot * STATES + c);
    STORE_N(cut ? (vfloat)(-1.0f) : span, spans + spans_offset + slot + c, lane.left);
}
#endif

#ifdef KERNEL_selective_behind
/* Backward, segments from `first` on: the gradient of the state before each, from its own steps
 * alone. */
__kernel void selective_behind(LANE_PARAMETERS, long steps, long first, long segments,
                               __global const float *restrict dy, ulong dy_offset,
                               __global float *carried, ulong carried_offset, __global float *spans,
                               ulong spans_offset) {
    const long c = (long)get_global_id(0) * VECTOR;
    const long sequence = get_global_id(1);
    const long segment = first + (long)get_global_id(2);
    if (c >= width) {
        return;
    }
    const long length = lengths ? clamp((long)lengths[lengths_offset + sequence], 0L, time) : time;
    const long stop = min(length, min((segment + 1) * steps, time));
    const long slot = (sequence * segments + segment) * width;
    lane_t lane;
    vfloat carry[STATES], rates[STATES];
    vfloat span = (vfloat)(0.0f);
    bool cut = false;
    LANE(&lane, sequence, c);
    rates_load(a_log + a_log_offset + c * STATES, lane.left, rates);
    dy += dy_offset + sequence * time * width + c;
    EACH_STATE {
        carry[n] = (vfloat)(0.0f);
    }
    for (long t = stop - 1; t >= segment * steps; t--) {
        __global const float *b = lane.bc + t * (2 * STATES);
        const vfloat gate = LOAD_N(lane.z + t * width, lane.left);
        const vfloat dsum = LOAD_N(dy + t * width, lane.left) * (gate * sigmoid(gate));
        const vfloat step = softplus(step_input(&lane, t));
        const bool cut_here = is_cut(&lane, t);
        EACH_STATE {
            const vfloat g = MAD(dsum, (vfloat)(b[STATES + n]), carry[n]);
            carry[n] = cut_here ? (vfloat)(0.0f) : power(step * rates[n]) * g;
        }
        span += step;
        cut = cut || cut_here;
    }
    carry_store(carry, &lane, carried + carried_offset + slot * STATES + c);
    STORE_N(cut ? (vfloat)(-1.0f) : span, spans + spans_offset + slot + c, lane.left);
}
#endif

#ifdef KERNEL_selective_carry
/* What each segment begins with takes the place of what it leaves: from `given` (absent: 0) on, in
 * the order in which segments are walked. A work-item has one state of a vector of channels.
 * Dimension 0: channels; 1: sequences; 2: states. */
__kernel void selective_carry(long width, long segments, int backward,
                              __global const float *restrict a_log, ulong a_log_offset,
                              __global const float *restrict given, ulong given_offset,
                              __global const float *restrict spans, ulong spans_offset,
                              __global float *carried, ulong carried_offset) {
    const long c = (long)get_global_id(0) * VECTOR;
    const long sequence = get_global_id(1);
    const int n = get_global_id(2);
    const long left = width - c;
    if (left <= 0) {
        return;
    }
    const vfloat rate = -LOG2_E * exp(state_load(a_log + a_log_offset + c * STATES, n, left));
    vfloat carry = given
                       ? state_load(given + given_offset + (sequence * width + c) * STATES, n, left)
                       : (vfloat)(0.0f);
    for (long i = 0; i < segments; i++) {
        const long slot = sequence * segments + (backward ? segments - 1 - i : i);
        __global float *here = carried + carried_offset + (slot * STATES + n) * width + c;
        const bool last = i == segments - 1; /* what that leaves nobody has asked */
        const vfloat leaves = last ? (vfloat)(0.0f) : LOAD_N(here, left);
        const vfloat span =
            last ? (vfloat)(0.0f) : LOAD_N(spans + spans_offset + slot * width + c, left);
        STORE_N(carry, here, left);
        carry = span < 0.0f ? leaves : MAD(power(span * rate), carry, leaves);
    }
}
#endif
