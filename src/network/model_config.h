/* SPDX-License-Identifier: Apache-2.0 */
/* A model's configuration and its settings. */
#ifndef NETWORK_MODEL_CONFIG_H
#define NETWORK_MODEL_CONFIG_H

#include <minrnn/model.h>

#include "layer/setting.h"

enum { MODEL_MAX_CONV = 64 };

extern const struct settings model_settings;

/* A caller's configuration, made whole: every member that it lacks is standard, and the mixer's
 * width is the model's. */
minrnn_status model_config_take(const minrnn_model_config *given, minrnn_model_config *config);

/* Checks what one can tell without the mixer. */
minrnn_status model_config_check(const minrnn_model_config *config);

#endif
