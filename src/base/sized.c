/* SPDX-License-Identifier: Apache-2.0 */
/* Checks the size of a caller's struct, and copies between it and the library's own. */
#include "base/sized.h"

#include <string.h>

/* No struct is as large: a size above it was never set. */
enum { MOST_BYTES = 4096 };

static size_t smaller(size_t a, size_t b) {
    return a < b ? a : b;
}

size_t sized_get(const void *given) {
    size_t size;
    memcpy(&size, given, sizeof size);
    return size;
}

minrnn_status sized_check(const struct sized_type *type, const void *given) {
    const size_t size = sized_get(given);
    if (size < sizeof size || size > MOST_BYTES) {
        return fail(MINRNN_INVALID_ARGUMENT, "%s: its size is %zu; %s sets it", type->name, size,
                    type->setter);
    }
    for (size_t i = type->size; i < size; i++) {
        if (((const char *)given)[i] != 0) {
            return fail(MINRNN_INVALID_ARGUMENT,
                        "%s: it is of a newer version than minrnn %s, and byte %zu sets a member "
                        "that this one does not know",
                        type->name, minrnn_version(), i);
        }
    }
    return MINRNN_OK;
}

minrnn_status sized_take(const struct sized_type *type, const void *given, void *own) {
    const minrnn_status status = sized_check(type, given);
    if (!status) {
        memcpy(own, given, smaller(sized_get(given), type->size));
        memcpy(own, &type->size, sizeof type->size);
    }
    return status;
}

void sized_give(const void *own, size_t own_size, void *given, size_t size) {
    memset(given, 0, size);
    memcpy(given, own, smaller(size, own_size));
    memcpy(given, &size, smaller(size, sizeof size));
}
