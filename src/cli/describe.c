/* SPDX-License-Identifier: Apache-2.0 */
/* Devices, verdicts, sizes and times in words. */
#include "cli/describe.h"

#include <minrnn/check.h>

#include "cli/report.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>

int describe_open(const char *name, minrnn_device **device) {
    minrnn_device_info info;
    const int code = describe_find(name, device, &info);
    if (!code) {
        describe_device(&info, "");
    }
    return code;
}

void describe_device(const minrnn_device_info *info, const char *end) {
    printf("device   %s (%s, %s)%s\n", info->name, info->platform, info->driver, end);
}

static void warn_of(const minrnn_device_info *info) {
    minrnn_verdict verdict;
    minrnn_verdict_find(info, &verdict);
    if (verdict.failures > 0) {
        report_line("warning: minrnn validate found that %d of %d ops compute wrongly on this "
                    "device%s (%s): %s",
                    verdict.failures, verdict.ops,
                    verdict.outdated ? " with another version of its driver or of minrnn" : "",
                    verdict.date, verdict.failed);
    }
}

int describe_find(const char *name, minrnn_device **device, minrnn_device_info *info) {
    minrnn_status status = minrnn_device_open(name, device);
    if (!status) {
        status = minrnn_device_describe(*device, info);
    }
    if (status) {
        return report_setup(status);
    }
    warn_of(info);
    return 0;
}

const char *describe_kind(const minrnn_device_info *info) {
    return !info->is_opencl       ? "native"
           : info->is_emulator    ? "emulator"
           : info->is_gpu         ? "GPU"
           : info->is_accelerator ? "accel."
                                  : "CPU";
}

/* Without the host's name, which is there too. */
const char *describe_system(char text[DESCRIBE_SYSTEM]) {
    struct utsname system;
    snprintf(text, DESCRIBE_SYSTEM, "unknown");
    if (uname(&system) >= 0) {
        snprintf(text, DESCRIBE_SYSTEM, "%s %s %s", system.sysname, system.release, system.machine);
    }
    return text;
}

const char *describe_verdict(const minrnn_device_info *info, char text[DESCRIBE_VERDICT]) {
    minrnn_verdict verdict;
    minrnn_verdict_find(info, &verdict);
    if (verdict.ops == 0) {
        snprintf(text, DESCRIBE_VERDICT, "no");
    } else {
        snprintf(text, DESCRIBE_VERDICT, "%s %.10s%s%s", verdict.failures ? "FAILED" : "ok",
                 verdict.date,
                 verdict.small          ? ", small"
                 : verdict.left_out > 0 ? ", part"
                                        : "",
                 verdict.outdated ? ", another version" : "");
    }
    return text;
}

const char *describe_count(int64_t count, char text[DESCRIBE_CAPACITY]) {
    char digits[DESCRIBE_CAPACITY];
    const int length = snprintf(digits, sizeof digits, "%" PRId64, count);
    char *end = text;
    for (int i = 0; i < length; i++) {
        *end++ = digits[i];
        if ((length - i) % 3 == 1 && i + 1 < length && digits[i] != '-') {
            *end++ = ',';
        }
    }
    *end = '\0';
    return text;
}

const char *describe_bytes(uint64_t bytes, char text[DESCRIBE_CAPACITY]) {
    const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    double size = (double)bytes;
    int unit = 0;
    for (; size >= 1024 && unit < 4; unit++) {
        size /= 1024;
    }
    snprintf(text, DESCRIBE_CAPACITY, "%.*f %s", unit ? 1 : 0, size, units[unit]);
    return text;
}

const char *describe_seconds(double seconds, char text[DESCRIBE_CAPACITY]) {
    const int64_t whole = seconds > 0 && seconds < 1e15 ? (int64_t)seconds : 0;
    const int64_t hours = whole / 3600, minutes = whole / 60 % 60;
    if (hours > 0) {
        snprintf(text, DESCRIBE_CAPACITY, "%" PRId64 ":%02d:%02d", hours, (int)minutes,
                 (int)(whole % 60));
    } else {
        snprintf(text, DESCRIBE_CAPACITY, "%d:%02d", (int)minutes, (int)(whole % 60));
    }
    return text;
}

double clock_seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}
