/* SPDX-License-Identifier: Apache-2.0 */
/* What is kept of a validation: found again, outdated by a new driver, and never believed if the
 * file is not what was written. */
#include <minrnn/check.h>

#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { PATH_BYTES = 4096, FILE_BYTES = 8192 };
static char folder[] = "/tmp/minrnn-verdict-XXXXXX";

static const minrnn_device_info device = {
    .size = sizeof(minrnn_device_info),
    .name = "Some GPU",
    .platform = "Some platform",
    .driver = "1.2\ndate 2001-01-01\nops 3", /* a driver may say anything */
    .platform_version = "OpenCL 3.0",
    .kernels = 42,
};
static const minrnn_verdict bad = {.size = sizeof bad,
                                   .ops = 24,
                                   .cases = 500,
                                   .left_out = 3,
                                   .failures = 2,
                                   .failed = "gemm scan_forward"};

static int begin(void **state) {
    (void)state;
    return mkdtemp(folder) ? setenv("MINRNN_CACHE", folder, 1) : -1;
}

/* The one verdict's file. */
static void verdict_file(char path[PATH_BYTES]) {
    char pattern[PATH_BYTES];
    glob_t found;
    snprintf(pattern, sizeof pattern, "%s/verdict-*.txt", folder);
    assert_int_equal(glob(pattern, 0, NULL, &found), 0);
    assert_int_equal(found.gl_pathc, 1);
    snprintf(path, PATH_BYTES, "%s", found.gl_pathv[0]);
    globfree(&found);
}

static int end(void **state) {
    (void)state;
    char path[PATH_BYTES];
    verdict_file(path);
    return unlink(path) || rmdir(folder);
}

static void test_kept_and_found(void **state) {
    (void)state;
    minrnn_verdict found = {.ops = 1};
    minrnn_verdict_find(&device, &found);
    assert_int_equal(found.ops, 0);
    assert_int_equal(minrnn_verdict_keep(&device, &bad), MINRNN_OK);
    minrnn_verdict_find(&device, &found);
    assert_int_equal(found.ops, bad.ops);
    assert_int_equal(found.cases, bad.cases);
    assert_int_equal(found.left_out, bad.left_out);
    assert_int_equal(found.failures, bad.failures);
    assert_string_equal(found.failed, bad.failed);
    assert_int_equal(strlen(found.date), strlen("2026-01-31 23:59"));
    assert_true(strcmp(found.date, "2020") > 0);
    assert_false(found.outdated);
    const minrnn_verdict good = {.size = sizeof good, .ops = 24, .cases = 506};
    assert_int_equal(minrnn_verdict_keep(&device, &good), MINRNN_OK);
    minrnn_verdict_find(&device, &found);
    assert_int_equal(found.failures, 0);
    assert_false(found.small);
    assert_string_equal(found.failed, "");
}

static void test_other_versions_outdate_it(void **state) {
    (void)state;
    minrnn_device_info others[4] = {device, device, device, device};
    snprintf(others[0].driver, sizeof others[0].driver, "1.3");
    snprintf(others[1].platform_version, sizeof others[1].platform_version, "OpenCL 3.1");
    others[2].kernels++;
    snprintf(others[3].opencl, sizeof others[3].opencl, "OpenCL 1.2");
    assert_int_equal(minrnn_verdict_keep(&device, &bad), MINRNN_OK);
    for (int i = 0; i < 4; i++) {
        minrnn_verdict found;
        minrnn_verdict_find(&others[i], &found);
        assert_int_equal(found.ops, bad.ops);
        assert_true(found.outdated);
    }
    minrnn_device_info unknown = device;
    minrnn_verdict found;
    unknown.name[0] = 'T';
    minrnn_verdict_find(&unknown, &found);
    assert_int_equal(found.ops, 0);
}

