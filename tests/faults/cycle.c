/* SPDX-License-Identifier: Apache-2.0 */
/* The cycle, step by step, and what is tried after one of its calls failed. */
#include "cycle.h"

#include "inject.h"

#ifdef MINRNN_HAVE_OPENCL
#define CL_TARGET_OPENCL_VERSION 120
#include <minrnn/opencl.h>

#include "base/alloc.h"
#include "opencl/cache.h"
#endif

#include <stdio.h>
#include <string.h>

enum { BATCH = 2, TIME = 6, ROWS = BATCH * TIME };

static const char prompt[] = "fox";

struct parts {
    minrnn_device *device;
    minrnn_text *text;
    minrnn_model *model;
    minrnn_trainer *trainer;
    minrnn_session *session;
    int steps, records;
    bool step_failed;
};

/* Small, but every kind of op: both mixers' projections, convolution, feed-forward, norms. */
static void configure(minrnn_model_config *model, minrnn_trainer_config *trainer, uint64_t seed,
                      int vocab) {
    minrnn_model_config_defaults(model);
    model->vocab = vocab;
    model->width = 8;
    model->layers = 1;
    model->conv = 2;
    model->feed_forward_factor = 1.0f;
    model->dropout = 0.1f;
    minrnn_trainer_config_defaults(trainer);
    trainer->batch = BATCH;
    trainer->time = TIME;
    trainer->rate = 0.01f;
    trainer->seed = seed;
}

static minrnn_batch batch_of(const int32_t *tokens, const int32_t *targets) {
    minrnn_batch batch;
    minrnn_batch_defaults(&batch);
    batch.batch = BATCH;
    batch.time = TIME;
    batch.tokens = tokens;
    batch.targets = targets;
    return batch;
}

static minrnn_status step(struct parts *parts, uint64_t seed) {
    int32_t tokens[ROWS], targets[ROWS];
    const uint64_t index = (uint64_t)minrnn_trainer_steps(parts->trainer);
    minrnn_status status = minrnn_text_batch(parts->text, MINRNN_SPLIT_TRAIN, seed, index, BATCH,
                                             TIME, tokens, targets, NULL);
    if (!status) {
        const minrnn_batch batch = batch_of(tokens, targets);
        status = minrnn_trainer_step(parts->trainer, &batch);
        parts->step_failed = status != MINRNN_OK;
    }
    return status;
}

static minrnn_status next_step(struct parts *parts, uint64_t seed, struct cycle_result *result) {
    const int made = fault_markers();
    const minrnn_status status = step(parts, seed);
    result->events_made[parts->steps] = fault_markers() - made;
    result->events[parts->steps++] = fault_live(FAULT_EVENT);
    return status;
}

static minrnn_status take_records(struct parts *parts, struct cycle_result *result, int until) {
    minrnn_status status = MINRNN_OK;
    while (!status && parts->records < until) {
        bool there = false;
        status =
            minrnn_trainer_record(parts->trainer, true, &result->records[parts->records], &there);
        parts->step_failed |= status != MINRNN_OK;
        result->events_after[parts->records] = fault_live(FAULT_EVENT);
        parts->records += there;
        if (!status && !there) {
            parts->records = until; /* which leaves it zero, and so unlike the right one */
        }
    }
    return status;
}

/* A task besides text, whose settings the model's files keep. */
static minrnn_status keep_task(minrnn_model *model) {
    minrnn_task_config config;
    minrnn_task *task = NULL;
    minrnn_status status = minrnn_task_config_defaults("copy", &config);
    status = status ? status : minrnn_task_create(&config, &task);
    status = status ? status : minrnn_task_prepare(task, model);
    minrnn_task_destroy(task);
    return status;
}

