/* SPDX-License-Identifier: Apache-2.0 */
/* A device whose launches are only written down (the linker's --wrap of clEnqueueNDRangeKernel),
 * and tensors of it of any size: nothing runs. */
#ifndef TESTS_UNIT_OPENCL_WRITTEN_LAUNCHES_H
#define TESTS_UNIT_OPENCL_WRITTEN_LAUNCHES_H

#include "op/op.h"
#include "opencl/backend.h"
#include "opencl_device.h"
#include "wrapped.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static minrnn_device *device;
static struct op_context context;
static minrnn_tensor small; /* in place of every tensor */
static int launches;
static char names[1024];          /* of the kernels launched, as far as they fit */
static size_t items[3], group[3]; /* work-items up to the last one's end, and of its group */
enum { MOST_PARTS = 16, MOST_GROUPS = LAUNCH_MOST_GROUPS };
static struct launch_part parts[MOST_PARTS]; /* of the first launches */
static char options[1024];                   /* with which the last one was built */

cl_int __wrap_clEnqueueNDRangeKernel(cl_command_queue queue, cl_kernel kernel, cl_uint dimensions,
                                     const size_t *offset, const size_t *global,
                                     const size_t *local, cl_uint wait_count, const cl_event *waits,
                                     cl_event *event) {
    (void)queue;
    (void)wait_count, (void)waits, (void)event;
    const size_t used = strlen(names);
    char name[64] = "";
    if (clGetKernelInfo(kernel, CL_KERNEL_FUNCTION_NAME, sizeof name, name, NULL) == CL_SUCCESS) {
        snprintf(names + used, sizeof names - used, "%s%s", used ? " " : "", name);
    }
    struct launch_part part = {.dimensions = (int)dimensions};
    for (cl_uint i = 0; i < 3; i++) {
        part.offset[i] = offset && i < dimensions ? offset[i] : 0;
        part.global[i] = i < dimensions ? global[i] : 1;
        items[i] = part.offset[i] + part.global[i];
        group[i] = local && i < dimensions ? local[i] : 1;
        assert_true(part.global[i] > 0 && group[i] > 0 && part.global[i] % group[i] == 0);
        assert_int_equal(part.offset[i] % group[i], 0);
        assert_true(i == 0 || part.global[i] / group[i] <= MOST_GROUPS);
    }
    parts[launches < MOST_PARTS ? launches : MOST_PARTS - 1] = part;
    cl_program program = NULL;
    options[0] = '\0';
    clGetKernelInfo(kernel, CL_KERNEL_PROGRAM, sizeof program, &program, NULL);
    clGetProgramBuildInfo(program, ((struct cl_device *)device)->id, CL_PROGRAM_BUILD_OPTIONS,
                          sizeof options, options, NULL);
    launches++;
    return CL_SUCCESS;
}

static inline void forget_launches(void) {
    launches = 0;
    names[0] = '\0';
}

static inline void be_cpu(int float_width, int compute_units) {
    struct cl_traits *traits = &((struct cl_device *)device)->traits;
    traits->is_cpu = true;
    traits->is_gpu = false;
    traits->float_width = float_width;
    traits->compute_units = compute_units;
}

static inline void be_gpu(int compute_units) {
    struct cl_traits *traits = &((struct cl_device *)device)->traits;
    traits->is_cpu = false;
    traits->is_gpu = true;
    traits->float_width = 1;
    traits->compute_units = compute_units;
}

static inline void expect_names(const char *expected) {
    assert_string_equal(names, expected);
    forget_launches();
}

static inline int run_written(const struct CMUnitTest *tests, size_t count) {
    enum { ELEMENTS = 1024 };
    minrnn_buffer *buffer = NULL;
    if (open_opencl_device(&device) || minrnn_buffer_create(device, ELEMENTS * 4, &buffer)) {
        print_error("%s\n", minrnn_error_text());
        return 1;
    }
    small.buffer = buffer;
    context = (struct op_context){.device = device, .scratch = small, .scratch_bytes = INT64_MAX};
    const int failed = _cmocka_run_group_tests("tests", tests, count, NULL, NULL);
    minrnn_buffer_destroy(buffer);
    minrnn_device_destroy(device);
    return failed;
}

#endif
