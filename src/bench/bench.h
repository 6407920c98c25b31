/* SPDX-License-Identifier: Apache-2.0 */
/* What every kind of bench is: work on a device, with the memory that it holds. */
#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H

#include <minrnn/bench.h>

#include "bench/watch.h"

enum { BENCH_BUFFERS = OP_MAX_ARGUMENTS };

struct bench_kind {
    size_t bytes; /* of the kind's own struct, which begins with a minrnn_bench */
    /* Enqueues one run. */
    minrnn_status (*run)(minrnn_bench *bench);
    /* Releases what is beside the buffers; NULL: nothing. Of a bench half made, too. */
    void (*destroy)(minrnn_bench *bench);
    bool waits; /* a run has ended when it returns: it cannot be queued */
};

struct minrnn_bench {
    const struct bench_kind *kind;
    minrnn_device *device;
    minrnn_bench_info info;
    uint64_t held_before; /* bytes of the device, by others */
    struct op_context context;
    minrnn_buffer *buffers[BENCH_BUFFERS];
    int buffer_count;
    minrnn_buffer *scratch;
    struct op_watch watch; /* while it is made */
    bool ops[CHECK_OPS];   /* that were planned */
};

/* A bench of a kind, zeroed behind its head. NULL: no memory. */
minrnn_bench *bench_new(minrnn_device *device, const struct bench_kind *kind);

/* The same, and it notes the ops that are planned from here on. */
minrnn_bench *bench_begin(minrnn_device *device, const struct bench_kind *kind);

/* Ends the making: the bench is *bench, or destroyed if something failed. */
minrnn_status bench_end(minrnn_bench *made, minrnn_status status, minrnn_bench **bench);

/* A tensor of `count` elements in a buffer of its own, and the scratch that was planned in the
 * context, if it is more than there is; after a failure, which stays in the context, nothing. */
minrnn_tensor bench_take(minrnn_bench *bench, int64_t count, minrnn_dtype type);
void bench_take_scratch(minrnn_bench *bench);

/* Fills float32 with random numbers from low to high, int32 with random ones from 0 to below high.
 * Errors stay in the context. */
void bench_fill(minrnn_bench *bench, minrnn_tensor tensor, int64_t count, float low, float high);

/* `count` random tokens below `vocab`; NULL: no memory. Freed with mem_free. */
int32_t *bench_tokens(int64_t count, int64_t vocab);

/* The seconds of each of some runs, which are waited for, after others to warm up. */
minrnn_status bench_run_waited(minrnn_bench *bench, int warm_up, int repetitions, double *seconds);

#endif
