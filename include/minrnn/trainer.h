/* SPDX-License-Identifier: Apache-2.0 */
/* Training: AdamW, clipping, a rate schedule, gradient accumulation, exact resume. */
#ifndef MINRNN_TRAINER_H
#define MINRNN_TRAINER_H

#include <minrnn/batch.h>
#include <minrnn/model.h>

MINRNN_BEGIN_DECLS

/* What the learning rate does over the steps. Later versions append new ones. */
typedef enum minrnn_schedule {
    MINRNN_SCHEDULE_CONSTANT = 0, /* after the warm-up */
    MINRNN_SCHEDULE_COSINE = 1    /* down to min_rate at `steps` */
} minrnn_schedule;

/* How a model is trained. What an older program does not have is as minrnn_trainer_config_defaults
 * sets it. */
typedef struct minrnn_trainer_config {
    size_t size;          /* of this struct: minrnn_trainer_config_defaults sets it */
    int64_t batch, time;  /* tokens of one micro-batch */
    int64_t accumulation; /* micro-batches a step */
    int64_t steps;        /* where the cosine ends; training may go on at min_rate */
    float rate;           /* learning rate */
    float min_rate;
    int64_t warmup; /* steps from 0 up to `rate` */
    minrnn_schedule schedule;
    float beta1, beta2, epsilon;
    float weight_decay;
    float clip;    /* largest global norm of the gradient; 0 = off */
    uint64_t seed; /* dropout; callers draw their batches from it too */
    /* Looks at what every op of a step writes, waiting for each: the first NaN or infinity ends the
     * step with MINRNN_NOT_FINITE and a text that names step, layer, parameter and op. For finding
     * out where a run breaks: slower, and of no effect on what is computed. */
    bool check_numbers;
} minrnn_trainer_config;

typedef struct minrnn_trainer minrnn_trainer;

/* What a step did. An older program is given the members that it has. */
typedef struct minrnn_step_record {
    size_t size;         /* of this struct: minrnn_trainer_record sets it */
    int64_t step;        /* 1 for the first */
    float loss;          /* mean over its targets, nats, before the update */
    float gradient_norm; /* before clipping */
    float rate;
    double seconds; /* when it was done, by CLOCK_MONOTONIC; of a device that works beside the host:
                     * when a call on the trainer first saw that it was */
} minrnn_step_record;

/* 32 x 128 tokens, accumulation 1, 1000 steps, rate 1e-3 constant, no warm-up, betas 0.9 and 0.999,
 * epsilon 1e-8, weight decay 0.01, clip 1, seed 1. */
MINRNN_API void minrnn_trainer_config_init(minrnn_trainer_config *config, size_t size);
static inline void minrnn_trainer_config_defaults(minrnn_trainer_config *config) {
    minrnn_trainer_config_init(config, sizeof *config);
}

/* The settings of a trainer, 0 <= index, NULL past the last; by name as minrnn_mixer_set and
 * minrnn_mixer_get. */
MINRNN_API const minrnn_setting *minrnn_trainer_setting(int index);
MINRNN_API minrnn_status minrnn_trainer_set(minrnn_trainer_config *config, const char *name,
                                            const char *value);
MINRNN_API minrnn_status minrnn_trainer_get(const minrnn_trainer_config *config, const char *name,
                                            char *value, size_t capacity);

/* Presets, a model and how it is trained: their names and a line on each, 0 <= index, NULL past the
 * last. The first is a good one to begin with. */
MINRNN_API const char *minrnn_preset_name(int index);
MINRNN_API const char *minrnn_preset_help(int index);

/* Fills both configurations, whose sizes must be set (by their _defaults), with a preset's values;
 * vocab becomes 0, to be set. *eval_every and *save_every are the steps between evaluations and
 * between saves that suit it. Each but the name may be NULL. An older program that lacks a member
 * whose value in the preset is not the standard one gets MINRNN_INVALID_ARGUMENT. */
MINRNN_API minrnn_status minrnn_preset(const char *name, minrnn_model_config *model,
                                       minrnn_trainer_config *trainer, int64_t *eval_every,
                                       int64_t *save_every);

