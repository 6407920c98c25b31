/* SPDX-License-Identifier: Apache-2.0 */
/* Kernels that take smaller work-groups than their device, as when registers run out. Drivers say
 * so by the kernel's limit; or the program does not build; or it has no such kernel. Every op has
 * to find work-groups that fit, and to compute the same. The driver's answers are made here (the
 * linker's --wrap), as is its refusal of work-groups that are too large. */
#include <minrnn/check.h>

#include "base/status.h"
#include "op/op.h"
#include "opencl/launch.h"
#include "opencl_device.h"
#include "wrapped.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static enum way { BY_LIMIT, BY_BUILD, BY_KERNEL } way;
static size_t most; /* work-items of a work-group */
static cl_int refusal;
static int launches, builds, refused;
static int programs, kernels; /* held */

cl_int __real_clGetKernelWorkGroupInfo(cl_kernel kernel, cl_device_id id,
                                       cl_kernel_work_group_info what, size_t capacity, void *value,
                                       size_t *bytes);
cl_int __wrap_clGetKernelWorkGroupInfo(cl_kernel kernel, cl_device_id id,
                                       cl_kernel_work_group_info what, size_t capacity, void *value,
                                       size_t *bytes);

cl_int __wrap_clGetKernelWorkGroupInfo(cl_kernel kernel, cl_device_id id,
                                       cl_kernel_work_group_info what, size_t capacity, void *value,
                                       size_t *bytes) {
    const cl_int code = __real_clGetKernelWorkGroupInfo(kernel, id, what, capacity, value, bytes);
    if (code == CL_SUCCESS && what == CL_KERNEL_WORK_GROUP_SIZE && value && way == BY_LIMIT) {
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
    return way == BY_LIMIT && items > most
               ? CL_INVALID_WORK_GROUP_SIZE
               : __real_clEnqueueNDRangeKernel(queue, kernel, dimensions, offset, global, local,
                                               wait_count, waits, event);
}

/* ---- programs and kernels ---- */

cl_program __real_clCreateProgramWithSource(cl_context context, cl_uint count, const char **texts,
                                            const size_t *lengths, cl_int *code);
cl_program __wrap_clCreateProgramWithSource(cl_context context, cl_uint count, const char **texts,
                                            const size_t *lengths, cl_int *code);
cl_int __real_clReleaseProgram(cl_program program);
cl_int __wrap_clReleaseProgram(cl_program program);
cl_int __real_clReleaseKernel(cl_kernel kernel);
cl_int __wrap_clReleaseKernel(cl_kernel kernel);

cl_program __wrap_clCreateProgramWithSource(cl_context context, cl_uint count, const char **texts,
                                            const size_t *lengths, cl_int *code) {
    cl_program program = __real_clCreateProgramWithSource(context, count, texts, lengths, code);
    programs += program != NULL;
    return program;
}

cl_int __wrap_clReleaseProgram(cl_program program) {
    programs--;
    return __real_clReleaseProgram(program);
}

static size_t option(const char *options, const char *name) {
    const char *found = strstr(options, name);
    return found ? strtoul(found + strlen(name), NULL, 10) : 1;
}

/* Work-items of the group that a program is built for. */
static size_t group_of(const char *options) {
    if (strstr(options, "-DKERNEL_scan_tile ")) {
        return option(options, "-DLANES=") * option(options, "-DROWS=");
    }
    if (strstr(options, "-DKERNEL_gemm_rows ")) {
        return option(options, "-DLANES=");
    }
    return option(options, "-DROW_ITEMS=") * option(options, "-DROW_GROUPS=") *
           option(options, "-DCOLUMN_ITEMS=") * option(options, "-DSLICES=") *
           option(options, "-DLANES_M=") * option(options, "-DLANES_N=");
}

cl_int __wrap_clBuildProgram(cl_program program, cl_uint count, const cl_device_id *ids,
                             const char *options, void(CL_CALLBACK *notify)(cl_program, void *),
                             void *user) {
    builds++;
    if (way == BY_BUILD && group_of(options) > most) {
        refused++;
        return refusal;
    }
    return __real_clBuildProgram(program, count, ids, options, notify, user);
}

cl_kernel __wrap_clCreateKernel(cl_program program, const char *name, cl_int *code) {
    static char options[4096];
    cl_device_id id = NULL;
    (void)clGetProgramInfo(program, CL_PROGRAM_DEVICES, sizeof(cl_device_id), &id, NULL);
    assert_int_equal(
        clGetProgramBuildInfo(program, id, CL_PROGRAM_BUILD_OPTIONS, sizeof options, options, NULL),
        CL_SUCCESS);
    if (way == BY_KERNEL && group_of(options) > most) {
        refused++;
        *code = refusal;
        return NULL;
    }
    cl_kernel kernel = __real_clCreateKernel(program, name, code);
    kernels += kernel != NULL;
    return kernel;
}

cl_int __wrap_clReleaseKernel(cl_kernel kernel) {
    kernels--;
    return __real_clReleaseKernel(kernel);
}

/* ---- ops ---- */

static void on_check(void *user, const minrnn_check_result *result) {
    (void)user;
    if (result->failures > 0) {
        print_error("%s: %s\n", result->op, result->failure);
    }
}

/* A device that is a GPU to the rules. */
static minrnn_device *open_gpu(void) {
    minrnn_device *device = NULL;
    launches = builds = refused = 0;
    assert_int_equal(open_opencl_device(&device), MINRNN_OK);
    struct cl_traits *traits = &((struct cl_device *)device)->traits;
    traits->is_cpu = false;
    traits->is_gpu = true;
    traits->float_width = 1;
    traits->nontemporal = false;
    return device;
}

static void expect_nothing_held(void) {
    assert_int_equal(programs, 0);
    assert_int_equal(kernels, 0);
}

/* An op in work-groups of at most `limit`. A device of its own: one keeps its kernels, and with
 * them the answer. */
static void check_limit(size_t limit, const char *op) {
    minrnn_check_config config;
    int failures = 0;
    most = limit;
    minrnn_device *device = open_gpu();
    minrnn_check_config_defaults(&config);
    config.small = true;
    config.op = op;
    assert_int_equal(minrnn_validate(device, &config, on_check, NULL, &failures), MINRNN_OK);
    minrnn_device_destroy(device);
    assert_int_equal(failures, 0);
    assert_true(launches > 0);
    assert_true(way == BY_LIMIT || refused > 0);
    expect_nothing_held();
}

static void test_rows_of_a_tile(void **state) {
    (void)state;
    way = BY_LIMIT;
    check_limit(64, "scan_forward");
    check_limit(32, "scan_backward");
    check_limit(5, "scan_forward"); /* less than a row's lanes */
}

static void test_powers(void **state) {
    (void)state;
    static const char *const ops[] = {
        "g_forward",     "conv_forward",    "conv_backward",    "gemm",
        "column_sum",    "rmsnorm_forward", "rmsnorm_backward", "geglu_forward",
        "embed_forward", "embed_backward",  "cross_entropy",    "sum"};
    static const size_t limits[] = {64, 5, 1};
    way = BY_LIMIT;
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        for (size_t j = 0; j < sizeof ops / sizeof *ops; j++) {
            check_limit(limits[i], ops[j]);
        }
    }
}

