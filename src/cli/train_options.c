/* SPDX-License-Identifier: Apache-2.0 */
/* Makes the options of minrnn train from the library's lists of settings. */
#include "cli/train_options.h"

#include "cli/report.h"
#include "cli/task_source.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_NAMES = 16, OPTION_NAME = 32, TASK_HELP = 256, NOTES = 4096 };

struct train_options {
    struct command command;
    struct option *options; /* ended by one without a name */
    char (*names)[OPTION_NAME];
    int count;
    int first_setting; /* from here on they are the model's and its training's, which a resumed run
                          keeps; the others are a run's own */
    const char *presets[MOST_NAMES], *tasks[MOST_NAMES]; /* NULL at the end */
    char task_help[TASK_HELP], notes[NOTES];
};

static const char *const keeps[] = {"last", "best", NULL};
static const char *const token_kinds[] = {"characters", "bytes", NULL};

#define PLACE(field) offsetof(struct train_arguments, field)
static const struct option run_options[] = {
    TEXT("data", "FILE", data, "text; its first 90 % trains, the rest validates; may be repeated"),
    TEXT("validation", "FILE", validation, "text to validate on; all of --data then trains"),
    NAME("preset", preset, NULL, "settings to begin with; options change them"),
    TEXT("device", "D", device, "where to compute: see minrnn devices"),
    TEXT("out", "MODEL", out, "the model; its state goes to MODEL.state"),
    TEXT("log", "CSV", log, "one line per step: loss, gradient norm, rate, speed, validation loss"),
    FLAG("resume", resume, "go on from MODEL.state, with its settings"),
    FLAG("overwrite", overwrite, "replace what an earlier run left at MODEL, MODEL.state and CSV"),
    COUNT("eval-every", "N", eval_every, 0, "steps between evaluations; 0: one at the end"),
    COUNT("eval-batches", "N", eval_batches, 0,
          "batches per evaluation; 0: the whole validation split"),
    COUNT("save-every", "N", save_every, 0, "steps between saves; 0: one at the end"),
    COUNT("sample-every", "N", sample_every, 0, "steps between samples of text; 0: none"),
    CHOICE("keep", keep, keeps, "which model is saved: the last, or the best evaluated"),
    NUMBER("stop-accuracy", "X", stop_accuracy, 0,
           "end after two evaluations in a row of that share right; 0: do not"),
    COUNT("steps", "N", steps, 1,
          "where to stop, resumed steps included (default --schedule-steps)"),
};
static const struct option task_option = NAME("task", task, NULL, "what is learnt");
static const struct option tokens_option =
    CHOICE("tokens", tokens, token_kinds, "what text is made of; bytes take any file");
enum { RUN_OPTIONS = sizeof run_options / sizeof *run_options };

/* ---- the library's settings as options ---- */

static minrnn_status set_task(void *values, const char *name, const char *value) {
    struct train_arguments *arguments = values;
    return minrnn_task_set(&arguments->task_config, name, value);
}

static minrnn_status get_task(const void *values, const char *name, char *value, size_t capacity) {
    const struct train_arguments *arguments = values;
    return minrnn_task_get(&arguments->task_config, name, value, capacity);
}

static minrnn_status set_model(void *values, const char *name, const char *value) {
    struct train_arguments *arguments = values;
    return minrnn_model_set(&arguments->model, name, value);
}

static minrnn_status get_model(const void *values, const char *name, char *value, size_t capacity) {
    const struct train_arguments *arguments = values;
    return minrnn_model_get(&arguments->model, name, value, capacity);
}

static minrnn_status set_trainer(void *values, const char *name, const char *value) {
    struct train_arguments *arguments = values;
    return minrnn_trainer_set(&arguments->trainer, name, value);
}

static minrnn_status get_trainer(const void *values, const char *name, char *value,
                                 size_t capacity) {
    const struct train_arguments *arguments = values;
    return minrnn_trainer_get(&arguments->trainer, name, value, capacity);
}

static const struct option_access task_access = {set_task, get_task};
static const struct option_access model_access = {set_model, get_model};
static const struct option_access trainer_access = {set_trainer, get_trainer};

/* The factor 0 is the command's own: what is usual for the kind of feed-forward. */
static const char factor[] = "feed_forward_factor";

static const char *help_of(const minrnn_setting *setting) {
    return strcmp(setting->name, factor) == 0
               ? "channels divided by the width; 0: 4 for gelu, 2 for geglu"
               : setting->help;
}

static const char *value_of(const minrnn_setting *setting) {
    return setting->kind == MINRNN_SETTING_REAL   ? "X"
           : setting->kind == MINRNN_SETTING_SEED ? "S"
                                                  : "N";
}

static const char *name_option(const minrnn_setting *setting, char name[OPTION_NAME]) {
    snprintf(name, OPTION_NAME, "%s", setting->option ? setting->option : setting->name);
    for (char *c = name; *c; c++) {
        *c = *c == '_' ? '-' : *c;
    }
    return name;
}

/* Mixers may share settings. */
static bool is_listed(const struct train_options *options, const char *name) {
    int i = 0;
    while (i < options->count && strcmp(options->options[i].name, name) != 0) {
        i++;
    }
    return i < options->count;
}

