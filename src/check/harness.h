/* SPDX-License-Identifier: Apache-2.0 */
/* Runs one op of a device on one case and compares what it did with the oracle. */
#ifndef CHECK_HARNESS_H
#define CHECK_HARNESS_H

#include "check/cases.h"

struct check_outcome {
    double worst;      /* the largest error relative to its bound; infinite for a NaN */
    double seconds;    /* of the second run, whose programs are there; 0 if there was none */
    char failure[512]; /* "" if the case passed */
};

/* Fills the inputs from the seed, runs the op twice and looks at everything it may have done:
 * results, their bits the second time, inputs and memory around the tensors. What the op does is in
 * *outcome; the status is of the harness's own needs (memory, buffers, transfers). */
minrnn_status check_run(minrnn_device *device, const struct op_entry *entry,
                        const struct check_case *c, uint64_t seed, struct check_outcome *outcome);

/* "batch 2 time 7 ... given h0 reset, aligned": a case in words. */
void check_describe(const struct op_entry *entry, const struct check_case *c, char *text,
                    size_t capacity);

#endif
