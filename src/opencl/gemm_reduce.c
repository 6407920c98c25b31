/* SPDX-License-Identifier: Apache-2.0 */
/* The last step of a product that was cut along k (cl/gemm_reduce.cl). */
#include "opencl/gemm.h"

#include <stdio.h>

enum { REDUCE_GROUP = 64 }; /* work-items of a GPU's work-group */

minrnn_status gemm_reduce(struct cl_device *device, const struct gemm_args *args,
                          minrnn_tensor partial, int64_t segments, bool accumulate) {
    const int vector = device->traits.is_cpu ? device->traits.float_width : 1;
    struct kernel *kernel = NULL;
    char options[32];
    snprintf(options, sizeof options, "-DVECTOR=%d", vector);
    const struct program_spec spec = {
        .files = {"prelude.cl", "gemm_reduce.cl"}, .kernel = "gemm_reduce", .options = options};
    const minrnn_status status = kernel_get(device, &spec, &kernel);
    if (status) {
        return status;
    }
    const bool whole = args->c_row == args->n; /* then all rows are one */
    const int64_t rows = whole ? 1 : args->m;
    const int64_t width = whole ? args->m * args->n : args->n;
    const int64_t local =
        device->traits.is_gpu ? min_i64(REDUCE_GROUP, (int64_t)kernel_max_work_group(kernel)) : 0;
    const int64_t items = ceil_div(width, vector);
    const struct launch_range range = {.global = {(size_t)(local ? round_up(items, local) : items),
                                                  (size_t)rows, (size_t)max_i64(args->count, 1)},
                                       .local = {(size_t)local, local > 0, local > 0}};
    return LAUNCH(device, kernel, &range, ARG_TENSOR(partial), ARG_TENSOR(args->c), ARG_LONG(width),
                  ARG_LONG(rows), ARG_LONG(args->c_row), ARG_LONG(args->c_step),
                  ARG_INT((cl_int)segments), ARG_INT(accumulate));
}
