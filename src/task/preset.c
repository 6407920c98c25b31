/* SPDX-License-Identifier: Apache-2.0 */
/* Presets: settings with a name, for a task, a model and how it is trained. */
#include <minrnn/preset.h>

#include "base/sized.h"
#include "mixer/mixer.h"
#include "network/model_config.h"
#include "task/task.h"
#include "train/trainer_config.h"

#include <string.h>

struct value {
    const char *name, *value;
};

enum { MOST_VALUES = 16 };

/* What is not named here is standard. The trainer's time and targets are the task's, if it has any
 * of its own. */
struct preset {
    const char *name, *help;
    /* The preset that this one is, but for the values of its model and training that are named
     * here; NULL: none. */
    const struct preset *like;
    const char *task; /* NULL: text */
    struct value task_settings[MOST_VALUES];
    struct value model[MOST_VALUES]; /* without its mixer's */
    const char *mixer;
    struct value of_mixer[MOST_VALUES]; /* for mixers that have such a setting */
    struct {
        const char *mixer;
        struct value value;
    } of_one[MOST_VALUES]; /* for the mixer that is named */
    struct value trainer[MOST_VALUES];
    int64_t eval_every, save_every;
};

static const struct preset small = {
    .name = "small",
    .help = "learns a megabyte of text in minutes on two cores",
    .model = {{"width", "128"},
              {"layers", "2"},
              {"conv", "4"},
              {"feed_forward", "gelu"},
              {"feed_forward_factor", "4"}},
    .mixer = "mingru",
    .of_mixer = {{"expansion", "2"}},
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
};

/* nanoGPT's character-level training with the paper's rate. */
static const struct preset shakespeare = {
    .name = "shakespeare",
    .help = "the paper's Figure 2: 3 layers, width 384, dropout 0.2, 64 x 256",
    .model = {{"width", "384"},
              {"layers", "3"},
              {"conv", "4"},
              {"feed_forward", "gelu"},
              {"feed_forward_factor", "4"},
              {"dropout", "0.2"}},
    .mixer = "mingru",
    .of_mixer = {{"expansion", "2"}},
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
};

/* Short enough for two cores; what one layer cannot learn two and three can. */
static const struct preset copy_small = {
    .name = "copy-small",
    .help = "selective copying of 8 tokens from 64 positions, in minutes on two cores",
    .task = "copy",
    .task_settings = {{"length", "64"}, {"items", "8"}, {"held_out", "1024"}},
    .model = {{"width", "64"}, {"layers", "3"}, {"conv", "0"}, {"feed_forward", "none"}},
    .mixer = "mingru",
    .of_mixer = {{"expansion", "2"}, {"learned_init", "on"}},
    .of_one = {{"minlstm", {"forget_offset", "3"}}},
    .trainer = {{"batch", "32"},
                {"steps", "2500"},
                {"rate", "3e-3"},
                {"min_rate", "3e-4"},
                {"warmup", "50"},
                {"schedule", "cosine"},
                {"weight_decay", "0.05"},
                {"clip", "1"}},
    .eval_every = 100,
    .save_every = 500,
};

/* The authors' configuration of minGRU and minLSTM, as they released it. */
static const struct preset copy = {
    .name = "copy",
    .help = "Tables 1 and 2 as released: 16 of 4096 positions, 3 layers, width 64, 2 x 32",
    .task = "copy",
    .task_settings = {{"length", "4096"}, {"items", "16"}},
    .model = {{"width", "64"}, {"layers", "3"}, {"conv", "0"}, {"feed_forward", "none"}},
    .mixer = "mingru",
    .of_mixer = {{"expansion", "6"}, {"learned_init", "on"}},
    .of_one = {{"minlstm", {"forget_offset", "3"}}},
    .trainer = {{"batch", "32"},
                {"accumulation", "2"},
                {"steps", "400000"},
                {"rate", "3e-4"},
                {"weight_decay", "0.05"},
                {"clip", "1"}},
    .eval_every = 1000,
    .save_every = 1000,
};