/* Memory of a model and its trainer on this device, before either exists. */
MINRNN_API minrnn_status minrnn_trainer_memory_sized(minrnn_device *device,
                                                     const minrnn_model_config *model,
                                                     const minrnn_trainer_config *config,
                                                     minrnn_memory *memory, size_t size);
static inline minrnn_status minrnn_trainer_memory(minrnn_device *device,
                                                  const minrnn_model_config *model,
                                                  const minrnn_trainer_config *config,
                                                  minrnn_memory *memory) {
    return minrnn_trainer_memory_sized(device, model, config, memory, sizeof *memory);
}

/* Allocates gradients, moments and one planned workspace; nothing is allocated after that. The
 * caller owns *trainer; the model must outlive it and is changed by its steps. */
MINRNN_API minrnn_status minrnn_trainer_create(minrnn_model *model,
                                               const minrnn_trainer_config *config,
                                               minrnn_trainer **trainer);
MINRNN_API void minrnn_trainer_destroy(minrnn_trainer *trainer);

/* One optimiser step on accumulation * batch sequences, micro-batch after micro-batch. The work is
 * enqueued and the batch is copied: the call waits only while two steps are in flight.
 * Two things end the run, so that every step, evaluation and save after them fails and it goes on
 * from the last save with minrnn_trainer_resume. A step whose gradient is not finite leaves
 * parameters and moments as they were; as soon as that is known, at the latest two steps on, the
 * status is MINRNN_NOT_FINITE. A step that fails for another reason than its arguments may have
 * updated half of them: MINRNN_DEVICE_ERROR. */
MINRNN_API minrnn_status minrnn_trainer_step(minrnn_trainer *trainer, const minrnn_batch *batch);

/* Takes the oldest record not yet taken: *there is false where its step is still under way, which
 * with `wait` it is not. Records come in the order of their steps; at most 4 are kept, the oldest
 * dropped. A loss or a gradient that is not finite is MINRNN_NOT_FINITE. */
MINRNN_API minrnn_status minrnn_trainer_record_sized(minrnn_trainer *trainer, bool wait,
                                                     minrnn_step_record *record, size_t size,
                                                     bool *there);
static inline minrnn_status minrnn_trainer_record(minrnn_trainer *trainer, bool wait,
                                                  minrnn_step_record *record, bool *there) {
    return minrnn_trainer_record_sized(trainer, wait, record, sizeof *record, there);
}

/* Steps done so far, those of resumed runs included. */
MINRNN_API int64_t minrnn_trainer_steps(const minrnn_trainer *trainer);

/* minrnn_evaluate in the trainer's own workspace, on batch x time tokens: without dropout, and
 * nothing is changed. */
MINRNN_API minrnn_status minrnn_trainer_evaluate(minrnn_trainer *trainer, const minrnn_batch *batch,
                                                 double *loss_sum, int64_t *count);

/* Copies all gradients of the last step to host memory, minrnn_model_parameters floats, as they
 * were before clipping; waits. */
MINRNN_API minrnn_status minrnn_trainer_read_gradients(minrnn_trainer *trainer, float *gradients);

/* Writes everything a run needs to go on to the same bits: parameters, moments, step,
 * configuration, vocabulary. Safe against kill and full disks as minrnn_model_save is. After a step
 * that was not finite, or where a number to be written is not, it is MINRNN_NOT_FINITE and the file
 * stays as it was: the last save is a good one. */
MINRNN_API minrnn_status minrnn_trainer_save(const minrnn_trainer *trainer, const char *path);

/* Makes a model and a trainer from a state file; the caller owns both. `config`, where not NULL,
 * must agree with the file in everything but `steps` and `check_numbers`, which it gives. */
MINRNN_API minrnn_status minrnn_trainer_resume(minrnn_device *device, const char *path,
                                               const minrnn_trainer_config *config,
                                               minrnn_model **model, minrnn_trainer **trainer);

/* The trainer's configuration. */
MINRNN_API minrnn_status minrnn_trainer_get_config_sized(const minrnn_trainer *trainer,
                                                         minrnn_trainer_config *config,
                                                         size_t size);
static inline minrnn_status minrnn_trainer_get_config(const minrnn_trainer *trainer,
                                                      minrnn_trainer_config *config) {
    return minrnn_trainer_get_config_sized(trainer, config, sizeof *config);
}

MINRNN_END_DECLS

#endif
