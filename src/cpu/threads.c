/* SPDX-License-Identifier: Apache-2.0 */
/* How many threads a parallel region gets: what was wanted, if they can be made. */
#include "cpu/threads.h"

#include "base/fork.h"
#include "base/limits.h"
#include "base/probe.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#ifdef _OPENMP
#include <omp.h>
#endif

/* The process that shared work out first. OpenMP's threads are the process's, and so is this. */
static atomic_uint owner;

/* Each thread that calls has threads of its own from OpenMP. */
static _Thread_local int tried, found;

int threads_default(void) {
#ifdef _OPENMP
    const char *asked = getenv("OMP_NUM_THREADS");
    const int most = omp_get_max_threads();
    const int granted = asked && asked[0] ? 0 : limits_processors("");
    return granted > 0 && granted < most ? granted : most;
#else
    return 1;
#endif
}

/* The size in OMP_STACKSIZE ("512", "64 M", in KiB without a unit); 0: none. */
static uint64_t stack_size(void) {
    const char *text = getenv("OMP_STACKSIZE");
    char *end = NULL;
    uint64_t size = text ? strtoull(text, &end, 10) : 0;
    if (size == 0 || size >= UINT64_MAX >> 30) {
        return 0;
    }
    end += strspn(end, " \t");
    switch (*end) {
    case 'b':
    case 'B': return size;
    case 'm':
    case 'M': return size << 20;
    case 'g':
    case 'G': return size << 30;
    default: return size << 10;
    }
}

int threads_ready(int wanted) {
    if (wanted <= 1 || !fork_claim(&owner)) {
        return 1;
    }
    if (wanted > tried) {
        found = 1 + probe_threads(wanted - 1, stack_size());
        tried = wanted;
    }
    return wanted < found ? wanted : found;
}
