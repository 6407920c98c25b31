/* SPDX-License-Identifier: Apache-2.0 */
/* The time of each op that runs on a device. */
#ifndef BENCH_PROFILE_H
#define BENCH_PROFILE_H

#include "bench/watch.h"
#include "bench/work.h"

enum { PROFILE_SAMPLES = 64 };

/* The calls of one op with one set of sizes. */
struct profile_row {
    struct profile_row *next;
    const char *op;
    char sizes[256];     /* as op_entry.sizes writes them */
    struct op_work work; /* of all calls: a tensor may be there in some alone */
    int calls;
    double seconds[PROFILE_SAMPLES]; /* of the first calls */
};

struct profile {
    struct op_watch watch;
    minrnn_device *device;
    struct profile_row *rows; /* in the order of their first calls */
    double begin;             /* of the op that runs */
    bool out_of_memory;       /* some calls are missing */
};

/* From here on every op on the device is waited for, and timed. The profile stays where it is, and
 * the device open, until profile_end, which gives the device back as it was. */
void profile_begin(struct profile *profile, minrnn_device *device);
void profile_end(struct profile *profile);

/* Forgets all rows: what ran was a warm-up, or has been looked at. */
void profile_clear(struct profile *profile);

/* The median of a row's calls, in seconds; sorts them. */
double profile_median(struct profile_row *row);

#endif
