/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_MEDIAN_H
#define BENCH_MEDIAN_H

#include <stdlib.h>

static inline int median_order(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The middle one of `count` values, the upper of two; sorts them. */
static inline double median_of(double *values, int count) {
    qsort(values, (size_t)count, sizeof *values, median_order);
    return values[count / 2];
}

#endif
