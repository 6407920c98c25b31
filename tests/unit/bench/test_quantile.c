/* SPDX-License-Identifier: Apache-2.0 */
/* Quantiles of measured values. */
#include "bench/quantile.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void test_between_two_values(void **state) {
    (void)state;
    double values[] = {5, 1, 3, 2, 4, 0, 10, 9, 8, 7, 6};
    quantile_sort(values, 11);
    assert_true(quantile_of(values, 11, 0.1) == 1);
    assert_true(quantile_of(values, 11, 0.5) == 5);
    assert_true(quantile_of(values, 11, 0.9) == 9);
    assert_true(quantile_of(values, 11, 0.25) == 2.5);
    assert_true(quantile_of(values, 11, 0) == 0);
    assert_true(quantile_of(values, 11, 1) == 10);
}

static void test_one_value(void **state) {
    (void)state;
    const double value = 3;
    assert_true(quantile_of(&value, 1, 0.1) == 3);
    assert_true(quantile_of(&value, 1, 0.9) == 3);
}

static void test_median(void **state) {
    (void)state;
    double odd[] = {9, 1, 2}, even[] = {4, 1, 3, 2};
    assert_true(median_of(odd, 3) == 2);
    assert_true(median_of(even, 4) == 2.5);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_between_two_values),
        cmocka_unit_test(test_one_value),
        cmocka_unit_test(test_median),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
