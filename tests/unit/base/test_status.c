/* SPDX-License-Identifier: Apache-2.0 */
/* Statuses and error texts: every status has its own name, texts are kept, cut and put together. */
#include "base/status.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#undef fail /* cmocka has one too */
#include <cmocka.h>

#define NAMED(status)                                                                              \
    { status, #status }

static void test_names(void **state) {
    (void)state;
    static const struct {
        minrnn_status status;
        const char *name;
    } statuses[] = {
        NAMED(MINRNN_OK),
        NAMED(MINRNN_INVALID_ARGUMENT),
        NAMED(MINRNN_OUT_OF_MEMORY),
        NAMED(MINRNN_DEVICE_NOT_FOUND),
        NAMED(MINRNN_DEVICE_ERROR),
        NAMED(MINRNN_BUILD_ERROR),
        NAMED(MINRNN_IO_ERROR),
        NAMED(MINRNN_FORMAT_ERROR),
        NAMED(MINRNN_UNSUPPORTED),
        NAMED(MINRNN_NOT_FINITE),
    };
    const int count = (int)(sizeof statuses / sizeof *statuses);
    for (int i = 0; i < count; i++) {
        assert_int_equal(statuses[i].status, i); /* none is missing above */
        assert_string_equal(minrnn_status_name(statuses[i].status), statuses[i].name);
    }
    assert_string_equal(minrnn_status_name((minrnn_status)count), "unknown status");
    assert_string_equal(minrnn_status_name((minrnn_status)-1), "unknown status");
}

static void test_version(void **state) {
    (void)state;
    char version[32];
    snprintf(version, sizeof version, "%d.%d.%d", MINRNN_VERSION_MAJOR, MINRNN_VERSION_MINOR,
             MINRNN_VERSION_PATCH);
    assert_string_equal(minrnn_version(), version);
}

/* The first test: before any failure there is no text. */
static void test_texts(void **state) {
    (void)state;
    assert_string_equal(minrnn_error_text(), "");
    error_text_set("size %d of %s", 3, "four");
    assert_string_equal(minrnn_error_text(), "size 3 of four");
    assert_int_equal(fail_in(MINRNN_IO_ERROR, "file %s", "name"), MINRNN_IO_ERROR);
    assert_string_equal(minrnn_error_text(), "file name: size 3 of four");
    error_text_set("%s, says %s", "someone", minrnn_error_text()); /* of the old text itself */
    assert_string_equal(minrnn_error_text(), "someone, says file name: size 3 of four");
}

/* Whatever a driver has to say, the text ends. */
static void test_long_texts(void **state) {
    (void)state;
    static char words[20000];
    memset(words, 'x', sizeof words - 1);
    error_text_set("%s", words);
    const size_t length = strlen(minrnn_error_text());
    assert_in_range(length, 4096, sizeof words - 2);
    assert_int_equal(strspn(minrnn_error_text(), "x"), length);
    error_text_prepend("%s", words);
    assert_int_equal(strlen(minrnn_error_text()), length);
    assert_non_null(strstr(minrnn_error_text(), "x: x"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_texts),
        cmocka_unit_test(test_long_texts),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_version),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
