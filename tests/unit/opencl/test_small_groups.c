/* SPDX-License-Identifier: Apache-2.0 */
/* Kernels that take smaller work-groups than their device, as when registers run out. Every op has
 * to find work-groups that fit, and to compute the same. The driver's answers are made here (the
 * linker's --wrap), as is its refusal of work-groups that are too large. */
#include <minrnn/check.h>

#include "opencl/launch.h"
#include "opencl_device.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static size_t most; /* work-items of a work-group */
static int launches;

cl_int __real_clGetKernelWorkGroupInfo(cl_kernel kernel, cl_device_id id,
                                       cl_kernel_work_group_info what, size_t capacity, void *value,
                                       size_t *bytes);
cl_int __wrap_clGetKernelWorkGroupInfo(cl_kernel kernel, cl_device_id id,
                                       cl_kernel_work_group_info what, size_t capacity, void *value,
                                       size_t *bytes);
cl_int __real_clEnqueueNDRangeKernel(cl_command_queue queue, cl_kernel kernel, cl_uint dimensions,
                                     const size_t *offset, const size_t *global,
                                     const size_t *local, cl_uint wait_count, const cl_event *waits,
                                     cl_event *event);
cl_int __wrap_clEnqueueNDRangeKernel(cl_command_queue queue, cl_kernel kernel, cl_uint dimensions,
                                     const size_t *offset, const size_t *global,
                                     const size_t *local, cl_uint wait_count, const cl_event *waits,
                                     cl_event *event);

cl_int __wrap_clGetKernelWorkGroupInfo(cl_kernel kernel, cl_device_id id,
                                       cl_kernel_work_group_info what, size_t capacity, void *value,
                                       size_t *bytes) {
    const cl_int code = __real_clGetKernelWorkGroupInfo(kernel, id, what, capacity, value, bytes);
    if (code == CL_SUCCESS && what == CL_KERNEL_WORK_GROUP_SIZE && value) {
        *(size_t *)value = *(size_t *)value < most ? *(size_t *)value : most;
    }
    return code;
}

cl_int __wrap_clEnqueueNDRangeKernel(cl_command_queue queue, cl_kernel kernel, cl_uint dimensions,
                                     const size_t *offset, const size_t *global,
                                     const size_t *local, cl_uint wait_count, const cl_event *waits,
                                     cl_event *event) {
    size_t items = 1;
    for (cl_uint i = 0; local && i < dimensions; i++) {
        items *= local[i];
    }
    launches++;
    return items > most ? CL_INVALID_WORK_GROUP_SIZE
                        : __real_clEnqueueNDRangeKernel(queue, kernel, dimensions, offset, global,
                                                        local, wait_count, waits, event);
}

static void on_check(void *user, const minrnn_check_result *result) {
    (void)user;
    if (result->failures > 0) {
        print_error("%s: %s\n", result->op, result->failure);
    }
}

/* An op as a GPU runs it, in work-groups of at most `limit`. A device of its own: one keeps its
 * kernels, and with them the answer. */
static void check_limit(size_t limit, const char *op) {
    minrnn_check_config config;
    minrnn_device *device = NULL;
    int failures = 0;
    most = limit;
    launches = 0;
    assert_int_equal(open_opencl_device(&device), MINRNN_OK);
    struct cl_traits *traits = &((struct cl_device *)device)->traits;
    traits->is_cpu = false;
    traits->is_gpu = true;
    traits->float_width = 1;
    traits->nontemporal = false;
    minrnn_check_config_defaults(&config);
    config.small = true;
    config.op = op;
    assert_int_equal(minrnn_validate(device, &config, on_check, NULL, &failures), MINRNN_OK);
    minrnn_device_destroy(device);
    assert_int_equal(failures, 0);
    assert_true(launches > 0);
}

static void test_rows_of_a_tile(void **state) {
    (void)state; /* a row has 32 lanes, and they stay together */
    check_limit(64, "scan_forward");
    check_limit(32, "scan_backward");
}

static void test_powers(void **state) {
    (void)state;
    static const char *const ops[] = {
        "g_forward",     "conv_forward",    "conv_backward",    "gemm",
        "column_sum",    "rmsnorm_forward", "rmsnorm_backward", "geglu_forward",
        "embed_forward", "embed_backward",  "cross_entropy",    "sum"};
    static const size_t limits[] = {64, 5, 1};
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        for (size_t j = 0; j < sizeof ops / sizeof *ops; j++) {
            check_limit(limits[i], ops[j]);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_of_a_tile),
        cmocka_unit_test(test_powers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
