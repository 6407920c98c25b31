/* SPDX-License-Identifier: Apache-2.0 */
/* What is foreseen of a row from what is known of others. */
#include "cli/bench.h"
#include "cli/describe.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* In the place of the command's own: two that are prepared alike, and another. */
static minrnn_status create(struct bench_point *point, minrnn_device *device,
                            minrnn_bench **bench) {
    (void)point;
    return minrnn_bench_copy(device, 4, bench);
}

static const struct bench_subject step = {.command = {.name = "bench step"}, .create = create};
static const struct bench_subject profile = {.command = {.name = "other"}, .create = create};
static const struct bench_subject copy = {.command = {.name = "bench copy"}};
const struct bench_subject *const bench_subjects[] = {&copy, &step, &profile, NULL};
static const struct bench_subject gemm = {.command = {.name = "bench gemm"}};

const struct bench_subject *bench_find(const char *name) {
    assert_string_equal(name, "gemm");
    return &gemm;
}

int bench_note(minrnn_status status, struct bench_result *result) {
    (void)result;
    return (int)status;
}

static const struct bench_axis axes[] = {{"preset", 0, true}, {"time", 0, false}, {0}};

static minrnn_device *device;
static struct bench_run run;
static struct bench_pace pace;
static struct bench_result result;

static int set_up(void **state) {
    (void)state;
    memset(&run, 0, sizeof run);
    memset(&pace, 0, sizeof pace);
    memset(&result, 0, sizeof result);
    run.subject = &step;
    run.pace = &pace;
    return minrnn_device_open("cpu", &device) ? -1 : 0;
}

static int tear_down(void **state) {
    (void)state;
    minrnn_device_destroy(device);
    return 0;
}

static void know(const char *key, double work, double seconds, double making) {
    struct pace_known *known = &pace.known[pace.known_count++];
    *known = (struct pace_known){
        .kind = step.command.name, .work = work, .seconds = seconds, .making = making};
    strcpy(known->key, key);
}

/* Whether a copy, whose work is twice its bytes, would end in `seconds` from now. */
static bool fits(const char *name, uint64_t bytes, int makings, int runs, double seconds) {
    struct bench_point point = {.axes = axes};
    minrnn_bench *bench = NULL;
    strcpy(bench_name(&point, "preset"), name);
    assert_int_equal(minrnn_bench_copy(device, bytes, &bench), MINRNN_OK);
    pace.deadline = clock_seconds() + seconds;
    const bool does = bench_pace_fits(&run, &point, bench, makings, runs, &result);
    minrnn_bench_destroy(bench);
    return does;
}

char *bench_name(struct bench_point *point, const char *axis) {
    return point->names[strcmp(axis, "time") == 0];
}

static void test_what_grows(void **state) {
    (void)state;
    know("small ", 1000, 10, 100);
    assert_true(fits("small", 500, 0, 3, 40)); /* made already */
    assert_false(fits("small", 500, 0, 3, 20));
    assert_int_equal(pace.skipped, 1);
    assert_string_equal(result.cells[MEASURE_NOTE].text, "no time left");
    assert_true(fits("small", 500, 2, 1, 220));
    assert_false(fits("small", 500, 2, 1, 200));
    /* Four times the work, but no more to make. */
    assert_true(fits("small", 2000, 0, 3, 230));
    assert_false(fits("small", 2000, 0, 3, 210));
    /* What is smaller is foreseen as what is known. */
    assert_true(fits("small", 100, 0, 3, 140));
    assert_false(fits("small", 100, 0, 3, 120));
    assert_int_equal(pace.skipped, 4);
}

static void test_names(void **state) {
    (void)state;
    know("small ", 1000, 10, 0);
    know("large ", 1000, 1000, 0);
    assert_true(fits("small", 500, 0, 1, 20));
    assert_false(fits("large", 500, 1, 1, 20));
    assert_false(fits("other", 500, 1, 1, 20)); /* as the last one of its kind */
    assert_true(fits("other", 500, 1, 1, 1010));
    run.subject = &profile; /* prepared by the same function */
    assert_false(fits("large", 500, 1, 1, 20));
    run.subject = &copy; /* nothing is known */
    assert_true(fits("large", 500, 1, 1, 20));
    assert_false(fits("large", 500, 1, 1, -1));
}