static void add_setting(struct train_options *options, const minrnn_setting *setting,
                        const struct option_access *access) {
    const char *name = name_option(setting, options->names[options->count]);
    if (!is_listed(options, name)) {
        options->options[options->count++] = (struct option){.name = name,
                                                             .value = value_of(setting),
                                                             .help = help_of(setting),
                                                             .kind = OPTION_SETTING,
                                                             .choices = setting->names,
                                                             .setting = setting,
                                                             .access = access};
    }
}

static void add_task(struct train_options *options) {
    struct option *option = &options->options[options->count++];
    const minrnn_setting *setting;
    *option = task_option;
    option->choices = options->tasks;
    option->help = options->task_help;
    for (int task = 0; minrnn_task_name(task); task++) {
        for (int i = 0; (setting = minrnn_task_setting(minrnn_task_name(task), i)); i++) {
            add_setting(options, setting, &task_access);
        }
    }
}

/* All but the vocabulary's size, which the task says. */
static void add_model(struct train_options *options) {
    const minrnn_setting *setting;
    for (int i = 0; (setting = minrnn_model_setting(i)); i++) {
        if (strcmp(setting->name, "vocab") != 0) {
            add_setting(options, setting, &model_access);
        }
    }
    for (int mixer = 0; minrnn_mixer_name(mixer); mixer++) {
        for (int i = 0; (setting = minrnn_mixer_setting(minrnn_mixer_name(mixer), i)); i++) {
            add_setting(options, setting, &model_access);
        }
    }
}

static void add_trainer(struct train_options *options, bool per_run) {
    const minrnn_setting *setting;
    for (int i = 0; (setting = minrnn_trainer_setting(i)); i++) {
        /* The task says where the targets are. */
        if (setting->per_run == per_run && strcmp(setting->name, "targets") != 0) {
            add_setting(options, setting, &trainer_access);
        }
    }
}

/* At least as many as there will be. */
static int count_options(void) {
    int count = RUN_OPTIONS + 3;
    for (int task = 0; minrnn_task_name(task); task++) {
        for (int i = 0; minrnn_task_setting(minrnn_task_name(task), i); i++) {
            count++;
        }
    }
    for (int i = 0; minrnn_model_setting(i); i++) {
        count++;
    }
    for (int mixer = 0; minrnn_mixer_name(mixer); mixer++) {
        for (int i = 0; minrnn_mixer_setting(minrnn_mixer_name(mixer), i); i++) {
            count++;
        }
    }
    for (int i = 0; minrnn_trainer_setting(i); i++) {
        count++;
    }
    return count;
}

/* ---- all of them ---- */

static void list_names(const char *(*name)(int index), const char **names) {
    for (int i = 0; i + 1 < MOST_NAMES && name(i); i++) {
        names[i] = name(i);
    }
}

static void add_run(struct train_options *options) {
    for (int i = 0; i < RUN_OPTIONS; i++) {
        struct option *option = &options->options[options->count++];
        *option = run_options[i];
        if (option->offset == PLACE(preset)) {
            option->choices = options->presets;
        }
    }
    add_trainer(options, true);
}

/* In the order of the choices. */
static void write_task_help(struct train_options *options) {
    int used = snprintf(options->task_help, TASK_HELP, "what is learnt: ");
    for (int i = 0; minrnn_task_name(i) && used < TASK_HELP; i++) {
        used += snprintf(options->task_help + used, (size_t)(TASK_HELP - used), "%s%s",
                         i > 0 ? ", or " : "", minrnn_task_help(i));
    }
}

static void write_notes(struct train_options *options, const char *notes) {
    int used = snprintf(options->notes, NOTES,
                        "\nThe defaults shown are those of the first of the presets:\n");
    for (int i = 0; minrnn_preset_name(i) && used < NOTES; i++) {
        used += snprintf(options->notes + used, (size_t)(NOTES - used), "  %-12s %s\n",
                         minrnn_preset_name(i), minrnn_preset_help(i));
    }
    if (used < NOTES) {
        snprintf(options->notes + used, (size_t)(NOTES - used), "%s", notes);
    }
}

struct train_options *train_options_create(const struct command *command) {
    const size_t most = (size_t)count_options();
    struct train_options *options = calloc(1, sizeof *options);
    if (!options) {
        return NULL;
    }
    options->options = calloc(most, sizeof *options->options);
    options->names = calloc(most, sizeof *options->names);
    if (!options->options || !options->names) {
        train_options_destroy(options);
        return NULL;
    }
    list_names(minrnn_preset_name, options->presets);
    list_names(minrnn_task_name, options->tasks);
    write_task_help(options);
    add_run(options);
    options->first_setting = options->count;
    add_task(options);
    options->options[options->count++] = tokens_option;
    add_model(options);
    add_trainer(options, false);
    write_notes(options, command->notes);
    options->command = *command;
    options->command.options = options->options;
    options->command.notes = options->notes;
    return options;
}

void train_options_destroy(struct train_options *options) {
    if (options) {
        free(options->options);
        free(options->names);
        free(options);
    }
}

