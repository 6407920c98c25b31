/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Presets: a task, a model and how it is trained, under a name. */
#ifndef MINRNN_PRESET_H
#define MINRNN_PRESET_H

#include <minrnn/task.h>
#include <minrnn/trainer.h>

MINRNN_BEGIN_DECLS

/** The name of the preset with this index, from 0 on; NULL past the last. The first is a good one
 * to begin with. */
MINRNN_API const char *minrnn_preset_name(int index);

/** A line on the preset with this index, from 0 on; NULL past the last. */
MINRNN_API const char *minrnn_preset_help(int index);

/** Fills both configurations, whose sizes must be set (by their _defaults), with a preset's values.
 * vocab becomes the task's; it is 0, to be set, if the task is text. *eval_every and *save_every
 * are the steps between evaluations and between saves that suit it. Each but the name may be NULL.
 * An unknown name is MINRNN_INVALID_ARGUMENT; so is an older program that lacks a member whose
 * value in the preset is not the standard one. */
MINRNN_API minrnn_status minrnn_preset(const char *name, minrnn_model_config *model,
                                       minrnn_trainer_config *trainer, int64_t *eval_every,
                                       int64_t *save_every);

/** minrnn_preset's model with another mixer, which has those of the preset's settings of a mixer
 * that it knows. The same errors. */
MINRNN_API minrnn_status minrnn_preset_mixer(const char *name, const char *mixer,
                                             minrnn_model_config *model);

/** minrnn_preset_task for a struct of `size` bytes, for programs in other languages. */
MINRNN_API minrnn_status minrnn_preset_task_sized(const char *name, minrnn_task_config *task,
                                                  size_t size);

/** The preset's task and its settings. An unknown name is MINRNN_INVALID_ARGUMENT. */
static inline minrnn_status minrnn_preset_task(const char *name, minrnn_task_config *task) {
    return minrnn_preset_task_sized(name, task, sizeof *task);
}

MINRNN_END_DECLS

#endif
