#include "check/bounds.h"

#include <math.h>
#include <string.h>

/* Every bound counts errors in units of FLT_EPSILON = 2^-23, the relative size of one ulp at most.
 *
 *   + - *  and FMA      1/2   correctly rounded
 *   exp, log            3     OpenCL 1.2, 7.4 "Relative error as ulps"; log1p has 2, erf 16
 *   /, 1 / x            2.5
 *   sqrt                3
 *   sum of n terms      2 sqrt(n)
 *
 * A sum in any fixed order rounds n times at most, by amounts that are as good as independent and
 * uniform in +-1/2 (Higham and Mary 2019): their deviation is 0.29 sqrt(n), and 2 sqrt(n) is seven
 * of these. The worst case, n / 2, would hide a lost term among a thousand.
 *
 * What is counted is multiplied by the largest element of the output plus the output's scale, the
 * largest sum of magnitudes behind one element (oracle.h). So a term that is lost to cancellation
 * is still measured by what was added, and a row below that says "b: 12" holds 24 of them where the
 * element is b alone. The functions of one element are not all at their worst at once; where the
 * counts of a row exceed its number a little, this and the second share cover it. The CPU backend's
 * functions err less than OpenCL's may. What runs here stays below a quarter of every bound
 * (tests/checkop/table.py prints how far).
 *
 *   sigma          exp 3, + 1/2, / 2.5                                                  = 6
 *   normalised     1 + exp 3.5, their sum 1/2 more, / 2.5, * 1/2, the numerator 3.5     = 10.5
 *   candidate      g: sigma, or one +                                                   = 6
 *   softplus       exp 3 through log(1 + u), whose polynomial is good to 2e-7 (2) and
 *                  rounds its last steps (1), + 1/2                                     = 6.5
 *   log sigma      a softplus; normalised, one of the difference of two                 = 20
 *
 * A gate 1 - z loses digits where z is near 1. That error is at most 6 z |h| in absolute terms, and
 * a step that makes it keeps only 1 - z of those before: together 6 largest |h|.
 *
 * scan_forward h, h_last; linear: gate 6 and candidate 6 make b, so 12, what multiplies h 6, and
 *   both meet in 2 roundings; the oracle's scale runs the recurrence of these errors over time.
 *   log: log sigma 20 (6.5 without NORMALISED), log g 3, the steps' own log_add (6.5 as softplus)
 *   and the last exp 3: 24, in units of 1 + |log|, by which the scale weighs them (log_error).
 * scan_backward dx: lambda (a gate's products along time, as forward) times a slope, f (1 - f),
 *   which is the gate twice, times c - h: a gate more, and 4 products and 2 sums make at most 6;
 *   db is lambda alone, dh0 one a more, dinit a sum over the resets of all steps.
 * g_forward y: sigma 6, a step more for the fused or split forms of exp(x) / (1 + exp(x)): 8.
 * g_backward dx: s (1 - s): sigma twice and 1/2 each, * dy, + dx: 14.5; 18 with exp's 4 ulp of
 *   embedded devices.
 * conv_forward y, conv_backward dx: a product 1/2 and the sum of the taps, bias and residual; the
 *   first two units are the products' and the store's; dweight, dbias: over batch and time.
 * gemm, column_sum, embed_backward, sum, square_sum: products 1/2, scaling 1/2, the sum; 2 + that.
 * rmsnorm_forward: mean square: the sum, halved by the square root that follows; then / 2.5 by
 *   width and + epsilon 1/2, both halved, sqrt 3, / 2.5, two products 1: 8.
 * rmsnorm_backward dx: the sum of products, / 2.5, inverse^2 1, two products, two sums: 8;
 *   dgain: two products 1, the sum over rows, partial sums: 4.
 * gelu y: Phi: exp 3 with -u^2 / 2 rounded twice (which exp multiplies by u^2, and bell's own
 *   smallness makes at most 1), q: / 2.5, P's last steps 2, three products 1.5: 10; * u 1/2: 12
 * with the bias's sum. dx: also u * bell * density: 3 products and their sum, * dy: 20. geglu: the
 * same with one product (forward), one of u and its bias (backward) more: 2. residual_forward: the
 * scale 1 / (1 - dropout) is - 1/2, / 2.5; x + bias 1/2, * 1/2, + 1/2: 4.5 of 6; residual_backward:
 * the scale 3, * 1/2: 3.5 of 4. cross_entropy loss: exp 3 with its difference 1, the sum, log 3: 8;
 * dlogits: exp 4, the sum, / 2.5, * 1/2, scale's own rounding, - 1/2, and the CPU's 1 / sum
 * first, 2.5: 12. adamw: s: sqrt 3, / 2.5, g = s * grad 1/2: 6. m: that, two products, 1 - beta
 * (1/2), a sum: 10. v: g squared 12, products and sum 2, 1 - beta, and sqrt's argument: 18. param:
 * m 10, half of v's error 9, sqrt 3, correction / 2.5 halved, + epsilon 1/2, / 2.5, rate /
 * correction1 2.5, and the last three roundings, of which all but the kept weight's are errors of
 * the small step: 24. fill, copy, embed_forward, conv's state_out: bits. nonfinite_count: counted.
 *
 * BOUND(op, output, epsilons) with a->SIZE for the sizes. */
