/* SPDX-License-Identifier: Apache-2.0 */
/* The OpenCL backend's core: buffers, programs, launches, threads, and every way to multiply
 * matrices.
 */
#include "base/alloc.h"
#include "base/status.h"
#include "opencl/gemm.h"
#include "opencl/source.h"
#include "opencl_device.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define MUST(call)                                                                                 \
    do {                                                                                           \
        if ((call) != MINRNN_OK) {                                                                 \
            fail_msg("%s: %s", #call, minrnn_error_text());                                        \
        }                                                                                          \
    } while (0)

static int open_device(void **state) {
    minrnn_device *device = NULL;
    MUST(open_opencl_device(&device));
    *state = device;
    return 0;
}

static int close_device(void **state) {
    assert_int_equal(minrnn_device_allocated(*state), 0);
    minrnn_device_destroy(*state);
    return 0;
}

/* ---- buffers ---- */

static void test_transfer(void **state) {
    minrnn_buffer *buffer = NULL;
    const float in[4] = {1, 2, 3, 4};
    float out[4] = {0};
    MUST(minrnn_buffer_create(*state, sizeof in, &buffer));
    MUST(tensor_write(tensor_f32(buffer, 0), in, 4, false));
    MUST(tensor_read(tensor_f32(buffer, 1), out, 3, true));
    assert_memory_equal(out, in + 1, 3 * sizeof(float));
    minrnn_buffer_destroy(buffer);
}

static void test_fence(void **state) {
    minrnn_device *device = *state;
    minrnn_buffer *buffer = NULL;
    struct fence fence = {0};
    const float in = 7;
    float out = 0;
    MUST(minrnn_buffer_create(device, sizeof in, &buffer));
    MUST(tensor_write(tensor_f32(buffer, 0), &in, 1, false));
    MUST(tensor_read(tensor_f32(buffer, 0), &out, 1, false));
    MUST(device->backend->fence_set(device, &fence));
    assert_non_null(fence.event);
    MUST(device->backend->fence_wait(device, &fence));
    assert_null(fence.event);
    assert_true(out == in && fence.passed > 0);
    MUST(device->backend->fence_wait(device, &fence));
    /* Set again, it has to pass again; looking does not wait, and in the end sees it. */
    const double before = fence.passed;
    MUST(device->backend->fence_set(device, &fence));
    assert_true(!(fence.passed > 0));
    while (!(fence.passed > 0)) {
        device->backend->fence_look(&fence);
    }
    assert_true(fence.passed > before);
    const double seen = fence.passed;
    MUST(device->backend->fence_wait(device, &fence));
    assert_true(fence.passed == seen);
    minrnn_buffer_destroy(buffer);
}

/* ---- what the device says of itself ---- */

static void assert_text(cl_device_id id, cl_device_info what, const char *text) {
    char expected[1024] = "";
    assert_int_equal(clGetDeviceInfo(id, what, sizeof expected, expected, NULL), CL_SUCCESS);
    assert_string_not_equal(text, "");
    assert_string_equal(text, expected);
}

static void test_description(void **state) {
    const cl_device_id id = ((const struct cl_device *)*state)->id;
    minrnn_device_info info;
    MUST(minrnn_device_describe(*state, &info));
    assert_text(id, CL_DEVICE_NAME, info.name);
    assert_text(id, CL_DRIVER_VERSION, info.driver);
    assert_text(id, CL_DEVICE_VERSION, info.opencl);
    cl_platform_id platform = NULL;
    char name[1024] = "", version[1024] = "";
    MUST(clGetDeviceInfo(id, CL_DEVICE_PLATFORM, sizeof platform, &platform, NULL));
    MUST(clGetPlatformInfo(platform, CL_PLATFORM_NAME, sizeof name, name, NULL));
    MUST(clGetPlatformInfo(platform, CL_PLATFORM_VERSION, sizeof version, version, NULL));
    assert_string_equal(info.platform, name);
    assert_string_equal(info.platform_version, version);
    cl_device_type type = 0;
    cl_uint units = 0;
    cl_ulong memory = 0, most = 0;
    MUST(clGetDeviceInfo(id, CL_DEVICE_TYPE, sizeof type, &type, NULL));
    MUST(clGetDeviceInfo(id, CL_DEVICE_MAX_COMPUTE_UNITS, sizeof units, &units, NULL));
    MUST(clGetDeviceInfo(id, CL_DEVICE_GLOBAL_MEM_SIZE, sizeof memory, &memory, NULL));
    MUST(clGetDeviceInfo(id, CL_DEVICE_MAX_MEM_ALLOC_SIZE, sizeof most, &most, NULL));
    assert_true(info.is_opencl);
    assert_int_equal(info.is_gpu, (type & CL_DEVICE_TYPE_GPU) != 0);
    assert_int_equal(info.is_accelerator, (type & CL_DEVICE_TYPE_ACCELERATOR) != 0);
    assert_int_equal(info.compute_units, units);
    assert_int_equal(info.memory_bytes, memory);
    assert_int_equal(info.max_allocation_bytes, most);
    assert_true(info.kernels != 0);
}

static void test_too_large(void **state) {
    minrnn_device_info info;
    minrnn_buffer *buffer = NULL;
    MUST(minrnn_device_describe(*state, &info));
    assert_int_equal(minrnn_buffer_create(*state, info.max_allocation_bytes + 4, &buffer),
                     MINRNN_OUT_OF_MEMORY);
    assert_null(buffer);
    assert_non_null(strstr(minrnn_error_text(), "CL_DEVICE_MAX_MEM_ALLOC_SIZE"));
}

/* ---- programs and launches ---- */

static void test_build_error_names_the_file(void **state) {
    struct kernel *kernel = NULL;
    const struct program_spec spec = {.files = {"prelude.cl", "gemm_tile.cl"},
                                      .kernel = "gemm_tile",
                                      .options = "-DTILE_ROWS=undeclared_rows"};
    assert_int_equal(kernel_get(*state, &spec, &kernel), MINRNN_BUILD_ERROR);
    assert_null(kernel);
    assert_non_null(strstr(minrnn_error_text(), "gemm_tile.cl"));
    assert_non_null(strstr(minrnn_error_text(), "undeclared_rows"));
}

static void test_unknown_names(void **state) {
    struct kernel *kernel = NULL;
    const struct program_spec no_file = {.files = {"prelude.cl", "nothing.cl"},
                                         .kernel = "gemm_tile"};
    const struct program_spec spec = {.files = {"prelude.cl", "gemm_tile.cl"},
                                      .kernel = "no_kernel"};
    assert_int_equal(kernel_get(*state, &no_file, &kernel), MINRNN_BUILD_ERROR);
    assert_non_null(strstr(minrnn_error_text(), "nothing.cl"));
    assert_int_equal(kernel_get(*state, &spec, &kernel), MINRNN_DEVICE_ERROR);
    assert_non_null(strstr(minrnn_error_text(), "CL_INVALID_KERNEL_NAME"));
    assert_non_null(strstr(minrnn_error_text(), "no_kernel"));
}

static void test_as_many_files_as_there_may_be(void **state) {
    (void)state;
    struct program_spec spec = {.options = "no file"};
    char *source = NULL;
    for (int i = 0; i < PROGRAM_MAX_FILES; i++) {
        spec.files[i] = i == PROGRAM_MAX_FILES - 1 ? "span.cl" : "prelude.cl";
    }
    MUST(source_compose(&spec, &source));
    const char *last = strstr(source, "span.cl\"");
    assert_non_null(last);
    assert_null(strstr(last, "prelude.cl\""));
    mem_free(source);
}

static void test_launch_errors_name_the_kernel(void **state) {
    struct cl_device *device = *state;
    struct kernel *kernel = NULL, *again = NULL;
    const struct program_spec spec = {.files = {"prelude.cl", "gemm_reduce.cl"},
                                      .kernel = "gemm_reduce"};
    MUST(kernel_get(device, &spec, &kernel));
    MUST(kernel_get(device, &spec, &again));
    assert_ptr_equal(kernel, again);
    const size_t too_many = device->traits.max_work_group * 2;
    const struct launch_range range = {.global = {too_many}, .local = {too_many}};
    const minrnn_tensor none = {0};
    assert_int_equal(LAUNCH(device, kernel, &range, ARG_TENSOR(none), ARG_TENSOR(none), ARG_LONG(0),
                            ARG_LONG(0), ARG_LONG(0), ARG_LONG(0), ARG_INT(0), ARG_INT(0)),
                     MINRNN_DEVICE_ERROR);
    assert_non_null(strstr(minrnn_error_text(), "gemm_reduce"));
    assert_non_null(strstr(minrnn_error_text(), "clEnqueueNDRangeKernel"));
    assert_int_equal(LAUNCH(device, kernel, &range, ARG_INT(0)), MINRNN_DEVICE_ERROR);
    assert_non_null(strstr(minrnn_error_text(), "clSetKernelArg"));
}

/* ---- matrix products ---- */

/* Elements before and after a matrix: odd, so that nothing is aligned, or enough for any driver's
 * sub-buffers. */
enum { ODD_MARGIN = 5, ALIGNED_MARGIN = 1024 };

/* A matrix of random numbers in (-1, 1) between two margins of NaN. */
static float *random_matrix(int64_t elements, int64_t margin, uint32_t seed) {
    float *matrix = mem_alloc((size_t)(elements + 2 * margin), sizeof *matrix);
    assert_non_null(matrix);
    for (int64_t i = 0; i < elements + 2 * margin; i++) {
        seed = seed * 1664525u + 1013904223u;
        matrix[i] =
            i < margin || i >= margin + elements ? NAN : (float)(seed >> 8) * 0x1p-23f - 1.0f;
    }
    return matrix;
}

static minrnn_tensor upload(minrnn_device *device, const float *matrix, int64_t elements,
                            int64_t margin) {
    minrnn_buffer *buffer = NULL;
    const int64_t count = elements + 2 * margin;
    MUST(minrnn_buffer_create(device, (uint64_t)count * sizeof(float), &buffer));
    MUST(tensor_write(tensor_f32(buffer, 0), matrix, count, true));
    return tensor_f32(buffer, margin);
}

/* One element in double precision, and the sum of absolute products that bounds its error. */
static double exact(const struct gemm_args *args, const float *a, const float *b, const float *c,
                    int64_t row, int64_t column, double *magnitude) {
    double sum = args->accumulate ? (double)c[row * args->n + column] : 0;
    *magnitude = fabs(sum);
    for (int64_t step = 0; step < args->k; step++) {
        const double product =
            (double)a[args->transpose_a ? step * args->m + row : row * args->k + step] *
            (double)b[args->transpose_b ? column * args->k + step : step * args->n + column];
        sum += product;
        *magnitude += fabs(product);
    }
    return sum;
}

static void check_product(const struct gemm_args *args, int64_t margin, const float *a,
                          const float *b, const float *before, const float *after) {
    for (int64_t i = 0; i < margin; i++) {
        if (!isnan(after[i]) || !isnan(after[margin + args->m * args->n + i])) {
            fail_msg("m %d n %d k %d: wrote outside of c", (int)args->m, (int)args->n,
                     (int)args->k);
        }
    }
    for (int64_t row = 0; row < args->m; row++) {
        for (int64_t column = 0; column < args->n; column++) {
            double magnitude;
            const double value =
                exact(args, a + margin, b + margin, before + margin, row, column, &magnitude);
            const double error = fabs((double)after[margin + row * args->n + column] - value);
            /* k + 1 roundings, each of at most half a unit in the last place of the sum so far */
            if (!(error <= (double)(args->k + 1) * 0x1p-24 * magnitude)) {
                fail_msg("m %d n %d k %d transpose %d %d accumulate %d: c[%d, %d] is off by %g",
                         (int)args->m, (int)args->n, (int)args->k, args->transpose_a,
                         args->transpose_b, args->accumulate, (int)row, (int)column, error);
            }
        }
    }
}

static void try_product(minrnn_device *device, const struct gemm_way *way, int64_t margin,
                        struct gemm_args args) {
    const int64_t a_count = args.m * args.k, b_count = args.k * args.n, c_count = args.m * args.n;
    float *a = random_matrix(a_count, margin, 1);
    float *b = random_matrix(b_count, margin, 2);
    float *before = random_matrix(c_count, margin, 3);
    float *after = mem_alloc((size_t)(c_count + 2 * margin), sizeof *after);
    if (!args.accumulate) {
        before[margin] = NAN; /* must be overwritten, not multiplied by 0 */
    }
    args.a = upload(device, a, a_count, margin);
    args.b = upload(device, b, b_count, margin);
    args.c = upload(device, before, c_count, margin);
    args = gemm_of_batch(&args, 0);
    struct op_context context = {.device = device};
    context.scratch_bytes = way->scratch((const struct cl_device *)device, &args);
    if (context.scratch_bytes > 0) {
        minrnn_buffer *scratch = NULL;
        MUST(
            minrnn_buffer_create(device, (uint64_t)(context.scratch_bytes + 4 * margin), &scratch));
        context.scratch = tensor_f32(scratch, margin);
    }
    MUST(way->run(&context, &args));
    MUST(tensor_read(tensor_at(args.c, -margin), after, c_count + 2 * margin, true));
    check_product(&args, margin, a, b, before, after);
    minrnn_buffer_destroy(args.a.buffer);
    minrnn_buffer_destroy(args.b.buffer);
    minrnn_buffer_destroy(args.c.buffer);
    minrnn_buffer_destroy(context.scratch.buffer);
    mem_free(a);
    mem_free(b);
    mem_free(before);
    mem_free(after);
}

static const int64_t shapes[][3] = {
    /* m, n, k */
    {1, 1, 1},    {3, 5, 7},     {8, 48, 16},  {9, 49, 17},     {17, 97, 400},
    {65, 33, 31}, {33, 65, 129}, {8, 3, 2000}, {20, 24, 10000}, {130, 100, 1},
};

static void try_all(void **state, const struct gemm_way *way) {
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        for (unsigned flags = 0; flags < 8; flags++) {
            try_product(*state, way, ODD_MARGIN,
                        (struct gemm_args){.m = shapes[i][0],
                                           .n = shapes[i][1],
                                           .k = shapes[i][2],
                                           .transpose_a = flags & 1,
                                           .transpose_b = flags & 2,
                                           .accumulate = flags & 4});
        }
    }
}

