/* SPDX-License-Identifier: Apache-2.0 */
/* What a device that is here reaches at most, for bench/predict.py:
 *   limits DEVICE MEBIBYTES
 * prints it as --set takes it, the bandwidth over so much memory. */
#include "base/clock.h"
#include "must.h"
#include "op/op.h"

enum { PRODUCT = 1024, SMALLEST_OPS = 1000 };

/* The median seconds of a bench, which goes. */
static double median_of(minrnn_bench *bench, minrnn_bench_info *info) {
    minrnn_bench_config config;
    minrnn_timing timing;
    minrnn_bench_config_defaults(&config);
    must(minrnn_bench_describe(bench, info), "bench");
    must(minrnn_bench_run(bench, &config, &timing), "bench");
    minrnn_bench_destroy(bench);
    return timing.median;
}

static double bandwidth(minrnn_device *device, uint64_t bytes) {
    minrnn_bench *bench;
    minrnn_bench_info info;
    must(minrnn_bench_copy(device, bytes / 2, &bench), "copy"); /* read, and written */
    const double seconds = median_of(bench, &info);
    return info.bytes / seconds;
}

static double gemm(minrnn_device *device) {
    minrnn_bench *bench;
    minrnn_bench_info info;
    must(minrnn_bench_product(device, PRODUCT, PRODUCT, PRODUCT, false, false, &bench), "product");
    const double seconds = median_of(bench, &info);
    return info.operations / seconds;
}

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
    if (count != 3) {
        fprintf(stderr, "limits DEVICE MEBIBYTES\n");
        return 2;
    }
    must(minrnn_device_open(words[1], &device), "device");
    printf("bandwidth_gb_s=%.1f\ngemm_tflop_s=%.4f\nlaunch_us=%.2f\n",
           bandwidth(device, (uint64_t)strtoll(words[2], NULL, 10) << 20) * 1e-9,
           gemm(device) * 1e-12, launch(device) * 1e6);
    minrnn_device_destroy(device);
    return fflush(stdout) == 0 ? 0 : 1;
}
