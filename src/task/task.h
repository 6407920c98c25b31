/* SPDX-License-Identifier: Apache-2.0 */
/* What a task is: a const table. */
#ifndef TASK_TASK_H
#define TASK_TASK_H

#include <minrnn/task.h>

/* Where a batch goes: [batch, time] each. */
struct task_arrays {
    int64_t batch, time;
    int32_t *tokens, *targets, *reset;
};

struct task_kind {
    const char *name, *help;
    void (*destroy)(minrnn_task *task);
    int64_t (*vocab)(const minrnn_task *task);
    minrnn_status (*prepare)(const minrnn_task *task, minrnn_model *model);
    /* Whether its batches have resets; if not, the layers need not look at them. */
    bool (*has_resets)(const minrnn_task *task);
    minrnn_status (*draw)(const minrnn_task *task, uint64_t seed, uint64_t index,
                          const struct task_arrays *arrays);
    minrnn_status (*window)(const minrnn_task *task, minrnn_split split, uint64_t index,
                            const struct task_arrays *arrays, int64_t *used);
};

/* The head of every kind's own struct. */
struct minrnn_task {
    const struct task_kind *kind;
};

extern const struct task_kind task_text;

#endif