/* What the paper's appendix C.3 says; what it does not say is as released. */
static const struct preset copy_paper = {
    .name = "copy-paper",
    .help = "the same with the paper's rate 1e-4, dropout 0.1, and no decay",
    .like = &copy,
    .model = {{"dropout", "0.1"}},
    .trainer = {{"rate", "1e-4"}, {"weight_decay", "0"}},
};

static const struct preset *const presets[] = {&small, &shakespeare, &copy_small, &copy,
                                               &copy_paper};
enum { PRESETS = sizeof presets / sizeof *presets };

/* The preset that has the task, the mixer and the evaluations. */
static const struct preset *base_of(const struct preset *preset) {
    return preset->like ? preset->like : preset;
}

const char *minrnn_preset_name(int index) {
    return index >= 0 && index < PRESETS ? presets[index]->name : NULL;
}

const char *minrnn_preset_help(int index) {
    return index >= 0 && index < PRESETS ? presets[index]->help : NULL;
}

static minrnn_status find(const char *name, const struct preset **preset) {
    for (int i = 0; i < PRESETS; i++) {
        if (strcmp(presets[i]->name, name) == 0) {
            *preset = presets[i];
            return MINRNN_OK;
        }
    }
    return fail(MINRNN_INVALID_ARGUMENT, "no preset is called \"%s\"", name);
}

static minrnn_status set_values(const struct settings *settings, const struct value *values,
                                void *config) {
    minrnn_status status = MINRNN_OK;
    for (int i = 0; !status && i < MOST_VALUES && values[i].name; i++) {
        status = settings_set(settings, config, values[i].name, values[i].value);
    }
    return status;
}

/* Copies `whole` to a caller's configuration; `seen` is a standard one of the library's own.
 * Members that an older program does not have must be standard in the preset. */
static minrnn_status give(const struct settings *settings, const char *preset, const void *whole,
                          void *seen, void *given) {
    settings_give(settings, whole, given, sized_get(given));
    minrnn_status status = settings_take(settings, given, seen);
    status = status ? status : settings_compare(settings, preset, whole, seen);
    return status ? fail_in(status, "the program is older than the preset") : MINRNN_OK;
}

/* ---- the task ---- */

static minrnn_status task_of(const struct preset *preset, minrnn_task_config *task) {
    const struct preset *base = base_of(preset);
    minrnn_status status =
        minrnn_task_config_defaults(base->task ? base->task : task_text.name, task);
    for (int i = 0; !status && i < MOST_VALUES && base->task_settings[i].name; i++) {
        const struct value *value = &base->task_settings[i];
        status = minrnn_task_set(task, value->name, value->value);
    }
    return status;
}

minrnn_status minrnn_preset_task_sized(const char *name, minrnn_task_config *task, size_t size) {
    if (!name || !task) {
        return fail(MINRNN_INVALID_ARGUMENT, "minrnn_preset_task: an argument is NULL");
    }
    const struct preset *preset = NULL;
    minrnn_task_config own;
    minrnn_status status = find(name, &preset);
    status = status ? status : task_of(preset, &own);
    if (!status) {
        sized_give(&own, sizeof own, task, size);
    }
    return status;
}

/* All zeros for text, whose presets say how long its sequences are. */
static minrnn_status shape_of(const struct preset *preset, struct task_shape *shape) {
    minrnn_task_config config;
    minrnn_task *task = NULL;
    *shape = (struct task_shape){0};
    if (!base_of(preset)->task) {
        return MINRNN_OK;
    }
    minrnn_status status = task_of(preset, &config);
    status = status ? status : minrnn_task_create(&config, &task);
    if (!status) {
        *shape = task->kind->shape(task);
    }
    minrnn_task_destroy(task);
    return status;
}

/* ---- the model ---- */

