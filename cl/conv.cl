/* SPDX-License-Identifier: Apache-2.0 */
/* Causal depthwise convolution over time. Dimension 0: columns; 1: stretches of `time_run` steps;
 * 2: `run` sequences each, of which a work-item takes the same stretch. */

#ifndef TAPS
#define TAPS 4
#endif
#if TAPS <= 16
#define UNROLL _Pragma("unroll")
#else
#define UNROLL
#endif
#define EACH_TAP UNROLL for (int k = 0; k < TAPS; k++)

/* Tap k of the n columns left, a column's taps being neighbours in memory. */
columns_t tap_load(__global const float *weight, int k, long n) {
    columns_t columns = columns_zero();
    EACH_VECTOR {
#if VECTOR == 1
        columns.v[v] = v < n ? weight[v * TAPS + k] : 0.0f;
#else
        lanes_t lanes;
        for (int lane = 0; lane < VECTOR; lane++) {
            const long column = v * VECTOR + lane;
            lanes.lane[lane] = column < n ? weight[column * TAPS + k] : 0.0f;
        }
        columns.v[v] = lanes.vector;
#endif
    }
    return columns;
}

/* A window holds a vector of columns for each of TAPS steps. */
void window_clear(columns_t *window) {
    EACH_TAP {
        window[k] = columns_zero();
    }
}

/* One sequence: its inputs at the work-item's columns. */
typedef struct {
    __global const float *x;     /* [time, width] */
    __global const float *state; /* [TAPS - 1, width] before them, or NULL: zero */
    __global const int *reset;   /* [time], or NULL */
    long width, left;            /* columns in all, and from this one on */
} sequence_t;

/* Sequence b from column c on; absent tensors are NULL with offset 0, and stay so. */
sequence_t sequence_of(__global const float *x, __global const float *state,
                       __global const int *reset, long b, long time, long width, long c) {
    const sequence_t s = {
        x + b * time * width + c,
        state ? state + b * (TAPS - 1) * width + c : state,
        reset ? reset + b * time : reset,
        width,
        width - c,
    };
    return s;
}

bool reset_at(const sequence_t *s, long t) {
    return s->reset && t >= 0 && s->reset[t];
}

columns_t input_at(const sequence_t *s, long t) {
    if (t >= 0) {
        return columns_load(s->x + t * s->width, s->left);
    }
    return s->state ? columns_load(s->state + (t + TAPS - 1) * s->width, s->left) : columns_zero();
}

/* seen[k] is the input TAPS - 1 - k steps ago as the current step sees it: zero if a reset lies
 * between. This goes on to step t. */
void seen_step(const sequence_t *s, long t, columns_t *seen) {
    UNROLL for (int k = 0; k < TAPS - 1; k++) {
        seen[k] = seen[k + 1];
    }
    if (reset_at(s, t)) {
        window_clear(seen);
    }
    seen[TAPS - 1] = input_at(s, t);
}

/* What step t - 1 sees, as far as step t may need it. */
void seen_before(const sequence_t *s, long t, columns_t *seen) {
    window_clear(seen);
    for (long at = t - (TAPS - 1); at < t; at++) {
        seen_step(s, at, seen);
    }
}

#ifdef KERNEL_conv_forward
/* y = residual + bias + the taps' sum of the inputs; 0 at and past a length. */
__kernel void conv_forward(long batch, long run, long time, long time_run, long width,
                           __global const float *x, ulong x_offset, __global const float *weight,
                           ulong weight_offset, __global const float *bias, ulong bias_offset,
                           __global const float *residual, ulong residual_offset,
                           __global const float *state, ulong state_offset,
                           __global const int *reset, ulong reset_offset,
                           __global const int *lengths, ulong lengths_offset, __global float *y,
                           ulong y_offset) {
    const long c = (long)get_global_id(0) * COLUMN_SPAN;
    const long left = width - c;
    const long first = (long)get_global_id(1) * time_run;
    const long last = min(first + time_run, time);
    const long begin = (long)get_global_id(2) * run;
    const long end = min(begin + run, batch);
    columns_t taps[TAPS];
    columns_t seen[TAPS];
    if (left <= 0) {
        return;
    }
    EACH_TAP {
        taps[k] = tap_load(weight + weight_offset + c * TAPS, k, left);
    }
    const columns_t offset = bias ? columns_load(bias + bias_offset + c, left) : columns_zero();
    for (long b = begin; b < end; b++) {
        const long cut = lengths ? min((long)lengths[lengths_offset + b], last) : last;
        const sequence_t s = sequence_of(x + x_offset, state + state_offset, reset + reset_offset,
                                         b, time, width, c);
        __global const float *from =
            residual ? residual + residual_offset + b * time * width + c : residual;
        __global float *to = y + y_offset + b * time * width + c;
        seen_before(&s, first, seen);
        for (long t = first; t < cut; t++) {
            columns_t sum = from ? columns_load(from + t * width, left) : columns_zero();
            seen_step(&s, t, seen);
            EACH_VECTOR {
                sum.v[v] += offset.v[v];
            }
            EACH_TAP {
                EACH_VECTOR {
                    sum.v[v] = MAD(taps[k].v[v], seen[k].v[v], sum.v[v]);
                }
            }
            columns_store(sum, to + t * width, left);
        }
        for (long t = max(first, cut); t < last; t++) {
            columns_store(columns_zero(), to + t * width, left);
        }
    }
}
#endif

