/* SPDX-License-Identifier: Apache-2.0 */
/* Matrix products of a few rows (cl/gemm_rows.cl). */
#include "opencl/gemm.h"

#include <stdio.h>

static int64_t no_scratch(const struct cl_device *device, const struct gemm_args *args) {
    (void)device;
    (void)args;
    return 0;
}

struct rows_plan {
    const struct cl_traits *traits;
    int rows, columns, lanes;
};

static size_t rows_lanes(const void *plan) {
    return (size_t)((const struct rows_plan *)plan)->lanes;
}

static void describe_rows(const void *plan, struct program_spec *spec,
                          char options[FITTING_OPTIONS]) {
    const struct rows_plan *p = plan;
    snprintf(options, FITTING_OPTIONS, "-DVECTOR=%d -DROWS=%d -DCOLUMNS=%d -DLANES=%d",
             p->lanes == 1 ? p->traits->float_width : 1, p->rows, p->columns, p->lanes);
    *spec = (struct program_spec){
        .files = {"prelude.cl", "gemm_rows.cl"}, .kernel = "gemm_rows", .options = options};
}

static void shrink_rows(void *plan, size_t most) {
    struct rows_plan *p = plan;
    while ((size_t)p->lanes > most) {
        p->lanes /= 2;
    }
}

static minrnn_status rows_run(struct op_context *context, const struct gemm_args *args) {
    struct cl_device *device = cl_device_of(context);
    const struct cl_traits *traits = &device->traits;
    struct rows_plan plan = {.traits = traits,
                             .rows = (int)args->m,
                             .columns = tuned(traits, TUNE_gemm_rows_columns),
                             .lanes = traits->is_cpu ? 1 : tuned(traits, TUNE_gemm_rows_lanes)};
    struct kernel *kernel = NULL;
    const struct fitting fitting = {&plan, rows_lanes, describe_rows, shrink_rows};
    const minrnn_status status = kernel_get_fitting(device, &fitting, &kernel);
    if (status) {
        return status;
    }
    const struct launch_range range = {
        .global = {(size_t)(ceil_div(args->n, plan.columns) * plan.lanes)},
        .local = {plan.lanes == 1 ? 0 : (size_t)plan.lanes}};
    return LAUNCH(device, kernel, &range, ARG_TENSOR(args->a), ARG_TENSOR(args->b),
                  ARG_TENSOR(args->c), ARG_LONG(args->n), ARG_LONG(args->k), ARG_LONG(args->a_row),
                  ARG_LONG(args->b_row), ARG_LONG(args->c_row), ARG_INT(args->accumulate));
}

const struct gemm_way gemm_rows = {.run = rows_run, .scratch = no_scratch, .one_by_one = true};
