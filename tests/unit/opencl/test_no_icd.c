/* SPDX-License-Identifier: Apache-2.0 */
/* Without a working OpenCL driver: an empty list, and an error that says what to do. */
#include "base/status.h"
#include "opencl/opencl.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static void test_list_is_empty(void **state) {
    (void)state;
    int count = -1;
    assert_int_equal(opencl_list(NULL, 0, &count), MINRNN_OK);
    assert_int_equal(count, 0);
}

static void test_open_says_what_to_install(void **state) {
    (void)state;
    minrnn_device *device = NULL;
    assert_int_equal(opencl_device_open(0, &device), MINRNN_DEVICE_NOT_FOUND);
    assert_null(device);
    assert_non_null(strstr(minrnn_error_text(), "pocl-opencl-icd"));
    assert_non_null(strstr(minrnn_error_text(), "OCL_ICD_VENDORS"));
    assert_non_null(strstr(minrnn_error_text(), "RUSTICL_ENABLE"));
}

static void test_a_named_device_says_it_too(void **state) {
    (void)state;
    static const char *const names[] = {"opencl", "1", "GeForce"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        minrnn_device *device = NULL;
        assert_int_equal(minrnn_device_open(names[i], &device), MINRNN_DEVICE_NOT_FOUND);
        assert_null(device);
        assert_non_null(strstr(minrnn_error_text(), names[i]));
        assert_non_null(strstr(minrnn_error_text(), "pocl-opencl-icd"));
    }
}

static void test_auto_takes_the_cpu(void **state) {
    (void)state;
    minrnn_device *device = NULL;
    minrnn_device_info info;
    assert_int_equal(minrnn_device_open("auto", &device), MINRNN_OK);
    assert_int_equal(minrnn_device_describe(device, &info), MINRNN_OK);
    assert_false(info.is_opencl);
    minrnn_device_destroy(device);
}

/* The loader reads its folder once, at the first call: here it holds one driver that is not there.
 */
int main(void) {
    char folder[] = "/tmp/minrnn-icd-XXXXXX";
    char path[sizeof folder + 16];
    if (!mkdtemp(folder)) {
        return 1;
    }
    snprintf(path, sizeof path, "%s/broken.icd", folder);
    FILE *icd = fopen(path, "w");
    if (!icd || fputs("/nonexistent/libOpenCL-driver.so\n", icd) < 0 || fclose(icd) != 0 ||
        setenv("OCL_ICD_VENDORS", folder, 1) != 0) {
        return 1;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_list_is_empty),
        cmocka_unit_test(test_open_says_what_to_install),
        cmocka_unit_test(test_a_named_device_says_it_too),
        cmocka_unit_test(test_auto_takes_the_cpu),
    };
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    unlink(path);
    rmdir(folder);
    return failed;
}
