/* SPDX-License-Identifier: Apache-2.0 */
/* Structs that begin with `size_t size`, the size that the caller's program was compiled with (see
 * minrnn/export.h). A new member lies behind all bytes of the struct before it, padding at its end
 * included: what an older program has in its padding is not known. */
#ifndef BASE_SIZED_H
#define BASE_SIZED_H

#include "base/status.h"

struct sized_type {
    const char *name;
    const char *setter; /* the call that sets the size */
    size_t size;        /* today's */
};

#define SIZED_TYPE(type, setter)                                                                   \
    { #type, setter, sizeof(type) }

size_t sized_get(const void *given);

/* The size must be possible, and what a newer program sets must be known here. */
minrnn_status sized_check(const struct sized_type *type, const void *given);

/* Copies a caller's struct over one of the library's own, whose values stay where the caller's has
 * no members. */
minrnn_status sized_take(const struct sized_type *type, const void *given, void *own);

/* Copies one of the library's own to a caller's of `size` bytes, and not a byte more; members that
 * only the caller's has are zero. */
void sized_give(const void *own, size_t own_size, void *given, size_t size);

#endif
