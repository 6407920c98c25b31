/* SPDX-License-Identifier: Apache-2.0 */
/* The affine operator: h -> a h + b.
 *
 * What an operator ALG gives to the other parts (log_affine.h has the same). Elements and states
 * are opaque to all but the cells that make elements of it.
 *   struct ALG_elem, struct ALG_state
 *   ALG_identity, ALG_constant(state)      leaves every state as it is; gives `state` always
 *   ALG_apply(e, state), ALG_cat(earlier, later)
 *   ALG_elem_load, ALG_elem_store, ALG_state_load, ALG_state_store   floats `stride` apart
 *   ALG_enter(values), ALG_leave(state)    from and to the values that callers see: a state of
 *                                          the operator that gradients are walked with
 * and, if gradients are walked with it:
 *   ALG_add                                of two gradients
 *   ALG_back(e, gradient)                  from the gradient of a state to that of the one before
 *   ALG_cat_back(later, e, gradient)       the walk back through `later` and then a step, to whose
 *                                          state `gradient` is added */
#ifndef CPU_SCAN_AFFINE_H
#define CPU_SCAN_AFFINE_H

#include "cpu/scan/kind.h"

struct affine_state {
    float h;
};

struct affine_elem {
    float a, b;
};

ALWAYS_INLINE struct affine_elem affine_identity(void) {
    return (struct affine_elem){1.0f, 0.0f};
}

ALWAYS_INLINE struct affine_elem affine_constant(struct affine_state state) {
    return (struct affine_elem){0.0f, state.h};
}

ALWAYS_INLINE struct affine_state affine_apply(struct affine_elem e, struct affine_state state) {
    return (struct affine_state){e.a * state.h + e.b};
}

ALWAYS_INLINE struct affine_elem affine_cat(struct affine_elem earlier, struct affine_elem later) {
    return (struct affine_elem){earlier.a * later.a, later.a * earlier.b + later.b};
}

ALWAYS_INLINE struct affine_elem affine_elem_load(const float *p, int64_t stride) {
    return (struct affine_elem){p[0], p[stride]};
}

ALWAYS_INLINE void affine_elem_store(struct affine_elem e, float *p, int64_t stride) {
    p[0] = e.a;
    p[stride] = e.b;
}

ALWAYS_INLINE struct affine_state affine_state_load(const float *p, int64_t stride) {
    (void)stride;
    return (struct affine_state){p[0]};
}

ALWAYS_INLINE void affine_state_store(struct affine_state state, float *p, int64_t stride) {
    (void)stride;
    p[0] = state.h;
}

ALWAYS_INLINE struct affine_state affine_enter(struct affine_state values) {
    return values;
}

ALWAYS_INLINE struct affine_state affine_leave(struct affine_state state) {
    return state;
}

ALWAYS_INLINE struct affine_state affine_add(struct affine_state x, struct affine_state y) {
    return (struct affine_state){x.h + y.h};
}

ALWAYS_INLINE struct affine_state affine_back(struct affine_elem e, struct affine_state gradient) {
    return (struct affine_state){e.a * gradient.h};
}

ALWAYS_INLINE struct affine_elem affine_cat_back(struct affine_elem later, struct affine_elem e,
                                                 struct affine_state gradient) {
    return (struct affine_elem){later.a * e.a, e.a * (gradient.h + later.b)};
}

#endif
