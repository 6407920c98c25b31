/* SPDX-License-Identifier: Apache-2.0 */
/* minrnn/opencl.h: the caller's own context, queue, memory objects and events. */
#include <minrnn/opencl.h>

#include "op/op.h"
#include "opencl_device.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define MUST(call)                                                                                 \
    do {                                                                                           \
        if ((call) != MINRNN_OK) {                                                                 \
            fail_msg("%s: %s", #call, minrnn_error_text());                                        \
        }                                                                                          \
    } while (0)

/* What a program of the caller's own has. */
struct caller {
    cl_device_id id;
    cl_context context;
    cl_command_queue queue;
    minrnn_device *device;
};

static cl_uint references(cl_command_queue queue) {
    cl_uint count = 0;
    assert_int_equal(
        clGetCommandQueueInfo(queue, CL_QUEUE_REFERENCE_COUNT, sizeof count, &count, NULL), 0);
    return count;
}

static int set_up(void **state) {
    static struct caller caller;
    minrnn_device *any = NULL;
    cl_int code = 0;
    MUST(open_opencl_device(&any));
    assert_int_equal(clGetCommandQueueInfo(minrnn_opencl_queue(any), CL_QUEUE_DEVICE,
                                           sizeof caller.id, &caller.id, NULL),
                     0);
    minrnn_device_destroy(any);
    caller.context = clCreateContext(NULL, 1, &caller.id, NULL, NULL, &code);
    assert_int_equal(code, 0);
    caller.queue = clCreateCommandQueue(caller.context, caller.id, 0, &code);
    assert_int_equal(code, 0);
    MUST(minrnn_opencl_device_open(caller.context, caller.id, caller.queue, &caller.device));
    *state = &caller;
    return 0;
}

static int tear_down(void **state) {
    struct caller *caller = *state;
    assert_int_equal(minrnn_device_allocated(caller->device), 0);
    minrnn_device_destroy(caller->device);
    assert_int_equal(references(caller->queue), 1); /* ours alone again */
    clReleaseCommandQueue(caller->queue);
    clReleaseContext(caller->context);
    return 0;
}

#define REFUSED(call) assert_int_equal((call), MINRNN_INVALID_ARGUMENT)

static void test_objects_are_the_callers(void **state) {
    const struct caller *caller = *state;
    assert_ptr_equal(minrnn_opencl_queue(caller->device), caller->queue);
    assert_ptr_equal(minrnn_opencl_context(caller->device), caller->context);
    assert_true(references(caller->queue) > 1);
}

static void test_out_of_order_queue(void **state) {
    const struct caller *caller = *state;
    minrnn_device *device = NULL;
    cl_int code = 0;
    cl_command_queue queue = clCreateCommandQueue(caller->context, caller->id,
                                                  CL_QUEUE_OUT_OF_ORDER_EXEC_MODE_ENABLE, &code);
    if (!queue) {
        skip(); /* the device has none */
    }
    assert_int_equal(minrnn_opencl_device_open(caller->context, caller->id, queue, &device),
                     MINRNN_INVALID_ARGUMENT);
    assert_non_null(strstr(minrnn_error_text(), "out-of-order"));
    assert_null(device);
    clReleaseCommandQueue(queue);
}

static void test_queue_of_another_context(void **state) {
    const struct caller *caller = *state;
    minrnn_device *device = NULL;
    cl_int code = 0;
    cl_context other = clCreateContext(NULL, 1, &caller->id, NULL, NULL, &code);
    assert_int_equal(code, 0);
    assert_int_equal(minrnn_opencl_device_open(other, caller->id, caller->queue, &device),
                     MINRNN_INVALID_ARGUMENT);
    clReleaseContext(other);
}

/* c = a * b with all three in one memory object of the caller, behind an odd offset; the data come
 * by the caller's queue and events. */
static void test_wrapped_memory(void **state) {
    const struct caller *caller = *state;
    enum { SIZE = 20, COUNT = SIZE * SIZE, OFFSET = 3, ALL = OFFSET + 3 * COUNT + 1 };
    static float host[ALL], result[ALL];
    minrnn_buffer *buffer = NULL, *scratch = NULL;
    cl_event written = NULL, done = NULL;
    cl_int code = 0;
    for (int i = 0; i < COUNT; i++) {
        host[OFFSET + i] = (float)(i % 7);
        host[OFFSET + COUNT + i] = i % (SIZE + 1) == 0 ? 2 : 0; /* twice the identity */
    }
    cl_command_queue queue = clCreateCommandQueue(caller->context, caller->id, 0, &code);
    assert_int_equal(code, 0);
    cl_mem memory = clCreateBuffer(caller->context, CL_MEM_READ_WRITE, sizeof host, NULL, &code);
    assert_int_equal(code, 0);
    MUST(minrnn_opencl_buffer_wrap(caller->device, memory, OFFSET * sizeof(float),
                                   3 * COUNT * sizeof(float), &buffer));
    assert_ptr_equal(minrnn_opencl_memory(buffer), memory);
    assert_int_equal(minrnn_device_allocated(caller->device), 3 * COUNT * sizeof(float));
    MUST(minrnn_buffer_create(caller->device, 1 << 20, &scratch));

    /* the write waits for us, so that the product must wait for it */
    cl_event start = clCreateUserEvent(caller->context, &code);
    assert_int_equal(code, 0);
    assert_int_equal(
        clEnqueueWriteBuffer(queue, memory, CL_FALSE, 0, sizeof host, host, 1, &start, &written),
        0);
    assert_int_equal(clFlush(queue), 0);
    MUST(minrnn_opencl_wait_for(caller->device, 1, &written));
    struct op_context context = {
        .device = caller->device, .scratch = tensor_f32(scratch, 0), .scratch_bytes = 1 << 20};
    MUST(OP(gemm, &context, .m = SIZE, .n = SIZE, .k = SIZE, .a = tensor_f32(buffer, 0),
            .b = tensor_f32(buffer, COUNT), .c = tensor_f32(buffer, 2 * COUNT)));
    MUST(minrnn_opencl_record(caller->device, &done));
    assert_int_equal(clSetUserEventStatus(start, CL_COMPLETE), 0);
    assert_int_equal(
        clEnqueueReadBuffer(queue, memory, CL_TRUE, 0, sizeof host, result, 1, &done, NULL), 0);
    for (int i = 0; i < COUNT; i++) {
        assert_true(result[OFFSET + 2 * COUNT + i] == 2 * host[OFFSET + i]);
    }
    assert_memory_equal(result, host, (OFFSET + 2 * COUNT) * sizeof(float));
    assert_true(result[ALL - 1] == host[ALL - 1]);

    clReleaseEvent(start);
    clReleaseEvent(written);
    clReleaseEvent(done);
    minrnn_buffer_destroy(buffer);
    minrnn_buffer_destroy(scratch);
    clReleaseMemObject(memory);
    clReleaseCommandQueue(queue);
}

static void test_wrap_refuses(void **state) {
    const struct caller *caller = *state;
    minrnn_buffer *buffer = NULL;
    cl_int code = 0;
    cl_mem memory = clCreateBuffer(caller->context, CL_MEM_READ_WRITE, 64, NULL, &code);
    assert_int_equal(code, 0);
    const uint64_t bad[][2] = {{2, 4}, {0, 0}, {0, 68}, {64, 4}, {68, 4}, {4, UINT64_MAX}};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(
            minrnn_opencl_buffer_wrap(caller->device, memory, bad[i][0], bad[i][1], &buffer),
            MINRNN_INVALID_ARGUMENT);
        assert_null(buffer);
    }
    const uint64_t good[][2] = {{0, 64}, {60, 4}, {4, 60}};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        MUST(minrnn_opencl_buffer_wrap(caller->device, memory, good[i][0], good[i][1], &buffer));
        minrnn_buffer_destroy(buffer);
    }
    cl_context other = clCreateContext(NULL, 1, &caller->id, NULL, NULL, &code);
    cl_mem foreign = clCreateBuffer(other, CL_MEM_READ_WRITE, 64, NULL, &code);
    assert_int_equal(code, 0);
    REFUSED(minrnn_opencl_buffer_wrap(caller->device, foreign, 0, 4, &buffer));
    clReleaseMemObject(foreign);
    clReleaseContext(other);
    clReleaseMemObject(memory);
}

