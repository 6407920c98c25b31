/* SPDX-License-Identifier: Apache-2.0 */
/* Carving one allocation into tensors. Planning and running take the same tensors in the same
 * order: planning with no buffer behind the arena learns how much there must be. */
#ifndef OP_ARENA_H
#define OP_ARENA_H

#include "base/size.h"
#include "op/device.h"

struct arena {
    minrnn_tensor base; /* no buffer while planning */
    int64_t used;       /* elements */
    int64_t peak;       /* the most that was ever used */
};

/* Tensors start at multiples of a cache line from the arena's start. */
enum { ARENA_ALIGNMENT = 16 };

static inline minrnn_tensor arena_take(struct arena *arena, int64_t count) {
    const minrnn_tensor tensor = tensor_at(arena->base, arena->used);
    arena->used += round_up(count, ARENA_ALIGNMENT);
    arena->peak = max_i64(arena->peak, arena->used);
    return tensor;
}

static inline minrnn_tensor arena_take_i32(struct arena *arena, int64_t count) {
    minrnn_tensor tensor = arena_take(arena, count);
    tensor.type = MINRNN_I32;
    return tensor;
}

/* Gives back everything taken since `mark`, a former value of `used`. */
static inline void arena_release(struct arena *arena, int64_t mark) {
    arena->used = mark;
}

#endif