static bool mixer_has(const char *mixer, const char *name) {
    const minrnn_setting *setting;
    for (int i = 0; (setting = minrnn_mixer_setting(mixer, i)); i++) {
        if (strcmp(setting->name, name) == 0) {
            return true;
        }
    }
    return false;
}

/* Gives a model a mixer with the preset's settings that it knows. */
static minrnn_status set_mixer(const struct preset *preset, const char *mixer,
                               minrnn_model_config *model) {
    const struct preset *base = base_of(preset);
    minrnn_status status = settings_set(&model_settings, model, "mixer", mixer);
    for (int i = 0; !status && i < MOST_VALUES && base->of_mixer[i].name; i++) {
        const struct value *value = &base->of_mixer[i];
        if (mixer_has(mixer, value->name)) {
            status = settings_set(&model_settings, model, value->name, value->value);
        }
    }
    for (int i = 0; !status && i < MOST_VALUES && base->of_one[i].mixer; i++) {
        const struct value *value = &base->of_one[i].value;
        if (strcmp(base->of_one[i].mixer, mixer) == 0) {
            status = settings_set(&model_settings, model, value->name, value->value);
        }
    }
    return status;
}

static minrnn_status set_model(const struct preset *preset, const char *mixer,
                               minrnn_model_config *model) {
    minrnn_model_config whole, seen;
    struct task_shape shape;
    minrnn_model_config_defaults(&whole);
    minrnn_model_config_defaults(&seen);
    minrnn_status status = sized_check(&model_settings.type, model);
    status = status ? status : shape_of(preset, &shape);
    status = status ? status : set_values(&model_settings, base_of(preset)->model, &whole);
    status = status ? status : set_values(&model_settings, preset->model, &whole);
    status = status ? status : set_mixer(preset, mixer, &whole);
    if (!status) {
        whole.vocab = shape.vocab;
    }
    return status ? status : give(&model_settings, preset->name, &whole, &seen, model);
}

minrnn_status minrnn_preset_mixer(const char *name, const char *mixer, minrnn_model_config *model) {
    if (!name || !mixer || !model) {
        return fail(MINRNN_INVALID_ARGUMENT, "minrnn_preset_mixer: an argument is NULL");
    }
    const struct preset *preset = NULL;
    const minrnn_status status = find(name, &preset);
    return status ? status : set_model(preset, mixer, model);
}

/* ---- its training ---- */

static minrnn_status set_trainer(const struct preset *preset, minrnn_trainer_config *trainer) {
    minrnn_trainer_config whole, seen;
    struct task_shape shape;
    minrnn_trainer_config_defaults(&whole);
    minrnn_trainer_config_defaults(&seen);
    minrnn_status status = sized_check(&trainer_settings.type, trainer);
    status = status ? status : shape_of(preset, &shape);
    status = status ? status : set_values(&trainer_settings, base_of(preset)->trainer, &whole);
    status = status ? status : set_values(&trainer_settings, preset->trainer, &whole);
    if (!status) {
        whole.time = shape.time > 0 ? shape.time : whole.time;
        whole.targets = shape.targets;
    }
    return status ? status : give(&trainer_settings, preset->name, &whole, &seen, trainer);
}

minrnn_status minrnn_preset(const char *name, minrnn_model_config *model,
                            minrnn_trainer_config *trainer, int64_t *eval_every,
                            int64_t *save_every) {
    if (!name) {
        return fail(MINRNN_INVALID_ARGUMENT, "minrnn_preset: the name is NULL");
    }
    const struct preset *preset = NULL;
    minrnn_status status = find(name, &preset);
    status = status || !model ? status : set_model(preset, base_of(preset)->mixer, model);
    status = status || !trainer ? status : set_trainer(preset, trainer);
    if (!status && eval_every) {
        *eval_every = base_of(preset)->eval_every;
    }
    if (!status && save_every) {
        *save_every = base_of(preset)->save_every;
    }
    return status;
}
