/* SPDX-License-Identifier: Apache-2.0 */
/* Sees the ops that run on a device. */
#ifndef BENCH_WATCH_H
#define BENCH_WATCH_H

#include "check/entry.h"

/* Takes the place of a device's backend: the ops are `real`'s, between two calls of the watcher. */
struct op_watch {
    struct backend backend; /* first: an op finds its watch by it */
    const struct backend *real;
    struct op_table table;
#define OP_BEGIN(name) struct name##_op name;
#include "op/op_list.def"
    /* Either may be NULL. They are not called for an op that is only planned. */
    void (*before)(void *user, const struct op_entry *op, const union op_args *args);
    void (*after)(void *user, const struct op_entry *op, const union op_args *args);
    /* May be NULL too. When an op is planned, and before each run: its tensors may be absent. */
    void (*sized)(void *user, const struct op_entry *op, const union op_args *args);
    void *user;
};

/* The watch stays where it is, and `device` open, until the watch is detached. Its callbacks are to
 * be set before. A device has one watch at a time. */
void watch_attach(struct op_watch *watch, minrnn_device *device);
void watch_detach(struct op_watch *watch, minrnn_device *device);

#endif
