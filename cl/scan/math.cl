/* SPDX-License-Identifier: Apache-2.0 */
/* The functions of the gates, in forms that neither overflow nor cancel: every one is finite for
 * any finite argument. */

static inline vfloat sigmoid(vfloat x) {
    return 1.0f / (1.0f + exp(-x)); /* exp may reach infinity, whose reciprocal is the right 0 */
}

/* log(1 + u) for 0 <= u <= 1: u times a minimax polynomial, without log's division. Its relative
 * error is below 2e-7, for the smallest u too. */
static inline vfloat log_one_plus(vfloat u) {
    vfloat p = MAD(u, (vfloat)0.0052326867f, (vfloat)-0.0295052119f);
    p = MAD(u, p, (vfloat)0.0782259181f);
    p = MAD(u, p, (vfloat)-0.1366324425f);
    p = MAD(u, p, (vfloat)0.1910600662f);
    p = MAD(u, p, (vfloat)-0.2484298199f);
    p = MAD(u, p, (vfloat)0.3331909776f);
    p = MAD(u, p, (vfloat)-0.4999949336f);
    p = MAD(u, p, (vfloat)0.9999999404f);
    return u * p;
}

/* log(1 + e^x) */
static inline vfloat softplus(vfloat x) {
    return fmax(x, (vfloat)0.0f) + log_one_plus(exp(-fabs(x)));
}

/* log(e^x + e^y), where either may be log 0 = -infinity: of two such the difference is NaN, which
 * fmax drops. */
static inline vfloat log_add(vfloat x, vfloat y) {
    const vfloat difference = fmax(-fabs(x - y), (vfloat)-200.0f);
    return fmax(x, y) + log_one_plus(exp(difference));
}

/* The candidate state: the pre-activation itself, or g of it (appendix B.3 of the paper). */
#ifdef CANDIDATE_G
static inline vfloat candidate(vfloat x) {
    return x >= 0.0f ? x + 0.5f : sigmoid(x);
}

static inline vfloat candidate_slope(vfloat x) {
    const vfloat s = sigmoid(x);
    return x >= 0.0f ? (vfloat)1.0f : s * (1.0f - s);
}

static inline vfloat log_candidate(vfloat x) {
    /* log sigma(x) = x - log(1 + e^x): one logarithm serves both sides. */
    const vfloat l = log(x >= 0.0f ? x + 0.5f : 1.0f + exp(x));
    return x >= 0.0f ? l : x - l;
}
#else
static inline vfloat candidate(vfloat x) {
    return x;
}

static inline vfloat candidate_slope(vfloat x) {
    return (vfloat)1.0f;
}
#endif
