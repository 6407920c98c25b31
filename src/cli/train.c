/* SPDX-License-Identifier: Apache-2.0 */
/* minrnn train: from options and files to a trainer, or to one that is resumed. */
#include "cli/commands.h"
#include "cli/describe.h"
#include "cli/output.h"
#include "cli/report.h"
#include "cli/signals.h"
#include "cli/task_source.h"
#include "cli/train_files.h"
#include "cli/train_options.h"
#include "cli/training.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int run(int argc, char **argv);

const struct command command_train = {
    .name = "train",
    .summary = "a model of a text, or of a task that draws its sequences",
    .notes =
        "\nA FILE is a file of UTF-8 text, a pipe, - for standard input, or a folder. Each file of "
        "a "
        "folder\nor of several options is a document, which begins with no memory.\n\n"
        "The model saved is the last one. With --keep best it is the one whose validation was "
        "best:\n"
        "the lowest loss, or the highest accuracy if the task is measured by that.\n\n"
        "A run stopped by Ctrl-C, SIGTERM or SIGHUP saves first, and a second Ctrl-C or SIGTERM "
        "ends\n"
        "it at once. If the reader of its output goes away, only the printing ends. --resume goes "
        "on\n"
        "to the same bits as a run that was not stopped: the rate follows --schedule-steps, not\n"
        "--steps.\n\n"
        "The log's speed counts from the end of the step before, without evaluations and "
        "saves.\n\n"
        "A loss or gradient that is NaN or infinite ends the run; the last save stays as it is.\n"
        "--resume --check-numbers repeats the steps from there and names the op that went wrong.\n",
    .run = run, /* which makes the options */
};

/* A command line with its options. */
struct line {
    const struct train_options *options;
    int argc;
    char **argv;
};

static bool is_set_to(const minrnn_model_config *model, const char *name, const char *value) {
    char text[MINRNN_SETTING_TEXT];
    return minrnn_model_get(model, name, text, sizeof text) == MINRNN_OK &&
           strcmp(text, value) == 0;
}

/* What belongs to text is given to text alone. A resumed run's task is known once its state is. */
static int check_task(const minrnn_task_config *task, const struct train_arguments *arguments,
                      const struct train_files *files) {
    if (task_source_is_text(task)) {
        return files->data > 0
                   ? 0
                   : report_wrong_use("train needs --data FILE (see minrnn train --help)");
    }
    if (files->data + files->validation > 0) {
        return report_wrong_use("%s draws its sequences: --data and --validation are for text",
                                task->name);
    }
    return arguments->sample_every == 0
               ? 0
               : report_wrong_use("--sample-every prints text, which a model of %s does not write",
                                  task->name);
}

/* What a command line can get wrong alone, said before any work. */
static int check(const struct train_arguments *arguments, const struct train_files *files) {
    const int code = arguments->resume ? 0 : check_task(&arguments->task_config, arguments, files);
    if (code) {
        return code;
    }
    if (arguments->stop_accuracy > 1) {
        return report_wrong_use("--stop-accuracy is a share, 0 to 1, not %g",
                                (double)arguments->stop_accuracy);
    }
    const minrnn_model_config *model = &arguments->model;
    if (is_set_to(model, "alg", "log") && is_set_to(model, "candidate", "plain") &&
        !arguments->resume) {
        return report_wrong_use("--scan log needs --candidate g: logarithms need a positive state");
    }
    if (arguments->resume && arguments->overwrite) {
        return report_wrong_use("--resume goes on with what --overwrite would replace: give one");
    }
    return train_files_check(files);
}

/* What training works on; destroyed in the reverse order. */
struct parts {
    minrnn_device *device;
    struct task_source source;
    minrnn_vocabulary *vocabulary; /* of the model of text that is resumed */
    minrnn_model *model;
    minrnn_trainer *trainer;
};

static void destroy_parts(struct parts *parts) {
    minrnn_vocabulary_destroy(parts->vocabulary);
    minrnn_trainer_destroy(parts->trainer);
    minrnn_model_destroy(parts->model);
    task_source_destroy(&parts->source);
    minrnn_device_destroy(parts->device);
}

/* Of the model, its trainer and the batches of a step and an evaluation, on device and host. */
static minrnn_status measure(const struct parts *parts, const minrnn_model_config *model,
                             const minrnn_trainer_config *trainer, minrnn_memory *memory) {
    const minrnn_status status = minrnn_trainer_memory(parts->device, model, trainer, memory);
    if (!status) {
        memory->host +=
            minrnn_loader_bytes((trainer->accumulation + 1) * trainer->batch, trainer->time);
    }
    return status;
}