const struct command *train_options_command(const struct train_options *options) {
    return &options->command;
}

/* ---- values ---- */

/* An unknown preset is left to be refused among the other options. */
static void apply_preset(struct train_arguments *arguments, const char *name) {
    minrnn_model_config_defaults(&arguments->model);
    minrnn_trainer_config_defaults(&arguments->trainer);
    (void)minrnn_preset(name, &arguments->model, &arguments->trainer, &arguments->eval_every,
                        &arguments->save_every);
    (void)minrnn_preset_task(name, &arguments->task_config);
    arguments->model.feed_forward_factor = 0;
    arguments->preset = name;
}

/* The task's name as the library has it. */
static const char *name_task(const minrnn_task_config *config) {
    int i = 0;
    while (minrnn_task_name(i) && strcmp(minrnn_task_name(i), config->name) != 0) {
        i++;
    }
    return minrnn_task_name(i);
}

/* Sequences are as long, and have as many targets, as the task says, if it says so. */
static int settle_task(const struct command *command, int argc, char **argv,
                       struct train_arguments *arguments) {
    minrnn_trainer_config *trainer = &arguments->trainer;
    minrnn_task *task = NULL;
    trainer->targets = 0;
    if (task_source_is_text(&arguments->task_config)) {
        return 0;
    }
    if (minrnn_task_create(&arguments->task_config, &task)) {
        return report_wrong_use("%s", minrnn_error_text());
    }
    const int64_t time = minrnn_task_time(task);
    const bool differs =
        arguments_given(command, argc, argv, "time", NULL) > 0 && trainer->time != time;
    trainer->time = time;
    trainer->targets = minrnn_task_targets(task);
    minrnn_task_destroy(task);
    return differs ? report_wrong_use("--time is the task's: sequences of %s have %lld positions",
                                      arguments->task, (long long)time)
                   : 0;
}

/* What each run may set anew stays as it was. */
static void keep_run(const minrnn_trainer_config *kept, minrnn_trainer_config *trainer) {
    const minrnn_setting *setting;
    for (int i = 0; (setting = minrnn_trainer_setting(i)); i++) {
        char value[MINRNN_SETTING_TEXT];
        if (setting->per_run &&
            minrnn_trainer_get(kept, setting->name, value, sizeof value) == MINRNN_OK) {
            (void)minrnn_trainer_set(trainer, setting->name, value);
        }
    }
}

/* The preset lies under the other options, wherever it stands among them, and the mixer and the
 * task under their settings. */
static int apply(const struct train_options *options, int argc, char **argv,
                 const struct train_arguments *kept, struct train_arguments *arguments) {
    const struct command *command = &options->command;
    const char *preset = arguments_last(command, argc, argv, "preset");
    const char *mixer = arguments_last(command, argc, argv, "mixer");
    const char *task = arguments_last(command, argc, argv, "task");
    if (preset) {
        apply_preset(arguments, preset);
    }
    if (preset && kept) {
        keep_run(&kept->trainer, &arguments->trainer);
    }
    /* What is wrong is refused below. */
    if (mixer && kept && !preset) {
        (void)minrnn_model_set(&arguments->model, "mixer", mixer);
    } else if (mixer) {
        (void)minrnn_preset_mixer(arguments->preset, mixer, &arguments->model);
        arguments->model.feed_forward_factor = 0;
    }
    if (task && strcmp(task, arguments->task_config.name) != 0) {
        (void)minrnn_task_config_defaults(task, &arguments->task_config);
    }
    arguments->task = name_task(&arguments->task_config);
    const int code = arguments_store(command, argc, argv, arguments);
    minrnn_model_config *model = &arguments->model;
    if (!(model->feed_forward_factor > 0)) {
        model->feed_forward_factor = model->feed_forward == MINRNN_FEED_FORWARD_GEGLU ? 2.0f : 4.0f;
    }
    return code ? code : settle_task(command, argc, argv, arguments);
}

bool train_options_parse(const struct train_options *options, int argc, char **argv,
                         struct train_arguments *arguments, int *code) {
    *arguments = (struct train_arguments){.out = "model.safetensors"};
    apply_preset(arguments, options->presets[0]);
    if (!arguments_look(&options->command, argc, argv, arguments, code)) {
        return false;
    }
    *code = apply(options, argc, argv, NULL, arguments);
    return *code == 0;
}

int train_options_resume(const struct train_options *options, int argc, char **argv,
                         const struct train_arguments *kept, const char *state,
                         struct train_arguments *arguments) {
    *arguments = *kept;
    const int code = apply(options, argc, argv, kept, arguments);
    for (int i = options->first_setting; !code && i < options->count; i++) {
        const struct option *option = &options->options[i];
        if (!arguments_equal(option, kept, arguments)) {
            char before[ARGUMENT_CAPACITY], after[ARGUMENT_CAPACITY];
            arguments_format(option, kept, before);
            arguments_format(option, arguments, after);
            return report_wrong_use("--%s is %s in %s, which --resume keeps, not %s", option->name,
                                    before, state, after);
        }
    }
    return code;
}
