/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Evaluation: a model's loss, in memory that is planned for it alone. */
#ifndef MINRNN_EVALUATOR_H
#define MINRNN_EVALUATOR_H

#include <minrnn/batch.h>
#include <minrnn/model.h>

MINRNN_BEGIN_DECLS

/** Workspace for batches of one size. Several evaluators and sessions, each used by one thread at a
 * time, may share a model. After it is made no call allocates device memory. */
typedef struct minrnn_evaluator minrnn_evaluator;

/** minrnn_evaluator_memory for a struct of `size` bytes, for programs in other languages. */
MINRNN_API minrnn_status minrnn_evaluator_memory_sized(minrnn_device *device,
                                                       const minrnn_model_config *config,
                                                       int64_t batch, int64_t time,
                                                       minrnn_memory *memory, size_t size);

/** Memory of a model and its evaluator on this device, before either exists: no gradients and no
 * moments, and activations of one layer at a time. */
static inline minrnn_status minrnn_evaluator_memory(minrnn_device *device,
                                                    const minrnn_model_config *config,
                                                    int64_t batch, int64_t time,
                                                    minrnn_memory *memory) {
    return minrnn_evaluator_memory_sized(device, config, batch, time, memory, sizeof *memory);
}

/** Makes an evaluator for batches of `batch` sequences of `time` tokens. The caller owns
 * *evaluator; the model must outlive it. */
MINRNN_API minrnn_status minrnn_evaluator_create(const minrnn_model *model, int64_t batch,
                                                 int64_t time, minrnn_evaluator **evaluator);

/** Releases an evaluator. NULL is allowed. */
MINRNN_API void minrnn_evaluator_destroy(minrnn_evaluator *evaluator);

/** Adds a batch's losses, its targets and those told right to *score: calls over a data set add up.
 * Every sequence begins with no memory. A loss that is not finite is MINRNN_NOT_FINITE, and nothing
 * is added. A batch of another size than the evaluator's is MINRNN_INVALID_ARGUMENT. Waits. */
MINRNN_API minrnn_status minrnn_evaluator_score(minrnn_evaluator *evaluator,
                                                const minrnn_batch *batch, minrnn_score *score);

/** minrnn_evaluator_score for the loss alone: its sum is added to *loss_sum, and how many targets
 * have one to *count. */
MINRNN_API minrnn_status minrnn_evaluate(minrnn_evaluator *evaluator, const minrnn_batch *batch,
                                         double *loss_sum, int64_t *count);

MINRNN_END_DECLS

#endif
