/* SPDX-License-Identifier: Apache-2.0 */
/* What a device can do at most, as far as this library's own ops reach it. */
#ifndef BENCH_LIMITS_H
#define BENCH_LIMITS_H

#include <minrnn/device.h>

struct bench_limits {
    double bandwidth; /* bytes a second that a copy reads and writes, both counted */
    double gemm;      /* floating-point operations a second of a product of 1024 x 1024 x 1024 */
    double launch;    /* seconds of the smallest op, many of them enqueued before a wait */
};

/* Copies `bytes`, half of them read and half written: a size that no cache holds tells the memory's
 * bandwidth. Medians of several runs; a few seconds on a slow device. */
minrnn_status bench_limits(minrnn_device *device, uint64_t bytes, struct bench_limits *limits);

#endif