static minrnn_status begin(struct parts *parts, const struct cycle_setup *paths, uint64_t seed) {
    minrnn_model_config model;
    minrnn_trainer_config trainer;
    minrnn_status status = parts->device ? MINRNN_OK : minrnn_device_open(NULL, &parts->device);
    status = status ? status : minrnn_text_open(paths->text, NULL, &parts->text);
    if (status) {
        return status;
    }
    const minrnn_vocabulary *vocabulary = minrnn_text_vocabulary(parts->text);
    configure(&model, &trainer, seed, minrnn_vocabulary_size(vocabulary));
    status = minrnn_model_set(&model, "mixer", paths->mixer);
    status = status ? status : minrnn_model_create(parts->device, &model, seed, &parts->model);
    status = status ? status : minrnn_model_set_vocabulary(parts->model, vocabulary);
    status = status ? status : keep_task(parts->model);
    return status ? status : minrnn_trainer_create(parts->model, &trainer, &parts->trainer);
}

static minrnn_status train(struct parts *parts, const struct cycle_setup *paths, uint64_t seed,
                           struct cycle_result *result) {
    minrnn_status status = next_step(parts, seed, result);
    status = status ? status : next_step(parts, seed, result);
    status = status ? status : take_records(parts, result, 2);
    status = status ? status : minrnn_trainer_save(parts->trainer, paths->state);
    return status ? status : minrnn_model_save(parts->model, paths->model);
}

static void destroy_training(struct parts *parts) {
    minrnn_trainer_destroy(parts->trainer);
    minrnn_model_destroy(parts->model);
    parts->trainer = NULL;
    parts->model = NULL;
}

static minrnn_status resume(struct parts *parts, const struct cycle_setup *paths, uint64_t seed,
                            struct cycle_result *result) {
    int32_t tokens[ROWS], targets[ROWS];
    int64_t used = 0, count = 0;
    minrnn_status status =
        minrnn_trainer_resume(parts->device, paths->state, NULL, &parts->model, &parts->trainer);
    status = status ? status : next_step(parts, seed, result);
    status = status ? status : take_records(parts, result, CYCLE_STEPS);
    status = status ? status
                    : minrnn_text_window(parts->text, MINRNN_SPLIT_VALIDATION, 0, BATCH, TIME,
                                         tokens, targets, NULL, &used);
    const minrnn_batch batch = batch_of(tokens, targets);
    return status ? status
                  : minrnn_trainer_evaluate(parts->trainer, &batch, &result->evaluation, &count);
}

static bool append(void *user, const char *text, uint64_t bytes) {
    (void)bytes;
    char *generated = user;
    const size_t length = strlen(generated);
    snprintf(generated + length, sizeof((struct cycle_result *)0)->generated - length, "%s", text);
    return true;
}

static minrnn_status generate(struct parts *parts, const struct cycle_setup *paths,
                              struct cycle_result *result) {
    minrnn_sampling sampling;
    minrnn_sampling_defaults(&sampling);
    minrnn_task_config task;
    minrnn_status status = minrnn_model_load(parts->device, paths->model, &parts->model);
    status = status ? status : minrnn_model_get_task(parts->model, &task);
    status = status ? status : minrnn_session_create(parts->model, 1, 4, &parts->session);
    return status ? status
                  : minrnn_generate(parts->session, prompt, sizeof prompt - 1, CYCLE_LENGTH,
                                    &sampling, append, result->generated);
}

#ifdef MINRNN_HAVE_OPENCL
/* The program cache, which needs no driver: whatever fails, nothing or the right thing is loaded.
 */
static minrnn_status keep_program(const char *folder) {
    static const char key[] = "the key of a program";
    static const unsigned char binary[] = "its binary";
    unsigned char *loaded = NULL;
    size_t bytes = 0;
    cache_store(folder, key, binary, sizeof binary);
    const bool right = !cache_load(folder, key, &loaded, &bytes) ||
                       (bytes == sizeof binary && memcmp(loaded, binary, bytes) == 0);
    mem_free(loaded);
    return right ? MINRNN_OK : MINRNN_NOT_FINITE; /* which no call here returns */
}

