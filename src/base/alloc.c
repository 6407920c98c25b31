/* SPDX-License-Identifier: Apache-2.0 */
/* Host memory, and the allocation that tests let fail. */
#include "base/alloc.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { ALIGNMENT = 64 };

static atomic_long countdown;

void mem_fail_at(long n) {
    atomic_store(&countdown, n);
}

static bool must_fail(void) {
    return atomic_load_explicit(&countdown, memory_order_relaxed) > 0 &&
           atomic_fetch_sub(&countdown, 1) == 1;
}

static void report(uint64_t count, uint64_t size) {
    error_text_set("out of host memory: %llu x %llu bytes", (unsigned long long)count,
                   (unsigned long long)size);
}

bool mem_fits(uint64_t count, uint64_t size, uint64_t limit, uint64_t *bytes) {
    const bool fits = size == 0 || count <= limit / size;
    *bytes = fits ? count * size : 0;
    return fits;
}

void *mem_alloc(uint64_t count, uint64_t size) {
    uint64_t bytes;
    const bool fits = mem_fits(count ? count : 1, size ? size : 1, SIZE_MAX, &bytes);
    void *memory = !fits || must_fail() ? NULL : calloc((size_t)bytes, 1);
    if (!memory) {
        report(count, size);
    }
    return memory;
}

void mem_free(void *memory) {
    free(memory);
}

void *mem_alloc_aligned(uint64_t bytes) {
    uint64_t padded;
    const bool fits =
        mem_fits(bytes / ALIGNMENT + (bytes % ALIGNMENT != 0), ALIGNMENT, SIZE_MAX, &padded);
    void *memory = !fits || must_fail() ? NULL : aligned_alloc(ALIGNMENT, (size_t)padded);
    if (!memory) {
        report(1, bytes);
    }
    return memory;
}

void mem_free_aligned(void *memory) {
    free(memory);
}

char *mem_strdup(const char *string) {
    const size_t bytes = strlen(string) + 1;
    char *copy = mem_alloc(bytes, 1);
    if (copy) {
        memcpy(copy, string, bytes);
    }
    return copy;
}
