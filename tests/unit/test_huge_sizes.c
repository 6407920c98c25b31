/* Sizes around 2^31, where the arithmetic of kernels and of CLBlast ends. No memory is that large
 * here: what is launched is only counted (the linker's --wrap). */
#include <minrnn/device.h>

#include "op/op.h"
#include "opencl/backend.h"
#include "opencl/gemm.h"
#include "opencl_device.h"

#ifdef MINRNN_HAVE_CLBLAST
#include <clblast_c.h>
#endif

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static minrnn_device *device;
static struct op_context context;
static minrnn_tensor small; /* in place of every tensor */
static int launches, products;

cl_int __wrap_clEnqueueNDRangeKernel(cl_command_queue queue, cl_kernel kernel, cl_uint dimensions,
                                     const size_t *offset, const size_t *global,
                                     const size_t *local, cl_uint wait_count, const cl_event *waits,
                                     cl_event *event);

cl_int __wrap_clEnqueueNDRangeKernel(cl_command_queue queue, cl_kernel kernel, cl_uint dimensions,
                                     const size_t *offset, const size_t *global,
                                     const size_t *local, cl_uint wait_count, const cl_event *waits,
                                     cl_event *event) {
    (void)queue, (void)kernel, (void)dimensions, (void)offset, (void)global, (void)local;
    (void)wait_count, (void)waits, (void)event;
    launches++;
    return CL_SUCCESS;
}

/* ---- the scan: each size fits in 31 bits ---- */

static minrnn_status forward(minrnn_scan_run run, int64_t batch, int64_t time, int64_t width) {
    const struct scan_forward_args args = {.batch = batch,
                                           .time = time,
                                           .width = width,
                                           .run = run,
                                           .x = small,
                                           .b = small,
                                           .h = small};
    return opencl_ops.scan_forward.run(&context, &args);
}

static minrnn_status backward(minrnn_scan_run run, int64_t batch, int64_t time, int64_t width) {
    const struct scan_backward_args args = {.batch = batch,
                                            .time = time,
                                            .width = width,
                                            .run = run,
                                            .x = small,
                                            .b = small,
                                            .h = small,
                                            .dh = small,
                                            .dx = small,
                                            .db = small};
    return opencl_ops.scan_backward.run(&context, &args);
}

typedef minrnn_status (*scan_pass)(minrnn_scan_run run, int64_t batch, int64_t time, int64_t width);

static void expect_scan(scan_pass pass, int64_t batch, int64_t time, int64_t width, bool runs) {
    launches = 0;
    const minrnn_status status = pass(MINRNN_RUN_SERIAL, batch, time, width);
    if (status != (runs ? MINRNN_OK : MINRNN_UNSUPPORTED)) {
        fail_msg("batch %lld, time %lld, width %lld: %s", (long long)batch, (long long)time,
                 (long long)width, status ? minrnn_error_text() : "runs");
    }
    assert_int_equal(launches > 0, runs);
    assert_true(runs || strstr(minrnn_error_text(), "31 bits"));
}

static void test_scan(void **state) {
    (void)state;
    const scan_pass passes[] = {forward, backward};
    for (int i = 0; i < 2; i++) {
        expect_scan(passes[i], INT32_MAX, 1, 1, true);
        expect_scan(passes[i], INT32_MAX + 1ll, 1, 1, false);
        expect_scan(passes[i], 1, INT32_MAX, 1, true);
        expect_scan(passes[i], 1, INT32_MAX + 1ll, 1, false);
        expect_scan(passes[i], 1, 1, INT32_MAX, true);
        expect_scan(passes[i], 1, 1, INT32_MAX + 1ll, false);
    }
}

/* ---- products: in launches that are long, but end ---- */

static void test_group_launches(void **state) {
    (void)state;
    const struct gemm_args args = {
        .m = 8, .n = 8, .k = 1 << 20, .a = small, .b = small, .c = small};
    launches = 0;
    assert_int_equal(gemm_group.run(&context, &args), MINRNN_OK);
    assert_in_range(launches, 4, 16); /* groups of 16 x 16 to 4 x 4 */
}

/* ---- the product: CLBlast's where each matrix ends within an int's reach ---- */

#ifdef MINRNN_HAVE_CLBLAST

CLBlastStatusCode __wrap_CLBlastSgemmWithTempBuffer(
    CLBlastLayout layout, CLBlastTranspose a_transpose, CLBlastTranspose b_transpose, size_t m,
    size_t n, size_t k, float alpha, cl_mem a, size_t a_offset, size_t a_stride, cl_mem b,
    size_t b_offset, size_t b_stride, float beta, cl_mem c, size_t c_offset, size_t c_stride,
    cl_command_queue *queue, cl_event *event, cl_mem temporary);

CLBlastStatusCode __wrap_CLBlastSgemmWithTempBuffer(
    CLBlastLayout layout, CLBlastTranspose a_transpose, CLBlastTranspose b_transpose, size_t m,
    size_t n, size_t k, float alpha, cl_mem a, size_t a_offset, size_t a_stride, cl_mem b,
    size_t b_offset, size_t b_stride, float beta, cl_mem c, size_t c_offset, size_t c_stride,
    cl_command_queue *queue, cl_event *event, cl_mem temporary) {
    (void)layout, (void)a_transpose, (void)b_transpose, (void)m, (void)n, (void)k, (void)alpha;
    (void)a, (void)a_offset, (void)a_stride, (void)b, (void)b_offset, (void)b_stride, (void)beta;
    (void)c, (void)c_offset, (void)c_stride, (void)queue, (void)event, (void)temporary;
    products++;
    return CLBlastSuccess;
}

static void expect_product(struct gemm_args args, bool by_clblast) {
    launches = products = 0;
    if (gemm_clblast.run(&context, &args) != MINRNN_OK) {
        fail_msg("%s", minrnn_error_text());
    }
    assert_int_equal(products, by_clblast);
    assert_int_equal(launches > 0, !by_clblast);
}

static void test_product(void **state) {
    (void)state;
    enum { HALF = 1 << 15, FULL = 1 << 16 };
    const int64_t sizes[][3] = {{FULL, 1, HALF}, {1, FULL, HALF}, {FULL, HALF, 1}};
    struct gemm_args args = {.a = small, .b = small, .c = small};
    for (int i = 0; i < 3; i++) {
        args.m = sizes[i][0], args.n = sizes[i][1], args.k = sizes[i][2];
        expect_product(args, false);
        args.m -= args.m == FULL, args.n -= args.n == FULL;
        expect_product(args, true);
    }
    args.m = args.n = 1, args.k = INT32_MAX;
    expect_product(args, true);
    args.a.offset = 1; /* no view can begin there */
    expect_product(args, false);
    args.a.offset = 0, args.b.offset = 1;
    expect_product(args, false);
}

#endif

int main(void) {
    enum { ELEMENTS = 1024 };
    minrnn_buffer *buffer = NULL;
    if (open_opencl_device(&device) || minrnn_buffer_create(device, ELEMENTS * 4, &buffer)) {
        print_error("%s\n", minrnn_error_text());
        return 1;
    }
    small.buffer = buffer;
    context = (struct op_context){.device = device, .scratch = small, .scratch_bytes = INT64_MAX};
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scan),
        cmocka_unit_test(test_group_launches),
#ifdef MINRNN_HAVE_CLBLAST
        cmocka_unit_test(test_product),
#endif
    };
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    minrnn_buffer_destroy(buffer);
    minrnn_device_destroy(device);
    return failed;
}
