/* SPDX-License-Identifier: Apache-2.0 */
/* The matrix product: which way for which device and shape. */
#include "opencl/gemm.h"

/* What was measured, in GFLOP/s, on a CPU of 2 cores that PoCL and OpenBLAS can bring to 280. PoCL:
 * CLBlast's defaults 14, gemm_group 9; CPUs with vectors therefore take gemm_tile. rusticl, which
 * runs everything lane by lane: gemm_group 1.5, CLBlast 1.1, gemm_tile 0.8. */
static const struct gemm_way *choose(const struct cl_device *device, const struct gemm_args *args) {
    if (args->m <= GEMM_ROWS_MAX && !args->transpose_a && args->transpose_b &&
        args->k <= GEMM_ROWS_STEPS_MAX) {
        return &gemm_rows;
    }
    if (device->traits.is_cpu) {
        return device->traits.float_width > 1 ? &gemm_tile : &gemm_group;
    }
#ifdef MINRNN_HAVE_CLBLAST
    return &gemm_clblast;
#else
    return &gemm_group;
#endif
}

static int64_t gemm_scratch(const minrnn_device *device, const struct gemm_args *args) {
    const struct cl_device *d = (const struct cl_device *)device;
    const struct gemm_args one = gemm_of_batch(args, 0);
    return choose(d, args)->scratch(d, &one);
}

static minrnn_status gemm(struct op_context *context, const struct gemm_args *args) {
    const struct gemm_way *way = choose(cl_device_of(context), args);
    minrnn_status status = MINRNN_OK;
    for (int64_t i = 0; !status && i < max_i64(args->count, 1); i++) {
        const struct gemm_args one = gemm_of_batch(args, i);
        status = way->run(context, &one);
    }
    return status;
}

const struct gemm_op cl_gemm_op = {.run = gemm, .scratch = gemm_scratch};
