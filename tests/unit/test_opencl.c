/* The OpenCL backend's core: buffers, transfers, fences. */
#include "base/status.h"
#include "op/op.h"
#include "opencl_device.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define MUST(call)                                                                                 \
    do {                                                                                           \
        if ((call) != MINRNN_OK) {                                                                 \
            fail_msg("%s: %s", #call, minrnn_error_text());                                        \
        }                                                                                          \
    } while (0)

static int open_device(void **state) {
    minrnn_device *device = NULL;
    MUST(open_opencl_device(&device));
    *state = device;
    return 0;
}

static int close_device(void **state) {
    assert_int_equal(minrnn_device_allocated(*state), 0);
    minrnn_device_destroy(*state);
    return 0;
}

static void test_transfer(void **state) {
    minrnn_buffer *buffer = NULL;
    const float in[4] = {1, 2, 3, 4};
    float out[4] = {0};
    MUST(minrnn_buffer_create(*state, sizeof in, &buffer));
    MUST(tensor_write(tensor_f32(buffer, 0), in, 4, false));
    MUST(tensor_read(tensor_f32(buffer, 1), out, 3, true));
    assert_memory_equal(out, in + 1, 3 * sizeof(float));
    minrnn_buffer_destroy(buffer);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_transfer),
    };
    return cmocka_run_group_tests(tests, open_device, close_device);
}
