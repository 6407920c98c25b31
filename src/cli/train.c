#include "cli/commands.h"
#include "cli/describe.h"
#include "cli/output.h"
#include "cli/presets.h"
#include "cli/report.h"
#include "cli/signals.h"
#include "cli/training.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct train_arguments {
    const char *data, *task, *preset, *mixer, *device, *out, *log;
    bool resume, overwrite;
    int64_t steps; /* 0: the schedule's */
    int64_t eval_every, eval_batches, save_every;
    minrnn_model_config model;
    minrnn_trainer_config trainer;
};

static const char *const tasks[] = {"text", NULL};
static const char *const mixers[] = {"mingru", "minlstm", NULL};
static const char *const candidates[] = {"plain", "g", NULL};
static const char *const scans[] = {"linear", "log", NULL};
static const char *const feed_forwards[] = {"none", "gelu", "geglu", NULL};
static const char *const schedules[] = {"constant", "cosine", NULL};

#define PLACE(field) offsetof(struct train_arguments, field)
#define TEXT(name, value, field, help)                                                             \
    { name, value, help, OPTION_TEXT, PLACE(field), 0, NULL }
#define NAME(name, field, names, help)                                                             \
    { name, NULL, help, OPTION_TEXT, PLACE(field), 0, names }
#define FLAG(name, field, help)                                                                    \
    { name, NULL, help, OPTION_FLAG, PLACE(field), 0, NULL }
#define COUNT(name, field, low, help)                                                              \
    { name, "N", help, OPTION_COUNT, PLACE(field), low, NULL }
#define NUMBER(name, field, low, help)                                                             \
    { name, "X", help, OPTION_NUMBER, PLACE(field), low, NULL }
#define CHOICE(name, field, names, help)                                                           \
    { name, NULL, help, OPTION_CHOICE, PLACE(field), 0, names }

/* The first options are of a run; those from `settings` on are of the model and its training, which
 * a resumed run keeps. */
static const struct option options[] = {
    TEXT("data", "FILE", data, "UTF-8 text; its first 90 % trains, the rest validates"),
    NAME("task", task, tasks, "what is learnt: the next character of the text"),
    NAME("preset", preset, preset_names, "settings to begin with; options change them"),
    TEXT("device", "D", device, "where to compute: see minrnn devices"),
    TEXT("out", "MODEL", out, "the model; its state goes to MODEL.state"),
    TEXT("log", "CSV", log, "a line a step: loss, gradient norm, rate, speed, validation loss"),
    FLAG("resume", resume, "go on from MODEL.state, with its settings"),
    FLAG("overwrite", overwrite, "replace what an earlier run left at MODEL, MODEL.state and CSV"),
    COUNT("steps", steps, 1, "where to stop, resumed steps included (default --schedule-steps)"),
    COUNT("schedule-steps", trainer.steps, 1, "where the cosine ends, wherever the run stops"),
    COUNT("eval-every", eval_every, 0, "steps between evaluations; 0: one at the end"),
    COUNT("eval-batches", eval_batches, 0,
          "batches of an evaluation; 0: the whole validation split"),
    COUNT("save-every", save_every, 0, "steps between saves; 0: one at the end"),
    FLAG("check-numbers", trainer.check_numbers,
         "name layer and op of the first NaN or infinity; slower"),
    NAME("mixer", mixer, mixers, "the recurrence"),
    COUNT("width", model.width, 1, "channels"),
    COUNT("layers", model.layers, 1, "blocks"),
    NUMBER("expansion", model.mixer.expansion, 0, "the recurrence's channels by the width"),
    COUNT("conv", model.conv, 0, "taps of the convolution before the recurrence; 0: none"),
    FLAG("conv-pointwise", model.conv_pointwise, "a dense layer after the convolution"),
    CHOICE("feed-forward", model.feed_forward, feed_forwards, "after the recurrence"),
    NUMBER("feed-forward-factor", model.feed_forward_factor, 0,
           "its channels by the width; 0: 4 for gelu, 2 for geglu"),
    NUMBER("dropout", model.dropout, 0, "probability"),
    CHOICE("candidate", model.mixer.candidate, candidates, "the new state as it is, or g of it"),
    CHOICE("scan", model.mixer.alg, scans, "log is the paper's log-space form; it needs g"),
    FLAG("normalised", model.mixer.normalised, "minLSTM: gates that add up to 1"),
    FLAG("learned-init", model.mixer.learned_init, "an initial state that is learnt"),
    NUMBER("forget-offset", model.mixer.forget_offset, -100, "minLSTM: added in the forget gate"),
    COUNT("batch", trainer.batch, 1, "sequences at once"),
    COUNT("time", trainer.time, 1, "characters of a sequence"),
    COUNT("accumulation", trainer.accumulation, 1, "batches of a step"),
    NUMBER("rate", trainer.rate, 0, "learning rate"),
    NUMBER("min-rate", trainer.min_rate, 0, "where the cosine ends"),
    COUNT("warmup", trainer.warmup, 0, "steps up to the full rate"),
    CHOICE("schedule", trainer.schedule, schedules, "of the rate after the warm-up"),
    NUMBER("weight-decay", trainer.weight_decay, 0, "AdamW's"),
    NUMBER("clip", trainer.clip, 0, "largest norm of the gradient; 0: any"),
    {"seed", "S", "of everything random", OPTION_SEED, PLACE(trainer.seed), 0, NULL},
    {0},
};
static const char first_setting[] = "mixer";