static void test_gemm_tile(void **state) {
    try_all(state, &gemm_tile);
}

/* The tile of processors with fewer registers, whatever this one has. */
static void test_gemm_tile_of_8(void **state) {
    struct cl_traits *traits = &((struct cl_device *)*state)->traits;
    const int width = traits->float_width;
    traits->float_width = 8;
    try_all(state, &gemm_tile);
    traits->float_width = width;
}

/* With few units, so that some k are split, and at margins where fours lie together and where not.
 */
static void test_gemm_group(void **state) {
    try_all(state, &gemm_group);
    for (int64_t margin = ODD_MARGIN; margin >= 0; margin = margin == ODD_MARGIN ? 16 : -1) {
        for (unsigned flags = 0; flags < 4; flags++) {
            try_product(*state, &gemm_group, margin,
                        (struct gemm_args){.m = 68,
                                           .n = 132,
                                           .k = 1036,
                                           .transpose_a = flags & 1,
                                           .transpose_b = flags & 2,
                                           .accumulate = flags == 2});
        }
    }
}

#ifdef MINRNN_HAVE_CLBLAST
static void test_gemm_clblast(void **state) {
    for (int i = 0; i < 4; i++) { /* what test_clblast is about takes long without optimisation */
        atomic_store(&((struct cl_device *)*state)->clblast[i], GEMM_RIGHT);
    }
    try_all(state, &gemm_clblast);
    /* large enough for the kernel with a temporary buffer, which it needs in the second case */
    try_product(*state, &gemm_clblast, ALIGNED_MARGIN,
                (struct gemm_args){.m = 512, .n = 512, .k = 640, .transpose_b = true});
    try_product(
        *state, &gemm_clblast, ODD_MARGIN,
        (struct gemm_args){.m = 510, .n = 440, .k = 900, .transpose_a = true, .accumulate = true});
}
#endif