/* The caller's own queue, memory and events. */
static minrnn_status use_shared(minrnn_device *own, minrnn_device *shared, cl_event *event) {
    static const float sent[4] = {1, 2, 3, 4};
    float got[4] = {0};
    minrnn_buffer *memory = NULL, *wrapped = NULL;
    minrnn_status status = minrnn_buffer_create(own, sizeof sent, &memory);
    status = status ? status
                    : minrnn_opencl_buffer_wrap(shared, minrnn_opencl_memory(memory), 4,
                                                sizeof sent - 4, &wrapped);
    status = status ? status : minrnn_buffer_write(memory, 0, sent, sizeof sent);
    status = status ? status : minrnn_opencl_record(own, event);
    status = status ? status : minrnn_opencl_wait_for(shared, 1, event);
    status = status ? status : minrnn_buffer_read(wrapped, 0, got, sizeof sent - 4);
    status = status ? status : minrnn_device_finish(shared);
    minrnn_buffer_destroy(wrapped);
    minrnn_buffer_destroy(memory);
    return status ? status : got[0] == 2 && got[2] == 4 ? MINRNN_OK : MINRNN_NOT_FINITE;
}

static minrnn_status share(minrnn_device *own) {
    const cl_context context = minrnn_opencl_context(own);
    const cl_command_queue queue = minrnn_opencl_queue(own);
    minrnn_device *shared = NULL;
    cl_device_id id = NULL;
    cl_event event = NULL;
    if (!queue) {
        return MINRNN_OK; /* the native CPU */
    }
    if (clGetContextInfo(context, CL_CONTEXT_DEVICES, sizeof id, &id, NULL) != CL_SUCCESS) {
        return MINRNN_NOT_FINITE;
    }
    minrnn_status status = minrnn_opencl_device_open(context, id, queue, &shared);
    status = status ? status : use_shared(own, shared, &event);
    if (event) {
        clReleaseEvent(event);
    }
    minrnn_device_destroy(shared);
    return status;
}
#else
static minrnn_status keep_program(const char *folder) {
    (void)folder;
    return MINRNN_OK;
}

static minrnn_status share(minrnn_device *own) {
    (void)own;
    return MINRNN_OK;
}
#endif

/* More calls on the handles of a cycle that failed: whatever they return, none may crash, and a
 * trainer whose step failed must not give its half-done state for a whole one. */
static void poke(struct parts *parts, const struct cycle_setup *paths, uint64_t seed,
                 struct cycle_result *result) {
    if (parts->trainer) {
        const bool failed = parts->step_failed;
        bool there;
        minrnn_step_record record;
        const bool stepped = step(parts, seed) == MINRNN_OK;
        (void)minrnn_trainer_record(parts->trainer, true, &record, &there);
        const bool saved = minrnn_trainer_save(parts->trainer, paths->other) == MINRNN_OK;
        result->went_on = failed && (stepped || saved);
    }
    if (parts->session) {
        const int32_t token = 0;
        minrnn_sampling sampling;
        minrnn_sampling_defaults(&sampling);
        (void)minrnn_session_forward(parts->session, 1, &token, NULL, NULL);
        (void)minrnn_generate(parts->session, prompt, sizeof prompt - 1, CYCLE_LENGTH, &sampling,
                              append, result->generated);
    }
    if (parts->device) {
        (void)minrnn_device_finish(parts->device);
    }
}

void cycle_run(const struct cycle_setup *paths, uint64_t seed, minrnn_device *device,
               struct cycle_result *result) {
    struct parts parts = {.device = device};
    *result = (struct cycle_result){0};
    minrnn_status status = begin(&parts, paths, seed);
    status = status ? status : train(&parts, paths, seed, result);
    if (!status) {
        destroy_training(&parts);
        status = resume(&parts, paths, seed, result);
    }
    if (!status) {
        destroy_training(&parts);
        status = generate(&parts, paths, result);
    }
    status = status ? status : share(parts.device);
    status = status ? status : keep_program(paths->kept);
    result->status = status;
    if (status) {
        snprintf(result->error, sizeof result->error, "%s", minrnn_error_text());
        poke(&parts, paths, seed, result);
    }
    minrnn_session_destroy(parts.session);
    destroy_training(&parts);
    minrnn_text_destroy(parts.text);
    if (!device) {
        minrnn_device_destroy(parts.device);
    }
}
