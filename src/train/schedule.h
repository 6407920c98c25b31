/* SPDX-License-Identifier: Apache-2.0 */
/* The learning rate over a run. */
#ifndef TRAIN_SCHEDULE_H
#define TRAIN_SCHEDULE_H

#include <minrnn/trainer.h>

/* The rate of a step, 1 being the first. */
float schedule_rate(const minrnn_trainer_config *config, int64_t step);

#endif
