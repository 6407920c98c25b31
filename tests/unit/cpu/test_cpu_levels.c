/* SPDX-License-Identifier: Apache-2.0 */
/* The native CPU: every op is right at every instruction level that this processor has. */
#include <minrnn/check.h>

#include "cpu/cpu.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h> /* after the rest: it has a macro fail() */

static void check_level(enum cpu_level level) {
    minrnn_device *device;
    const minrnn_status status = cpu_device_open_at(level, 1, &device);
    if (status == MINRNN_UNSUPPORTED && level != CPU_LEVEL_BASELINE) {
        skip();
    }
    assert_int_equal(status, MINRNN_OK);
    minrnn_check_config config;
    minrnn_check_config_defaults(&config);
    config.seed = 7;
    int failures = -1;
    assert_int_equal(minrnn_validate(device, &config, NULL, NULL, &failures), MINRNN_OK);
    assert_int_equal(failures, 0);
    minrnn_device_destroy(device);
}

static void right_at_baseline(void **state) {
    (void)state;
    check_level(CPU_LEVEL_BASELINE);
}

static void right_at_v3(void **state) {
    (void)state;
    check_level(CPU_LEVEL_X86_64_V3);
}

static void right_at_v4(void **state) {
    (void)state;
    check_level(CPU_LEVEL_X86_64_V4);
}

static void refuses_what_is_not_there(void **state) {
    (void)state;
    minrnn_device *device;
    assert_int_equal(cpu_device_open_at(CPU_LEVEL_COUNT, 1, &device), MINRNN_UNSUPPORTED);
    assert_null(device);
    assert_int_equal(cpu_device_open(-1, &device), MINRNN_INVALID_ARGUMENT);
    assert_null(device);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(right_at_baseline),
        cmocka_unit_test(right_at_v3),
        cmocka_unit_test(right_at_v4),
        cmocka_unit_test(refuses_what_is_not_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
