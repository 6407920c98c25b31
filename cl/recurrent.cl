/* SPDX-License-Identifier: Apache-2.0 */
/* One step of GRU and LSTM for every sequence, between the products with the weight. Equations,
 * layouts and names are those of op_list.def. A row group takes `run` sequences.
 *
 * `carry` [batch, parts, width] is the state before the step, already 0 at a cut; and backward the
 * gradient of the state, to which the product of `a` [batch, gates, width] with the weight is then
 * added. */

vfloat logistic(vfloat x) {
    return 1.0f / (1.0f + exp(-x)); /* exp may reach infinity, whose reciprocal is the right 0 */
}

/* Near 0, where 1 - e would cancel, a minimax fit of relative error 2e-8. */
vfloat hyperbolic(vfloat x) {
    const vfloat a = fabs(x);
    const vfloat s = x * x;
    vfloat p = MAD((vfloat)(0.0172414902f), s, (vfloat)(-0.0530454956f));
    p = MAD(p, s, (vfloat)(0.1332587895f));
    p = MAD(p, s, (vfloat)(-0.3333314390f));
    const vfloat e = exp(-2.0f * a);
    return a < 0.5f ? MAD(x * s, p, x) : copysign((1.0f - e) / (1.0f + e), x);
}

/* Where a sequence is at a step. */
typedef struct {
    long row;    /* of the [batch, time] tensors; past the length, one of those past it */
    int active;  /* within the length */
    int cut;     /* a document begins here, or from behind ends */
    int cut_next; /* the same of the next step, if there is one */
} place_t;

int is_cut(__global const int *reset, long begin, long step, long length, int reversed) {
    if (!reset || step >= length) {
        return 0;
    }
    return reversed ? step > 0 && reset[begin + length - step] != 0 : reset[begin + step] != 0;
}

place_t place_of(long sequence, long time, long step, int reversed, __global const int *reset,
                 __global const int *lengths) {
    const long length = lengths ? clamp((long)lengths[sequence], 0L, time) : time;
    const long begin = sequence * time;
    place_t place;
    place.active = step < length;
    place.row = begin + (place.active && reversed ? length - 1 - step : step);
    place.cut = is_cut(reset, begin, step, length, reversed);
    place.cut_next = is_cut(reset, begin, step + 1, length, reversed);
    return place;
}

/* Where the rows of a group end. Beside other work-items a group has one, as it is launched: without
 * a loop around it a GPU's registers hold all that the row needs. */
#if ROW_ITEMS * ROW_GROUPS == 1
#define END_OF(begin, run, rows) min((begin) + (run), (rows))
#else
#define END_OF(begin, run, rows) min((begin) + 1, (rows))
#endif

/* Columns of a row, each work-item's own. */
#define EACH_COLUMN(c, width)                                                                      \
    for (long c = row_item() * VECTOR; c < (width); c += ROW_ITEMS * VECTOR)

void clear_row(__global float *x, long width) {
    EACH_COLUMN(c, width) {
        STORE_N((vfloat)(0.0f), x + c, width - c);
    }
}

#ifdef KERNEL_recurrent_begin
/* carry = from (absent: 0), and 0 if the first step is cut; width is that of a whole state. */
__kernel ROW_GROUP void recurrent_begin(long batch, long run, long width, long time, int reversed,
                                        __global const float *from, ulong from_offset,
                                        __global const int *reset, ulong reset_offset,
                                        __global const int *lengths, ulong lengths_offset,
                                        __global float *carry, ulong carry_offset) {
    const long begin = row_group() * run;
    const long end = END_OF(begin, run, batch);
    from += from_offset;
    reset += reset_offset;
    lengths += lengths_offset;
    carry += carry_offset;
    for (long sequence = begin; sequence < end; sequence++) {
        const place_t place = place_of(sequence, time, 0, reversed, reset, lengths);
        EACH_COLUMN(c, width) {
            const long n = width - c;
            vfloat value = (vfloat)(0.0f);
            if (from && !place.cut) {
                value = LOAD_N(from + sequence * width + c, n);
            }
            STORE_N(value, carry + sequence * width + c, n);
        }
    }
}
#endif

/* ---- forward ---- */

#ifdef KERNEL_recurrent_added
/* Rows of added [4, width]: both biases' sums for each gate; if they stand apart, as those of a GRU's
 * n do, that of the input in row 2 and that of the state in row 3. Either may be absent. */
