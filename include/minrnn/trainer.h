/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Training: AdamW, clipping, a rate schedule, gradient accumulation, exact resume. */
#ifndef MINRNN_TRAINER_H
#define MINRNN_TRAINER_H

#include <minrnn/batch.h>
#include <minrnn/model.h>

MINRNN_BEGIN_DECLS

/** What the learning rate does over the steps. Later versions append new ones. */
typedef enum minrnn_schedule {
    MINRNN_SCHEDULE_CONSTANT = 0, /**< after the warm-up it is `rate` */
    MINRNN_SCHEDULE_COSINE = 1    /**< after the warm-up a cosine down to min_rate at `steps` */
} minrnn_schedule;

/** How a model is trained. A member that an older program lacks is as
 * minrnn_trainer_config_defaults sets it. */
typedef struct minrnn_trainer_config {
    size_t size;              /**< of this struct: minrnn_trainer_config_defaults sets it */
    int64_t batch,            /**< sequences of one micro-batch */
        time;                 /**< tokens of each */
    int64_t accumulation;     /**< micro-batches a step */
    int64_t steps;            /**< the step that ends the cosine; training may go on at min_rate */
    float rate;               /**< learning rate */
    float min_rate;           /**< the learning rate at the end of the cosine */
    int64_t warmup;           /**< steps from 0 up to `rate` */
    minrnn_schedule schedule; /**< of the rate after the warm-up */
    float beta1,              /**< AdamW's, of the first moment */
        beta2,                /**< AdamW's, of the second moment */
        epsilon;              /**< AdamW's */
    float weight_decay;       /**< AdamW's, for parameters that decay (minrnn_parameter_info) */
    float clip;               /**< largest global norm of the gradient; 0: off */
    uint64_t seed;            /**< dropout; callers draw their batches from it too */
    /** Looks at what every op of a step writes, waiting for each: the first NaN or infinity ends
     * the step with MINRNN_NOT_FINITE and a text that names step, layer, parameter and op. It is
     * for finding out where a run breaks: slower, and of no effect on what is computed. */
    bool check_numbers;
    int64_t targets; /**< positions of a sequence that have a target, at most: the head runs at no
                      * other; 0: all may have one */
} minrnn_trainer_config;

/** A model's optimiser (AdamW: Loshchilov and Hutter, arXiv 1711.05101), with gradients, moments
 * and workspace. Used by one thread at a time. */
typedef struct minrnn_trainer minrnn_trainer;

/** What a step did. An older program is given the members that it has. */
typedef struct minrnn_step_record {
    size_t size;         /**< of this struct: minrnn_trainer_record sets it */
    int64_t step;        /**< 1 for the first */
    float loss;          /**< mean over its targets, nats, before the update */
    float gradient_norm; /**< of all parameters together, before clipping */
    float rate;          /**< the learning rate */
    double seconds;      /**< when it was done, by CLOCK_MONOTONIC. If the device works beside the
                          * host: when a call on the trainer first saw that it was. */
} minrnn_step_record;

/** minrnn_trainer_config_defaults for a struct of `size` bytes, for programs in other languages. */
MINRNN_API void minrnn_trainer_config_init(minrnn_trainer_config *config, size_t size);

/** 32 x 128 tokens, accumulation 1, 1000 steps, rate 1e-3 constant, no warm-up, betas 0.9 and
 * 0.999, epsilon 1e-8, weight decay 0.01, clip 1, seed 1. NULL is allowed. */
static inline void minrnn_trainer_config_defaults(minrnn_trainer_config *config) {
    minrnn_trainer_config_init(config, sizeof *config);
}

/** A trainer's setting with this index, from 0 on; NULL past the last. */
MINRNN_API const minrnn_setting *minrnn_trainer_setting(int index);

/** As minrnn_mixer_set, for a trainer's settings. */
MINRNN_API minrnn_status minrnn_trainer_set(minrnn_trainer_config *config, const char *name,
                                            const char *value);

/** As minrnn_mixer_get, for a trainer's settings. */
MINRNN_API minrnn_status minrnn_trainer_get(const minrnn_trainer_config *config, const char *name,
                                            char *value, size_t capacity);

/** minrnn_trainer_memory for a struct of `size` bytes, for programs in other languages. */
MINRNN_API minrnn_status minrnn_trainer_memory_sized(minrnn_device *device,
                                                     const minrnn_model_config *model,
                                                     const minrnn_trainer_config *config,
                                                     minrnn_memory *memory, size_t size);

/** Memory of a model and its trainer on this device, before either exists. */
static inline minrnn_status minrnn_trainer_memory(minrnn_device *device,
                                                  const minrnn_model_config *model,
                                                  const minrnn_trainer_config *config,
                                                  minrnn_memory *memory) {
    return minrnn_trainer_memory_sized(device, model, config, memory, sizeof *memory);
}

