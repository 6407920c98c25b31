/* The functions of the gates, in forms that neither overflow nor cancel: every one is finite for
 * any finite argument. */

static inline vfloat sigmoid(vfloat x) {
    return 1.0f / (1.0f + exp(-x)); /* exp may reach infinity, whose reciprocal is the right 0 */
}

/* log(1 + u) for 0 <= u <= 1, as 2 atanh(u / (2 + u)): with s <= 1/3 the series is down to float's
 * rounding after nine terms, and it keeps small u's relative accuracy. */
static inline vfloat log_one_plus(vfloat u) {
    const vfloat s = u / (2.0f + u);
    const vfloat q = s * s;
    vfloat sum = MAD(q, (vfloat)(1.0f / 17), (vfloat)(1.0f / 15));
    sum = MAD(q, sum, (vfloat)(1.0f / 13));
    sum = MAD(q, sum, (vfloat)(1.0f / 11));
    sum = MAD(q, sum, (vfloat)(1.0f / 9));
    sum = MAD(q, sum, (vfloat)(1.0f / 7));
    sum = MAD(q, sum, (vfloat)(1.0f / 5));
    sum = MAD(q, sum, (vfloat)(1.0f / 3));
    return 2.0f * MAD(s * q, sum, s);
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
    return x >= 0.0f ? log(fmax(x, (vfloat)0.0f) + 0.5f) : -softplus(-x);
}
#else
static inline vfloat candidate(vfloat x) {
    return x;
}

static inline vfloat candidate_slope(vfloat x) {
    return (vfloat)1.0f;
}
#endif
