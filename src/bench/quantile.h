/* SPDX-License-Identifier: Apache-2.0 */
/* Quantiles of a few measured values. */
#ifndef BENCH_QUANTILE_H
#define BENCH_QUANTILE_H

#include <stdlib.h>

static inline int quantile_order(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static inline void quantile_sort(double *values, int count) {
    qsort(values, (size_t)count, sizeof *values, quantile_order);
}

/* What `share` of `count` sorted values lie below, between two of them in a straight line. */
static inline double quantile_of(const double *sorted, int count, double share) {
    const double place = share * (count - 1);
    const int below = (int)place;
    const int above = below + 1 < count ? below + 1 : below;
    return sorted[below] + (place - below) * (sorted[above] - sorted[below]);
}

/* The middle of `count` values; sorts them. */
static inline double median_of(double *values, int count) {
    quantile_sort(values, count);
    return quantile_of(values, count, 0.5);
}

#endif