#define SUM_OF(n) (2 * sqrt((double)(n)))
#define BOUNDS(BOUND)                                                                              \
    BOUND(scan_forward, h, gate_error(a->alg))                                                     \
    BOUND(scan_forward, h_last, gate_error(a->alg))                                                \
    BOUND(scan_backward, dx, 2 * gate_error(a->alg) + 6)                                           \
    BOUND(scan_backward, db, gate_error(a->alg))                                                   \
    BOUND(scan_backward, dh0, gate_error(a->alg))                                                  \
    BOUND(scan_backward, dinit, gate_error(a->alg) + SUM_OF(a->time))                              \
    BOUND(g_forward, y, 8)                                                                         \
    BOUND(g_backward, dx, 18)                                                                      \
    BOUND(conv_forward, y, 2 + SUM_OF(a->taps + 2))                                                \
    BOUND(conv_forward, state_out, 0)                                                              \
    BOUND(conv_backward, dx, 2 + SUM_OF(a->taps + 1))                                              \
    BOUND(conv_backward, dweight, 2 + SUM_OF(a->batch * a->time))                                  \
    BOUND(conv_backward, dbias, 2 + SUM_OF(a->batch * a->time))                                    \
    BOUND(gemm, c, 2 + SUM_OF(a->k))                                                               \
    BOUND(column_sum, total, 2 + SUM_OF(a->rows))                                                  \
    BOUND(rmsnorm_forward, y, 8 + SUM_OF(a->width) / 2)                                            \
    BOUND(rmsnorm_forward, inverse, 8 + SUM_OF(a->width) / 2)                                      \
    BOUND(rmsnorm_backward, dx, 8 + SUM_OF(a->width))                                              \
    BOUND(rmsnorm_backward, dgain, 4 + SUM_OF(a->rows))                                            \
    BOUND(gelu_forward, y, 12)                                                                     \
    BOUND(gelu_backward, dx, 20)                                                                   \
    BOUND(geglu_forward, y, 14)                                                                    \
    BOUND(geglu_backward, dx, 22)                                                                  \
    BOUND(residual_forward, y, 6)                                                                  \
    BOUND(residual_backward, dx, 4)                                                                \
    BOUND(embed_forward, y, 0)                                                                     \
    BOUND(embed_backward, dtable, 2 + SUM_OF(a->rows))                                             \
    BOUND(cross_entropy, loss, 8 + SUM_OF(a->vocab))                                               \
    BOUND(cross_entropy, dlogits, 12 + SUM_OF(a->vocab))                                           \
    BOUND(sum, total, 2 + SUM_OF(a->count))                                                        \
    BOUND(square_sum, total, 2 + SUM_OF(a->count))                                                 \
    BOUND(nonfinite_count, total, 0)                                                               \
    BOUND(adamw, param, 24)                                                                        \
    BOUND(adamw, m, 10)                                                                            \
    BOUND(adamw, v, 18)                                                                            \
    BOUND(fill, x, 0)                                                                              \
    BOUND(copy, y, 0)

static double gate_error(minrnn_scan_alg alg) {
    return alg == MINRNN_SCAN_LOG ? 24 : 12;
}

#define DEFINE(op, output, epsilons)                                                               \
    static double op##_##output(const union op_args *args) {                                       \
        const struct op##_args *a = &args->op;                                                     \
        (void)a;                                                                                   \
        return epsilons;                                                                           \
    }
BOUNDS(DEFINE)

static const struct {
    enum check_op op;
    const char *output;
    double (*epsilons)(const union op_args *args);
} bounds[] = {
#define ENTER(op, output, epsilons) {CHECK_OP_##op, #output, op##_##output},
    BOUNDS(ENTER)};

double check_bound(enum check_op op, const char *output, const union op_args *args) {
    for (size_t i = 0; i < sizeof bounds / sizeof *bounds; i++) {
        if (bounds[i].op == op && strcmp(bounds[i].output, output) == 0) {
            return bounds[i].epsilons(args);
        }
    }
    return -1;
}