__kernel ROW_GROUP void recurrent_added(long rows, long run, long width, long gates, int apart,
                                        __global const float *bias_x, ulong bias_x_offset,
                                        __global const float *bias, ulong bias_offset,
                                        __global float *added, ulong added_offset) {
    const long begin = row_group() * run;
    const long end = END_OF(begin, run, rows);
    bias_x += bias_x_offset;
    bias += bias_offset;
    added += added_offset;
    for (long row = begin; row < end; row++) {
        const long of_state = apart && row == 3 ? 2 : row;
        const int has_x = bias_x && row < gates;
        const int has_state = bias && of_state < gates && !(apart && row == 2);
        EACH_COLUMN(c, width) {
            const long n = width - c;
            vfloat sum = (vfloat)(0.0f);
            if (has_x) {
                sum += LOAD_N(bias_x + row * width + c, n);
            }
            if (has_state) {
                sum += LOAD_N(bias + of_state * width + c, n);
            }
            STORE_N(sum, added + row * width + c, n);
        }
    }
}
#endif

#define FORWARD(name)                                                                              \
    __kernel ROW_GROUP void name(                                                                  \
        long batch, long run, long width, long time, long step, int reversed,                      \
        __global const float *product, ulong product_offset, __global const float *added,          \
        ulong added_offset, __global const int *reset, ulong reset_offset,                         \
        __global const int *lengths, ulong lengths_offset, __global float *gates,                  \
        ulong gates_offset, __global float *kept, ulong kept_offset, __global float *h,            \
        ulong h_offset, __global float *carry, ulong carry_offset, __global float *again,          \
        ulong again_offset)

#define FORWARD_BEGIN                                                                              \
    const long begin = row_group() * run;                                                          \
    const long end = END_OF(begin, run, batch);                                                    \
    product += product_offset;                                                                     \
    added += added_offset;                                                                         \
    reset += reset_offset;                                                                         \
    lengths += lengths_offset;                                                                     \
    gates += gates_offset;                                                                         \
    kept += kept_offset;                                                                           \
    h += h_offset;                                                                                 \
    carry += carry_offset;                                                                         \
    again += again_offset;                                                                         \
    (void)h, (void)kept, (void)again; /* not every cell's */

/* What the product and the biases make of gate k's pre-activation. */
#define SUMMED(k) (LOAD_N(q + (k) * width + c, n) + LOAD_N(added + (k) * width + c, n))

#ifdef KERNEL_gru_forward
FORWARD(gru_forward) {
    FORWARD_BEGIN
    for (long sequence = begin; sequence < end; sequence++) {
        const place_t place = place_of(sequence, time, step, reversed, reset, lengths);
        __global const float *q = product + sequence * 3 * width;
        __global float *g = gates + place.row * 3 * width;
        __global float *m_row = kept + place.row * width;
        __global float *h_row = h + place.row * width;
        __global float *state = carry + sequence * width;
        if (!place.active) {
            clear_row(g, 3 * width);
            clear_row(m_row, width);
            clear_row(h_row, width);
            continue;
        }
        EACH_COLUMN(c, width) {
            const long n = width - c;
            const vfloat r = logistic(LOAD_N(g + c, n) + SUMMED(0));
            const vfloat z = logistic(LOAD_N(g + width + c, n) + SUMMED(1));
            const vfloat m = LOAD_N(q + 2 * width + c, n) + LOAD_N(added + 3 * width + c, n);
            const vfloat of_x = LOAD_N(g + 2 * width + c, n) + LOAD_N(added + 2 * width + c, n);
            const vfloat fresh = hyperbolic(MAD(r, m, of_x));
            const vfloat next = MAD(z, LOAD_N(state + c, n) - fresh, fresh);
            STORE_N(r, g + c, n);
            STORE_N(z, g + width + c, n);
            STORE_N(fresh, g + 2 * width + c, n);
            STORE_N(m, m_row + c, n);
            STORE_N(next, h_row + c, n);
            STORE_N(place.cut_next ? (vfloat)(0.0f) : next, state + c, n);
        }
    }
}
#endif

#ifdef KERNEL_gru_before_forward
/* r, z, and r h_before, which the second product is of. */
FORWARD(gru_before_forward) {
    FORWARD_BEGIN
    for (long sequence = begin; sequence < end; sequence++) {
        const place_t place = place_of(sequence, time, step, reversed, reset, lengths);
        __global const float *q = product + sequence * 2 * width;
        __global float *g = gates + place.row * 3 * width;
        __global float *kept_row = kept + place.row * width;
        __global float *again_row = again + sequence * width;
        __global const float *state = carry + sequence * width;
        if (!place.active) {
            clear_row(g, 3 * width);
            clear_row(kept_row, width);
            clear_row(h + place.row * width, width);
            clear_row(again_row, width);
            continue;
        }
        EACH_COLUMN(c, width) {
            const long n = width - c;
            const vfloat r = logistic(LOAD_N(g + c, n) + SUMMED(0));
            const vfloat z = logistic(LOAD_N(g + width + c, n) + SUMMED(1));
            const vfloat rh = r * LOAD_N(state + c, n);
            STORE_N(r, g + c, n);
            STORE_N(z, g + width + c, n);
            STORE_N(rh, kept_row + c, n);
            STORE_N(rh, again_row + c, n);
        }
    }
}
#endif

