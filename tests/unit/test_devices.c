/* SPDX-License-Identifier: Apache-2.0 */
/* Which device a name stands for, over OpenCL devices that are not there. */
#include <minrnn/device.h>

#include <stdio.h>

/* devices.c itself, beside the library's own, with these lists in OpenCL's place. */
#define minrnn_device_list_sized tested_list_sized
#define minrnn_device_open tested_open
#define minrnn_device_absent tested_absent
#define opencl_list fake_list
#define opencl_device_open fake_open
#define opencl_absent fake_absent
static minrnn_status tested_list_sized(minrnn_device_info *infos, size_t size, int capacity,
                                       int *count);
static minrnn_status tested_open(const char *name, minrnn_device **device);
static void tested_absent(char *text, size_t capacity);
#include "devices.c" /* NOLINT(bugprone-suspicious-include) */

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* ---- the devices that are not there ---- */

enum { CPU = 0, GPU = 1, ACCELERATOR = 2, EMULATED_GPU = 3, OPENED_CPU = -1 };

static const int *kinds; /* of the OpenCL devices */
static int kind_count;
static int opened; /* index that was opened */

minrnn_status fake_list(minrnn_device_info *infos, int capacity, int *count) {
    assert_true(capacity >= 0 && (infos != NULL) == (capacity > 0));
    for (int i = 0; i < kind_count && i < capacity; i++) {
        infos[i] = (minrnn_device_info){.is_opencl = true,
                                        .is_gpu = kinds[i] == GPU || kinds[i] == EMULATED_GPU,
                                        .is_accelerator = kinds[i] == ACCELERATOR,
                                        .is_emulator = kinds[i] == EMULATED_GPU};
        snprintf(infos[i].name, sizeof infos[i].name, "Device %d.", i);
        snprintf(infos[i].platform, sizeof infos[i].platform, "Platform %d.", i);
    }
    *count = kind_count;
    return MINRNN_OK;
}

minrnn_status fake_open(int index, minrnn_device **device) {
    opened = index;
    (void)device;
    return kind_count == 0 ? MINRNN_DEVICE_NOT_FOUND : MINRNN_OK;
}

/* One more platform, which has no device. */
void fake_absent(const char *name, const char *separator, char *text, size_t capacity) {
    (void)separator;
    const char *said =
        !name || text_contains("Deviceless", name) ? "Deviceless has no device: try" : "";
    snprintf(text, capacity, "%.*s", (int)capacity - 1, said);
}

#define WITH(...)                                                                                  \
    do {                                                                                           \
        static const int kinds_[] = {__VA_ARGS__};                                                 \
        kinds = kinds_;                                                                            \
        kind_count = sizeof kinds_ / sizeof *kinds_;                                               \
    } while (0)

/* OPENED_CPU, or the index of the OpenCL device. */
static int open_named(const char *name) {
    minrnn_device *device = NULL;
    opened = OPENED_CPU;
    assert_int_equal(tested_open(name, &device), MINRNN_OK);
    assert_int_equal(opened == OPENED_CPU, device != NULL);
    minrnn_device_destroy(device);
    return opened;
}

static void expect_none(const char *name) {
    minrnn_device *device = NULL;
    assert_int_equal(tested_open(name, &device), MINRNN_DEVICE_NOT_FOUND);
    assert_null(device);
    assert_non_null(strstr(minrnn_error_text(), name));
}

/* ---- tests ---- */

static minrnn_status tested_list(minrnn_device_info *infos, int capacity, int *count) {
    return tested_list_sized(infos, sizeof *infos, capacity, count);
}

static void test_list(void **state) {
    (void)state;
    minrnn_device_info infos[4];
    int count = 0;
    WITH(GPU, CPU);
    assert_int_equal(tested_list(NULL, 0, &count), MINRNN_OK);
    assert_int_equal(count, 3);
    for (int capacity = 1; capacity <= 4; capacity++) {
        memset(infos, 0x55, sizeof infos);
        assert_int_equal(tested_list(infos, capacity, &count), MINRNN_OK);
        assert_int_equal(count, 3);
        assert_false(infos[0].is_opencl);
        for (int i = 1; i < 3 && i < capacity; i++) {
            assert_true(infos[i].is_opencl);
            assert_int_equal(infos[i].is_gpu, i == 1);
        }
        for (int i = capacity < 3 ? capacity : 3; i < 4; i++) {
            assert_int_equal(infos[i].name[0], 0x55); /* not ours to write */
        }
    }
}