#ifdef KERNEL_conv_state
/* state_out[b]: what the sequence's last step in use has seen. Dimension 0: columns; 1:
 * sequences. */
__kernel void conv_state(long time, long width, __global const float *x, ulong x_offset,
                         __global const float *state, ulong state_offset,
                         __global const int *reset, ulong reset_offset,
                         __global const int *lengths, ulong lengths_offset,
                         __global float *state_out, ulong state_out_offset) {
    const long c = (long)get_global_id(0) * COLUMN_SPAN;
    const long b = get_global_id(1);
    if (c >= width) {
        return;
    }
    const sequence_t s =
        sequence_of(x + x_offset, state + state_offset, reset + reset_offset, b, time, width, c);
    __global float *to = state_out + state_out_offset + b * (TAPS - 1) * width + c;
    columns_t seen[TAPS];
    seen_before(&s, lengths ? min((long)lengths[lengths_offset + b], time) : time, seen);
    for (int k = 1; k < TAPS; k++) {
        columns_store(seen[k], to + (k - 1) * width, s.left);
    }
}
#endif

#ifdef KERNEL_conv_backward
void tap_store(columns_t columns, __global float *weight, int k, long n) {
    EACH_VECTOR {
#if VECTOR == 1
        if (v < n) {
            weight[v * TAPS + k] = columns.v[v];
        }
#else
        lanes_t lanes;
        lanes.vector = columns.v[v];
        for (int lane = 0; lane < VECTOR && v * VECTOR + lane < n; lane++) {
            weight[(v * VECTOR + lane) * TAPS + k] = lanes.lane[lane];
        }
#endif
    }
}

/* Going back in time, next[j] is dy at step t + j if that step sees input t, else zero: then
 * dx[t] = dresidual[t] + sum over k of weight[k] * next[TAPS - 1 - k], and input t's share of
 * dweight[k] is x[t] * next[TAPS - 1 - k]. This goes back a step. */
void next_shift(columns_t *next, columns_t dy) {
    UNROLL for (int k = TAPS - 1; k > 0; k--) {
        next[k] = next[k - 1];
    }
    next[0] = dy;
}

/* Adds input x's share. */
void weight_add(columns_t *dweight, const columns_t *next, columns_t x) {
    EACH_TAP {
        EACH_VECTOR {
            dweight[k].v[v] = MAD(x.v[v], next[TAPS - 1 - k].v[v], dweight[k].v[v]);
        }
    }
}

/* partial[i] holds [width * TAPS] of dweight, then [width] of dbias, summed over what work-items i
 * of dimensions 1 and 2 take. */
