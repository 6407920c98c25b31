#include "check/bounds.h"

#include <math.h>
#include <string.h>

/* OpenCL 1.2 allows exp, log and log1p 3 to 4 ulp, erf 16, division 2.5, sqrt 3 (rounded up below);
 * + - * are rounded. "sum of n" stands for 2 sqrt(n): in a fixed order rounding errors add up like
 * a random walk (Higham and Mary 2019), a factor of 4 over its standard deviation of sqrt(n) / 2
 * units; the scales hold the sums of magnitudes.
 * BOUND(op, output, epsilons) with a->SIZE for the sizes. */
#define SUM_OF(n) (2 * sqrt((double)(n)))
#define BOUNDS(BOUND)                                                                              \
    /* a gate is exp, +, / (8), times c, times h, + (3); the recurrence is in the scale */         \
    BOUND(scan_forward, h, gate_error(a->alg))                                                     \
    BOUND(scan_forward, h_last, gate_error(a->alg))                                                \
    /* two gates and a candidate (24), four products and two sums (6) */                           \
    BOUND(scan_backward, dx, 2 * gate_error(a->alg) + 6)                                           \
    BOUND(scan_backward, db, gate_error(a->alg))                                                   \
    BOUND(scan_backward, dh0, gate_error(a->alg))                                                  \
    BOUND(scan_backward, dinit, gate_error(a->alg) + SUM_OF(a->time))                              \
    /* sigma: 8; its slope two of them and a product */                                            \
    BOUND(g_forward, y, 8)                                                                         \
    BOUND(g_backward, dx, 18)                                                                      \
    /* products and sums of taps + 2 terms */                                                      \
    BOUND(conv_forward, y, 2 + SUM_OF(a->taps + 2))                                                \
    BOUND(conv_forward, state_out, 0) /* copied */                                                 \
    BOUND(conv_backward, dx, 2 + SUM_OF(a->taps + 1))                                              \
    BOUND(conv_backward, dweight, 2 + SUM_OF(a->batch * a->time))                                  \
    BOUND(conv_backward, dbias, 2 + SUM_OF(a->batch * a->time))                                    \
    BOUND(gemm, c, 2 + SUM_OF(a->k))                                                               \
    BOUND(column_sum, total, 2 + SUM_OF(a->rows))                                                  \
    /* half the mean square's error, then sqrt, / and two products */                              \
    BOUND(rmsnorm_forward, y, 8 + SUM_OF(a->width) / 2)                                            \
    BOUND(rmsnorm_forward, inverse, 8 + SUM_OF(a->width) / 2)                                      \
    BOUND(rmsnorm_backward, dx, 8 + SUM_OF(a->width))                                              \
    BOUND(rmsnorm_backward, dgain, 4 + SUM_OF(a->rows))                                            \
    /* erf 16, halved by (1 + erf) / 2; its density exp and products */                            \
    BOUND(gelu_forward, y, 12)                                                                     \
    BOUND(gelu_backward, dx, 20)                                                                   \
    BOUND(geglu_forward, y, 14)                                                                    \
    BOUND(geglu_backward, dx, 22)                                                                  \
    BOUND(residual_forward, y, 6) /* /, two sums, a product */                                     \
    BOUND(residual_backward, dx, 4)                                                                \
    BOUND(embed_forward, y, 0) /* copied */                                                        \
    BOUND(embed_backward, dtable, 2 + SUM_OF(a->rows))                                             \
    /* exp 3 each, their sum, log or / */                                                          \
    BOUND(cross_entropy, loss, 8 + SUM_OF(a->vocab))                                               \
    BOUND(cross_entropy, dlogits, 12 + SUM_OF(a->vocab))                                           \
    BOUND(sum, total, 2 + SUM_OF(a->count))                                                        \
    BOUND(square_sum, total, 2 + SUM_OF(a->count))                                                 \
    BOUND(nonfinite_count, total, 0) /* counted */                                                 \
    /* clipping: sqrt, /, product (7), squared for v; then two sqrt and three / at most */         \
    BOUND(adamw, param, 24)                                                                        \
    BOUND(adamw, m, 10)                                                                            \
    BOUND(adamw, v, 18)                                                                            \
    BOUND(fill, x, 0)                                                                              \
    BOUND(copy, y, 0)

/* Log space: a softplus is exp, log1p, + and, twice for minLSTM, feeds another; then the scan's own
 * exp, log1p and the last exp. */
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
