/* SPDX-License-Identifier: Apache-2.0 */
/* What a device that is here reaches at most, for bench/predict.py:
 *   limits DEVICE MEBIBYTES
 * prints it as --set takes it, the bandwidth over so much memory. */
#include "bench/limits.h"

#include "must.h"

int main(int count, char **words) {
    minrnn_device *device;
    struct bench_limits limits;
    if (count != 3) {
        fprintf(stderr, "limits DEVICE MEBIBYTES\n");
        return 2;
    }
    must(minrnn_device_open(words[1], &device), "device");
    must(bench_limits(device, (uint64_t)strtoll(words[2], NULL, 10) << 20, &limits), "limits");
    printf("bandwidth_gb_s=%.1f\ngemm_tflop_s=%.4f\nlaunch_us=%.2f\n", limits.bandwidth * 1e-9,
           limits.gemm * 1e-12, limits.launch * 1e6);
    minrnn_device_destroy(device);
    return fflush(stdout) == 0 ? 0 : 1;
}
