/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Tasks: what is learnt, where batches come from. */
#ifndef MINRNN_TASK_H
#define MINRNN_TASK_H

#include <minrnn/batch.h>
#include <minrnn/model.h>

MINRNN_BEGIN_DECLS

/** A source of batches, made by its own call (minrnn_text_task). It may be shared by several
 * threads. */
typedef struct minrnn_task minrnn_task;

/** The name of the kind of task with this index, from 0 on; NULL past the last. */
MINRNN_API const char *minrnn_task_name(int index);

/** A line on the kind of task with this index, from 0 on; NULL past the last. */
MINRNN_API const char *minrnn_task_help(int index);

/** Releases a task. Its loaders must have been destroyed before. NULL is allowed. */
MINRNN_API void minrnn_task_destroy(minrnn_task *task);

/** How many tokens a model of it has: its `vocab`. */
MINRNN_API int64_t minrnn_task_vocab(const minrnn_task *task);

/** Gives a model, as metadata, what the task knows and the model must keep (of text: its
 * vocabulary). */
MINRNN_API minrnn_status minrnn_task_prepare(const minrnn_task *task, minrnn_model *model);

/** A part of the data. Later versions append new ones. */
typedef enum minrnn_split {
    MINRNN_SPLIT_TRAIN = 0,      /**< what is learnt from */
    MINRNN_SPLIT_VALIDATION = 1, /**< what is kept apart to measure with */
    MINRNN_SPLIT_ALL = 2         /**< both */
} minrnn_split;

/** Room for batches of one size, and what fills it. Used by one thread at a time. */
typedef struct minrnn_loader minrnn_loader;

/** Makes a loader for `batch` sequences of `time` tokens. The caller owns *loader; the task must
 * outlive it. */
MINRNN_API minrnn_status minrnn_loader_create(const minrnn_task *task, int64_t batch, int64_t time,
                                              minrnn_loader **loader);

/** Releases a loader and its batch. NULL is allowed. */
MINRNN_API void minrnn_loader_destroy(minrnn_loader *loader);

/** Bytes of host memory that a loader of this size takes. */
MINRNN_API uint64_t minrnn_loader_bytes(int64_t batch, int64_t time);

/** Draws a batch for training from (seed, index): number `index` is the same whenever it is asked
 * for. *batch is the loader's, and good until the loader's next call. */
MINRNN_API minrnn_status minrnn_loader_draw(minrnn_loader *loader, uint64_t seed, uint64_t index,
                                            const minrnn_batch **batch);

/** Gives a batch for evaluation: number `index`, from 0 on, of those that a split consists of.
 * *used receives how many of its positions belong to the split: 0 past the last batch, and then
 * *batch is of no use. *batch is the loader's, and good until the loader's next call. */
MINRNN_API minrnn_status minrnn_loader_window(minrnn_loader *loader, minrnn_split split,
                                              uint64_t index, const minrnn_batch **batch,
                                              int64_t *used);

MINRNN_END_DECLS

#endif
