/* SPDX-License-Identifier: Apache-2.0 */
/* Presets: settings with a name, for a model and how it is trained. */
#include <minrnn/trainer.h>

#include "base/sized.h"
#include "network/model_config.h"
#include "train/trainer_config.h"

#include <string.h>

struct value {
    const char *name, *value;
};

enum { MOST_VALUES = 16 };

/* What is not named here is standard. */
struct preset {
    const char *name, *help;
    struct value model[MOST_VALUES], trainer[MOST_VALUES];
    int64_t eval_every, save_every;
};

static const struct preset presets[] = {
    {
        .name = "small",
        .help = "learns a megabyte of text in minutes on two cores",
        .model = {{"width", "128"},
                  {"layers", "2"},
                  {"mixer", "mingru"},
                  {"expansion", "2"},
                  {"conv", "4"},
                  {"feed_forward", "gelu"},
                  {"feed_forward_factor", "4"}},
        .trainer = {{"batch", "32"},
                    {"time", "128"},
                    {"steps", "1000"},
                    {"rate", "2e-3"},
                    {"min_rate", "2e-4"},
                    {"warmup", "50"},
                    {"schedule", "cosine"},
                    {"beta2", "0.99"},
                    {"weight_decay", "0.1"},
                    {"clip", "1"}},
        .eval_every = 100,
        .save_every = 250,
    },
    /* nanoGPT's character-level training with the paper's rate. */
    {
        .name = "shakespeare",
        .help = "the paper's Figure 2: 3 layers, width 384, dropout 0.2, 64 x 256",
        .model = {{"width", "384"},
                  {"layers", "3"},
                  {"mixer", "mingru"},
                  {"expansion", "2"},
                  {"conv", "4"},
                  {"feed_forward", "gelu"},
                  {"feed_forward_factor", "4"},
                  {"dropout", "0.2"}},
        .trainer = {{"batch", "64"},
                    {"time", "256"},
                    {"steps", "5000"},
                    {"rate", "1e-3"},
                    {"min_rate", "1e-4"},
                    {"warmup", "100"},
                    {"schedule", "cosine"},
                    {"beta2", "0.99"},
                    {"weight_decay", "0.1"},
                    {"clip", "1"}},
        .eval_every = 25,
        .save_every = 250,
    },
};
enum { PRESETS = sizeof presets / sizeof *presets };

const char *minrnn_preset_name(int index) {
    return index >= 0 && index < PRESETS ? presets[index].name : NULL;
}

const char *minrnn_preset_help(int index) {
    return index >= 0 && index < PRESETS ? presets[index].help : NULL;
}

static minrnn_status find(const char *name, const struct preset **preset) {
    for (int i = 0; i < PRESETS; i++) {
        if (strcmp(presets[i].name, name) == 0) {
            *preset = &presets[i];
            return MINRNN_OK;
        }
    }
    return fail(MINRNN_INVALID_ARGUMENT, "no preset is called \"%s\"", name);
}

/* Sets a caller's configuration to a preset's values; `whole` and `seen` are standard ones of the
 * library's own. Members that an older program does not have must be standard in the preset. */
static minrnn_status apply(const struct settings *settings, const char *preset,
                           const struct value *values, void *whole, void *seen, void *given) {
    minrnn_status status = sized_check(&settings->type, given);
    for (int i = 0; !status && i < MOST_VALUES && values[i].name; i++) {
        status = settings_set(settings, whole, values[i].name, values[i].value);
    }
    if (status) {
        return status;
    }
    settings_give(settings, whole, given, sized_get(given));
    status = settings_take(settings, given, seen);
    status = status ? status : settings_compare(settings, preset, whole, seen);
    return status ? fail_in(status, "the program is older than the preset") : MINRNN_OK;
}

static minrnn_status set_model(const struct preset *preset, minrnn_model_config *model) {
    minrnn_model_config whole, seen;
    minrnn_model_config_defaults(&whole);
    minrnn_model_config_defaults(&seen);
    return apply(&model_settings, preset->name, preset->model, &whole, &seen, model);
}

static minrnn_status set_trainer(const struct preset *preset, minrnn_trainer_config *trainer) {
    minrnn_trainer_config whole, seen;
    minrnn_trainer_config_defaults(&whole);
    minrnn_trainer_config_defaults(&seen);
    return apply(&trainer_settings, preset->name, preset->trainer, &whole, &seen, trainer);
}

minrnn_status minrnn_preset(const char *name, minrnn_model_config *model,
                            minrnn_trainer_config *trainer, int64_t *eval_every,
                            int64_t *save_every) {
    if (!name) {
        return fail(MINRNN_INVALID_ARGUMENT, "minrnn_preset: the name is NULL");
    }
    const struct preset *preset = NULL;
    minrnn_status status = find(name, &preset);
    status = status || !model ? status : set_model(preset, model);
    status = status || !trainer ? status : set_trainer(preset, trainer);
    if (!status && eval_every) {
        *eval_every = preset->eval_every;
    }
    if (!status && save_every) {
        *save_every = preset->save_every;
    }
    return status;
}
