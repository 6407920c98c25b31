/* SPDX-License-Identifier: Apache-2.0 */
/* End the program with a message if there is an error, or no memory. */
#ifndef TESTS_KERNELS_MUST_H
#define TESTS_KERNELS_MUST_H

#include <minrnn/minrnn.h>

#include "base/alloc.h"

#include <stdio.h>
#include <stdlib.h>

static inline void must(minrnn_status status, const char *what) {
    if (status) {
        fprintf(stderr, "%s: %s\n", what, minrnn_error_text());
        exit(1);
    }
}

static inline void *must_alloc(size_t bytes) {
    void *memory = mem_alloc(1, bytes);
    must(memory ? MINRNN_OK : MINRNN_OUT_OF_MEMORY, "memory");
    return memory;
}

#endif
