/* SPDX-License-Identifier: Apache-2.0 */
/* minrnn inside an OpenCL program: your context, your queue, your memory objects.
 *
 * The program's own commands and the scan follow one another in one queue; nothing waits and
 * nothing is copied until the result is read. */
#include <minrnn/minrnn.h>
#include <minrnn/opencl.h>

#include <math.h>
#include <stdio.h>

enum { TIME = 1000, WIDTH = 64, COUNT = TIME * WIDTH, NO_DEVICE = 77 };

#define TRY(call)                                                                                  \
    do {                                                                                           \
        if ((call) != MINRNN_OK) {                                                                 \
            fprintf(stderr, "%s\n", minrnn_error_text());                                          \
            goto done;                                                                             \
        }                                                                                          \
    } while (0)

#define TRY_CL(code)                                                                               \
    do {                                                                                           \
        const cl_int error = (code);                                                               \
        if (error != CL_SUCCESS) {                                                                 \
            fprintf(stderr, "line %d: OpenCL error %d\n", __LINE__, error);                        \
            goto done;                                                                             \
        }                                                                                          \
    } while (0)

static bool find_device(cl_device_id *id) {
    cl_platform_id platforms[8];
    cl_uint count = 0;
    if (clGetPlatformIDs(8, platforms, &count) != CL_SUCCESS) {
        return false;
    }
    for (cl_uint i = 0; i < count && i < 8; i++) {
        if (clGetDeviceIDs(platforms[i], CL_DEVICE_TYPE_ALL, 1, id, NULL) == CL_SUCCESS) {
            return true;
        }
    }
    return false;
}

int main(void) {
    int result = 1;
    cl_int code = CL_SUCCESS;
    cl_device_id id;
    cl_context context = NULL;
    cl_command_queue queue = NULL;
    cl_mem memory = NULL;
    cl_event scanned = NULL;
    minrnn_device *device = NULL;
    minrnn_buffer *a = NULL, *b = NULL, *h = NULL, *scratch = NULL;

    if (!find_device(&id)) {
        fprintf(stderr, "there is no OpenCL device\n");
        return NO_DEVICE;
    }
    context = clCreateContext(NULL, 1, &id, NULL, NULL, &code);
    TRY_CL(code);
    queue = clCreateCommandQueue(context, id, 0, &code);
    TRY_CL(code);

    /* One memory object holds a, b and h, one after the other. */
    memory = clCreateBuffer(context, CL_MEM_READ_WRITE, 3 * COUNT * sizeof(float), NULL, &code);
    TRY_CL(code);
    TRY(minrnn_opencl_device_open(context, id, queue, &device));
    const uint64_t bytes = COUNT * sizeof(float);
    TRY(minrnn_opencl_buffer_wrap(device, memory, 0, bytes, &a));
    TRY(minrnn_opencl_buffer_wrap(device, memory, bytes, bytes, &b));
    TRY(minrnn_opencl_buffer_wrap(device, memory, 2 * bytes, bytes, &h));

    minrnn_scan_config config;
    minrnn_scan_config_defaults(&config); /* h_t = a_t h_{t-1} + b_t */
    config.time = TIME;
    config.width = WIDTH;
    uint64_t needed;
    TRY(minrnn_scan_scratch(device, &config, &needed));
    TRY(minrnn_buffer_create(device, needed + sizeof(float), &scratch));

    /* Your commands, the scan, your commands. */
    const float decay = 0.9f, input = 0.1f;
    TRY_CL(clEnqueueFillBuffer(queue, memory, &decay, sizeof decay, 0, bytes, 0, NULL, NULL));
    TRY_CL(clEnqueueFillBuffer(queue, memory, &input, sizeof input, bytes, bytes, 0, NULL, NULL));
    minrnn_scan_tensors tensors;
    minrnn_scan_tensors_defaults(&tensors);
    tensors.x.buffer = a;
    tensors.b.buffer = b;
    tensors.h.buffer = h;
    tensors.scratch.buffer = scratch;
    TRY(minrnn_scan_forward(device, &config, &tensors));
    TRY(minrnn_opencl_record(device, &scanned));

    static float states[COUNT];
    TRY_CL(
        clEnqueueReadBuffer(queue, memory, CL_TRUE, 2 * bytes, bytes, states, 1, &scanned, NULL));
    for (int t = 0; t < TIME; t += 1 + t) {
        printf("step %3d: %.6f\n", t, (double)states[t * WIDTH]); /* 1 - 0.9^(t + 1) */
    }
    result = fabsf(states[COUNT - 1] - 1.0f) <= 1e-5f ? 0 : 1;

done:
    minrnn_buffer_destroy(a);
    minrnn_buffer_destroy(b);
    minrnn_buffer_destroy(h);
    minrnn_buffer_destroy(scratch);
    minrnn_device_destroy(device);
    if (scanned) {
        clReleaseEvent(scanned);
    }
    if (memory) {
        clReleaseMemObject(memory);
    }
    if (queue) {
        clReleaseCommandQueue(queue);
    }
    if (context) {
        clReleaseContext(context);
    }
    return result;
}
