/* SPDX-License-Identifier: Apache-2.0 */
/* The oracle: what every op of the list takes and writes in double precision, and functions that
 * several families need. It shares nothing with the backends. */
#ifndef CHECK_ORACLE_H
#define CHECK_ORACLE_H

#include "op/op.h"

/* struct NAME_oracle: an op's sizes and values, its inputs as doubles (integers as they are), its
 * outputs, and for each output t its t_scale: the largest sum of magnitudes behind one element, in
 * which the rounding errors of a good single-precision computation are counted (0: the largest
 * element itself says enough). Absent tensors are NULL. */
#define OP_BEGIN(name) struct name##_oracle {
#define DIM(d) int64_t d;
#define VALUE(type, v) type v;
#define IN(type, t, extent) const ORACLE_##type *t;
#define INOUT(type, t, extent)                                                                     \
    double *t;                                                                                     \
    double t##_scale;
#define OUT(type, t, extent) INOUT(type, t, extent)
#define OP_END(name)                                                                               \
    }                                                                                              \
    ;
#define ORACLE_f32 double
#define ORACLE_i32 int32_t
#include "op/op_list.def"

union op_oracle {
#define OP_BEGIN(name) struct name##_oracle name;
#include "op/op_list.def"
};

/* The logistic function, log(1 + exp(x)), and the standard normal distribution, for any x. */
double oracle_sigma(double x);
double oracle_softplus(double x);
double oracle_normal_cdf(double x);
double oracle_normal_pdf(double x);

/* The paper's g and its derivative. */
double oracle_g(double x);
double oracle_g_slope(double x);

/* Raises *scale to `magnitude`. */
void oracle_scale(double *scale, double magnitude);

#endif