/* With `vocabulary` NULL it is that of the text that trains. */
static minrnn_status open_texts(struct parts *parts, const struct train_files *files,
                                const minrnn_vocabulary *vocabulary) {
    return task_source_read(&parts->source, files->inputs, files->data, files->inputs + files->data,
                            files->validation, vocabulary);
}

static minrnn_status open_as(struct parts *parts, const struct train_files *files,
                             enum tokens tokens) {
    minrnn_vocabulary *bytes = NULL;
    minrnn_status status = MINRNN_OK;
    if (tokens == TOKENS_BYTES) {
        status = minrnn_vocabulary_bytes(&bytes);
    }
    status = status ? status : open_texts(parts, files, bytes);
    minrnn_vocabulary_destroy(bytes);
    return status;
}

static int begin(struct parts *parts, const struct train_files *files,
                 const struct train_arguments *arguments) {
    const bool is_text = task_source_is_text(&arguments->task_config);
    minrnn_status status = is_text
                               ? open_as(parts, files, arguments->tokens)
                               : minrnn_task_create(&arguments->task_config, &parts->source.task);
    if (status) {
        return report_library(status);
    }
    minrnn_model_config config = arguments->model;
    config.vocab = minrnn_task_vocab(parts->source.task);
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
        status = minrnn_task_prepare(parts->source.task, parts->model);
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

/* What the resumed model learns. */
static int find_task(struct parts *parts, const char *state, struct train_arguments *kept) {
    minrnn_status status = minrnn_model_get_task(parts->model, &kept->task_config);
    const bool is_text = !status && task_source_is_text(&kept->task_config);
    kept->task = kept->task_config.name;
    if (is_text) {
        status = minrnn_model_get_vocabulary(parts->model, &parts->vocabulary);
    }
    if (status) {
        return report_library(status);
    }
    if (is_text && !parts->vocabulary) {
        return report_failure("%s has no vocabulary: it was not trained on text", state);
    }
    if (is_text) {
        const bool bytes = minrnn_vocabulary_is_bytes(parts->vocabulary);
        kept->tokens = bytes ? TOKENS_BYTES : TOKENS_CHARACTERS;
    }
    return 0;
}

static int resume(struct parts *parts, const struct train_files *files, const struct line *line,
                  const char *state, struct train_arguments *arguments) {
    struct train_arguments kept = *arguments, wanted;
    minrnn_status status = load_state(parts, state, NULL, &kept);
    if (status) {
        return report_library(status);
    }
    int code = find_task(parts, state, &kept);
    code = code ? code : check_task(&kept.task_config, arguments, files);
    code = code
               ? code
               : train_options_resume(line->options, line->argc, line->argv, &kept, state, &wanted);
    if (code) {
        return code;
    }
    if (wanted.trainer.steps != kept.trainer.steps || wanted.trainer.check_numbers) {
        status = load_state(parts, state, &wanted.trainer, &wanted);
    }
    if (!status) {
        status = parts->vocabulary ? open_texts(parts, files, parts->vocabulary)
                                   : minrnn_task_create(&wanted.task_config, &parts->source.task);
    }
    *arguments = wanted;
    return status ? report_library(status) : 0;
}

static const char *unit_of(const minrnn_text *text) {
    return minrnn_vocabulary_is_bytes(minrnn_text_vocabulary(text)) ? "bytes" : "characters";
}

static void print_texts(const char *label, const minrnn_text *text, const char *const *inputs,
                        int count) {
    char number[DESCRIBE_CAPACITY];
    printf("%-8s %s", label, inputs[0]);
    if (count > 1) {
        printf(" and %d more", count - 1);
    }
    if (minrnn_text_documents(text) > 1) {
        printf(", %s documents", describe_count(minrnn_text_documents(text), number));
    }
    printf(": ");
}

/* Returns how many tokens train. */
static int64_t print_data(const struct task_source *source, const struct train_files *files) {
    const minrnn_text *text = source->text;
    const bool apart = source->validation;
    const int64_t train = minrnn_text_length(text, apart ? MINRNN_SPLIT_ALL : MINRNN_SPLIT_TRAIN);
    const int64_t validation = apart ? minrnn_text_length(source->validation, MINRNN_SPLIT_ALL)
                                     : minrnn_text_length(text, MINRNN_SPLIT_VALIDATION);
    char number[DESCRIBE_CAPACITY];
    print_texts("data", text, files->inputs, files->data);
    printf("%s %s to train, ", describe_count(train, number), unit_of(text));
    if (!apart) {
        printf("%s to validate, ", describe_count(validation, number));
    }
    printf("vocabulary %d\n", minrnn_vocabulary_size(minrnn_text_vocabulary(text)));
    if (apart) {
        print_texts("against", source->validation, files->inputs + files->data, files->validation);
        printf("%s %s to validate\n", describe_count(validation, number), unit_of(text));
    }
    return train;
}

static int print_parts(const struct parts *parts, const struct train_files *files,
                       const struct train_arguments *arguments) {
    minrnn_memory memory;
    minrnn_model_config model;
    minrnn_status status = minrnn_model_get_config(parts->model, &model);
    if (!status) {
        status = measure(parts, &model, &arguments->trainer, &memory);
    }
    if (status) {
        return report_library(status);
    }
    const minrnn_text *text = parts->source.text;
    int64_t train = 0;
    if (text) {
        train = print_data(&parts->source, files);
    } else {
        task_source_print(parts->source.task, &arguments->task_config);
    }
    char a[DESCRIBE_CAPACITY], b[DESCRIBE_CAPACITY], c[DESCRIBE_CAPACITY], d[DESCRIBE_CAPACITY];
    printf("model    %s, %" PRId64 " layer%s of width %" PRId64 ", %s parameters\n",
           model.mixer.name, model.layers, model.layers == 1 ? "" : "s", model.width,
           describe_count(minrnn_model_parameters(parts->model), a));
    printf("memory   %s on the device, %s of it activations, the largest buffer %s; %s for batches "
           "and saves\n",
           describe_bytes(memory.total, a), describe_bytes(memory.workspace, b),
           describe_bytes(memory.largest, c), describe_bytes(memory.host, d));
    const int64_t done = minrnn_trainer_steps(parts->trainer);
    if (done > 0) {
        printf("resumed  at step %" PRId64 "\n", done);
    }
    report_flush();
    return !text || train > arguments->trainer.time
               ? 0
               : report_failure("%s is too short: %" PRId64 " %s to train, and a sequence "
                                "takes %" PRId64 " (--time %" PRId64 " and a target)",
                                files->data > 1 ? "all of --data" : files->inputs[0], train,
                                unit_of(text), arguments->trainer.time + 1,
                                arguments->trainer.time);
}

static int train(const struct train_files *files, const struct line *line, const char *state,
                 struct train_arguments *arguments) {
    struct parts parts = {0};
    int code = describe_open(arguments->device, &parts.device);
    if (!code) {
        code = arguments->resume ? resume(&parts, files, line, state, arguments)
                                 : begin(&parts, files, arguments);
    }
    if (!code) {
        code = print_parts(&parts, files, arguments);
    }
    if (!code) {
        code = training_run(&(struct training){
            .model = parts.model,
            .trainer = parts.trainer,
            .task = parts.source.task,
            .steps = arguments->steps ? arguments->steps : arguments->trainer.steps,
            .eval_every = arguments->eval_every,
            .eval_batches = arguments->eval_batches,
            .save_every = arguments->save_every,
            .sample_every = arguments->sample_every,
            .keep_best = arguments->keep == KEEP_BEST,
            .stop_accuracy = arguments->stop_accuracy,
            .out = arguments->out,
            .state = files->outputs[1],
            .log = arguments->log,
            .resume = arguments->resume,
        });
    }
    destroy_parts(&parts);
    return code;
}

/* `inputs` has room for all arguments. */
static int run_with(const struct line *line, const char *state, const char **inputs,
                    struct train_arguments *arguments) {
    const struct command *command = train_options_command(line->options);
    struct train_files files = {
        .inputs = inputs,
        /* Beside a device or a pipe there is no place for a state. */
        .outputs = {arguments->out, output_is_special(arguments->out) ? NULL : state,
                    arguments->log},
        .resume = arguments->resume,
        .overwrite = arguments->overwrite,
    };
    files.data = arguments_given(command, line->argc, line->argv, "data", inputs);
    files.validation =
        arguments_given(command, line->argc, line->argv, "validation", inputs + files.data);
    const int code = check(arguments, &files);
    return code ? code : train(&files, line, state, arguments);
}

static int run_parsed(const struct line *line, struct train_arguments *arguments) {
    const size_t bytes = strlen(arguments->out) + sizeof ".state";
    char *state = malloc(bytes);
    const char **inputs = calloc((size_t)line->argc + 1, sizeof *inputs);
    int code = 0;
    if (state && inputs) {
        snprintf(state, bytes, "%s.state", arguments->out);
        signals_outlive_readers();
        code = run_with(line, state, inputs, arguments);
        report_flush();
        signals_restore();
    } else {
        code = report_failure("out of memory");
    }
    free(inputs);
    free(state);
    return code;
}

static int run(int argc, char **argv) {
    struct train_options *options = train_options_create(&command_train);
    struct train_arguments arguments;
    int code = 0;
    if (!options) {
        return report_failure("out of memory");
    }
    if (train_options_parse(options, argc, argv, &arguments, &code)) {
        code = run_parsed(&(struct line){options, argc, argv}, &arguments);
    }
    train_options_destroy(options);
    return code;
}