/* What is kept after `first` and then `second`. */
static minrnn_verdict kept_after(minrnn_verdict first, minrnn_verdict second, bool other_build) {
    minrnn_device_info fresh = device;
    minrnn_verdict found;
    char path[PATH_BYTES];
    verdict_file(path);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(minrnn_verdict_keep(&fresh, &first), MINRNN_OK);
    fresh.kernels += other_build;
    assert_int_equal(minrnn_verdict_keep(&fresh, &second), MINRNN_OK);
    minrnn_verdict_find(&fresh, &found);
    assert_false(found.outdated);
    return found;
}

/* Of the same device, driver and build, what says less replaces nothing but a pass, by failing. */
static void test_what_says_less_replaces_nothing(void **state) {
    (void)state;
    enum { FULL = 1000, PART = 400, SMALL = 100 };
    const struct {
        int cases, left_out;
        bool small;
    } extents[] = {{SMALL, 0, true}, {PART, 600, false}, {FULL, 0, false}};
    for (int i = 0; i < 36; i++) {
        const int before = i / 12, after = i / 4 % 3;
        const bool failed = i & 1, fails = i & 2;
        const minrnn_verdict first = {.size = sizeof first,
                                      .ops = 24,
                                      .cases = extents[before].cases,
                                      .left_out = extents[before].left_out,
                                      .small = extents[before].small,
                                      .failures = failed ? 1 : 0,
                                      .failed = "gemm"};
        const minrnn_verdict second = {.size = sizeof second,
                                       .ops = 24,
                                       .cases = extents[after].cases,
                                       .left_out = extents[after].left_out,
                                       .small = extents[after].small,
                                       .failures = fails ? 2 : 0,
                                       .failed = "sum copy"};
        const bool replaced = after >= before || (fails && !failed);
        const minrnn_verdict *expected = replaced ? &second : &first;
        const minrnn_verdict kept = kept_after(first, second, false);
        assert_int_equal(kept.cases, expected->cases);
        assert_int_equal(kept.left_out, expected->left_out);
        assert_int_equal(kept.small, expected->small);
        assert_int_equal(kept.failures, expected->failures);
        /* Of another build anything is news. */
        assert_int_equal(kept_after(first, second, true).cases, second.cases);
    }
}

static void overwrite(const char *content, size_t bytes) {
    char path[PATH_BYTES];
    verdict_file(path);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(content, 1, bytes, file), bytes);
    assert_int_equal(fclose(file), 0);
}

static size_t read_kept(char content[FILE_BYTES]) {
    char path[PATH_BYTES];
    verdict_file(path);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    const size_t bytes = fread(content, 1, FILE_BYTES, file);
    assert_int_equal(fclose(file), 0);
    return bytes;
}

static void assert_unknown(void) {
    minrnn_verdict found;
    minrnn_verdict_find(&device, &found);
    assert_int_equal(found.ops, 0);
    assert_int_equal(found.failures, 0);
}