static void test_builds_and_kernels(void **state) {
    (void)state;
    static const char *const ops[] = {"scan_forward",     "scan_backward", "gemm",
                                      "dense_gradients",  "column_sum",    "embed_backward",
                                      "rmsnorm_backward", "cross_entropy", "sum"};
    static const struct {
        enum way way;
        cl_int refusal;
    } ways[] = {{BY_BUILD, CL_BUILD_PROGRAM_FAILURE},
                {BY_KERNEL, CL_OUT_OF_HOST_MEMORY}, /* as Adreno says it */
                {BY_KERNEL, CL_INVALID_KERNEL}};    /* as Apple does */
    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++) {
        way = ways[i % 3].way;
        refusal = ways[i % 3].refusal;
        check_limit(5, ops[i]);
        way = ways[(i + 1) % 3].way;
        refusal = ways[(i + 1) % 3].refusal;
        check_limit(8, ops[i]);
    }
}

/* ---- one op, looked at closely ---- */

static minrnn_buffer *buffer;

/* 64 work-items a row, 256 a work-group. */
static minrnn_status norm(minrnn_device *device) {
    struct op_context context = {.device = device};
    const minrnn_tensor x = tensor_f32(buffer, 0);
    return OP(rmsnorm_forward, &context, .rows = 1, .width = 64, .epsilon = 1, .x = x, .gain = x,
              .y = tensor_f32(buffer, 64), .inverse = tensor_f32(buffer, 128));
}

