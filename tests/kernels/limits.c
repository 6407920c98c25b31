/* SPDX-License-Identifier: Apache-2.0 */
/* What a device that is here reaches at most, for bench/predict.py:
 *   limits DEVICE
 * prints it as --set takes it. */
#include "base/clock.h"
#include "must.h"
#include "op/op.h"

enum { SMALLEST_OPS = 1000 };

/* Seconds of the smallest op, many of them enqueued before a wait, the second time. */
static double launch(minrnn_device *device) {
    minrnn_buffer *buffer;
    struct op_context context = {.device = device};
    double begin = 0;
    must(minrnn_buffer_create(device, F32_BYTES, &buffer), "buffer");
    for (int round = 0; round < 2; round++) {
        begin = clock_seconds();
        for (int i = 0; i < SMALLEST_OPS; i++) {
            OP(fill, &context, .count = 1, .x = tensor_f32(buffer, 0));
        }
        must(context.status, "fill");
        must(minrnn_device_finish(device), "fill");
    }
    const double seconds = clock_seconds() - begin;
    minrnn_buffer_destroy(buffer);
    return seconds / SMALLEST_OPS;
}

int main(int count, char **words) {
    minrnn_device *device;
    double bandwidth, rate;
    if (count != 2) {
        fprintf(stderr, "limits DEVICE\n");
        return 2;
    }
    must(minrnn_device_open(words[1], &device), "device");
    must(minrnn_bench_limits(device, &bandwidth, &rate), "limits");
    printf("bandwidth_gb_s=%.1f\ngemm_tflop_s=%.4f\nlaunch_us=%.2f\n", bandwidth * 1e-9,
           rate * 1e-12, launch(device) * 1e6);
    minrnn_device_destroy(device);
    return fflush(stdout) == 0 ? 0 : 1;
}
