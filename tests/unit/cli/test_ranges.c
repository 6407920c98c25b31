/* SPDX-License-Identifier: Apache-2.0 */
/* Lists and ranges of sizes, as the command takes them. */
#include "cli/ranges.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define EXPECT(text, ...)                                                                          \
    expect(text, (const int64_t[]){__VA_ARGS__},                                                   \
           (int)(sizeof(const int64_t[]){__VA_ARGS__} / sizeof(int64_t)))

static void expect(const char *text, const int64_t *values, int count) {
    struct ranges ranges = {.count = -1};
    if (!ranges_parse(text, 1, &ranges) || ranges.count != count) {
        fail_msg("%s: %d numbers, not %d", text, ranges.count, count);
    }
    for (int i = 0; i < count; i++) {
        if (ranges.values[i] != values[i]) {
            fail_msg("%s: number %d is %lld, not %lld", text, i, (long long)ranges.values[i],
                     (long long)values[i]);
        }
    }
}

static void test_lists(void **state) {
    (void)state;
    EXPECT("7", 7);
    EXPECT("64,256", 64, 256);
    EXPECT("3,1,3", 3, 1, 3);
    EXPECT("1k,2M,3G", 1024, 2 << 20, (int64_t)3 << 30);
    EXPECT("9223372036854775807", INT64_MAX);
}

static void test_ranges(void **state) {
    (void)state;
    EXPECT("3-6", 3, 4, 5, 6);
    EXPECT("5-5", 5);
    EXPECT("512-4096*2", 512, 1024, 2048, 4096);
    EXPECT("1-30*3", 1, 3, 9, 27);
    EXPECT("10-45+10", 10, 20, 30, 40);
    EXPECT("1,8-32*2,100", 1, 8, 16, 32, 100);
    EXPECT("1k-4k*2", 1024, 2048, 4096);
    EXPECT("4-9*100", 4);
    EXPECT("9223372036854775806-9223372036854775807+5", INT64_MAX - 1);
}

static void test_the_most(void **state) {
    (void)state;
    struct ranges ranges;
    assert_true(ranges_parse("1-256", 1, &ranges));
    assert_int_equal(ranges.count, RANGES_MOST);
    assert_int_equal(ranges.values[255], 256);
    assert_false(ranges_parse("1-257", 1, &ranges));
    assert_false(ranges_parse("1-256,1", 1, &ranges));
    assert_int_equal(ranges.count, RANGES_MOST);
}

static void test_what_is_none(void **state) {
    (void)state;
    static const char *const texts[] = {
        "",
        ",",
        "1,",
        ",1",
        "1,,2",
        "a",
        "1a",
        "-1",
        "1-",
        "-",
        "2-1",
        "1-4*",
        "1-4*1",
        "1-4*0",
        "1-4+0",
        "4*2",
        "1-4-2",
        "1.5",
        "0",
        "0-4",
        "1-4/2",
        "1 2",
        " 1",
        "1 ",
        "0x10",
        "1K",
        "1kk",
        "+1",
        "1-4*-2",
        "1--4",
        "9223372036854775808",
        "9007199254740992k",
        "1-99999999999999999999",
    };
    struct ranges ranges = {.values = {42}, .count = 1};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        if (ranges_parse(texts[i], 1, &ranges)) {
            fail_msg("'%s' is taken", texts[i]);
        }
    }
    assert_int_equal(ranges.count, 1);
    assert_int_equal(ranges.values[0], 42);
}

static void test_the_least(void **state) {
    (void)state;
    struct ranges ranges;
    assert_true(ranges_parse("0", 0, &ranges));
    assert_true(ranges_parse("0-4+2", 0, &ranges));
    assert_int_equal(ranges.count, 3);
    assert_false(ranges_parse("0-4*2", 0, &ranges)); /* it would never end */
    assert_false(ranges_parse("8,3", 4, &ranges));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lists),     cmocka_unit_test(test_ranges),
        cmocka_unit_test(test_the_most),  cmocka_unit_test(test_what_is_none),
        cmocka_unit_test(test_the_least),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
