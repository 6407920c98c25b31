/* SPDX-License-Identifier: Apache-2.0 */
/* Sizes, counted in 64 bits: the smaller, the larger, and divisions that leave no rest out. */
#ifndef BASE_SIZE_H
#define BASE_SIZE_H

#include <stdint.h>

static inline int64_t min_i64(int64_t a, int64_t b) {
    return a < b ? a : b;
}

static inline int64_t max_i64(int64_t a, int64_t b) {
    return a > b ? a : b;
}

/* How many pieces of `b` cover `a`: a / b rounded up, for a from 0 and b from 1 on. */
static inline int64_t ceil_div(int64_t a, int64_t b) {
    return a / b + (a % b != 0); /* NOLINT(clang-analyzer-core.DivideZero): b counts from 1 */
}

/* The multiple of `b` that is `a` or comes next. */
static inline int64_t round_up(int64_t a, int64_t b) {
    return ceil_div(a, b) * b;
}

#endif
