/* SPDX-License-Identifier: Apache-2.0 */
/* Tuning, on a device whose copies take as long as a constant says, by a clock of this file's own
 * (the linker's --wrap); and what OpenCL devices keep. */
#include <minrnn/tune.h>

#include "unit/files.h"
#include "unit/opencl/opencl_device.h"

#undef fail /* cmocka's; the library's comes below */
#include "bench/watch.h"
#include "opencl/launch.h"

#include <time.h>

/* ---- a device that sleeps ---- */

static const struct tunable rows[] = {{"nap", "copy", 4, {1, 2, 4, 8}},
                                      {"idle", "copy", 2, {1, 2}}};
enum { NAP, IDLE, ROWS };

static int values[ROWS];
static int kept;
static struct op_watch watch;

static bool always(const minrnn_device *device, int row) {
    (void)device;
    (void)row;
    return true;
}

static int *values_of(minrnn_device *device) {
    (void)device;
    return values;
}

static minrnn_status keep(minrnn_device *device) {
    (void)device;
    kept++;
    return MINRNN_OK;
}

static const struct tuner tuner = {
    .rows = rows, .count = ROWS, .matters = always, .values = values_of, .keep = keep};

/* Nothing else takes time while a device sleeps. */
static bool sleeping;
static long units; /* of 5 ms */

int __real_clock_gettime(clockid_t clock, struct timespec *now);
int __wrap_clock_gettime(clockid_t clock, struct timespec *now);

int __wrap_clock_gettime(clockid_t clock, struct timespec *now) {
    if (!sleeping) {
        return __real_clock_gettime(clock, now);
    }
    *now = (struct timespec){.tv_sec = units / 200, .tv_nsec = units % 200 * 5000000};
    return 0;
}

static void nap(void *user, const struct op_entry *op, const union op_args *args) {
    (void)user;
    (void)args;
    if (strcmp(op->name, "copy") == 0) {
        units += values[NAP] ? values[NAP] : rows[NAP].standard;
    }
}

static minrnn_device *sleeper(void) {
    minrnn_device *device = NULL;
    assert_int_equal(minrnn_device_open("cpu", &device), MINRNN_OK);
    watch = (struct op_watch){.before = nap};
    watch_attach(&watch, device);
    watch.backend.tuner = &tuner;
    sleeping = true;
    units = 0;
    memset(values, 0, sizeof values);
    kept = 0;
    return device;
}

static void close_sleeper(minrnn_device *device) {
    sleeping = false;
    watch_detach(&watch, device);
    minrnn_device_destroy(device);
}

static minrnn_tune_result results[ROWS];
static int result_count;

static void take_result(void *user, const minrnn_tune_result *result) {
    assert_ptr_equal(user, results);
    assert_true(result_count < ROWS);
    results[result_count++] = *result;
}

static minrnn_status tune(minrnn_device *device, const minrnn_tune_config *config) {
    result_count = 0;
    return minrnn_tune(device, config, take_result, results);
}

static void test_the_fastest_is_taken(void **state) {
    (void)state;
    minrnn_device *device = sleeper();
    minrnn_tune_config config;
    minrnn_tune_config_defaults(&config);
    assert_int_equal(tune(device, &config), MINRNN_OK);
    assert_int_equal(result_count, ROWS);
    assert_string_equal(results[NAP].name, "nap");
    assert_string_equal(results[NAP].ops, "copy");
    assert_int_equal(results[NAP].standard, 4);
    assert_int_equal(results[NAP].value, 1);
    assert_int_equal(values[NAP], 1);
    assert_int_equal(results[NAP].tried, 3);
    assert_true(fabs(results[NAP].gain - 4) < 1e-9);
    assert_int_equal(results[IDLE].value, 2); /* changes nothing, so that it stays */
    assert_int_equal(values[IDLE], 0);
    assert_true(results[IDLE].gain == 1);
    assert_int_equal(kept, 1);
    close_sleeper(device);
}

static void test_a_dry_run_changes_nothing(void **state) {
    (void)state;
    minrnn_device *device = sleeper();
    minrnn_tune_config config;
    minrnn_tune_config_defaults(&config);
    config.only = "nap";
    config.dry_run = true;
    values[NAP] = 8;
    assert_int_equal(tune(device, &config), MINRNN_OK);
    assert_int_equal(result_count, 1);
    assert_int_equal(results[0].value, 1);
    assert_int_equal(values[NAP], 8);
    assert_int_equal(kept, 0);
    close_sleeper(device);
}

static void test_late_constants_stay(void **state) {
    (void)state;
    minrnn_device *device = sleeper();
    minrnn_tune_config config;
    minrnn_tune_config_defaults(&config);
    config.seconds = 0.2; /* gone before the first value has been timed */
    assert_int_equal(tune(device, &config), MINRNN_OK);
    assert_int_equal(result_count, ROWS);
    assert_int_equal(results[NAP].tried, 1);
    assert_int_equal(results[IDLE].tried, 0);
    assert_int_equal(results[IDLE].value, 2);
    assert_int_equal(kept, 1);
    close_sleeper(device);
}

