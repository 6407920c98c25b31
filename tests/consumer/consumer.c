/* SPDX-License-Identifier: Apache-2.0 */
/* A program outside the tree: ten training steps on the CPU, and the model's next token. */
#include <minrnn/minrnn.h>

#include <math.h>
#include <stdio.h>

enum { BATCH = 4, TIME = 16, VOCAB = 5, STEPS = 10 };

#define TRY(call)                                                                                  \
    do {                                                                                           \
        if ((call) != MINRNN_OK) {                                                                 \
            fprintf(stderr, "%s\n", minrnn_error_text());                                          \
            goto done;                                                                             \
        }                                                                                          \
    } while (0)

int main(void) {
    int result = 1;
    minrnn_device *device = NULL;
    minrnn_model *model = NULL;
    minrnn_trainer *trainer = NULL;
    minrnn_session *session = NULL;
    minrnn_model_config config;
    minrnn_trainer_config training;
    minrnn_step_record record = {0};
    float first = 0.0f, logits[TIME * VOCAB];
    int32_t tokens[BATCH * TIME], targets[BATCH * TIME];
    minrnn_batch batch;

    for (int i = 0; i < BATCH * TIME; i++) { /* each token follows the one below it */
        tokens[i] = i % VOCAB;
        targets[i] = (i + 1) % VOCAB;
    }
    minrnn_batch_defaults(&batch);
    batch.batch = BATCH;
    batch.time = TIME;
    batch.tokens = tokens;
    batch.targets = targets;
    minrnn_model_config_defaults(&config);
    config.vocab = VOCAB;
    config.width = 16;
    minrnn_trainer_config_defaults(&training);
    training.batch = BATCH;
    training.time = TIME;
    training.rate = 1e-2f;
    TRY(minrnn_device_open("cpu", &device));
    TRY(minrnn_model_create(device, &config, 1, &model));
    TRY(minrnn_trainer_create(model, &training, &trainer));
    for (int step = 1; step <= STEPS; step++) {
        bool there = false;
        TRY(minrnn_trainer_step(trainer, &batch));
        TRY(minrnn_trainer_record(trainer, true, &record, &there));
        first = step == 1 ? record.loss : first;
    }
    TRY(minrnn_session_create(model, 1, TIME, &session));
    TRY(minrnn_session_forward(session, TIME, tokens, NULL, logits));
    printf("minrnn %s: loss %.3f -> %.3f\n", minrnn_version(), (double)first, (double)record.loss);
    result = record.step == STEPS && record.loss < first && isfinite(logits[0]) ? 0 : 1;

done:
    minrnn_session_destroy(session);
    minrnn_trainer_destroy(trainer);
    minrnn_model_destroy(model);
    minrnn_device_destroy(device);
    return result;
}
