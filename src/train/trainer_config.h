/* SPDX-License-Identifier: Apache-2.0 */
/* A trainer's configuration and its settings. */
#ifndef TRAIN_TRAINER_CONFIG_H
#define TRAIN_TRAINER_CONFIG_H

#include <minrnn/trainer.h>

#include "layer/setting.h"

extern const struct settings trainer_settings;

/* A caller's configuration, made whole and checked. */
minrnn_status trainer_config_take(const minrnn_trainer_config *given,
                                  minrnn_trainer_config *config);

/* Checks everything but the model. */
minrnn_status trainer_config_check(const minrnn_trainer_config *config);

#endif