static void test_what_stays_is_not_kept(void **state) {
    (void)state;
    minrnn_device *device = sleeper();
    minrnn_tune_config config;
    minrnn_tune_config_defaults(&config);
    config.only = "idle";
    assert_int_equal(tune(device, &config), MINRNN_OK);
    assert_int_equal(results[0].tried, 1);
    assert_int_equal(kept, 0);
    close_sleeper(device);
}

static void test_wrong_use(void **state) {
    (void)state;
    minrnn_device *device = NULL;
    minrnn_tune_config config;
    minrnn_tune_config_defaults(&config);
    assert_int_equal(minrnn_device_open("cpu", &device), MINRNN_OK);
    assert_int_equal(minrnn_tune(device, &config, NULL, NULL), MINRNN_UNSUPPORTED);
    assert_int_equal(minrnn_tune_forget(device), MINRNN_OK);
    assert_int_equal(minrnn_tune(NULL, &config, NULL, NULL), MINRNN_INVALID_ARGUMENT);
    assert_int_equal(minrnn_tune(device, NULL, NULL, NULL), MINRNN_INVALID_ARGUMENT);
    minrnn_device_destroy(device);
    device = sleeper();
    config.only = "snore";
    assert_int_equal(minrnn_tune(device, &config, NULL, NULL), MINRNN_INVALID_ARGUMENT);
    config.only = NULL;
    config.seconds = -1;
    assert_int_equal(minrnn_tune(device, &config, NULL, NULL), MINRNN_INVALID_ARGUMENT);
    close_sleeper(device);
}

/* ---- OpenCL ---- */

static int *tuned_of(minrnn_device *device) {
    return ((struct cl_device *)device)->traits.tuned;
}

static minrnn_device *reopened(minrnn_device *device) {
    minrnn_device *again = NULL;
    minrnn_device_destroy(device);
    assert_int_equal(open_opencl_device(&again), MINRNN_OK);
    return again;
}

static void test_values_are_kept(void **state) {
    (void)state;
    minrnn_device *device = NULL;
    setenv("MINRNN_CACHE", files_directory, 1);
    assert_int_equal(open_opencl_device(&device), MINRNN_OK);
    tuned_of(device)[TUNE_conv_rows] = 32;
    tuned_of(device)[TUNE_scan_chunk_steps] = 7; /* nobody would try that */
    assert_int_equal(device->backend->tuner->keep(device), MINRNN_OK);
    device = reopened(device);
    assert_int_equal(tuned_of(device)[TUNE_conv_rows], 32);
    assert_int_equal(tuned_of(device)[TUNE_scan_chunk_steps], 0);
    assert_int_equal(minrnn_tune_forget(device), MINRNN_OK);
    assert_int_equal(tuned_of(device)[TUNE_conv_rows], 0);
    device = reopened(device);
    assert_int_equal(tuned_of(device)[TUNE_conv_rows], 0);
    minrnn_device_destroy(device);
}

/* Without a folder nothing can be kept, and nothing has to be forgotten. */
static void test_without_a_folder(void **state) {
    (void)state;
    minrnn_device *device = NULL;
    setenv("MINRNN_CACHE", "", 1);
    assert_int_equal(open_opencl_device(&device), MINRNN_OK);
    assert_int_equal(minrnn_tune_forget(device), MINRNN_OK);
    tuned_of(device)[TUNE_conv_rows] = 32;
    assert_int_equal(device->backend->tuner->keep(device), MINRNN_IO_ERROR);
    assert_int_equal(minrnn_tune_forget(device), MINRNN_OK);
    minrnn_device_destroy(device);
}

/* Every constant names ops that can be timed. */
static void test_all_ops_are_timed(void **state) {
    (void)state;
    for (int i = 0; i < TUNINGS; i++) {
        for (const char *op = tunings[i].ops; *op; op += strspn(op, " ")) {
            char name[64];
            const size_t length = strcspn(op, " ");
            snprintf(name, sizeof name, "%.*s", (int)length, op);
            if (!op_entry_find(name)) {
                print_error("%s: no op %s\n", tunings[i].name, name);
            }
            assert_non_null(op_entry_find(name));
            op += length;
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_fastest_is_taken),
        cmocka_unit_test(test_a_dry_run_changes_nothing),
        cmocka_unit_test(test_late_constants_stay),
        cmocka_unit_test(test_what_stays_is_not_kept),
        cmocka_unit_test(test_wrong_use),
        cmocka_unit_test(test_values_are_kept),
        cmocka_unit_test(test_without_a_folder),
        cmocka_unit_test(test_all_ops_are_timed),
    };
    return cmocka_run_group_tests(tests, files_begin, files_end);
}