#ifdef KERNEL_gru_before_candidate
/* n and h, from that product. */
FORWARD(gru_before_candidate) {
    FORWARD_BEGIN
    for (long sequence = begin; sequence < end; sequence++) {
        const place_t place = place_of(sequence, time, step, reversed, reset, lengths);
        __global const float *q = product + sequence * width;
        __global float *g = gates + place.row * 3 * width;
        __global float *h_row = h + place.row * width;
        __global float *state = carry + sequence * width;
        if (!place.active) {
            continue;
        }
        EACH_COLUMN(c, width) {
            const long n = width - c;
            const vfloat sum = LOAD_N(q + c, n) + LOAD_N(added + 2 * width + c, n);
            const vfloat fresh = hyperbolic(LOAD_N(g + 2 * width + c, n) + sum);
            const vfloat z = LOAD_N(g + width + c, n);
            const vfloat next = MAD(z, LOAD_N(state + c, n) - fresh, fresh);
            STORE_N(fresh, g + 2 * width + c, n);
            STORE_N(next, h_row + c, n);
            STORE_N(place.cut_next ? (vfloat)(0.0f) : next, state + c, n);
        }
    }
}
#endif

#ifdef KERNEL_lstm_forward
FORWARD(lstm_forward) {
    FORWARD_BEGIN
    for (long sequence = begin; sequence < end; sequence++) {
        const place_t place = place_of(sequence, time, step, reversed, reset, lengths);
        __global const float *q = product + sequence * 4 * width;
        __global float *g = gates + place.row * 4 * width;
        __global float *c_row = kept + place.row * width;
        __global float *h_row = h + place.row * width;
        __global float *state = carry + sequence * 2 * width;
        if (!place.active) {
            clear_row(g, 4 * width);
            clear_row(c_row, width);
            clear_row(h_row, width);
            continue;
        }
        EACH_COLUMN(c, width) {
            const long n = width - c;
            const vfloat in = logistic(LOAD_N(g + c, n) + SUMMED(0));
            const vfloat forget = logistic(LOAD_N(g + width + c, n) + SUMMED(1));
            const vfloat fresh = hyperbolic(LOAD_N(g + 2 * width + c, n) + SUMMED(2));
            const vfloat out = logistic(LOAD_N(g + 3 * width + c, n) + SUMMED(3));
            const vfloat cell = MAD(forget, LOAD_N(state + width + c, n), in * fresh);
            const vfloat next = out * hyperbolic(cell);
            STORE_N(in, g + c, n);
            STORE_N(forget, g + width + c, n);
            STORE_N(fresh, g + 2 * width + c, n);
            STORE_N(out, g + 3 * width + c, n);
            STORE_N(cell, c_row + c, n);
            STORE_N(next, h_row + c, n);
            STORE_N(place.cut_next ? (vfloat)(0.0f) : next, state + c, n);
            STORE_N(place.cut_next ? (vfloat)(0.0f) : cell, state + width + c, n);
        }
    }
}
#endif

/* ---- backward ---- */

#define BACKWARD(name)                                                                             \
    __kernel ROW_GROUP void name(                                                                  \
        long batch, long run, long width, long time, long step, int reversed,                      \
        __global const float *state, ulong state_offset, __global const int *reset,                \
        ulong reset_offset, __global const int *lengths, ulong lengths_offset,                     \
        __global const float *gates, ulong gates_offset, __global const float *kept,               \
        ulong kept_offset, __global const float *h, ulong h_offset, __global const float *dh,      \
        ulong dh_offset, __global float *dgates, ulong dgates_offset, __global float *dproduct,    \
        ulong dproduct_offset, __global float *before, ulong before_offset, __global float *a,     \
        ulong a_offset, __global float *carry, ulong carry_offset, __global const float *again,    \
        ulong again_offset)