static int run(int argc, char **argv);

const struct command command_train = {
    .name = "train",
    .summary = "a model of a text's characters",
    .notes =
        "\nThe defaults shown are those of the preset small, which takes minutes on two cores;\n"
        "shakespeare is the paper's Figure 2: 3 layers, width 384, dropout 0.2, 64 x 256.\n\n"
        "The model saved is the last one; the best validation loss is only shown. A run stopped "
        "by\nCtrl-C, SIGTERM or SIGHUP saves first, and a second Ctrl-C or SIGTERM ends it at "
        "once. "
        "A reader\nof its output that goes away ends the printing alone. --resume goes on to the "
        "same bits as a\nrun that was not stopped: the rate follows --schedule-steps, not "
        "--steps.\n\n"
        "The log's speed is of a step from the end of the one before, without evaluations and "
        "saves.\n\n"
        "A loss or gradient that is NaN or infinite ends the run; the last save stays as it is. "
        "With\n"
        "--resume --check-numbers it is repeated from there up to the op that went wrong.\n",
    .options = options,
    .run = run,
};

static void apply_preset(struct train_arguments *arguments, const char *name) {
    const struct preset *preset = preset_find(name);
    arguments->preset = name;
    arguments->mixer = preset->model.mixer.name;
    arguments->model = preset->model;
    arguments->trainer = preset->trainer;
    arguments->eval_every = preset->eval_every;
    arguments->save_every = preset->save_every;
}

/* What follows from the options together. */
static void settle(struct train_arguments *arguments) {
    minrnn_model_config *model = &arguments->model;
    if (!(model->feed_forward_factor > 0)) {
        model->feed_forward_factor = model->feed_forward == MINRNN_FEED_FORWARD_GEGLU ? 2.0f : 4.0f;
    }
    snprintf(model->mixer.name, sizeof model->mixer.name, "%s", arguments->mixer);
}

static bool parse(int argc, char **argv, struct train_arguments *arguments, int *code) {
    *arguments = (struct train_arguments){.task = tasks[0], .out = "model.safetensors"};
    apply_preset(arguments, preset_names[0]);
    if (!arguments_parse(&command_train, argc, argv, arguments, code)) {
        return false;
    }
    if (strcmp(arguments->preset, preset_names[0]) != 0) {
        /* The preset lies under the other options, wherever it stands among them. */
        apply_preset(arguments, arguments->preset);
        (void)arguments_parse(&command_train, argc, argv, arguments, code);
    }
    settle(arguments);
    return true;
}

/* Where a run writes, NULL where it does not. */
enum { OUTPUTS = 3 };
struct outputs {
    const char *paths[OUTPUTS];
};

/* Beside a device or a pipe there is no place for a state. */
static struct outputs outputs_of(const struct train_arguments *arguments, const char *state) {
    const bool special = output_is_special(arguments->out);
    return (struct outputs){{arguments->out, special ? NULL : state, arguments->log}};
}

/* Nothing that is read or written may be written twice, what is printed included. */
static bool are_apart(const struct train_arguments *arguments, const struct outputs *outputs) {
    for (int i = 0; i < OUTPUTS; i++) {
        const char *path = outputs->paths[i];
        if (!path) {
            continue;
        }
        if (output_is_same(arguments->data, path)) {
            return false;
        }
        if (output_is_special(path)) {
            continue; /* a device takes whatever comes */
        }
        if (output_is_same("/dev/stdout", path) || output_is_same("/dev/stderr", path)) {
            return false;
        }
        for (int k = 0; k < i; k++) {
            if (outputs->paths[k] && output_is_same(outputs->paths[k], path)) {
                return false;
            }
        }
    }
    return true;
}

