/* SPDX-License-Identifier: Apache-2.0 */
/* What a device reaches at most, and how long a bench would take if each of its ops did. */
#include "base/status.h"
#include "bench/bench.h"
#include "bench/work.h"

#include <math.h>

/* ---- the limits ---- */

enum { WARM_UP = 1, REPETITIONS = 3 };
/* Bytes that a copy reads: more than caches hold. It writes as many. */
enum { MOST_COPIED = 256 << 20, LEAST_COPIED = 1 << 20 };
/* A product that takes less is too small for the device. */
enum { SMALLEST_PRODUCT = 1024, LARGEST_PRODUCT = 4096 };
static const double SHORT = 0.01; /* s */

/* Times a bench, which goes. */
static minrnn_status time_limit(minrnn_bench *bench, minrnn_bench_info *info, double *seconds) {
    minrnn_bench_config config;
    minrnn_timing timing;
    minrnn_bench_config_defaults(&config);
    config.warm_up = WARM_UP;
    config.repetitions = REPETITIONS;
    minrnn_status status = minrnn_bench_describe(bench, info);
    status = status ? status : minrnn_bench_run(bench, &config, &timing);
    *seconds = status ? 0 : timing.median;
    minrnn_bench_destroy(bench);
    return status;
}

static minrnn_status measure_bandwidth(minrnn_device *device, double *bandwidth) {
    minrnn_bench *bench = NULL;
    minrnn_bench_info info;
    double seconds;
    uint64_t bytes = MOST_COPIED;
    minrnn_status status = minrnn_bench_copy(device, bytes, &bench);
    while (status == MINRNN_OUT_OF_MEMORY && bytes > LEAST_COPIED) {
        bytes /= 2;
        status = minrnn_bench_copy(device, bytes, &bench);
    }
    status = status ? status : time_limit(bench, &info, &seconds);
    *bandwidth = status ? 0 : info.bytes / seconds;
    return status;
}

static minrnn_status measure_rate(minrnn_device *device, double *rate) {
    minrnn_status status = MINRNN_OK;
    double seconds = 0;
    *rate = 0;
    for (int64_t size = SMALLEST_PRODUCT; !status && seconds < SHORT && size <= LARGEST_PRODUCT;
         size *= 2) {
        minrnn_bench *bench = NULL;
        minrnn_bench_info info;
        status = minrnn_bench_product(device, size, size, size, false, false, &bench);
        status = status ? status : time_limit(bench, &info, &seconds);
        *rate = status ? *rate : fmax(*rate, info.operations / seconds);
    }
    /* A larger one than the first may not fit. */
    return status == MINRNN_OUT_OF_MEMORY && *rate > 0 ? MINRNN_OK : status;
}

minrnn_status minrnn_bench_limits(minrnn_device *device, double *bandwidth, double *rate) {
    if (!device || (!bandwidth && !rate)) {
        return fail(MINRNN_INVALID_ARGUMENT, "minrnn_bench_limits: an argument is NULL");
    }
    minrnn_status status = bandwidth ? measure_bandwidth(device, bandwidth) : MINRNN_OK;
    if (!status && rate) {
        status = measure_rate(device, rate);
    }
    return status;
}

/* ---- the roofline ---- */

double minrnn_bench_least(double bytes, double operations, double bandwidth, double rate) {
    return fmax(bytes / bandwidth, operations / rate);
}

struct roofline {
    double bandwidth, rate, seconds;
};

static void add_op(void *user, const struct op_entry *op, const union op_args *args) {
    struct roofline *roofline = user;
    const struct op_work work = op_work_of(op, args);
    roofline->seconds += minrnn_bench_least(work.read + work.written, work.operations,
                                            roofline->bandwidth, roofline->rate);
}

minrnn_status minrnn_bench_roofline(minrnn_bench *bench, double bandwidth, double rate,
                                    double *seconds) {
    if (!bench || !seconds) {
        return fail(MINRNN_INVALID_ARGUMENT, "minrnn_bench_roofline: an argument is NULL");
    }
    if (!(bandwidth > 0) || !(rate > 0)) {
        return fail(MINRNN_INVALID_ARGUMENT,
                    "minrnn_bench_roofline: bandwidth %g, rate %g: each must be above 0", bandwidth,
                    rate);
    }
    struct roofline roofline = {.bandwidth = bandwidth, .rate = rate};
    struct op_watch watch = {.before = add_op, .user = &roofline};
    watch_attach(&watch, bench->device);
    minrnn_status status = bench->kind->run(bench);
    status = status ? status : minrnn_device_finish(bench->device);
    watch_detach(&watch, bench->device);
    *seconds = roofline.seconds;
    return status;
}
