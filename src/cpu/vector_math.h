/* SPDX-License-Identifier: Apache-2.0 */
/* Elementary functions that compilers can vectorise: no branches, no tables, no calls. NaN in gives
 * NaN out. The polynomials are minimax fits; each one's own relative error is given beside it. */
#ifndef CPU_VECTOR_MATH_H
#define CPU_VECTOR_MATH_H

#include "cpu/ops.h"

#include <math.h>
#include <string.h>

ALWAYS_INLINE uint32_t bits_of(float x) {
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

ALWAYS_INLINE float float_of(uint32_t bits) {
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* ln 2 in two parts; the first has so few bits that its product with an exponent is exact. */
#define LN2_HIGH 0.693359375f
#define LN2_LOW -2.12194440e-4f

/* 2^n exp(r) = exp(x), |r| <= ln 2 / 2. */
struct exp_parts {
    float p; /* exp(r) */
    uint32_t n;
};

ALWAYS_INLINE struct exp_parts exp_parts(float x) {
    const float round = 0x1.8p23f; /* adding it leaves the nearest integer in the low bits */
    const float shifted = x * 1.44269504f + round;
    const float n = shifted - round;
    const float r = (x - n * LN2_HIGH) - n * LN2_LOW;
    float q = 1.381446475e-03f; /* exp(r) = 1 + r + r^2 q(r): 3e-9 */
    q = q * r + 8.368780622e-03f;
    q = q * r + 4.166839426e-02f;
    q = q * r + 1.666652011e-01f;
    q = q * r + 4.999999341e-01f;
    return (struct exp_parts){(q * r * r + r) + 1.0f, bits_of(shifted)};
}

/* Results under 2^-125.5 are 0. */
ALWAYS_INLINE float exp_f32(float x) {
    x = x < -87.3f ? -87.3f : x;
    x = x > 89.0f ? 89.0f : x;
    const struct exp_parts parts = exp_parts(x);
    /* 2^(n - 1), doubled afterwards: n = 128 stays finite and n = -126 gives 0. */
    return parts.p * float_of((parts.n + 126u) << 23) * 2.0f;
}

/* The same for x <= 0, where nothing overflows. Results under 2^-126.5 are 0. */
ALWAYS_INLINE float exp_negative_f32(float x) {
    x = x < -88.0f ? -88.0f : x;
    const struct exp_parts parts = exp_parts(x);
    return parts.p * float_of((parts.n + 127u) << 23); /* n = -127 gives 0 */
}

/* 2^x for x <= 0. Results under 2^-126.5 are 0. */
ALWAYS_INLINE float exp2_negative_f32(float x) {
    const float round = 0x1.8p23f + 127.0f; /* the exponent's bias lies in the low bits, too */
    x = x < -127.0f ? -127.0f : x;
    const float shifted = x + round;
    const float r = x - (shifted - round);
    float q = 1.559467817e-04f; /* 2^r = 1 + r q(r): 3e-9 */
    q = q * r + 1.340664390e-03f;
    q = q * r + 9.617692973e-03f;
    q = q * r + 5.550310551e-02f;
    q = q * r + 2.402265278e-01f;
    q = q * r + 6.931472150e-01f;
    return (q * r + 1.0f) * float_of(bits_of(shifted) << 23);
}

/* log(x) for normal x > 0, and for infinity and NaN. */
ALWAYS_INLINE float log_f32(float x) {
    /* x = 2^e m, sqrt(1/2) <= m < sqrt(2) */
    const uint32_t bits = bits_of(x);
    const int32_t e = (int32_t)(bits - 0x3f3504f3u) >> 23;
    const float f = float_of(bits - ((uint32_t)e << 23)) - 1.0f;
    const float n = (float)e;
    float q = -7.635588234e-02f; /* log(1 + f) = f - f^2 / 2 + f^3 q(f): 6e-9 */
    q = q * f + 1.276330034e-01f;
    q = q * f - 1.316059523e-01f;
    q = q * f + 1.420155754e-01f;
    q = q * f - 1.662329750e-01f;
    q = q * f + 2.000123317e-01f;
    q = q * f - 2.500082274e-01f;
    q = q * f + 3.333333166e-01f;
    const float low = n * LN2_LOW + (q * f - 0.5f) * (f * f);
    const float result = n * LN2_HIGH + (f + low);
    return x < INFINITY ? result : x;
}

/* log(1 + x) for 0 <= x <= 1. */
ALWAYS_INLINE float log1p_f32(float x) {
    float p = -3.243980873e-03f; /* log(1 + x) = x p(x): 5e-9 */
    p = p * x + 1.985126268e-02f;
    p = p * x - 5.695915919e-02f;
    p = p * x + 1.060361688e-01f;
    p = p * x - 1.530557013e-01f;
    p = p * x + 1.967593147e-01f;
    p = p * x - 2.495413214e-01f;
    p = p * x + 3.332996227e-01f;
    p = p * x - 4.999990242e-01f;
    p = p * x + 9.999999953e-01f;
    return p * x;
}

ALWAYS_INLINE float relu_f32(float x) {
    return x > 0.0f ? x : 0.0f;
}

/* 1 / x and 1 / y by one division, for x and y whose product does not overflow. */
struct reciprocals {
    float x, y;
};

ALWAYS_INLINE struct reciprocals reciprocals_f32(float x, float y) {
    const float inverse = 1.0f / (x * y);
    return (struct reciprocals){inverse * y, inverse * x};
}

/* sigma(x) and 1 - sigma(x), both to full relative precision, from e = exp(-|x|) and
 * 1 / (1 + e). */
struct sigmoid {
    float on, off;
};

ALWAYS_INLINE struct sigmoid sigmoid_of(float x, float e, float large) {
    const float small = e * large;
    return (struct sigmoid){x >= 0.0f ? large : small, x >= 0.0f ? small : large};
}

ALWAYS_INLINE struct sigmoid sigmoid_f32(float x) {
    const float e = exp_negative_f32(-fabsf(x));
    return sigmoid_of(x, e, 1.0f / (1.0f + e));
}

/* The logistic functions of two numbers by one division. */
struct sigmoids {
    float x, y;
};

ALWAYS_INLINE struct sigmoids sigmoids_f32(float x, float y) {
    const float ex = exp_negative_f32(-fabsf(x)), ey = exp_negative_f32(-fabsf(y));
    const struct reciprocals r = reciprocals_f32(1.0f + ex, 1.0f + ey);
    return (struct sigmoids){sigmoid_of(x, ex, r.x).on, sigmoid_of(y, ey, r.y).on};
}

ALWAYS_INLINE float tanh_f32(float x) {
    const float a = fabsf(x);
    const float s = x * x;
    float p = -5.704986327e-03f; /* tanh(x) = x + x^3 p(x^2): 4e-9 for a < 0.625 */
    p = p * s + 2.063908657e-02f;
    p = p * s - 5.373971485e-02f;
    p = p * s + 1.333144219e-01f;
    p = p * s - 3.333328194e-01f;
    const float e = exp_negative_f32(-2.0f * a);
    const float far = copysignf((1.0f - e) / (1.0f + e), x);
    return a < 0.625f ? x + x * (s * p) : far;
}

/* softplus(x) = log(1 + exp(x)) and softplus(-x). */
struct softplus {
    float plus, minus;
};

ALWAYS_INLINE struct softplus softplus_f32(float x) {
    const float l = log1p_f32(exp_negative_f32(-fabsf(x)));
    return (struct softplus){relu_f32(x) + l, relu_f32(-x) + l};
}

/* log(exp(x) + exp(y)); minus infinity stands for the logarithm of 0. */
ALWAYS_INLINE float log_add_f32(float x, float y) {
    const float larger = x > y ? x : y;
    /* Equal values apart, for -inf - -inf is NaN. */
    const float gap = x == y ? 0.0f : -fabsf(x - y);
    return larger + log1p_f32(exp_negative_f32(gap));
}

/* The paper's g (appendix B.3): x + 0.5 for x >= 0, else sigma(x); and its derivative. From
 * e = exp(-|x|) and 1 / (1 + e). */
struct positive {
    float value, slope;
};

ALWAYS_INLINE struct positive positive_of(float x, float e, float large) {
    const float small = e * large;
    return (struct positive){x >= 0.0f ? x + 0.5f : small, x >= 0.0f ? 1.0f : small * large};
}

ALWAYS_INLINE struct positive positive_f32(float x) {
    const float e = exp_negative_f32(-fabsf(x));
    return positive_of(x, e, 1.0f / (1.0f + e));
}

/* log g(x) */
ALWAYS_INLINE float log_positive_f32(float x) {
    const float below = x - log1p_f32(exp_negative_f32(-fabsf(x)));
    const float above = log_f32(x >= 0.0f ? x + 0.5f : 1.0f);
    return x >= 0.0f ? above : below;
}

/* The standard normal distribution's cumulative function and density. */
struct normal {
    float below, density;
};

ALWAYS_INLINE struct normal normal_f32(float x) {
    const float a = fabsf(x);
    const float e = exp_negative_f32(-0.5f * x * x);
    const float t = 1.0f / (1.0f + 0.35f * a);
    float p = -2.914634714e-02f; /* Phi(-a) = exp(-a^2 / 2) t p(t): 3e-8 for a <= 14 */
    p = p * t + 1.439737010e-01f;
    p = p * t - 2.557183310e-01f;
    p = p * t + 1.591787334e-01f;
    p = p * t - 2.311291604e-02f;
    p = p * t + 1.055092755e-01f;
    p = p * t + 1.198325550e-01f;
    p = p * t + 1.398619114e-01f;
    p = p * t + 1.396214020e-01f;
    const float tail = e * t * p;
    return (struct normal){x < 0.0f ? tail : 1.0f - tail, 0.398942280f * e};
}

#endif