static int check_outputs(const struct train_arguments *arguments, const char *state) {
    const struct outputs outputs = outputs_of(arguments, state);
    if (!are_apart(arguments, &outputs)) {
        return report_wrong_use("--data, --log, --out, its state %s and what is printed must be "
                                "different files",
                                state);
    }
    for (int i = 0; i < OUTPUTS && !arguments->resume && !arguments->overwrite; i++) {
        if (outputs.paths[i] && output_is_taken(outputs.paths[i])) {
            return report_wrong_use("%s is there already: --overwrite replaces it, --resume goes "
                                    "on from it",
                                    outputs.paths[i]);
        }
    }
    int code = 0;
    for (int i = 0; i < OUTPUTS && !code; i++) {
        if (outputs.paths[i]) {
            code = output_check(outputs.paths[i], outputs.paths[i] != arguments->log);
        }
    }
    return code;
}

/* What a command line can get wrong alone, said before any work. */
static int check(const struct train_arguments *arguments, const char *state) {
    if (!arguments->data) {
        return report_wrong_use("train needs --data FILE (see minrnn train --help)");
    }
    const minrnn_mixer_config *mixer = &arguments->model.mixer;
    if (mixer->alg == MINRNN_SCAN_LOG && mixer->candidate != MINRNN_CANDIDATE_G &&
        !arguments->resume) {
        return report_wrong_use("--scan log needs --candidate g: logarithms need a positive state");
    }
    if (arguments->resume && arguments->overwrite) {
        return report_wrong_use("--resume goes on with what --overwrite would replace: give one");
    }
    return check_outputs(arguments, state);
}

/* What training works on; destroyed in the reverse order. */
struct parts {
    minrnn_device *device;
    minrnn_text *text;
    minrnn_model *model;
    minrnn_trainer *trainer;
};

static void destroy_parts(struct parts *parts) {
    minrnn_trainer_destroy(parts->trainer);
    minrnn_model_destroy(parts->model);
    minrnn_text_destroy(parts->text);
    minrnn_device_destroy(parts->device);
}

/* Of the model, its trainer and the batches read for a step, on device and host. */
static minrnn_status measure(const struct parts *parts, const minrnn_model_config *model,
                             const minrnn_trainer_config *trainer, minrnn_memory *memory) {
    const minrnn_status status = minrnn_trainer_memory(parts->device, model, trainer, memory);
    if (!status) {
        memory->host += 2 * sizeof(int32_t) *
                        (uint64_t)(trainer->accumulation * trainer->batch * trainer->time);
    }
    return status;
}

static int begin(struct parts *parts, const struct train_arguments *arguments) {
    minrnn_status status = minrnn_text_open(arguments->data, NULL, &parts->text);
    if (status) {
        return report_library(status);
    }
    const minrnn_vocabulary *vocabulary = minrnn_text_vocabulary(parts->text);
    minrnn_model_config config = arguments->model;
    config.vocab = minrnn_vocabulary_size(vocabulary);
    minrnn_memory memory;
    status = measure(parts, &config, &arguments->trainer, &memory);
    if (!status) {
        status = minrnn_memory_check(parts->device, &memory);
    }
    if (status) {
        return report_setup(status);
    }
    status = minrnn_model_create(parts->device, &config, arguments->trainer.seed, &parts->model);
    if (!status) {
        status = minrnn_model_set_vocabulary(parts->model, vocabulary);
    }
    if (!status) {
        status = minrnn_trainer_create(parts->model, &arguments->trainer, &parts->trainer);
    }
    return status ? report_setup(status) : 0;
}

static minrnn_status load_state(struct parts *parts, const char *state,
                                const minrnn_trainer_config *config,
                                struct train_arguments *arguments) {
    minrnn_trainer_destroy(parts->trainer);
    minrnn_model_destroy(parts->model);
    parts->trainer = NULL;
    parts->model = NULL;
    minrnn_status status =
        minrnn_trainer_resume(parts->device, state, config, &parts->model, &parts->trainer);
    if (!status) {
        status = minrnn_model_get_config(parts->model, &arguments->model);
    }
    return status ? status : minrnn_trainer_get_config(parts->trainer, &arguments->trainer);
}

/* Options that contradict the state are wrong: they would be ignored. */
static int compare_settings(const struct train_arguments *kept,
                            const struct train_arguments *wanted, const char *state) {
    const struct option *option = options;
    while (strcmp(option->name, first_setting) != 0) {
        option++;
    }
    for (; option->name; option++) {
        if (!arguments_equal(option, kept, wanted)) {
            char before[ARGUMENT_CAPACITY], after[ARGUMENT_CAPACITY];
            arguments_format(option, kept, before);
            arguments_format(option, wanted, after);
            return report_wrong_use("--%s is %s in %s, which --resume keeps, not %s", option->name,
                                    before, state, after);
        }
    }
    return 0;
}

