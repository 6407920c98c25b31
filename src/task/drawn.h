/* SPDX-License-Identifier: Apache-2.0 */
/* Tasks whose sequences are drawn, not read: what all of them share. A kind says how one sequence
 * is drawn; splits, batches and settings come from here. */
#ifndef TASK_DRAWN_H
#define TASK_DRAWN_H

#include "base/philox.h"
#include "layer/setting.h"
#include "task/task.h"

/* The head of a kind's own settings: how much is kept apart. It depends on nothing of a run, so
 * that runs are measured on the same sequences. */
struct drawn_settings {
    int64_t held_out; /* sequences to validate on, and as many others to test on */
    uint64_t held_out_seed;
};

/* Their rows in the table of the struct `type`, whose member `drawn` they are. */
#define DRAWN_SETTINGS(type)                                                                       \
    {SETTING_INTEGER("held_out", 1, INT32_MAX, 12800,                                              \
                     "sequences to validate on, and as many to test on"),                          \
     SETTING_AT(type, drawn.held_out)},                                                            \
    {                                                                                              \
        SETTING_SEED("held_out_seed", 1, "draws those, for every run alike"),                      \
            SETTING_AT(type, drawn.held_out_seed)                                                  \
    }

/* The random numbers of one sequence, one after the other: words of Philox. */
struct drawn_random {
    uint64_t seed, sequence;
    uint32_t site, block;
    struct philox words;
    int left; /* of these */
};

/* Uniform in 0 .. below - 1, below being at most 2^32. */
int64_t drawn_below(struct drawn_random *random, int64_t below);

/* What such a kind says, `settings` being its own struct. */
struct drawn_kind {
    minrnn_status (*check)(const void *settings); /* what no row can say; NULL: nothing */
    struct task_shape (*shape)(const void *settings);
    /* Writes a sequence's tokens and targets, as many as the shape's time, all targets being -1
     * before. */
    void (*sequence)(const void *settings, struct drawn_random *random, int32_t *tokens,
                     int32_t *targets);
};

minrnn_status drawn_create(const struct task_kind *kind, const minrnn_task_config *config,
                           minrnn_task **task);
void drawn_destroy(minrnn_task *task);
struct task_shape drawn_shape(const minrnn_task *task);
const minrnn_task_config *drawn_config(const minrnn_task *task);
bool drawn_has_resets(const minrnn_task *task);
minrnn_status drawn_draw(const minrnn_task *task, uint64_t seed, uint64_t index,
                         const struct task_arrays *arrays);
minrnn_status drawn_window(const minrnn_task *task, minrnn_split split, uint64_t index,
                           const struct task_arrays *arrays, int64_t *used);

#define TASK_DRAWN                                                                                 \
    .create = drawn_create, .destroy = drawn_destroy, .shape = drawn_shape,                        \
    .config = drawn_config, .has_resets = drawn_has_resets, .draw = drawn_draw,                    \
    .window = drawn_window

#endif
