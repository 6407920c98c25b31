/* The ways this backend multiplies matrices; gemm.c chooses one. */
#ifndef OPENCL_GEMM_H
#define OPENCL_GEMM_H

#include "opencl/launch.h"

struct gemm_way {
    minrnn_status (*run)(struct op_context *context, const struct gemm_args *args);
    int64_t (*scratch)(const struct cl_device *device, const struct gemm_args *args);
};

extern const struct gemm_way gemm_tile; /* gemm_tile.c: register tiles, for CPUs */

#endif
