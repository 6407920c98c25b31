/* SPDX-License-Identifier: Apache-2.0 */
/* Matrix products of a few rows (cl/gemm_rows.cl). */
#include "opencl/gemm.h"

#include <stdio.h>

static int64_t no_scratch(const struct cl_device *device, const struct gemm_args *args) {
    (void)device;
    (void)args;
    return 0;
}

static minrnn_status rows_kernel(struct cl_device *device, const struct gemm_args *args, int lanes,
                                 struct kernel **kernel) {
    char options[96];
    snprintf(options, sizeof options, "-DVECTOR=%d -DROWS=%d -DCOLUMNS=%d -DLANES=%d",
             lanes == 1 ? device->traits.float_width : 1, (int)args->m,
             tuned(&device->traits, TUNE_gemm_rows_columns), lanes);
    const struct program_spec spec = {.files = {"prelude.cl", "gemm_rows.cl"}, .options = options};
    return kernel_get(device, &spec, "gemm_rows", kernel);
}

static minrnn_status rows_run(struct op_context *context, const struct gemm_args *args) {
    struct cl_device *device = cl_device_of(context);
    struct kernel *kernel = NULL;
    int lanes = device->traits.is_cpu ? 1 : tuned(&device->traits, TUNE_gemm_rows_lanes);
    minrnn_status status = rows_kernel(device, args, lanes, &kernel);
    if (!status && kernel_max_work_group(kernel) < (size_t)lanes) {
        lanes = 1;
        status = rows_kernel(device, args, lanes, &kernel);
    }
    if (status) {
        return status;
    }
    const int columns = tuned(&device->traits, TUNE_gemm_rows_columns);
    const struct launch_range range = {.global = {(size_t)(ceil_div(args->n, columns) * lanes)},
                                       .local = {lanes == 1 ? 0 : (size_t)lanes}};
    return LAUNCH(device, kernel, &range, ARG_TENSOR(args->a), ARG_TENSOR(args->b),
                  ARG_TENSOR(args->c), ARG_LONG(args->n), ARG_LONG(args->k), ARG_LONG(args->a_row),
                  ARG_LONG(args->b_row), ARG_LONG(args->c_row), ARG_INT(args->accumulate));
}

const struct gemm_way gemm_rows = {.run = rows_run, .scratch = no_scratch, .one_by_one = true};
