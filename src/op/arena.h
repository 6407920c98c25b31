/* SPDX-License-Identifier: Apache-2.0 */
/* Carving memory into tensors. Planning and running take the same tensors in the same order:
 * planning with no buffer behind the arena learns how much there must be.
 *
 * An arena may lie in several buffers, since a device has a largest one. Its elements are counted
 * as if there were one: element i lies in buffer i / most. No tensor crosses a border. */
#ifndef OP_ARENA_H
#define OP_ARENA_H

#include "base/size.h"
#include "op/device.h"

struct arena {
    minrnn_tensor base;         /* its beginning; no buffer while planning */
    minrnn_buffer *const *more; /* the buffers after that one */
    int64_t most;               /* elements of a buffer; 0: any, and there is one */
    int64_t alignment;          /* elements */
    int64_t used;               /* elements */
    int64_t peak;               /* the most that was ever used */
    int64_t largest;            /* tensor */
};

/* Every tensor begins where a part of a buffer can be a buffer of its own, which some libraries ask
 * for; NVIDIA's 512 bytes serve all but a few, and matrices that begin there are read fast. */
enum { ARENA_ALIGNMENT = 128 };

/* An arena for a device, without memory. */
static inline struct arena arena_of(const minrnn_device *device) {
    const int64_t alignment = max_i64(ARENA_ALIGNMENT, ceil_div(device->alignment, F32_BYTES));
    return (struct arena){.alignment = alignment,
                          .most = (int64_t)(device->largest / F32_BYTES) / alignment * alignment};
}

/* Of no elements: an absent tensor, for it would begin in a buffer that there need not be. */
static inline minrnn_tensor arena_take(struct arena *arena, int64_t count) {
    const int64_t most = arena->most;
    if (count == 0) {
        return (minrnn_tensor){0};
    }
    if (most > 0 && arena->used % most + count > most) {
        arena->used = round_up(arena->used, most);
    }
    const int64_t buffer = most > 0 ? arena->used / most : 0;
    minrnn_tensor tensor = tensor_at(arena->base, arena->used);
    if (buffer > 0 && arena->more) {
        tensor = tensor_f32(arena->more[buffer - 1], arena->used % most);
    }
    arena->used += round_up(count, arena->alignment);
    arena->peak = max_i64(arena->peak, arena->used);
    arena->largest = max_i64(arena->largest, count);
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
