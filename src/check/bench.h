/* Times ops at the sizes of a real model. */
#ifndef CHECK_BENCH_H
#define CHECK_BENCH_H

#include <minrnn/device.h>

#include <stdio.h>

/* Prints a line for each size the op is timed at: the median time of a call and GB/s (every tensor
 * given counted once, read-and-written ones twice) or, for matrix products, GFLOP/s. */
minrnn_status check_bench(minrnn_device *device, const char *op, FILE *out);

#endif
