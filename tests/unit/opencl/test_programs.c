/* SPDX-License-Identifier: Apache-2.0 */
/* Every program holds one kernel, which is made once and launched: what models need to train and to
 * evaluate, on a CPU and as on a GPU (the linker's --wrap). */
#include "opencl/launch.h"
#include "unit/train/training.h"
#include "wrapped.h"

enum { MOST_KERNELS = 256, BATCH = 3, TIME = 40, ROWS = BATCH * TIME };

static int builds, count;
static cl_kernel kernels[MOST_KERNELS];
static bool launched[MOST_KERNELS];

cl_int __wrap_clBuildProgram(cl_program program, cl_uint devices, const cl_device_id *ids,
                             const char *options, void(CL_CALLBACK *notify)(cl_program, void *),
                             void *user) {
    const cl_int code = __real_clBuildProgram(program, devices, ids, options, notify, user);
    size_t held = 0;
    assert_int_equal(code, CL_SUCCESS);
    assert_int_equal(clGetProgramInfo(program, CL_PROGRAM_NUM_KERNELS, sizeof held, &held, NULL),
                     CL_SUCCESS);
    if (held != 1) {
        fail_msg("%zu kernels: %s", held, options);
    }
    builds++;
    return code;
}

cl_kernel __wrap_clCreateKernel(cl_program program, const char *name, cl_int *code) {
    cl_kernel kernel = __real_clCreateKernel(program, name, code);
    assert_non_null(kernel);
    assert_true(count < MOST_KERNELS);
    kernels[count++] = kernel;
    return kernel;
}

cl_int __wrap_clEnqueueNDRangeKernel(cl_command_queue queue, cl_kernel kernel, cl_uint dimensions,
                                     const size_t *offset, const size_t *global,
                                     const size_t *local, cl_uint wait_count, const cl_event *waits,
                                     cl_event *event) {
    for (int i = 0; i < count; i++) {
        launched[i] |= kernels[i] == kernel;
    }
    return __real_clEnqueueNDRangeKernel(queue, kernel, dimensions, offset, global, local,
                                         wait_count, waits, event);
}

/* A step, and an evaluation. */
static void take_step(minrnn_device *device, int variant) {
    int32_t tokens[ROWS];
    struct support_random random = {1};
    const minrnn_model_config config = model_variant(variant);
    const minrnn_trainer_config training = trainer_config(BATCH, TIME);
    minrnn_model *model = model_make(device, &config);
    minrnn_trainer *trainer = trainer_make(model, &training);
    double loss = 0;
    int64_t predicted = 0;
    random_tokens(&random, tokens, ROWS);
    CHECK(support_step(trainer, tokens, tokens, NULL, NULL));
    assert_true(isfinite(take_record(trainer).loss));
    CHECK(support_evaluate(trainer, tokens, tokens, NULL, &loss, &predicted));
    minrnn_trainer_destroy(trainer);
    minrnn_model_destroy(model);
}

static void expect_one_kernel_each(bool as_gpu, int variant, int other) {
    builds = count = 0;
    memset(launched, 0, sizeof launched);
    minrnn_device *device = support_open_device();
    struct cl_traits *traits = &((struct cl_device *)device)->traits;
    if (as_gpu) {
        traits->is_cpu = false;
        traits->is_gpu = true;
        traits->float_width = 1;
        traits->nontemporal = false;
    }
    take_step(device, variant);
    take_step(device, other);
    assert_true(count > 30);
    assert_int_equal(builds, count);
    for (int i = 0; i < count; i++) {
        if (!launched[i]) {
            char name[64] = "";
            clGetKernelInfo(kernels[i], CL_KERNEL_FUNCTION_NAME, sizeof name, name, NULL);
            fail_msg("%s is built, and not launched", name);
        }
    }
    minrnn_device_destroy(device);
}

static void test_cpu(void **state) {
    (void)state;
    expect_one_kernel_each(false, 2, 6);
}

static void test_gpu(void **state) {
    (void)state;
    expect_one_kernel_each(true, 4, 7);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_cpu), cmocka_unit_test(test_gpu)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
