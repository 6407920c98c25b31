/* SPDX-License-Identifier: Apache-2.0 */
/* A CLBlast that computes wrong on a device is not used there, and results stay right. Here it
 * leaves out the last step of sums when it is told to (the linker's --wrap). */
#include <minrnn/check.h>

#include "clblast.h"
#include "opencl_device.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static int products;
static size_t left_out, least; /* steps that are left out of products of so many multiplications */
static CLBlastTranspose wrong; /* if b, its first, is transposed like this */

CLBlastStatusCode __wrap_CLBlastSgemmWithTempBuffer(SGEMM_PARAMETERS) {
    const size_t less = a_transpose == wrong && m * n * k >= least && k > left_out ? left_out : 0;
    products++;
    return __real_CLBlastSgemmWithTempBuffer(layout, a_transpose, b_transpose, m, n, k - less,
                                             alpha, a, a_offset, a_stride, b, b_offset, b_stride,
                                             beta, c, c_offset, c_stride, queue, event, temporary);
}

static minrnn_device *open_device(void) {
    minrnn_device *device = NULL;
    products = 0;
    assert_int_equal(open_opencl_device(&device), MINRNN_OK);
    take_clblast(device);
    return device;
}

static void on_check(void *user, const minrnn_check_result *result) {
    (void)user;
    if (result->failures > 0) {
        print_error("%s: %s\n", result->op, result->failure);
    }
}

static void expect_right(minrnn_device *device, const char *op) {
    minrnn_check_config config;
    int failures = 0;
    minrnn_check_config_defaults(&config);
    config.small = true;
    config.op = op;
    assert_int_equal(minrnn_validate(device, &config, on_check, NULL, &failures), MINRNN_OK);
    assert_int_equal(failures, 0);
}

static void expect_trust(const minrnn_device *device, bool transpose_b, enum gemm_trust trust) {
    const struct cl_device *d = (const struct cl_device *)device;
    for (int transpose_a = 0; transpose_a < 2; transpose_a++) {
        assert_int_equal(atomic_load(&d->clblast[transpose_a + 2 * transpose_b]), trust);
    }
}

/* For each pair of transposes. */
enum { TRIES = 3 * 4 };

static void test_right(void **state) {
    (void)state;
    minrnn_device *device = open_device();
    expect_right(device, "gemm");
    expect_trust(device, false, GEMM_RIGHT);
    expect_trust(device, true, GEMM_RIGHT);
    assert_true(products > TRIES);
    const int before = products;
    expect_right(device, "gemm"); /* is not tried again */
    assert_int_equal(products - before, before - TRIES);
    minrnn_device_destroy(device);
}

static void test_wrong(void **state) {
    (void)state;
    left_out = 1;
    wrong = CLBlastTransposeYes;
    static const size_t from[] = {1, 256 * 384 * 320 + 1}; /* all products, or large ones alone */
    for (int i = 0; i < 2; i++) {
        least = from[i];
        minrnn_device *device = open_device();
        expect_right(device, "gemm");
        expect_right(device, "dense_gradients");
        expect_trust(device, false, GEMM_RIGHT);
        expect_trust(device, true, GEMM_WRONG);
        minrnn_device_destroy(device);
    }
    left_out = 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_right),
        cmocka_unit_test(test_wrong),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