/** Makes a trainer: allocates gradients, moments and one planned workspace. Nothing is allocated on
 * the device after that. The caller owns *trainer; the model must outlive it and is changed by its
 * steps. */
MINRNN_API minrnn_status minrnn_trainer_create(minrnn_model *model,
                                               const minrnn_trainer_config *config,
                                               minrnn_trainer **trainer);

/** Waits for the steps under way, then releases a trainer. NULL is allowed. */
MINRNN_API void minrnn_trainer_destroy(minrnn_trainer *trainer);

/** Makes one optimiser step on accumulation * batch sequences, micro-batch after micro-batch. The
 * work is enqueued and the batch is copied: the call waits only while two micro-batches are in
 * flight. It waits for each, as it does for the first, while one takes 2 s or more: some drivers
 * give up a queue whose work takes long.
 *
 * Two things end the run. Every step, evaluation and save after them fails, and the run goes on
 * from the last save with minrnn_trainer_resume. A step whose gradient is not finite leaves
 * parameters and moments as they were; as soon as that is known, at the latest two steps on, the
 * status is MINRNN_NOT_FINITE. A step that fails for another reason than its arguments may have
 * updated half of them: MINRNN_DEVICE_ERROR. */
MINRNN_API minrnn_status minrnn_trainer_step(minrnn_trainer *trainer, const minrnn_batch *batch);

/** minrnn_trainer_record for a struct of `size` bytes, for programs in other languages. */
MINRNN_API minrnn_status minrnn_trainer_record_sized(minrnn_trainer *trainer, bool wait,
                                                     minrnn_step_record *record, size_t size,
                                                     bool *there);

/** Takes the oldest record not yet taken. *there is false if there is none, or if its step is still
 * under way; with `wait` the call waits for that step. Records come in the order of their steps. At
 * most 4 are kept, the oldest dropped. A loss or a gradient that is not finite is
 * MINRNN_NOT_FINITE. */
static inline minrnn_status minrnn_trainer_record(minrnn_trainer *trainer, bool wait,
                                                  minrnn_step_record *record, bool *there) {
    return minrnn_trainer_record_sized(trainer, wait, record, sizeof *record, there);
}

/** Steps done so far, those of resumed runs included. */
MINRNN_API int64_t minrnn_trainer_steps(const minrnn_trainer *trainer);

/** minrnn_evaluator_score in the trainer's own workspace, on batch x time tokens. There is no
 * dropout, and nothing is changed. */
MINRNN_API minrnn_status minrnn_trainer_score(minrnn_trainer *trainer, const minrnn_batch *batch,
                                              minrnn_score *score);

/** minrnn_trainer_score for the loss alone, as minrnn_evaluate. */
MINRNN_API minrnn_status minrnn_trainer_evaluate(minrnn_trainer *trainer, const minrnn_batch *batch,
                                                 double *loss_sum, int64_t *count);

/** Copies all gradients of the last step to host memory, minrnn_model_parameters floats, as they
 * were before clipping. Waits. */
MINRNN_API minrnn_status minrnn_trainer_read_gradients(minrnn_trainer *trainer, float *gradients);

/** Writes everything a run needs to go on to the same bits: parameters, moments, step,
 * configuration, metadata (such as a vocabulary). Safe against kill and full disks as
 * minrnn_model_save is. After a step that was not finite, or if a number to be written is not, it
 * is MINRNN_NOT_FINITE and the file stays as it was: the last save is a good one. */
MINRNN_API minrnn_status minrnn_trainer_save(const minrnn_trainer *trainer, const char *path);

/** Makes a model and a trainer from a state file; the caller owns both. A `config` that is not NULL
 * gives `steps` and `check_numbers`, and must agree with the file in everything else. */
MINRNN_API minrnn_status minrnn_trainer_resume(minrnn_device *device, const char *path,
                                               const minrnn_trainer_config *config,
                                               minrnn_model **model, minrnn_trainer **trainer);

/** minrnn_trainer_get_config for a struct of `size` bytes, for programs in other languages. */
MINRNN_API minrnn_status minrnn_trainer_get_config_sized(const minrnn_trainer *trainer,
                                                         minrnn_trainer_config *config,
                                                         size_t size);

/** The trainer's configuration. */
static inline minrnn_status minrnn_trainer_get_config(const minrnn_trainer *trainer,
                                                      minrnn_trainer_config *config) {
    return minrnn_trainer_get_config_sized(trainer, config, sizeof *config);
}

MINRNN_END_DECLS

#endif
