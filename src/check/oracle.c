/* SPDX-License-Identifier: Apache-2.0 */
/* Functions that several oracles need, in double precision. */
#include "check/oracle.h"

#include <math.h>

double oracle_sigma(double x) {
    return x >= 0 ? 1 / (1 + exp(-x)) : exp(x) / (1 + exp(x));
}

double oracle_softplus(double x) {
    return fmax(x, 0) + log1p(exp(-fabs(x)));
}

double oracle_normal_cdf(double x) {
    return erfc(-x * 0.70710678118654752440) / 2;
}

double oracle_normal_pdf(double x) {
    return 0.39894228040143267794 * exp(-x * x / 2);
}

double oracle_g(double x) {
    return x >= 0 ? x + 0.5 : oracle_sigma(x);
}

double oracle_g_slope(double x) {
    return x >= 0 ? 1 : oracle_sigma(x) * oracle_sigma(-x);
}

void oracle_scale(double *scale, double magnitude) {
    /* Not fmax: a NaN must stay visible. */
    if (!(magnitude <= *scale)) {
        *scale = magnitude;
    }
}