static void test_damage_is_no_verdict(void **state) {
    (void)state;
    static const char *const damaged[] = {
        "",
        "\ndate ",
        "\ndate 2026-01-31 23:59\nops 0\ncases 1\nleft_out 0\nsmall 0\nfailures 0\nfailed \n",
        "\ndate 2026-01-31 23:59\nops 24\ncases 1\nleft_out 0\nsmall 0\nfailures 25\nfailed x\n",
        "\ndate 2026-01-31 23:59\nops 24\ncases -1\nleft_out 0\nsmall 0\nfailures 0\nfailed \n",
        "\ndate 2026-01-31 23:59\nops 99999999999999999999\ncases 1\nleft_out 0\nsmall 0\nfailures "
        "0\n",
        "\ndate 2026-01-31 23:59\nops 24\ncases 1\nleft_out 0\nsmall 0\nfailures 2\nfailed "
        "\x1b[2J\n",
        "\ndate 2026-01-31 23:59\nops 24\ncases 1\nleft_out 0\nsmall 2\nfailures 0\nfailed \n",
        /* as earlier versions wrote it */
        "\ndate 2026-01-31 23:59\nops 24\ncases 1\nleft_out 0\nfailures 0\nfailed \n",
        "\ndate \x1b[2J\nops 24\ncases 1\nleft_out 0\nsmall 0\nfailures 0\nfailed \n",
    };
    for (size_t i = 0; i < sizeof damaged / sizeof damaged[0]; i++) {
        overwrite(damaged[i], strlen(damaged[i]));
        assert_unknown();
    }
    static char large[FILE_BYTES];
    memset(large, '9', sizeof large);
    overwrite(large, sizeof large);
    assert_unknown();
    /* Cut short anywhere before the last line, it says nothing; there, at most less. */
    char content[FILE_BYTES];
    assert_int_equal(minrnn_verdict_keep(&device, &bad), MINRNN_OK);
    const size_t bytes = read_kept(content);
    for (size_t cut = 0; cut + strlen(bad.failed) + 1 < bytes; cut++) {
        overwrite(content, cut);
        assert_unknown();
    }
    overwrite(content, bytes);
    minrnn_verdict found;
    minrnn_verdict_find(&device, &found);
    assert_int_equal(found.failures, bad.failures);
}

/* Without, a verdict on the CPU would hold for every build. */
static void test_the_cpu_says_its_build(void **state) {
    (void)state;
    minrnn_device *cpu = NULL;
    minrnn_device_info info;
    assert_int_equal(minrnn_device_open("cpu", &cpu), MINRNN_OK);
    assert_int_equal(minrnn_device_describe(cpu, &info), MINRNN_OK);
    assert_true(info.kernels != 0);
    minrnn_device_destroy(cpu);
}

static void test_what_cannot_be_kept(void **state) {
    (void)state;
    const minrnn_verdict none = {0};
    minrnn_verdict found = {.ops = 1};
    assert_int_equal(minrnn_verdict_keep(&device, &none), MINRNN_INVALID_ARGUMENT);
    assert_non_null(strstr(minrnn_error_text(), "minrnn_verdict_defaults sets it"));
    minrnn_verdict empty;
    minrnn_verdict_defaults(&empty);
    assert_int_equal(minrnn_verdict_keep(&device, &empty), MINRNN_INVALID_ARGUMENT);
    assert_non_null(strstr(minrnn_error_text(), "nothing to keep"));
    minrnn_device_info unsized = device;
    unsized.size = 0;
    assert_int_equal(minrnn_verdict_keep(&unsized, &bad), MINRNN_INVALID_ARGUMENT);
    assert_non_null(strstr(minrnn_error_text(), "minrnn_device_describe sets it"));
    assert_int_equal(minrnn_verdict_keep(NULL, &bad), MINRNN_INVALID_ARGUMENT);
    assert_int_equal(minrnn_verdict_keep(&device, NULL), MINRNN_INVALID_ARGUMENT);
    setenv("MINRNN_CACHE", "", 1);
    assert_int_equal(minrnn_verdict_keep(&device, &bad), MINRNN_IO_ERROR);
    minrnn_verdict_find(&device, &found);
    assert_int_equal(found.ops, 0);
    setenv("MINRNN_CACHE", "/dev/null/folder", 1);
    assert_int_equal(minrnn_verdict_keep(&device, &bad), MINRNN_IO_ERROR);
    setenv("MINRNN_CACHE", folder, 1);
    minrnn_verdict_find(NULL, &found);
    assert_int_equal(found.ops, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kept_and_found),
        cmocka_unit_test(test_other_versions_outdate_it),
        cmocka_unit_test(test_what_says_less_replaces_nothing),
        cmocka_unit_test(test_damage_is_no_verdict),
        cmocka_unit_test(test_the_cpu_says_its_build),
        cmocka_unit_test(test_what_cannot_be_kept),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
