/* SPDX-License-Identifier: Apache-2.0 */
/* For the tests of training: a trainer with few settings, its records, a parameter by name. */
#ifndef TESTS_UNIT_TRAIN_TRAINING_H
#define TESTS_UNIT_TRAIN_TRAINING_H

#include "unit/models.h"

static inline minrnn_trainer_config trainer_config(int64_t batch, int64_t time) {
    minrnn_trainer_config config;
    minrnn_trainer_config_defaults(&config);
    config.batch = batch;
    config.time = time;
    config.rate = 5e-3f;
    return config;
}

static inline minrnn_trainer *trainer_make(minrnn_model *model,
                                           const minrnn_trainer_config *config) {
    minrnn_trainer *trainer;
    CHECK(minrnn_trainer_create(model, config, &trainer));
    return trainer;
}

static inline minrnn_step_record take_record(minrnn_trainer *trainer) {
    minrnn_step_record record = {0};
    bool there = false;
    CHECK(minrnn_trainer_record(trainer, true, &record, &there));
    assert_true(there);
    return record;
}

static inline minrnn_parameter_info parameter_named(const minrnn_model *model, const char *name) {
    minrnn_parameter_info info;
    for (int i = 0; i < minrnn_model_tensor_count(model); i++) {
        CHECK(minrnn_model_parameter(model, i, &info));
        if (strcmp(info.name, name) == 0) {
            return info;
        }
    }
    fail_msg("no parameter %s", name);
    return info;
}

#endif
