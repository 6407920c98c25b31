/* SPDX-License-Identifier: Apache-2.0 */
/* Makes model, trainer and batch of a preset. */
#include "steps.h"

#include "must.h"

enum { VOCABULARY = 65 };

/* Every character about as often, in no order. */
static int32_t *make_tokens(int64_t rows) {
    int32_t *tokens = must_alloc((size_t)rows * sizeof *tokens);
    uint32_t state = 1;
    for (int64_t i = 0; i < rows; i++) {
        state = state * 1664525u + 1013904223u;
        tokens[i] = (int32_t)((state >> 16) % VOCABULARY);
    }
    return tokens;
}

struct steps steps_create(minrnn_device *device, const char *preset, int64_t batch) {
    struct steps steps;
    minrnn_model_config config;
    minrnn_trainer_config training;
    minrnn_model_config_defaults(&config);
    minrnn_trainer_config_defaults(&training);
    must(minrnn_preset(preset, &config, &training, NULL, NULL), "preset");
    config.vocab = VOCABULARY;
    training.batch = batch ? batch : training.batch;
    must(minrnn_model_create(device, &config, 1, &steps.model), "model");
    must(minrnn_trainer_create(steps.model, &training, &steps.trainer), "trainer");
    minrnn_batch_defaults(&steps.batch);
    steps.batch.batch = training.batch * training.accumulation;
    steps.batch.time = training.time;
    steps.rows = steps.batch.batch * steps.batch.time;
    steps.tokens = make_tokens(steps.rows);
    steps.batch.tokens = steps.batch.targets = steps.tokens;
    return steps;
}

void steps_take(struct steps *steps) {
    must(minrnn_trainer_step(steps->trainer, &steps->batch), "step");
}

void steps_destroy(struct steps *steps) {
    minrnn_trainer_destroy(steps->trainer);
    minrnn_model_destroy(steps->model);
    mem_free(steps->tokens);
}
