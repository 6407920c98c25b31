/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Tasks: what is learnt, where batches come from. */
#ifndef MINRNN_TASK_H
#define MINRNN_TASK_H

#include <minrnn/batch.h>
#include <minrnn/model.h>

MINRNN_BEGIN_DECLS

/** The room for a task's own settings. */
enum { MINRNN_TASK_ROOM = 256 /**< bytes */ };

/** What a task is made of: the name of its kind, and settings of its own, which minrnn_task_setting
 * lists and minrnn_task_set sets. minrnn_task_config_defaults makes it. It can be copied. This
 * struct does not grow.
 *
 * "text" has no settings: minrnn_text_task makes it.
 *
 * "copy", selective copying (arXiv 2312.00752, section 4.1.1; in the minRNN paper Tables 1 and 2):
 * `items` data tokens stand at random places among `length` positions of noise, and at the end, a
 * marker for each, they are to be named in their order. Loss and accuracy are of these alone. The
 * sequences are drawn: those to train on by the seed of a run, those to validate and to test on by
 * `held_out_seed`. Of `symbols` tokens, 1 to symbols - 2 are data. The variant is one of two:
 *
 *       release   as the minRNN authors released it: noise is symbols - 1, the marker is 0, and
 *                 time is length + items
 *       s4        as in the S4 and Mamba code: noise is 0, the marker is symbols - 1, the data
 *                 hides in length + items positions, and time is length + 2 items */
typedef struct minrnn_task_config {
    size_t size;   /**< of this struct: minrnn_task_config_defaults sets it */
    char name[16]; /**< one of minrnn_task_name's */
    int64_t settings[MINRNN_TASK_ROOM / 8]; /**< the task's own; the library's to read */
} minrnn_task_config;

/** A source of batches, made by minrnn_task_create, or by a call of its own (minrnn_text_task). It
 * may be shared by several threads. */
typedef struct minrnn_task minrnn_task;

/** The name of the kind of task with this index, from 0 on; NULL past the last. */
MINRNN_API const char *minrnn_task_name(int index);

/** A line on the kind of task with this index, from 0 on; NULL past the last. */
MINRNN_API const char *minrnn_task_help(int index);

/** A task's own setting with this index, from 0 on; NULL past the last, or if no task has this
 * name. */
MINRNN_API const minrnn_setting *minrnn_task_setting(const char *task, int index);

/** minrnn_task_config_defaults for a struct of `size` bytes, for programs in other languages. */
MINRNN_API minrnn_status minrnn_task_config_init(const char *name, minrnn_task_config *config,
                                                 size_t size);

/** Sets standard values for the task of this name. A name that no task has is
 * MINRNN_INVALID_ARGUMENT. */
static inline minrnn_status minrnn_task_config_defaults(const char *name,
                                                        minrnn_task_config *config) {
    return minrnn_task_config_init(name, config, sizeof *config);
}

/** As minrnn_mixer_set, for a task's settings. */
MINRNN_API minrnn_status minrnn_task_set(minrnn_task_config *config, const char *name,
                                         const char *value);

/** As minrnn_mixer_get, for a task's settings. */
MINRNN_API minrnn_status minrnn_task_get(const minrnn_task_config *config, const char *name,
                                         char *value, size_t capacity);

/** Makes a task. The caller owns *task. One that needs more than settings (a text) is
 * MINRNN_INVALID_ARGUMENT. */
MINRNN_API minrnn_status minrnn_task_create(const minrnn_task_config *config, minrnn_task **task);

/** Releases a task. Its loaders must have been destroyed before. NULL is allowed. */
MINRNN_API void minrnn_task_destroy(minrnn_task *task);

/** How many tokens a model of it has: its `vocab`. */
MINRNN_API int64_t minrnn_task_vocab(const minrnn_task *task);

/** Positions of its sequences: the `time` of a trainer's configuration; 0: any. */
MINRNN_API int64_t minrnn_task_time(const minrnn_task *task);

/** Positions of a sequence that have a target, at most: the `targets` of a trainer's configuration;
 * 0: any. */
MINRNN_API int64_t minrnn_task_targets(const minrnn_task *task);

/** What tells how good a model is. Later versions append new ones. */
typedef enum minrnn_measure {
    MINRNN_MEASURE_LOSS = 0,    /**< the mean loss over the targets; less is better */
    MINRNN_MEASURE_ACCURACY = 1 /**< the share of targets told right; more is better */
} minrnn_measure;

/** What tells how good a model of this task is. */
MINRNN_API minrnn_measure minrnn_task_measure(const minrnn_task *task);

/** Gives a model, as metadata, what the task knows and the model must keep: of text its vocabulary,
 * else its settings. */
MINRNN_API minrnn_status minrnn_task_prepare(const minrnn_task *task, minrnn_model *model);

/** minrnn_model_get_task for a struct of `size` bytes, for programs in other languages. */
MINRNN_API minrnn_status minrnn_model_get_task_sized(const minrnn_model *model,
                                                     minrnn_task_config *config, size_t size);

/** The task that a model was prepared for; text if it says nothing. Settings that this version does
 * not know are MINRNN_FORMAT_ERROR. */
static inline minrnn_status minrnn_model_get_task(const minrnn_model *model,
                                                  minrnn_task_config *config) {
    return minrnn_model_get_task_sized(model, config, sizeof *config);
}

/** A part of the data. Later versions append new ones. */
typedef enum minrnn_split {
    MINRNN_SPLIT_TRAIN = 0,      /**< what is learnt from */
    MINRNN_SPLIT_VALIDATION = 1, /**< what is kept apart to measure with */
    MINRNN_SPLIT_ALL = 2,        /**< a text: both; what is drawn: the two kept apart */
    MINRNN_SPLIT_TEST = 3        /**< what is kept apart to measure once; a text has none */
} minrnn_split;

/** Room for batches of one size, and what fills it. Used by one thread at a time. */
typedef struct minrnn_loader minrnn_loader;

/** Makes a loader for `batch` sequences of `time` tokens, which must be the task's if it has one of
 * its own. The caller owns *loader; the task must outlive it. */
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
