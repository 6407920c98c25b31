/* SPDX-License-Identifier: Apache-2.0 */
/* The matrix product: which way for which device and shape. */
#include "opencl/gemm.h"

#include <stdio.h>

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
    if (tuned(&device->traits, TUNE_gemm_gpu_way) == 2) {
        return &gemm_clblast;
    }
#endif
    return &gemm_group;
}

enum { REDUCE_GROUP = 64 };

minrnn_status gemm_reduce(struct cl_device *device, const struct gemm_args *args,
                          minrnn_tensor partial, int64_t segments, bool accumulate) {
    const int vector = device->traits.is_cpu ? device->traits.float_width : 1;
    struct kernel *kernel = NULL;
    char options[32];
    snprintf(options, sizeof options, "-DVECTOR=%d", vector);
    const struct program_spec spec = {.files = {"prelude.cl", "gemm_reduce.cl"},
                                      .options = options};
    const minrnn_status status = kernel_get(device, &spec, "gemm_reduce", &kernel);
    if (status) {
        return status;
    }
    const bool whole = args->c_row == args->n; /* then all rows are one */
    const int64_t rows = whole ? 1 : args->m;
    const int64_t width = whole ? args->m * args->n : args->n;
    const int64_t local = device->traits.is_gpu ? REDUCE_GROUP : 0;
    const int64_t items = ceil_div(width, vector);
    const struct launch_range range = {.global = {(size_t)(local ? round_up(items, local) : items),
                                                  (size_t)rows, (size_t)max_i64(args->count, 1)},
                                       .local = {(size_t)local, local > 0, local > 0}};
    return LAUNCH(device, kernel, &range, ARG_TENSOR(partial), ARG_TENSOR(args->c), ARG_LONG(width),
                  ARG_LONG(args->c_row), ARG_LONG(args->c_step), ARG_INT((cl_int)segments),
                  ARG_INT(accumulate));
}

static int64_t gemm_scratch(const minrnn_device *device, const struct gemm_args *args) {
    const struct cl_device *d = (const struct cl_device *)device;
    const struct gemm_way *way = choose(d, args);
    const struct gemm_args all = way->one_by_one ? gemm_of_batch(args, 0) : gemm_strides(args);
    return way->scratch(d, &all);
}

static minrnn_status gemm(struct op_context *context, const struct gemm_args *args) {
    const struct gemm_way *way = choose(cl_device_of(context), args);
    struct gemm_args all = gemm_strides(args);
    if (!way->one_by_one) {
        return way->run(context, &all);
    }
    minrnn_status status = MINRNN_OK;
    for (int64_t i = 0; !status && i < all.count; i++) {
        const struct gemm_args one = gemm_of_batch(args, i);
        status = way->run(context, &one);
    }
    return status;
}

const struct gemm_op cl_gemm_op = {.run = gemm, .scratch = gemm_scratch};