static minrnn_device *open_for_norm(enum way by, cl_int code, size_t limit) {
    way = by;
    refusal = code;
    most = limit;
    minrnn_device *device = open_gpu();
    assert_int_equal(minrnn_buffer_create(device, 1024, &buffer), MINRNN_OK);
    return device;
}

static void close_after_norm(minrnn_device *device) {
    minrnn_buffer_destroy(buffer);
    minrnn_device_destroy(device);
    expect_nothing_held();
}

/* A refusal is asked for once, and leaves no words behind. */
static void test_refusals_are_remembered(void **state) {
    (void)state;
    for (int by = BY_BUILD; by <= BY_KERNEL; by++) {
        minrnn_device *device = open_for_norm((enum way)by, CL_BUILD_PROGRAM_FAILURE, 8);
        error_text_set("an earlier failure");
        assert_int_equal(norm(device), MINRNN_OK);
        assert_string_equal(minrnn_error_text(), "an earlier failure");
        assert_int_equal(refused, 5); /* 256 to 16 */
        const int built = builds;
        assert_int_equal(norm(device), MINRNN_OK);
        assert_int_equal(refused, 5);
        assert_int_equal(builds, built);
        most = 256; /* and the size stays, as does the order of sums */
        assert_int_equal(norm(device), MINRNN_OK);
        assert_int_equal(builds, built);
        close_after_norm(device);
    }
}

/* If no size is right, the driver's first words are the error; the next call asks anew. */
static void test_nothing_fits(void **state) {
    (void)state;
    minrnn_device *device = open_for_norm(BY_BUILD, CL_BUILD_PROGRAM_FAILURE, 0);
    for (int i = 1; i <= 2; i++) {
        assert_int_equal(norm(device), MINRNN_BUILD_ERROR);
        assert_non_null(strstr(minrnn_error_text(), "-DROW_ITEMS=64"));
        assert_int_equal(refused, 9 * i); /* 256 to 1 */
    }
    expect_nothing_held();
    most = 256;
    assert_int_equal(norm(device), MINRNN_OK);
    assert_true(builds > 2 * 9);
    close_after_norm(device);
    device = open_for_norm(BY_KERNEL, CL_OUT_OF_RESOURCES, 0);
    assert_int_equal(norm(device), MINRNN_DEVICE_ERROR);
    assert_non_null(strstr(minrnn_error_text(), "clCreateKernel failed: CL_OUT_OF_RESOURCES"));
    close_after_norm(device);
}

/* What no size would help is not asked twice. */
static void test_other_failures(void **state) {
    (void)state;
    static const cl_int codes[] = {CL_OUT_OF_HOST_MEMORY, CL_COMPILER_NOT_AVAILABLE,
                                   CL_INVALID_BUILD_OPTIONS};
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        minrnn_device *device = open_for_norm(BY_BUILD, codes[i], 8);
        assert_int_equal(norm(device), MINRNN_BUILD_ERROR);
        assert_int_equal(refused, 1);
        close_after_norm(device);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_of_a_tile),     cmocka_unit_test(test_powers),
        cmocka_unit_test(test_builds_and_kernels), cmocka_unit_test(test_refusals_are_remembered),
        cmocka_unit_test(test_nothing_fits),       cmocka_unit_test(test_other_failures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
