/* SPDX-License-Identifier: Apache-2.0 */
/* What a task is: a const table. */
#ifndef TASK_TASK_H
#define TASK_TASK_H

#include <minrnn/task.h>

struct settings;
struct drawn_kind;

/* Where a batch goes: [batch, time] each. */
struct task_arrays {
    int64_t batch, time;
    int32_t *tokens, *targets, *reset;
};

struct task_shape {
    int64_t vocab;
    int64_t time;    /* of its sequences; 0: any */
    int64_t targets; /* positions of a sequence that have one, at most; 0: any */
};

struct task_kind {
    const char *name, *help;
    minrnn_measure measure;
    /* What lies in a configuration's room for it, and how a task is made of a configuration whose
     * every value by itself is allowed; NULL: it has none, and is made by a call of its own. */
    const struct settings *settings;
    minrnn_status (*create)(const struct task_kind *kind, const minrnn_task_config *config,
                            minrnn_task **task);
    void (*destroy)(minrnn_task *task);
    struct task_shape (*shape)(const minrnn_task *task);
    /* The configuration that it was made of, which a model keeps; NULL, if it has none: what a
     * model is given instead. */
    const minrnn_task_config *(*config)(const minrnn_task *task);
    minrnn_status (*prepare)(const minrnn_task *task, minrnn_model *model);
    /* Whether its batches have resets; if not, the layers need not look at them. */
    bool (*has_resets)(const minrnn_task *task);
    minrnn_status (*draw)(const minrnn_task *task, uint64_t seed, uint64_t index,
                          const struct task_arrays *arrays);
    minrnn_status (*window)(const minrnn_task *task, minrnn_split split, uint64_t index,
                            const struct task_arrays *arrays, int64_t *used);
    const struct drawn_kind *drawn; /* what its sequences are, with TASK_DRAWN (drawn.h) */
};

/* The head of every kind's own struct. */
struct minrnn_task {
    const struct task_kind *kind;
};

#define TASK(name) extern const struct task_kind task_##name;
#include "task/task_list.def"

/* Of a task's configuration. */
extern const struct settings task_settings;

/* Keeps a configuration in a model, as metadata that minrnn_model_get_task reads. */
minrnn_status task_keep(const minrnn_task_config *config, minrnn_model *model);

#endif
