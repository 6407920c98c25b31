/* SPDX-License-Identifier: Apache-2.0 */
/* The ways this backend multiplies matrices; gemm.c chooses one. */
#ifndef OPENCL_GEMM_H
#define OPENCL_GEMM_H

#include "base/size.h"
#include "opencl/launch.h"

/* A way of computing products, whose strides are written out (gemm_strides). */
struct gemm_way {
    minrnn_status (*run)(struct op_context *context, const struct gemm_args *args);
    int64_t (*scratch)(const struct cl_device *device, const struct gemm_args *args);
    bool one_by_one; /* it knows no batch: `count` is 1 */
};

extern const struct gemm_way gemm_tile;  /* gemm_tile.c: register tiles, for CPUs */
extern const struct gemm_way gemm_group; /* gemm_group.c: local memory, for GPUs */
extern const struct gemm_way gemm_rows;  /* gemm_rows.c: up to GEMM_ROWS_MAX rows, b transposed */
/* Of struct cl_device's clblast. */
enum gemm_trust { GEMM_UNKNOWN, GEMM_RIGHT, GEMM_WRONG };

#ifdef MINRNN_HAVE_CLBLAST
extern const struct gemm_way gemm_clblast; /* gemm_clblast.c */

/* What CLBlast keeps of a device that is about to go. */
void gemm_clblast_forget(const struct cl_device *device);
#endif

/* gemm_group, and a_sum[m] += the sums of op(a) along k, of one product. */
int64_t gemm_group_sums_scratch(const struct cl_device *device, const struct gemm_args *args);
minrnn_status gemm_group_sums(struct op_context *context, const struct gemm_args *args,
                              minrnn_tensor a_sum);

/* c (+)= the sums of the `segments` parts of each product that lie in `partial` one after the
 * other. */
minrnn_status gemm_reduce(struct cl_device *device, const struct gemm_args *args,
                          minrnn_tensor partial, int64_t segments, bool accumulate);

/* What gemm_rows is for; its loops stay short of those that llvmpipe gets wrong. */
enum { GEMM_ROWS_MAX = 4, GEMM_ROWS_STEPS_MAX = 65535 };

#endif
