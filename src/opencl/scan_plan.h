/* SPDX-License-Identifier: Apache-2.0 */
/* Which run serves a scan on a device, and in which sizes. */
#ifndef OPENCL_SCAN_PLAN_H
#define OPENCL_SCAN_PLAN_H

#include "op/scan_kinds.h"
#include "opencl/launch.h"

/* A call as both passes see it: forward leaves the gradients absent. */
struct scan {
    struct cl_device *device;
    bool backward;
    minrnn_scan_alg alg; /* of the walk */
    struct scan_backward_args args;
    minrnn_tensor h_last;
    minrnn_tensor scratch;
};

/* How a call is run. Time is cut into `chunks` of `chunk_steps`: by the chunk run to walk them at
 * once, by the others only if time is too long for one launch. */
struct scan_plan {
    minrnn_scan_run run;
    int lanes, rows; /* tile's work-group */
    int64_t chunks, chunk_steps;
};

/* Channels served by one launch: `items` work-items of `vectors` vectors of `vector` channels. */
struct scan_piece {
    int64_t first_channel, items;
    int vector, vectors;
};

/* `args` counts by its sizes, not by what is absent. */
struct scan_plan scan_plan(const struct cl_traits *traits, const struct scan_backward_args *args);

/* Makes a tile's work-group one of at most `most` work-items: fewer rows, then fewer lanes. */
void scan_shrink_tile(struct scan_plan *plan, size_t most);

/* The widest piece from `channel` on, for the runs that walk steps one by one. */
struct scan_piece scan_piece(const struct scan *scan, const struct scan_plan *plan,
                             int64_t channel);

/* Steps whose loads are under way together. */
int scan_block(const struct scan *scan, minrnn_scan_run run);

/* Steps from a prefetch to its load; 0: none. */
int scan_ahead(const struct cl_traits *traits);

/* Whether outputs should pass the cache by. */
bool scan_must_stream(const struct scan *scan, int vector);

/* The work-items of a piece, or a few more: those past the last channel return. */
struct launch_range scan_range(const struct scan *scan, const struct kernel *kernel, int64_t items,
                               int64_t chunks);

/* Elements of scratch: the chunks' elements, whose room their shares of dinit take in the end, and
 * the carries into the chunks. `alg` is that of the walk. */
struct scan_floats scan_scratch(minrnn_scan_alg alg, const struct scan_plan *plan,
                                const struct scan_backward_args *args);

#endif
