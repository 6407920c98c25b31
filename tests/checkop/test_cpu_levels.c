/* SPDX-License-Identifier: Apache-2.0 */
/* The CPU's ops at every instruction level that this processor has: opening the CPU takes the
 * highest alone. */
#include <minrnn/check.h>

#include "cpu/cpu.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void report(void *user, const minrnn_check_result *result) {
    int *cases = user;
    *cases += result->cases;
    if (result->failures > 0) {
        print_error("%s: %s\n  %s\n", result->op, result->worst_case, result->failure);
    }
}

static void check_level(enum cpu_level level, int threads) {
    minrnn_device *device = NULL;
    const minrnn_status status = cpu_device_open_at(level, threads, &device);
    if (status == MINRNN_UNSUPPORTED && level != CPU_LEVEL_BASELINE) {
        skip();
    }
    assert_int_equal(status, MINRNN_OK);
    minrnn_check_config config;
    minrnn_check_config_defaults(&config);
    config.small = true;
    int cases = 0;
    for (config.seed = 1; config.seed <= 3; config.seed++) {
        int failures = -1;
        assert_int_equal(minrnn_validate(device, &config, report, &cases, &failures), MINRNN_OK);
        assert_int_equal(failures, 0);
    }
    assert_true(cases > 0);
    minrnn_device_destroy(device);
}

static void test_baseline(void **state) {
    (void)state;
    check_level(CPU_LEVEL_BASELINE, 1);
}

static void test_x86_64_v3(void **state) {
    (void)state;
    check_level(CPU_LEVEL_X86_64_V3, 2);
}

static void test_x86_64_v4(void **state) {
    (void)state;
    check_level(CPU_LEVEL_X86_64_V4, 3);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_baseline),
        cmocka_unit_test(test_x86_64_v3),
        cmocka_unit_test(test_x86_64_v4),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
