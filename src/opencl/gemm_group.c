/* SPDX-License-Identifier: Apache-2.0 */
/* Matrix products that need no scratch: by work-groups, and of a few rows. */
#include "opencl/gemm.h"

#include <stdio.h>

static int64_t no_scratch(const struct cl_device *device, const struct gemm_args *args) {
    (void)device;
    (void)args;
    return 0;
}

/* ---- cl/gemm_group.cl ---- */

/* The largest square work-group that the kernel can have on this device. */
static minrnn_status group_kernel(struct cl_device *device, const struct gemm_args *args,
                                  struct kernel **kernel, int *group) {
    minrnn_status status = MINRNN_OK;
    for (*group = tuned(&device->traits, TUNE_gemm_group_side); *group > 0; *group /= 2) {
        char options[80];
        snprintf(options, sizeof options, "-DGROUP=%d%s%s", *group,
                 args->transpose_a ? " -DTRANSPOSE_A" : "",
                 args->transpose_b ? " -DTRANSPOSE_B" : "");
        const struct program_spec spec = {.files = {"prelude.cl", "gemm_group.cl"},
                                          .options = options};
        status = kernel_get(device, &spec, "gemm_group", kernel);
        if (status || kernel_max_work_group(*kernel) >= (size_t)*group * (size_t)*group) {
            return status;
        }
    }
    return fail(MINRNN_UNSUPPORTED, "gemm: the device runs no work-group of any size");
}

/* Tiles a launch walks along k: fewer than 65536, past which llvmpipe's loops go wrong, and short
 * enough for drivers that stop long launches. */
enum { GROUP_STEPS_MAX = 1 << 14 };

static minrnn_status group_run(struct op_context *context, const struct gemm_args *args) {
    struct cl_device *device = cl_device_of(context);
    struct kernel *kernel = NULL;
    int group = 0;
    minrnn_status status = group_kernel(device, args, &kernel, &group);
    if (status) {
        return status;
    }
    const struct launch_range range = {.global = {(size_t)(ceil_div(args->n, 4 * group) * group),
                                                  (size_t)(ceil_div(args->m, 4 * group) * group)},
                                       .local = {(size_t)group, (size_t)group}};
    const int64_t block = (int64_t)GROUP_STEPS_MAX * group;
    for (int64_t begin = 0; begin < args->k && !status; begin += block) {
        status = LAUNCH(
            device, kernel, &range, ARG_TENSOR(args->a), ARG_TENSOR(args->b), ARG_TENSOR(args->c),
            ARG_LONG(args->m), ARG_LONG(args->n), ARG_LONG(args->k), ARG_LONG(args->a_row),
            ARG_LONG(args->b_row), ARG_LONG(args->c_row), ARG_LONG(begin),
            ARG_LONG(min_i64(begin + block, args->k)), ARG_INT(args->accumulate || begin > 0));
    }
    return status;
}

const struct gemm_way gemm_group = {.run = group_run, .scratch = no_scratch};

/* ---- cl/gemm_rows.cl ---- */

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

const struct gemm_way gemm_rows = {.run = rows_run, .scratch = no_scratch};
