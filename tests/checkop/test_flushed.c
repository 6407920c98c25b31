/* SPDX-License-Identifier: Apache-2.0 */
/* Whether the OpenCL device takes denormals for zeros, as on_device.py's pocl-flushed must if
 * checking ops on it is to show anything. */
#include "op/op.h"
#include "opencl/opencl.h"

#include <stdio.h>

enum { COUNT = 64 };

static minrnn_status gelu_of(minrnn_device *device, float *values) {
    struct op_context context = {.device = device};
    minrnn_buffer *buffer = NULL;
    minrnn_status status = minrnn_buffer_create(device, COUNT * sizeof *values, &buffer);
    status = status ? status : minrnn_buffer_write(buffer, 0, values, COUNT * sizeof *values);
    const minrnn_tensor x = tensor_f32(buffer, 0);
    status =
        status ? status : OP(gelu_forward, &context, .rows = 1, .width = COUNT, .x = x, .y = x);
    status = status ? status : minrnn_buffer_read(buffer, 0, values, COUNT * sizeof *values);
    minrnn_buffer_destroy(buffer);
    return status;
}

int main(void) {
    float values[COUNT];
    minrnn_device *device = NULL;
    for (int i = 0; i < COUNT; i++) {
        values[i] = 0x1p-130f;
    }
    if (opencl_device_open(0, &device) || gelu_of(device, values)) {
        fprintf(stderr, "%s\n", minrnn_error_text());
        return 1;
    }
    minrnn_device_destroy(device);
    int kept = 0;
    for (int i = 0; i < COUNT; i++) {
        kept += values[i] != 0;
    }
    printf("%d of %d denormals came through\n", kept, COUNT);
    return kept > 0;
}