#define BACKWARD_BEGIN                                                                             \
    const long begin = row_group() * run;                                                          \
    const long end = END_OF(begin, run, batch);                                                    \
    state += state_offset;                                                                         \
    reset += reset_offset;                                                                         \
    lengths += lengths_offset;                                                                     \
    gates += gates_offset;                                                                         \
    kept += kept_offset;                                                                           \
    h += h_offset;                                                                                 \
    dh += dh_offset;                                                                               \
    dgates += dgates_offset;                                                                       \
    dproduct += dproduct_offset;                                                                   \
    before += before_offset;                                                                       \
    a += a_offset;                                                                                 \
    carry += carry_offset;                                                                         \
    again += again_offset;                                                                         \
    (void)state, (void)kept, (void)h, (void)dh, (void)dproduct, (void)again; /* not every cell's */

/* The part of the state before a step; `rows` has those after earlier steps, `given` that before
 * the first one. NULL: 0. */
__global const float *earlier(const place_t place, long step, int reversed, long width,
                              __global const float *rows, __global const float *given) {
    if (place.cut) {
        return 0;
    }
    return step == 0 ? given : rows + (reversed ? place.row + 1 : place.row - 1) * width;
}

vfloat earlier_at(__global const float *row, long c, long n) {
    return row ? LOAD_N(row + c, n) : (vfloat)(0.0f);
}

#ifdef KERNEL_gru_backward
BACKWARD(gru_backward) {
    BACKWARD_BEGIN
    for (long sequence = begin; sequence < end; sequence++) {
        const place_t place = place_of(sequence, time, step, reversed, reset, lengths);
        __global const float *g = gates + place.row * 3 * width;
        __global float *d_row = dgates + place.row * 3 * width;
        __global float *p_row = dproduct + place.row * 3 * width;
        __global float *a_row = a + sequence * 3 * width;
        __global float *back = carry + sequence * width;
        __global float *before_row = before + place.row * width;
        if (!place.active) {
            clear_row(d_row, 3 * width);
            clear_row(p_row, 3 * width);
            clear_row(a_row, 3 * width);
            clear_row(before_row, width);
            continue;
        }
        __global const float *h_before =
            earlier(place, step, reversed, width, h, state ? state + sequence * width : state);
        const float passes = place.cut ? 0.0f : 1.0f;
        EACH_COLUMN(c, width) {
            const long n = width - c;
            const vfloat r = LOAD_N(g + c, n), z = LOAD_N(g + width + c, n);
            const vfloat fresh = LOAD_N(g + 2 * width + c, n);
            const vfloat last = earlier_at(h_before, c, n);
            const vfloat d = LOAD_N(dh + place.row * width + c, n) + LOAD_N(back + c, n);
            const vfloat dn = d * (1.0f - z) * ((1.0f - fresh) * (1.0f + fresh));
            const vfloat dz = d * (last - fresh) * (z * (1.0f - z));
            const vfloat dr = dn * LOAD_N(kept + place.row * width + c, n) * (r * (1.0f - r));
            const vfloat dm = dn * r;
            STORE_N(dr, d_row + c, n);
            STORE_N(dz, d_row + width + c, n);
            STORE_N(dn, d_row + 2 * width + c, n);
            STORE_N(dr, p_row + c, n);
            STORE_N(dz, p_row + width + c, n);
            STORE_N(dm, p_row + 2 * width + c, n);
            STORE_N(passes * dr, a_row + c, n);
            STORE_N(passes * dz, a_row + width + c, n);
            STORE_N(passes * dm, a_row + 2 * width + c, n);
            STORE_N(passes * (d * z), back + c, n);
            STORE_N(last, before_row + c, n);
        }
    }
}
#endif

#ifdef KERNEL_gru_before_backward
/* z and n; r needs the product of dn with the weight. */
BACKWARD(gru_before_backward) {
    BACKWARD_BEGIN
    for (long sequence = begin; sequence < end; sequence++) {
        const place_t place = place_of(sequence, time, step, reversed, reset, lengths);
        __global const float *g = gates + place.row * 3 * width;
        __global float *d_row = dgates + place.row * 3 * width;
        __global float *a_row = a + sequence * 3 * width;
        __global float *back = carry + sequence * width;
        __global float *before_row = before + place.row * width;
        if (!place.active) {
            clear_row(d_row, 3 * width);
            clear_row(a_row, 3 * width);
            clear_row(before_row, width);
            continue;
        }
        __global const float *h_before =
            earlier(place, step, reversed, width, h, state ? state + sequence * width : state);
        const float passes = place.cut ? 0.0f : 1.0f;
        EACH_COLUMN(c, width) {
            const long n = width - c;
            const vfloat z = LOAD_N(g + width + c, n), fresh = LOAD_N(g + 2 * width + c, n);
            const vfloat last = earlier_at(h_before, c, n);
            const vfloat d = LOAD_N(dh + place.row * width + c, n) + LOAD_N(back + c, n);
            const vfloat dn = d * (1.0f - z) * ((1.0f - fresh) * (1.0f + fresh));
            const vfloat dz = d * (last - fresh) * (z * (1.0f - z));
            STORE_N(dz, d_row + width + c, n);
            STORE_N(dn, d_row + 2 * width + c, n);
            STORE_N(passes * dz, a_row + width + c, n);
            STORE_N(passes * dn, a_row + 2 * width + c, n);
            STORE_N(passes * (d * z), back + c, n);
            STORE_N(last, before_row + c, n);
        }
    }
}
#endif

