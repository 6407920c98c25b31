/* SPDX-License-Identifier: Apache-2.0 */
/* The operator h -> a h + b on positive numbers, all as logarithms (the paper's log-space form,
 * appendix B.2). Log 0 is -infinity. What an operator gives is said in affine.h; gradients are
 * walked with that one. */
#ifndef CPU_SCAN_LOG_AFFINE_H
#define CPU_SCAN_LOG_AFFINE_H

#include "cpu/scan/affine.h"

struct log_affine_state {
    float h; /* log h */
};

struct log_affine_elem {
    float a, b; /* log a, log b */
};

ALWAYS_INLINE struct log_affine_elem log_affine_identity(void) {
    return (struct log_affine_elem){0.0f, -INFINITY};
}

ALWAYS_INLINE struct log_affine_elem log_affine_constant(struct log_affine_state state) {
    return (struct log_affine_elem){-INFINITY, state.h};
}

ALWAYS_INLINE struct log_affine_state log_affine_apply(struct log_affine_elem e,
                                                       struct log_affine_state state) {
    return (struct log_affine_state){log_add_f32(e.a + state.h, e.b)};
}

ALWAYS_INLINE struct log_affine_elem log_affine_cat(struct log_affine_elem earlier,
                                                    struct log_affine_elem later) {
    return (struct log_affine_elem){earlier.a + later.a, log_add_f32(later.a + earlier.b, later.b)};
}

ALWAYS_INLINE struct log_affine_elem log_affine_elem_load(const float *p, int64_t stride) {
    return (struct log_affine_elem){p[0], p[stride]};
}

ALWAYS_INLINE void log_affine_elem_store(struct log_affine_elem e, float *p, int64_t stride) {
    p[0] = e.a;
    p[stride] = e.b;
}

ALWAYS_INLINE struct log_affine_state log_affine_state_load(const float *p, int64_t stride) {
    (void)stride;
    return (struct log_affine_state){p[0]};
}

ALWAYS_INLINE void log_affine_state_store(struct log_affine_state state, float *p, int64_t stride) {
    (void)stride;
    p[0] = state.h;
}

ALWAYS_INLINE struct log_affine_state log_affine_enter(struct affine_state values) {
    return (struct log_affine_state){logf(values.h)};
}

ALWAYS_INLINE struct affine_state log_affine_leave(struct log_affine_state state) {
    return (struct affine_state){exp_f32(state.h)};
}

#endif