/* Entries of an older program are shorter, those of a newer one longer. */
static void test_list_entries(void **state) {
    (void)state;
    enum { MOST = sizeof(minrnn_device_info) + 64, ENTRIES = 3 };
    static const size_t sizes[] = {sizeof(minrnn_device_info),
                                   offsetof(minrnn_device_info, max_allocation_bytes), MOST};
    WITH(GPU, CPU, CPU);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        _Alignas(minrnn_device_info) char entries[ENTRIES * MOST + 1];
        int count = 0;
        memset(entries, 0x55, sizeof entries);
        assert_int_equal(
            tested_list_sized((minrnn_device_info *)entries, sizes[i], ENTRIES, &count), MINRNN_OK);
        assert_int_equal(count, 4);
        for (size_t entry = 0; entry < ENTRIES; entry++) {
            static const char *const names[ENTRIES] = {"cpu", "Device 0.", "Device 1."};
            const char *at = entries + entry * sizes[i];
            size_t size;
            memcpy(&size, at, sizeof size);
            assert_int_equal(size, sizes[i]);
            assert_string_equal(at + offsetof(minrnn_device_info, name), names[entry]);
        }
        assert_int_equal(entries[ENTRIES * sizes[i]], 0x55);
    }
}

static void test_auto(void **state) {
    (void)state;
    kind_count = 0;
    assert_int_equal(open_named("auto"), OPENED_CPU);
    WITH(CPU);
    assert_int_equal(open_named("auto"), OPENED_CPU);
    WITH(CPU, ACCELERATOR);
    assert_int_equal(open_named("auto"), 1);
    WITH(ACCELERATOR, GPU, CPU);
    assert_int_equal(open_named("auto"), 1);
    WITH(GPU, ACCELERATOR, GPU);
    assert_int_equal(open_named("auto"), 0);
    WITH(EMULATED_GPU, CPU);
    assert_int_equal(open_named("auto"), OPENED_CPU);
    WITH(EMULATED_GPU, GPU);
    assert_int_equal(open_named("auto"), 1);
}

static void test_opencl(void **state) {
    (void)state;
    WITH(CPU, CPU);
    assert_int_equal(open_named("opencl"), 0);
    WITH(CPU, ACCELERATOR, GPU);
    assert_int_equal(open_named("opencl"), 2);
    WITH(EMULATED_GPU);
    expect_none("opencl");
    kind_count = 0;
    expect_none("opencl");
}

static void test_index(void **state) {
    (void)state;
    WITH(CPU, EMULATED_GPU, GPU);
    assert_int_equal(open_named("0"), OPENED_CPU);
    assert_int_equal(open_named("1"), 0);
    assert_int_equal(open_named("2"), 1); /* asked for, an emulator is fine */
    assert_int_equal(open_named("3"), 2);
    expect_none("4");
    expect_none("18446744073709551616");
    expect_none("1x");
    expect_none("-1");
}

static void test_name(void **state) {
    (void)state;
    WITH(CPU, CPU, GPU);
    assert_int_equal(open_named("cpu"), OPENED_CPU);
    assert_int_equal(open_named("device 1."), 1);
    assert_int_equal(open_named("form 2."), 2);
    assert_int_equal(open_named("Device"), 0); /* the first of several */
    expect_none("device 3.");
    kind_count = 0;
    expect_none("device 0.");
}

/* Named, or if "opencl" finds nothing to take, a platform without devices is told of. */
static void test_absent(void **state) {
    (void)state;
    char text[64] = "before";
    WITH(EMULATED_GPU);
    expect_none("deviceless");
    assert_non_null(strstr(minrnn_error_text(), "\"deviceless\": Deviceless has no device: try"));
    expect_none("opencl");
    assert_non_null(strstr(minrnn_error_text(), "\"opencl\": Deviceless has no device: try"));
    expect_none("GeForce");
    assert_null(strstr(minrnn_error_text(), "Deviceless"));
    tested_absent(text, sizeof text);
    assert_string_equal(text, "Deviceless has no device: try");
    tested_absent(text, 5);
    assert_string_equal(text, "Devi");
    tested_absent(text, 0);
    assert_string_equal(text, "Devi");
    tested_absent(NULL, 5);
}

static void test_environment(void **state) {
    (void)state;
    WITH(CPU, GPU);
    assert_int_equal(setenv("MINRNN_DEVICE", "1", 1), 0);
    assert_int_equal(open_named(NULL), 0);
    assert_int_equal(open_named("2"), 1); /* a name comes first */
    assert_int_equal(setenv("MINRNN_DEVICE", "", 1), 0);
    assert_int_equal(open_named(NULL), 1);
    assert_int_equal(unsetenv("MINRNN_DEVICE"), 0);
    assert_int_equal(open_named(NULL), 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_list),   cmocka_unit_test(test_list_entries),
        cmocka_unit_test(test_auto),   cmocka_unit_test(test_opencl),
        cmocka_unit_test(test_index),  cmocka_unit_test(test_name),
        cmocka_unit_test(test_absent), cmocka_unit_test(test_environment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
