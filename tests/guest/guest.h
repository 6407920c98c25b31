/* SPDX-License-Identifier: Apache-2.0 */
/* For the tests of what the library does inside of another program: one small training run, made
 * again, alike to the bit. */
#ifndef TESTS_GUEST_GUEST_H
#define TESTS_GUEST_GUEST_H

#include "support.h"

enum {
    GUEST_BATCH = 16,
    GUEST_TIME = 64,
    GUEST_TOKENS = GUEST_BATCH * GUEST_TIME,
    GUEST_VOCAB = 40
};

struct guest {
    minrnn_device *device;
    minrnn_model *model;
    minrnn_trainer *trainer;
};

/* Makes a run on an open device. */
static inline minrnn_status guest_begin(minrnn_device *device, struct guest *guest) {
    minrnn_model_config config;
    minrnn_trainer_config training;
    minrnn_model_config_defaults(&config);
    minrnn_trainer_config_defaults(&training);
    config.vocab = GUEST_VOCAB;
    config.width = 64;
    training.batch = GUEST_BATCH;
    training.time = GUEST_TIME;
    *guest = (struct guest){.device = device};
    const minrnn_status status = minrnn_model_create(device, &config, 1, &guest->model);
    return status ? status : minrnn_trainer_create(guest->model, &training, &guest->trainer);
}

/* One step, with its loss. */
static inline minrnn_status guest_step(struct guest *guest, float *loss) {
    static int32_t tokens[GUEST_TOKENS], targets[GUEST_TOKENS];
    minrnn_step_record record = {.loss = NAN};
    bool there = false;
    for (int32_t i = 0; i < GUEST_TOKENS; i++) {
        tokens[i] = (i * 7 + i / 13) % GUEST_VOCAB;
        targets[i] = ((i + 1) * 7 + (i + 1) / 13) % GUEST_VOCAB;
    }
    minrnn_status status = support_step(guest->trainer, tokens, targets, NULL, NULL);
    status = status ? status : minrnn_trainer_record(guest->trainer, true, &record, &there);
    *loss = there ? record.loss : NAN;
    return status;
}

static inline void guest_end(struct guest *guest) {
    minrnn_trainer_destroy(guest->trainer);
    minrnn_model_destroy(guest->model);
}

#endif
