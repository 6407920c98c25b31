/* SPDX-License-Identifier: Apache-2.0 */
/* Times ops at the sizes of real models. */
#ifndef BENCH_OP_H
#define BENCH_OP_H

#include "bench/bench.h"
#include "check/op_check.h"

struct op_timing {
    const char *op;
    char shape[256];  /* its sizes and values in words */
    double seconds;   /* the median of a call */
    double work;      /* of a call: bytes moved, or floating-point operations */
    const char *unit; /* of work: "B" (read and written, work.h) or "FLOP" */
};

/* Times a call of the op at each of its sizes, one after another, and waits for each. *count says
 * how many there were, after a failure too. */
minrnn_status bench_op(minrnn_device *device, const char *op, struct op_timing timings[CHECK_TIMED],
                       int *count);

/* A bench of one op's call. */
struct op_bench {
    minrnn_bench bench; /* first */
    const struct op_entry *entry;
    union op_args args;
};

extern const struct bench_kind bench_kind_op;

/* Plans the call in the bench's context, where errors stay. */
void op_bench_plan(struct op_bench *bench);

/* One of a case, ready to be timed: its tensors on the device, filled. */
minrnn_status op_bench_create(minrnn_device *device, const struct op_entry *entry,
                              const struct check_case *c, struct op_bench **bench);
void op_bench_destroy(struct op_bench *bench);

/* The median of `repeats` calls after `warm_up`, each waited for. Its scratch is planned anew, as
 * the device's rules now are. */
minrnn_status op_bench_time(struct op_bench *bench, int warm_up, int repeats, double *seconds);

#endif
