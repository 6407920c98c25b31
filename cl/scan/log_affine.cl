/* SPDX-License-Identifier: Apache-2.0 */
/* The operator h -> a * h + b on positive numbers, all as logarithms: h stays log h from step to
 * step (the paper's log-space form, appendix B.2, without its cumulative sums). Log 0 is -infinity.
 * What an operator gives is said in affine.cl; gradients are walked with that one. */
#define LOG_ELEMENTS
#define ELEM_FLOATS 2
#define STATE_FLOATS 1

typedef vfloat state_t; /* log h */

typedef struct {
    vfloat a, b; /* log a, log b */
} elem_t;

static inline elem_t elem(vfloat log_a, vfloat log_b) {
    const elem_t e = {log_a, log_b};
    return e;
}

static inline elem_t elem_identity(void) {
    return elem((vfloat)0.0f, (vfloat)-INFINITY);
}

static inline elem_t elem_constant(state_t state) {
    return elem((vfloat)-INFINITY, state);
}

static inline state_t elem_apply(elem_t e, state_t state) {
    return log_add(e.a + state, e.b);
}

static inline elem_t elem_cat(elem_t earlier, elem_t later) {
    return elem(earlier.a + later.a, elem_apply(later, earlier.b));
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
    return log(values);
}

static inline state_t state_leave(state_t state) {
    return exp(state);
}

static inline state_t state_zero(void) {
    return (vfloat)-INFINITY;
}

static inline state_t state_add(state_t x, state_t y) {
    return log_add(x, y);
}