/* Each argument that may not be NULL, and a device that is none of OpenCL's. */
static void test_arguments(void **state) {
    const struct caller *caller = *state;
    minrnn_device *device = NULL, *cpu = NULL;
    minrnn_buffer *buffer = NULL;
    cl_event event = NULL;
    cl_int code = 0;
    cl_mem memory = clCreateBuffer(caller->context, CL_MEM_READ_WRITE, 64, NULL, &code);
    assert_int_equal(code, 0);
    REFUSED(minrnn_opencl_device_open(NULL, caller->id, caller->queue, &device));
    REFUSED(minrnn_opencl_device_open(caller->context, NULL, caller->queue, &device));
    REFUSED(minrnn_opencl_device_open(caller->context, caller->id, NULL, &device));
    REFUSED(minrnn_opencl_device_open(caller->context, caller->id, caller->queue, NULL));
    REFUSED(minrnn_opencl_buffer_wrap(NULL, memory, 0, 4, &buffer));
    REFUSED(minrnn_opencl_buffer_wrap(caller->device, NULL, 0, 4, &buffer));
    REFUSED(minrnn_opencl_buffer_wrap(caller->device, memory, 0, 4, NULL));
    REFUSED(minrnn_opencl_wait_for(NULL, 0, NULL));
    REFUSED(minrnn_opencl_wait_for(caller->device, 1, NULL));
    MUST(minrnn_opencl_wait_for(caller->device, 0, NULL));
    const cl_event none = NULL;
    MUST(minrnn_opencl_wait_for(caller->device, 0, &none)); /* of which OpenCL makes an error */
    REFUSED(minrnn_opencl_record(NULL, &event));
    REFUSED(minrnn_opencl_record(caller->device, NULL));
    MUST(minrnn_device_open("cpu", &cpu));
    MUST(minrnn_buffer_create(cpu, 64, &buffer));
    assert_null(minrnn_opencl_queue(cpu));
    assert_null(minrnn_opencl_context(cpu));
    assert_null(minrnn_opencl_memory(buffer));
    assert_null(minrnn_opencl_queue(NULL));
    assert_null(minrnn_opencl_context(NULL));
    assert_null(minrnn_opencl_memory(NULL));
    minrnn_buffer_destroy(buffer);
    minrnn_device_destroy(cpu);
    clReleaseMemObject(memory);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_objects_are_the_callers),
        cmocka_unit_test(test_out_of_order_queue),
        cmocka_unit_test(test_queue_of_another_context),
        cmocka_unit_test(test_wrapped_memory),
        cmocka_unit_test(test_wrap_refuses),
        cmocka_unit_test(test_arguments),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
