/* The matrix product: which way for which device and shape. */
#include "opencl/gemm.h"

static const struct gemm_way *choose(const struct cl_device *device, const struct gemm_args *args) {
    if (args->m <= GEMM_ROWS_MAX && !args->transpose_a && args->transpose_b) {
        return &gemm_rows;
    }
    if (device->traits.is_cpu) {
        return &gemm_tile;
    }
#ifdef MINRNN_HAVE_CLBLAST
    return &gemm_clblast;
#else
    return &gemm_group;
#endif
}

int64_t cl_gemm_scratch(const minrnn_device *device, const struct gemm_args *args) {
    const struct cl_device *d = (const struct cl_device *)device;
    return choose(d, args)->scratch(d, args);
}

minrnn_status cl_gemm(struct op_context *context, const struct gemm_args *args) {
    return choose(cl_device_of(context), args)->run(context, args);
}
