/* SPDX-License-Identifier: Apache-2.0 */
/* The matrix product: which way for which device and shape. */
#include "opencl/gemm.h"

/* What was measured, in GFLOP/s, on CPUs of 2 cores that PoCL and OpenBLAS can bring to 280. PoCL:
 * CLBlast's defaults 14, gemm_group 10; CPUs with vectors therefore take gemm_tile. rusticl, which
 * runs everything lane by lane: gemm_group 3.4, CLBlast 1.1, gemm_tile 0.8. */
static const struct gemm_way *choose(const struct cl_device *device, const struct gemm_args *args) {
    if (args->m <= GEMM_ROWS_MAX && !args->transpose_a && args->transpose_b &&
        args->k <= GEMM_ROWS_STEPS_MAX) {
        return &gemm_rows;
    }
    if (device->traits.is_cpu) {
        return device->traits.float_width > 1 ? &gemm_tile : &gemm_group;
    }
#ifdef MINRNN_HAVE_CLBLAST
    const enum tuning way = args->transpose_a ? TUNE_gemm_gpu_gradients_way : TUNE_gemm_gpu_way;
    if (tuned(&device->traits, way) == 2) {
        return &gemm_clblast;
    }
#endif
    return &gemm_group;
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

/* ---- a dense layer's gradients: by groups at once, or else the two parts one after the other ----
 */

static bool sums_too(const struct cl_device *device, const struct gemm_args *product) {
    return choose(device, product) == &gemm_group;
}

static int64_t dense_gradients_scratch(const minrnn_device *device,
                                       const struct dense_gradients_args *args) {
    const struct cl_device *d = (const struct cl_device *)device;
    const struct gemm_args product = gemm_of_gradients(args), all = gemm_strides(&product);
    const struct column_sum_args sum = column_sum_of_gradients(args);
    return sums_too(d, &product)
               ? gemm_group_sums_scratch(d, &all)
               : max_i64(gemm_scratch(device, &product), cl_column_sum_op.scratch(device, &sum));
}

static minrnn_status dense_gradients(struct op_context *context,
                                     const struct dense_gradients_args *args) {
    const struct gemm_args product = gemm_of_gradients(args), all = gemm_strides(&product);
    const struct column_sum_args sum = column_sum_of_gradients(args);
    if (sums_too(cl_device_of(context), &product)) {
        return gemm_group_sums(context, &all, args->dbias);
    }
    const minrnn_status status = gemm(context, &product);
    return status ? status : cl_column_sum_op.run(context, &sum);
}

const struct dense_gradients_op cl_dense_gradients_op = {.run = dense_gradients,
                                                         .scratch = dense_gradients_scratch};