static void test_gemm_rows(void **state) {
    struct cl_traits *traits = &((struct cl_device *)*state)->traits;
    const bool is_cpu = traits->is_cpu;
    for (int lanes = 0; lanes < 2; lanes++) {
        traits->is_cpu = lanes == 0; /* both forms of the kernel, whatever the device */
        for (int64_t rows = 1; rows <= GEMM_ROWS_MAX; rows++) {
            try_product(*state, &gemm_rows, ODD_MARGIN,
                        (struct gemm_args){.m = rows, .n = 9, .k = 150, .transpose_b = true});
            try_product(*state, &gemm_rows, ODD_MARGIN,
                        (struct gemm_args){
                            .m = rows, .n = 1, .k = 3, .transpose_b = true, .accumulate = true});
        }
    }
    traits->is_cpu = is_cpu;
}

/* ---- threads ---- */

struct work {
    minrnn_device *device;
    float factor;
    int wrong;
};

enum { THREADS = 3, ROUNDS = 40, SIDE = 24 };

/* Multiplies a matrix of ones by `factor` times one, again and again, on buffers of its own. */
static void *multiply_often(void *argument) {
    struct work *work = argument;
    enum { COUNT = SIDE * SIDE, SCRATCH = 1 << 20 };
    minrnn_buffer *buffer = NULL, *scratch = NULL;
    float a[2 * COUNT], c[COUNT];
    work->wrong = 1;
    if (minrnn_buffer_create(work->device, 3 * COUNT * sizeof(float), &buffer) ||
        minrnn_buffer_create(work->device, SCRATCH, &scratch)) {
        return NULL;
    }
    for (int i = 0; i < COUNT; i++) {
        a[i] = 1;
        a[COUNT + i] = work->factor;
    }
    minrnn_status status = tensor_write(tensor_f32(buffer, 0), a, 2 * COUNT, true);
    struct op_context context = {
        .device = work->device, .scratch = tensor_f32(scratch, 0), .scratch_bytes = SCRATCH};
    work->wrong = 0;
    for (int round = 0; round < ROUNDS && !status; round++) {
        status = OP(gemm, &context, .m = SIDE, .n = SIDE, .k = SIDE, .transpose_a = round % 2 == 1,
                    .a = tensor_f32(buffer, 0), .b = tensor_f32(buffer, COUNT),
                    .c = tensor_f32(buffer, 2 * COUNT));
        status = status ? status : tensor_read(tensor_f32(buffer, 2 * COUNT), c, COUNT, true);
        for (int i = 0; i < COUNT; i++) {
            work->wrong += c[i] == SIDE * work->factor ? 0 : 1;
        }
    }
    work->wrong += status != MINRNN_OK;
    minrnn_buffer_destroy(buffer);
    minrnn_buffer_destroy(scratch);
    return NULL;
}

static void test_threads_share_a_device(void **state) {
    pthread_t threads[THREADS];
    struct work work[THREADS];
    for (int i = 0; i < THREADS; i++) {
        work[i] = (struct work){.device = *state, .factor = (float)(i + 1)};
        assert_int_equal(pthread_create(&threads[i], NULL, multiply_often, &work[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(work[i].wrong, 0);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_transfer),
        cmocka_unit_test(test_fence),
        cmocka_unit_test(test_description),
        cmocka_unit_test(test_too_large),
        cmocka_unit_test(test_build_error_names_the_file),
        cmocka_unit_test(test_unknown_names),
        cmocka_unit_test(test_as_many_files_as_there_may_be),
        cmocka_unit_test(test_launch_errors_name_the_kernel),
        cmocka_unit_test(test_gemm_tile),
        cmocka_unit_test(test_gemm_tile_of_8),
        cmocka_unit_test(test_gemm_group),
        cmocka_unit_test(test_gemm_rows),
#ifdef MINRNN_HAVE_CLBLAST
        cmocka_unit_test(test_gemm_clblast),
#endif
        cmocka_unit_test(test_threads_share_a_device),
    };
    return cmocka_run_group_tests(tests, open_device, close_device);
}