static int resume(struct parts *parts, int argc, char **argv, const char *state,
                  struct train_arguments *arguments) {
    struct train_arguments kept = *arguments;
    minrnn_status status = load_state(parts, state, NULL, &kept);
    if (status) {
        return report_library(status);
    }
    kept.mixer = kept.model.mixer.name;
    struct train_arguments wanted = kept;
    if (arguments_given(&command_train, argc, argv, "preset", NULL) > 0) {
        apply_preset(&wanted, arguments->preset);
        wanted.trainer.steps = kept.trainer.steps;
    }
    int code = 0;
    (void)arguments_parse(&command_train, argc, argv, &wanted, &code);
    settle(&wanted);
    code = compare_settings(&kept, &wanted, state);
    if (code) {
        return code;
    }
    if (wanted.trainer.steps != kept.trainer.steps || wanted.trainer.check_numbers) {
        status = load_state(parts, state, &wanted.trainer, &wanted);
    }
    if (!status) {
        status =
            minrnn_text_open(arguments->data, minrnn_model_vocabulary(parts->model), &parts->text);
    }
    *arguments = wanted;
    arguments->mixer = NULL; /* lay in `kept` */
    return status ? report_library(status) : 0;
}

static int print_parts(const struct parts *parts, const struct train_arguments *arguments) {
    minrnn_memory memory;
    minrnn_model_config model;
    minrnn_status status = minrnn_model_get_config(parts->model, &model);
    if (!status) {
        status = measure(parts, &model, &arguments->trainer, &memory);
    }
    if (status) {
        return report_library(status);
    }
    const int64_t train = minrnn_text_length(parts->text, MINRNN_SPLIT_TRAIN);
    const int64_t validation = minrnn_text_length(parts->text, MINRNN_SPLIT_VALIDATION);
    char a[DESCRIBE_CAPACITY], b[DESCRIBE_CAPACITY], c[DESCRIBE_CAPACITY];
    printf("data     %s: %s characters to train, %s to validate, vocabulary %d\n", arguments->data,
           describe_count(train, a), describe_count(validation, b),
           minrnn_vocabulary_size(minrnn_text_vocabulary(parts->text)));
    printf("model    %s, %" PRId64 " layer%s of width %" PRId64 ", %s parameters\n",
           model.mixer.name, model.layers, model.layers == 1 ? "" : "s", model.width,
           describe_count(minrnn_model_parameters(parts->model), a));
    printf("memory   %s on the device, %s of it activations; %s for batches and saves\n",
           describe_bytes(memory.total, a), describe_bytes(memory.workspace, b),
           describe_bytes(memory.host, c));
    const int64_t done = minrnn_trainer_steps(parts->trainer);
    if (done > 0) {
        printf("resumed  at step %" PRId64 "\n", done);
    }
    report_flush();
    return train > arguments->trainer.time
               ? 0
               : report_failure("%s is too short: %" PRId64 " characters to train, and a sequence "
                                "takes %" PRId64 " (--time %" PRId64 " and a target)",
                                arguments->data, train, arguments->trainer.time + 1,
                                arguments->trainer.time);
}

static int train(int argc, char **argv, const char *state, struct train_arguments *arguments) {
    struct parts parts = {0};
    int code = describe_open(arguments->device, &parts.device);
    if (!code) {
        code = arguments->resume ? resume(&parts, argc, argv, state, arguments)
                                 : begin(&parts, arguments);
    }
    if (!code) {
        code = print_parts(&parts, arguments);
    }
    if (!code) {
        code = training_run(&(struct training){
            .model = parts.model,
            .trainer = parts.trainer,
            .text = parts.text,
            .steps = arguments->steps ? arguments->steps : arguments->trainer.steps,
            .eval_every = arguments->eval_every,
            .eval_batches = arguments->eval_batches,
            .save_every = arguments->save_every,
            .out = arguments->out,
            .state = output_is_special(arguments->out) ? NULL : state,
            .log = arguments->log,
            .resume = arguments->resume,
        });
    }
    destroy_parts(&parts);
    return code;
}

static int run(int argc, char **argv) {
    struct train_arguments arguments;
    int code = 0;
    if (!parse(argc, argv, &arguments, &code)) {
        return code;
    }
    const size_t bytes = strlen(arguments.out) + sizeof ".state";
    char *state = malloc(bytes);
    if (!state) {
        return report_failure("out of memory");
    }
    snprintf(state, bytes, "%s.state", arguments.out);
    signals_outlive_readers();
    code = check(&arguments, state);
    if (!code) {
        code = train(argc, argv, state, &arguments);
    }
    report_flush();
    signals_restore();
    free(state);
    return code;
}
