/* SPDX-License-Identifier: Apache-2.0 */
/* A device that is here, measured for bench/predict.py:
 *   profile DEVICE limits MEBIBYTES
 * prints its limits as --set takes them, the bandwidth over so much memory;
 *   profile DEVICE PRESET BATCH STEPS
 * prints what --check takes, CSV "op,sizes,seconds": the median of the op's calls in STEPS steps
 * after two to warm up, each waited for. BATCH may be 0, the preset's. */
#include "bench/profile.h"

#include "bench/limits.h"
#include "must.h"
#include "steps.h"

#include <string.h>

static int64_t number(const char *text) {
    return strtoll(text, NULL, 10);
}

static void print_rows(const struct profile *profile) {
    printf("op,sizes,seconds\n");
    for (struct profile_row *row = profile->rows; row; row = row->next) {
        printf("%s,%s,%.9f\n", row->op, row->sizes, profile_median(row));
    }
}

static void measure_limits(minrnn_device *device, int64_t mebibytes) {
    struct bench_limits limits;
    must(bench_limits(device, (uint64_t)mebibytes << 20, &limits), "limits");
    printf("bandwidth_gb_s=%.1f\ngemm_tflop_s=%.4f\nlaunch_us=%.2f\n", limits.bandwidth * 1e-9,
           limits.gemm * 1e-12, limits.launch * 1e6);
}

static void measure_steps(minrnn_device *device, const char *preset, int64_t batch, int64_t count) {
    enum { WARM_UP = 2 };
    struct profile profile;
    struct steps steps = steps_create(device, preset, batch);
    profile_begin(&profile, device);
    for (int64_t i = -WARM_UP; i < count; i++) {
        if (i == 0) {
            profile_clear(&profile);
        }
        steps_take(&steps);
    }
    must(minrnn_device_finish(device), "steps");
    profile_end(&profile);
    must(profile.out_of_memory ? MINRNN_OUT_OF_MEMORY : MINRNN_OK, "profile");
    print_rows(&profile);
    profile_clear(&profile);
    steps_destroy(&steps);
}

int main(int count, char **words) {
    const bool limits = count == 4 && strcmp(words[2], "limits") == 0;
    minrnn_device *device;
    if (!limits && count != 5) {
        fprintf(stderr, "profile DEVICE limits MEBIBYTES | DEVICE PRESET BATCH STEPS\n");
        return 2;
    }
    must(minrnn_device_open(words[1], &device), "device");
    if (limits) {
        measure_limits(device, number(words[3]));
    } else {
        measure_steps(device, words[2], number(words[3]), number(words[4]));
    }
    minrnn_device_destroy(device);
    return fflush(stdout) == 0 ? 0 : 1;
}
