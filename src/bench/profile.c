/* SPDX-License-Identifier: Apache-2.0 */
/* Waits for the device before and after each op, and notes how long that took. */
#include "bench/profile.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "bench/quantile.h"

#include <string.h>

/* A failure of the device shows in whatever comes next. */
static void begin_op(void *user, const struct op_entry *op, const union op_args *args) {
    struct profile *profile = user;
    (void)op;
    (void)args;
    (void)minrnn_device_finish(profile->device);
    profile->begin = clock_seconds();
}

/* The row of an op and its sizes, made if it is new; NULL: no memory. */
static struct profile_row *row_of(struct profile *profile, const struct op_entry *op,
                                  const union op_args *args) {
    char sizes[sizeof profile->rows->sizes] = "";
    op->sizes(args, sizes, sizeof sizes);
    struct profile_row **end = &profile->rows;
    for (; *end; end = &(*end)->next) {
        if (strcmp((*end)->op, op->name) == 0 && strcmp((*end)->sizes, sizes) == 0) {
            return *end;
        }
    }
    *end = mem_alloc(1, sizeof **end);
    if (*end) {
        (*end)->op = op->name;
        memcpy((*end)->sizes, sizes, sizeof(*end)->sizes);
    }
    return *end;
}

static void add_work(struct op_work *all, struct op_work work) {
    all->read += work.read;
    all->written += work.written;
    all->operations += work.operations;
}

static void end_op(void *user, const struct op_entry *op, const union op_args *args) {
    struct profile *profile = user;
    (void)minrnn_device_finish(profile->device);
    const double seconds = clock_seconds() - profile->begin;
    struct profile_row *row = row_of(profile, op, args);
    if (!row) {
        profile->out_of_memory = true;
        return;
    }
    if (row->calls < PROFILE_SAMPLES) {
        row->seconds[row->calls] = seconds;
    }
    row->calls++;
    add_work(&row->work, op_work_of(op, args));
}

void profile_begin(struct profile *profile, minrnn_device *device) {
    *profile = (struct profile){.watch = {.before = begin_op, .after = end_op, .user = profile},
                                .device = device};
    watch_attach(&profile->watch, device);
}

void profile_end(struct profile *profile) {
    watch_detach(&profile->watch, profile->device);
}

void profile_clear(struct profile *profile) {
    while (profile->rows) {
        struct profile_row *row = profile->rows;
        profile->rows = row->next;
        mem_free(row);
    }
}

double profile_median(struct profile_row *row) {
    return median_of(row->seconds, row->calls < PROFILE_SAMPLES ? row->calls : PROFILE_SAMPLES);
}
