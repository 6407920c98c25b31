/* SPDX-License-Identifier: Apache-2.0 */
/* The affine operator: h -> a * h + b.
 *
 * What an operator gives to the other parts (log_affine.cl has the same names). Elements and states
 * are opaque to all but the cells that make elements of it:
 *   elem_t, ELEM_FLOATS; state_t, STATE_FLOATS   types, and the floats of a channel that each holds
 *   elem_identity, elem_constant(state)          leaves every state as it is; gives `state` always
 *   elem_apply(e, state), elem_cat(earlier, later)
 *   elem_load, elem_store, state_load, state_store   in memory, the floats `stride` apart
 *   state_enter(values), state_leave(state)      from and to the values that callers see
 *   state_zero, state_add
 * and, if gradients are walked with it:
 *   elem_back(e, gradient)      from the gradient of a state to that of the one before
 *   elem_reverse(e, gradient)   the element of that walk: g -> back(gradient + g) */
#define ELEM_FLOATS 2
#define STATE_FLOATS 1

typedef vfloat state_t;

typedef struct {
    vfloat a, b;
} elem_t;

static inline elem_t elem(vfloat a, vfloat b) {
    const elem_t e = {a, b};
    return e;
}

static inline elem_t elem_identity(void) {
    return elem((vfloat)1.0f, (vfloat)0.0f);
}

static inline elem_t elem_constant(state_t state) {
    return elem((vfloat)0.0f, state);
}

static inline state_t elem_apply(elem_t e, state_t state) {
    return MAD(e.a, state, e.b);
}

static inline elem_t elem_cat(elem_t earlier, elem_t later) {
    return elem(earlier.a * later.a, elem_apply(later, earlier.b));
}

static inline elem_t elem_load(__global const float *p, size_t stride) {
    return elem(LOAD(p), LOAD(p + stride));
}

static inline void elem_store(elem_t e, __global float *p, size_t stride) {
    STORE(e.a, p);
    STORE(e.b, p + stride);
}

static inline state_t state_load(__global const float *p, size_t stride) {
    return LOAD(p);
}

static inline void state_store(state_t state, __global float *p, size_t stride) {
    STORE(state, p);
}

static inline state_t state_enter(state_t values) {
    return values;
}

static inline state_t state_leave(state_t state) {
    return state;
}

static inline state_t state_zero(void) {
    return (vfloat)0.0f;
}

static inline state_t state_add(state_t x, state_t y) {
    return x + y;
}

static inline state_t elem_back(elem_t e, state_t gradient) {
    return e.a * gradient;
}

static inline elem_t elem_reverse(elem_t e, state_t gradient) {
    return elem(e.a, e.a * gradient);
}
