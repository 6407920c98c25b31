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

static void report(size_t count, size_t size) {
    error_text_set("out of host memory: %zu x %zu bytes", count, size);
}

void *mem_alloc(size_t count, size_t size) {
    void *memory = must_fail() ? NULL : calloc(count ? count : 1, size ? size : 1);
    if (!memory) {
        report(count, size);
    }
    return memory;
}

void mem_free(void *memory) {
    free(memory);
}

void *mem_alloc_aligned(size_t bytes) {
    const size_t padded = (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    void *memory = must_fail() || padded < bytes ? NULL : aligned_alloc(ALIGNMENT, padded);
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
