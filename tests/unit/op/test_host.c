/* SPDX-License-Identifier: Apache-2.0 */
/* Memory for host arrays: zeroed, fit for copies that do not wait, and there even if a driver has
 * none to give. */
#include "base/alloc.h"
#include "op/device.h"
#include "support.h"

#ifdef MINRNN_HAVE_OPENCL
#include "opencl/launch.h"
#endif

static minrnn_device *device;

enum { COUNT = 1000, BYTES = COUNT * sizeof(float) };

/* Writes from the memory and reads back to its other half, with one fence at the end. */
static void expect_copies(struct host_memory *memory) {
    float *values = memory->data;
    struct fence fence = {0};
    minrnn_buffer *buffer;
    assert_true(values[0] == 0.0f && memcmp(values, values + 1, 2 * BYTES - sizeof *values) == 0);
    CHECK(minrnn_buffer_create(device, BYTES, &buffer));
    for (int i = 0; i < COUNT; i++) {
        values[i] = (float)i + 0.5f;
    }
    CHECK(tensor_write(tensor_f32(buffer, 0), values, COUNT, false));
    CHECK(tensor_read(tensor_f32(buffer, 0), values + COUNT, COUNT, false));
    CHECK(device_fence_set(device, &fence));
    CHECK(device_fence_wait(device, &fence));
    assert_memory_equal(values, values + COUNT, BYTES);
    minrnn_buffer_destroy(buffer);
}

static void expect_freed(struct host_memory *memory) {
    device_host_free(memory);
    assert_null(memory->data);
    device_host_free(memory);
    assert_int_equal(minrnn_device_allocated(device), 0);
}

/* The native CPU takes the process's own memory, a driver its pinned kind. */
static void test_memory(void **unused) {
    (void)unused;
    struct host_memory memory;
    CHECK(device_host_alloc(device, 2 * BYTES, &memory));
    assert_int_equal(memory.own != NULL, device->backend->host_alloc != NULL);
#ifdef MINRNN_HAVE_OPENCL
    if (memory.own) {
        cl_mem_flags flags = 0;
        assert_int_equal(clGetMemObjectInfo(memory.own, CL_MEM_FLAGS, sizeof flags, &flags, NULL),
                         CL_SUCCESS);
        assert_true(flags & CL_MEM_ALLOC_HOST_PTR);
    }
#endif
    expect_copies(&memory);
    expect_freed(&memory);
}

/* More than the device's largest buffer: any memory will do. */
static void test_without(void **unused) {
    (void)unused;
    struct host_memory memory;
    const uint64_t own = device->largest;
    device->largest = 2 * BYTES - 1;
    CHECK(device_host_alloc(device, 2 * BYTES, &memory));
    device->largest = own;
    assert_null(memory.own);
    expect_copies(&memory);
    expect_freed(&memory);
}

static void *no_memory(minrnn_device *unused, uint64_t bytes, void **own) {
    (void)unused, (void)bytes, (void)own;
    return NULL;
}

/* Neither has some. */
static void test_none(void **unused) {
    (void)unused;
    struct host_memory memory;
    const struct backend *right = device->backend;
    struct backend poor = *right;
    poor.host_alloc = no_memory;
    device->backend = &poor;
    mem_fail_at(1);
    assert_int_equal(device_host_alloc(device, BYTES, &memory), MINRNN_OUT_OF_MEMORY);
    mem_fail_at(0);
    device->backend = right;
    expect_freed(&memory);
}

int main(void) {
    device = support_open_device();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_memory),
        cmocka_unit_test(test_without),
        cmocka_unit_test(test_none),
    };
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    minrnn_device_destroy(device);
    return failed ? 1 : 0;
}
