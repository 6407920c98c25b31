/* SPDX-License-Identifier: Apache-2.0 */
/* The oracle's gradients against differences of its own forward. */
#ifndef CHECKOP_GRADIENT_H
#define CHECKOP_GRADIENT_H

#include "check/op_check.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static inline void fill_normal(struct check_random *random, double *x, int count) {
    for (int i = 0; i < count; i++) {
        x[i] = (double)random_normal(random);
    }
}

static inline double dot(const double *a, const double *b, int count) {
    double total = 0;
    for (int i = 0; i < count; i++) {
        total += a[i] * b[i];
    }
    return total;
}

/* Compares `gradient` of loss(user) by x with central differences. */
static inline void assert_gradient(double (*loss)(void *user), void *user, double *x,
                                   const double *gradient, int count) {
    const double step = 1e-5;
    for (int i = 0; i < count; i++) {
        const double kept = x[i];
        x[i] = kept + step;
        const double above = loss(user);
        x[i] = kept - step;
        const double below = loss(user);
        x[i] = kept;
        const double want = (above - below) / (2 * step);
        if (!(fabs(gradient[i] - want) <= 1e-7 * (1 + fabs(want)))) {
            fail_msg("element %d: gradient %.12g, differences %.12g", i, gradient[i], want);
        }
    }
}

#endif
