/* SPDX-License-Identifier: Apache-2.0 */
/* The strategies, for both passes: serial, and chunks of time at once. They know neither operator
 * nor cell nor which way a pass walks. */
#ifndef CPU_SCAN_RUN_H
#define CPU_SCAN_RUN_H

#include "cpu/scan/lane.h"

/* An operator on panels [floats][SCAN_PANEL] of elements and states. */
struct scan_alg {
    struct scan_floats floats;
    void (*identity)(int64_t count, float *elem);
    void (*constant)(int64_t count, const float *state, float *elem);
    void (*apply)(int64_t count, const float *elem, float *state);
};

const struct scan_alg *CPU_NAME(scan_alg)(minrnn_scan_alg alg);

/* What a pass gives to a run. Carries and shares are panels of states. */
struct scan_pass {
    const struct scan *scan;
    const struct scan_alg *alg; /* of the walk */
    bool backward;              /* walks from the last step to the first, and sums shares */
    const void *functions;      /* the pass's own, of the kind */
    void (*prepare)(struct scan_lane *lane);
    /* The carry before the walk's first step. */
    void (*begin)(const struct scan_pass *pass, const struct scan_lane *lane, float *carry);
    /* The element of `steps` together. */
    void (*reduce)(const struct scan_pass *pass, const struct scan_lane *lane, struct span steps,
                   float *elem);
    /* Writes the outputs of `steps`; takes the carry along, and adds to the share. */
    void (*walk)(const struct scan_pass *pass, const struct scan_lane *lane, struct span steps,
                 float *carry, float *share);
    /* What comes after all steps. `share` may be overwritten. */
    void (*end)(const struct scan_pass *pass, const struct scan_lane *lane, float *carry,
                float *share);
};

void CPU_NAME(scan_run)(const struct op_context *context, const struct scan_pass *pass,
                        minrnn_scan_run run);

/* Bytes of scratch that scan_run takes; `alg` is that of the walk. */
int64_t CPU_NAME(scan_run_scratch)(minrnn_scan_alg alg, minrnn_scan_run run, int64_t batch,
                                   int64_t time, int64_t width);

#endif
