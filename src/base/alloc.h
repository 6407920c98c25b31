/* SPDX-License-Identifier: Apache-2.0 */
/* Host memory. One place, so that tests can make any allocation fail. */
#ifndef BASE_ALLOC_H
#define BASE_ALLOC_H

#include "base/status.h"

/* Whether `count` elements of `size` bytes are no more than `limit` bytes; *bytes is their product.
 * The limit is SIZE_MAX, which on a 32-bit machine is less than files and devices may hold. */
bool mem_fits(uint64_t count, uint64_t size, uint64_t limit, uint64_t *bytes);

/* `count` elements of `size` bytes, zeroed. NULL, with the error text set, if there is no memory
 * or the product passes SIZE_MAX. mem_free takes NULL. */
void *mem_alloc(uint64_t count, uint64_t size);
void mem_free(void *memory);

/* The same, uninitialised and aligned to a cache line and any vector; freed with mem_free_aligned.
 */
void *mem_alloc_aligned(uint64_t bytes);
void mem_free_aligned(void *memory);

/* A copy of a string, to be freed with mem_free; NULL if there is no memory. */
char *mem_strdup(const char *string);

/* Makes the n-th allocation from now on fail, once (0: none). For tests; not thread-safe. */
void mem_fail_at(long n);

#endif
