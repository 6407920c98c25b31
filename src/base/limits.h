/* SPDX-License-Identifier: Apache-2.0 */
/* What the process may use of the machine: control groups of both versions, ulimits, free memory.
 * `root` is a folder that stands for "/", for tests; "" is the machine itself. What cannot be read
 * sets no limit. */
#ifndef BASE_LIMITS_H
#define BASE_LIMITS_H

#include "base/status.h"

/* The processors' worth of time that the control groups grant, rounded up; 0: any. */
int limits_processors(const char *root);

enum { LIMIT_TEXT = 512 };

struct memory_limit {
    uint64_t bytes;        /* that can still be taken; UINT64_MAX: nothing is known */
    char what[LIMIT_TEXT]; /* sets that limit */
};

/* The least of the memory that is available (swap included), what the control groups leave and what
 * `ulimit -v` and `ulimit -d` leave. A file cache that can be dropped is available. */
void limits_memory(const char *root, struct memory_limit *limit);

/* Bytes in the process's anonymous mappings of at least `least` bytes each. */
uint64_t limits_mapped(const char *root, uint64_t least);

enum { BYTES_TEXT = 24 };

/* "1.5 GiB". */
const char *limits_bytes(uint64_t bytes, char text[BYTES_TEXT]);

#endif