static void test_no_pace(void **state) {
    (void)state;
    run.pace = NULL;
    assert_true(fits("small", 500, 1, 1, -1));
    assert_false(bench_pace_is_over(&run, &result));
    run.pace = &pace;
    pace.deadline = clock_seconds() - 1;
    assert_true(bench_pace_is_over(&run, &result));
    pace.deadline += 100;
    assert_false(bench_pace_is_over(&run, &result));
    assert_int_equal(pace.skipped, 1);
}

/* Nothing is known of a model but what products take. */
static void test_first_of_all(void **state) {
    (void)state;
    struct bench_point point = {.axes = axes, .sizes = {0, 3}};
    minrnn_mixer_config config;
    minrnn_bench_info info;
    minrnn_bench *bench = NULL;
    know("nn ", 1000, 1, 0);
    pace.known[0].kind = gemm.command.name;
    assert_int_equal(minrnn_mixer_config_defaults("mingru", &config), MINRNN_OK);
    config.width = 4;
    assert_int_equal(minrnn_bench_layer(device, &config, 2, 3, 2, &bench), MINRNN_OK);
    assert_int_equal(minrnn_bench_describe(bench, &info), MINRNN_OK);
    assert_int_equal(info.tokens, 6);
    const double expected = 6.0 * (double)info.parameters * 6 / 1000;
    assert_true(expected > 1);
    pace.deadline = clock_seconds() + 10 * expected + 1;
    assert_true(bench_pace_fits(&run, &point, bench, 0, 10, &result));
    pace.deadline = clock_seconds() + 10 * expected - 1;
    assert_false(bench_pace_fits(&run, &point, bench, 0, 10, &result));
    minrnn_bench_destroy(bench);
    /* Launches have neither bytes nor operations: their number counts. */
    know("", 3, 1, 0);
    assert_int_equal(minrnn_bench_launch(device, 3, &bench), MINRNN_OK);
    point.sizes[1] = 300;
    pace.deadline = clock_seconds() + 90;
    assert_false(bench_pace_fits(&run, &point, bench, 0, 1, &result));
    pace.deadline = clock_seconds() + 110;
    assert_true(bench_pace_fits(&run, &point, bench, 0, 1, &result));
    minrnn_bench_destroy(bench);
}

/* As often as fits into the seconds, but three times at the least and a hundred at the most. */
static void test_repetitions(void **state) {
    (void)state;
    const double seconds[] = {0, 1e9};
    const int64_t expected[] = {3, 100};
    for (int i = 0; i < 2; i++) {
        struct bench_row row = {.point = {.axes = axes}};
        minrnn_bench *bench = NULL;
        int code = 0;
        pace.seconds = seconds[i];
        pace.deadline = clock_seconds() + 1000;
        assert_false(bench_pace_is_over(&run, &row.result));
        assert_int_equal(minrnn_bench_copy(device, 4096, &bench), MINRNN_OK);
        assert_true(bench_pace(&run, &row, bench, &code));
        assert_int_equal(code, 0);
        assert_int_equal(run.arguments.repetitions, expected[i]);
        assert_int_equal(run.arguments.warm_up, expected[i] / 10);
        assert_int_equal(row.result.cells[MEASURE_RUNS].whole, expected[i]);
        minrnn_bench_destroy(bench);
    }
    assert_int_equal(pace.known_count, 1);
    assert_true(pace.known[0].work == 2 * 4096 && pace.known[0].seconds > 0);
    assert_string_equal(pace.known[0].kind, "bench step");
}

/* Once alone, if that is all there is time for. */
static void test_a_slow_row(void **state) {
    (void)state;
    struct bench_row row = {.point = {.axes = axes}};
    minrnn_bench *bench = NULL;
    minrnn_bench_config config;
    minrnn_timing timing;
    int code = 0;
    minrnn_bench_config_defaults(&config);
    pace.seconds = 1e9;
    assert_int_equal(minrnn_bench_copy(device, 64 << 20, &bench), MINRNN_OK);
    assert_int_equal(minrnn_bench_run(bench, &config, &timing), MINRNN_OK);
    pace.deadline = clock_seconds() + 5 * timing.median;
    assert_true(bench_pace(&run, &row, bench, &code));
    assert_int_equal(run.arguments.repetitions, 1);
    minrnn_bench_destroy(bench);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_what_grows, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_names, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_no_pace, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_first_of_all, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_repetitions, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_slow_row, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
