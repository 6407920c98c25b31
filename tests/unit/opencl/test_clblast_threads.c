/* SPDX-License-Identifier: Apache-2.0 */
/* CLBlast's caches are the process's: whatever devices and threads there are, no two of the
 * library's calls are in CLBlast at once. Two threads multiply on devices of their own, a third
 * opens devices and closes them, which clears the caches. The calls are made here (the linker's
 * --wrap, of each that the library makes) and compute nothing. They count who is inside in a plain
 * int: without the lock ThreadSanitizer sees a race, and others a count that is not 1. */
#include "clblast.h"
#include "op/op.h"
#include "opencl_device.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <time.h>

#include <cmocka.h>

enum { PRODUCTS = 200, OPENINGS = 20, SIZE = 64, SCRATCH = 1 << 20 };

static int inside;                         /* which the library's lock must protect */
static atomic_int together;                /* calls that met another */
static atomic_int products, sizes, clears; /* calls of each kind */
static atomic_int failures;                /* of the library's own */

static CLBlastStatusCode stay_a_moment(atomic_int *calls) {
    const struct timespec moment = {.tv_nsec = 50000};
    inside++;
    nanosleep(&moment, NULL);
    atomic_fetch_add(&together, inside != 1);
    atomic_fetch_add(calls, 1);
    inside--;
    return CLBlastSuccess;
}

CLBlastStatusCode __wrap_CLBlastSGemmTempBufferSize(
    CLBlastLayout layout, CLBlastTranspose a_transpose, CLBlastTranspose b_transpose, size_t m,
    size_t n, size_t k, size_t a_offset, size_t a_stride, size_t b_offset, size_t b_stride,
    size_t c_offset, size_t c_stride, cl_command_queue *queue, size_t *bytes);
CLBlastStatusCode __wrap_CLBlastClearCache(void);

CLBlastStatusCode __wrap_CLBlastSGemmTempBufferSize(
    CLBlastLayout layout, CLBlastTranspose a_transpose, CLBlastTranspose b_transpose, size_t m,
    size_t n, size_t k, size_t a_offset, size_t a_stride, size_t b_offset, size_t b_stride,
    size_t c_offset, size_t c_stride, cl_command_queue *queue, size_t *bytes) {
    (void)layout, (void)a_transpose, (void)b_transpose, (void)m, (void)n, (void)k;
    (void)a_offset, (void)a_stride, (void)b_offset, (void)b_stride, (void)c_offset;
    (void)c_stride, (void)queue;
    *bytes = 0;
    return stay_a_moment(&sizes);
}

CLBlastStatusCode __wrap_CLBlastSgemmWithTempBuffer(SGEMM_PARAMETERS) {
    SGEMM_UNUSED;
    return stay_a_moment(&products);
}

CLBlastStatusCode __wrap_CLBlastClearCache(void) {
    return stay_a_moment(&clears);
}

/* Products on a device that trusts CLBlast unasked. */
static minrnn_status multiply(minrnn_device *device, int count) {
    minrnn_buffer *buffer = NULL, *scratch = NULL;
    take_clblast(device);
    atomic_store(&((struct cl_device *)device)->clblast[0], GEMM_RIGHT);
    minrnn_status status =
        minrnn_buffer_create(device, (uint64_t)3 * SIZE * SIZE * F32_BYTES, &buffer);
    status = status ? status : minrnn_buffer_create(device, SCRATCH, &scratch);
    struct op_context context = {
        .device = device, .scratch = tensor_f32(scratch, 0), .scratch_bytes = SCRATCH};
    for (int i = 0; i < count && !status; i++) {
        status = OP(gemm, &context, .m = SIZE, .n = SIZE, .k = SIZE, .a = tensor_f32(buffer, 0),
                    .b = tensor_f32(buffer, SIZE * SIZE), .c = tensor_f32(buffer, 2 * SIZE * SIZE));
    }
    minrnn_buffer_destroy(scratch);
    minrnn_buffer_destroy(buffer);
    return status;
}

static void note(minrnn_status status) {
    if (status) {
        print_error("%s\n", minrnn_error_text());
        atomic_fetch_add(&failures, 1);
    }
}

static void *multiply_often(void *device) {
    note(multiply(device, PRODUCTS));
    return NULL;
}

/* Devices that have used CLBlast, and go. */
static void *open_and_close(void *unused) {
    (void)unused;
    for (int i = 0; i < OPENINGS; i++) {
        minrnn_device *device = NULL;
        const minrnn_status status = open_opencl_device(&device);
        note(status ? status : multiply(device, 1));
        minrnn_device_destroy(device);
    }
    return NULL;
}

static void test_one_at_a_time(void **state) {
    (void)state;
    minrnn_device *devices[2] = {NULL};
    pthread_t threads[2], third;
    for (int i = 0; i < 2; i++) { /* before there are threads: PoCL lists none while it begins */
        assert_int_equal(open_opencl_device(&devices[i]), MINRNN_OK);
    }
    for (int i = 0; i < 2; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, multiply_often, devices[i]), 0);
    }
    assert_int_equal(pthread_create(&third, NULL, open_and_close, NULL), 0);
    assert_int_equal(pthread_join(third, NULL), 0);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        minrnn_device_destroy(devices[i]);
    }
    assert_int_equal(failures, 0);
    assert_int_equal(products, 2 * PRODUCTS + OPENINGS);
    assert_int_equal(clears, OPENINGS + 2);
    assert_true(sizes >= products);
    assert_int_equal(together, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_one_at_a_time)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