#ifdef KERNEL_gru_before_reset
/* r, from that product; 0 at a cut, as h before is. */
BACKWARD(gru_before_reset) {
    BACKWARD_BEGIN
    for (long sequence = begin; sequence < end; sequence++) {
        const place_t place = place_of(sequence, time, step, reversed, reset, lengths);
        __global float *d_row = dgates + place.row * 3 * width;
        __global float *a_row = a + sequence * 3 * width;
        __global float *back = carry + sequence * width;
        if (!place.active) {
            continue;
        }
        EACH_COLUMN(c, width) {
            const long n = width - c;
            const vfloat r = LOAD_N(gates + place.row * 3 * width + c, n);
            const vfloat share = LOAD_N(again + sequence * width + c, n);
            const vfloat last = LOAD_N(before + place.row * width + c, n);
            const vfloat dr = share * last * (r * (1.0f - r));
            STORE_N(dr, d_row + c, n);
            STORE_N(dr, a_row + c, n);
            STORE_N(MAD(share, r, LOAD_N(back + c, n)), back + c, n);
        }
    }
}
#endif

#ifdef KERNEL_lstm_backward
BACKWARD(lstm_backward) {
    BACKWARD_BEGIN
    for (long sequence = begin; sequence < end; sequence++) {
        const place_t place = place_of(sequence, time, step, reversed, reset, lengths);
        __global const float *g = gates + place.row * 4 * width;
        __global float *d_row = dgates + place.row * 4 * width;
        __global float *a_row = a + sequence * 4 * width;
        __global float *back = carry + sequence * 2 * width;
        __global float *before_row = before + place.row * width;
        if (!place.active) {
            clear_row(d_row, 4 * width);
            clear_row(a_row, 4 * width);
            clear_row(before_row, width);
            continue;
        }
        __global const float *given = state ? state + sequence * 2 * width : state;
        __global const float *h_before = earlier(place, step, reversed, width, h, given);
        __global const float *c_before =
            earlier(place, step, reversed, width, kept, given ? given + width : given);
        const float passes = place.cut ? 0.0f : 1.0f;
        EACH_COLUMN(c, width) {
            const long n = width - c;
            const vfloat in = LOAD_N(g + c, n), forget = LOAD_N(g + width + c, n);
            const vfloat fresh = LOAD_N(g + 2 * width + c, n), out = LOAD_N(g + 3 * width + c, n);
            const vfloat cell = hyperbolic(LOAD_N(kept + place.row * width + c, n));
            const vfloat d = LOAD_N(dh + place.row * width + c, n) + LOAD_N(back + c, n);
            const vfloat dc =
                MAD(d * out, (1.0f - cell) * (1.0f + cell), LOAD_N(back + width + c, n));
            const vfloat di = dc * fresh * (in * (1.0f - in));
            const vfloat df = dc * earlier_at(c_before, c, n) * (forget * (1.0f - forget));
            const vfloat dg = dc * in * ((1.0f - fresh) * (1.0f + fresh));
            const vfloat dout = d * cell * (out * (1.0f - out));
            STORE_N(di, d_row + c, n);
            STORE_N(df, d_row + width + c, n);
            STORE_N(dg, d_row + 2 * width + c, n);
            STORE_N(dout, d_row + 3 * width + c, n);
            STORE_N(passes * di, a_row + c, n);
            STORE_N(passes * df, a_row + width + c, n);
            STORE_N(passes * dg, a_row + 2 * width + c, n);
            STORE_N(passes * dout, a_row + 3 * width + c, n);
            STORE_N((vfloat)(0.0f), back + c, n);
            STORE_N(passes * (dc * forget), back + width + c, n);
            STORE_N(earlier_at(h_before, c, n), before_row + c, n);
        }
    }
}
#endif