__kernel void conv_backward(long batch, long run, long time, long time_run, long width,
                            __global const float *x, ulong x_offset, __global const float *weight,
                            ulong weight_offset, __global const float *state, ulong state_offset,
                            __global const int *reset, ulong reset_offset,
                            __global const int *lengths, ulong lengths_offset,
                            __global const float *dy, ulong dy_offset,
                            __global const float *dresidual, ulong dresidual_offset,
                            __global float *dx, ulong dx_offset, __global float *partial,
                            ulong partial_offset) {
    const long c = (long)get_global_id(0) * COLUMN_SPAN;
    const long left = width - c;
    const long first = (long)get_global_id(1) * time_run;
    const long last = min(first + time_run, time);
    const long begin = (long)get_global_id(2) * run;
    const long end = min(begin + run, batch);
    columns_t taps[TAPS];
    columns_t next[TAPS];
    columns_t dweight[TAPS];
    columns_t dbias = columns_zero();
    if (left <= 0) {
        return;
    }
    EACH_TAP {
        taps[k] = tap_load(weight + weight_offset + c * TAPS, k, left);
    }
    window_clear(dweight);
    for (long b = begin; b < end; b++) {
        const long length = lengths ? min((long)lengths[lengths_offset + b], time) : time;
        const long cut = min(length, last);
        const sequence_t s = sequence_of(x + x_offset, state + state_offset, reset + reset_offset,
                                         b, time, width, c);
        __global const float *dys = dy + dy_offset + b * time * width + c;
        __global const float *from =
            dresidual ? dresidual + dresidual_offset + b * time * width + c : dresidual;
        __global float *to = dx + dx_offset + b * time * width + c;
        window_clear(next);
        for (long t = max(first, cut); t < last; t++) {
            columns_store(columns_zero(), to + t * width, left);
        }
        for (long t = min(last + TAPS - 1, length) - 1; t >= last; t--) {
            next_shift(next, columns_load(dys + t * width, left));
            if (reset_at(&s, t)) {
                window_clear(next);
            }
        }
        for (long t = cut - 1; t >= first; t--) {
            const columns_t now = columns_load(dys + t * width, left);
            columns_t sum = from ? columns_load(from + t * width, left) : columns_zero();
            next_shift(next, now);
            weight_add(dweight, next, input_at(&s, t));
            EACH_VECTOR {
                dbias.v[v] += now.v[v];
            }
            EACH_TAP {
                EACH_VECTOR {
                    sum.v[v] = MAD(taps[k].v[v], next[TAPS - 1 - k].v[v], sum.v[v]);
                }
            }
            columns_store(sum, to + t * width, left);
            if (reset_at(&s, t)) {
                window_clear(next);
            }
        }
        if (first == 0 && state) {
            for (long t = -1; t >= -(TAPS - 1); t--) {
                next_shift(next, columns_zero());
                weight_add(dweight, next, input_at(&s, t));
            }
        }
    }
    const long stretches = (time + time_run - 1) / time_run;
    const long i = (long)get_global_id(2) * stretches + (long)get_global_id(1);
    __global float *share = partial + partial_offset + i * width * (TAPS + 1);
    EACH_TAP {
        tap_store(dweight[k], share + c * TAPS, k, left);
    }
    columns_store(dbias, share + width * TAPS + c, left);
}
#endif

#ifdef KERNEL_conv_state_backward
/* The gradient of the state that goes out: into dx and, of a short sequence, dstate, which has what
 * the outputs hand back too. Absent tensors are NULL. Dimension 0: columns; 1: sequences. */
__kernel void conv_state_backward(long time, long width, __global const float *weight,
                                  ulong weight_offset, __global const int *reset,
                                  ulong reset_offset, __global const int *lengths,
                                  ulong lengths_offset, __global const float *dy, ulong dy_offset,
                                  __global const float *dstate_out, ulong dstate_out_offset,
                                  __global float *dx, ulong dx_offset, __global float *dstate,
                                  ulong dstate_offset) {
    const long c = (long)get_global_id(0) * COLUMN_SPAN;
    const long b = get_global_id(1);
    const long left = width - c;
    if (left <= 0) {
        return;
    }
    const sequence_t s = sequence_of(dy + dy_offset, 0, reset + reset_offset, b, time, width, c);
    const long length = lengths ? min((long)lengths[lengths_offset + b], time) : time;
    __global float *to = dx + dx_offset + b * time * width + c;
    __global const float *out =
        dstate_out ? dstate_out + dstate_out_offset + b * (TAPS - 1) * width + c : dstate_out;
    __global float *in = dstate ? dstate + dstate_offset + b * (TAPS - 1) * width + c : dstate;
    const long outs = out ? min(length, (long)(TAPS - 1)) : 0;
    bool open = true; /* no reset lies behind t */
    for (long t = length - 1; t >= length - outs; t--) {
        const columns_t was = columns_load(to + t * width, left);
        const columns_t more = columns_load(out + (t - length + TAPS - 1) * width, left);
        columns_store(open ? columns_add(was, more) : was, to + t * width, left);
        open = open && !reset_at(&s, t);
    }
    long reach = 0; /* steps that see the state */
    for (long t = 0; t < min(length, (long)(TAPS - 1)); t++) {
        reach = reach == t && !reset_at(&s, t) ? t + 1 : reach;
    }
    const bool passes = out && reach == length;
    for (long j = 0; in && j < TAPS - 1; j++) {
        columns_t sum = columns_zero();
        if (passes && j >= length) {
            sum = columns_load(out + (j - length) * width, left);
        }
        for (long t = 0; t < min(reach, j + 1); t++) {
            const columns_t tap = tap_load(weight + weight_offset + c * TAPS, (int)(j - t), left);
            const columns_t now = columns_load(s.x + t * width, left);
            EACH_VECTOR {
                sum.v[v] = MAD(tap.v[v], now.v[v], sum.v[v]);
            }
        }
        columns_store(sum, in + j * width, left);
    }
}
#endif
