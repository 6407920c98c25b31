/* SPDX-License-Identifier: Apache-2.0 */
/* minrnn eval: how well a model does on a text, or on a task that draws its sequences. */
#include "cli/commands.h"
#include "cli/describe.h"
#include "cli/evaluate.h"
#include "cli/report.h"
#include "cli/rows.h"
#include "cli/task_source.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

struct eval_arguments {
    const char *model, *data, *device;
    minrnn_split split;
    int64_t batch, time;
    enum rows_format format;
    const char **texts; /* [text_count]: every --data */
    int text_count;
};

static const char *const splits[] = {"train", "validation", "all", "test", NULL};

#define PLACE(field) offsetof(struct eval_arguments, field)
static const struct option options[] = {
    TEXT("model", "M", model, "a model of minrnn train or of a public minGRU implementation"),
    TEXT("data", "FILE", data, "text, a folder of it, or - for standard input; may be repeated"),
    CHOICE("split", split, splits,
           "a text's first 90 %, the rest, or all of it; what is drawn has validation and test"),
    COUNT("time", "N", time, 1, "characters per window; each begins with no memory"),
    COUNT("batch", "N", batch, 1, "windows at once"),
    CHOICE("format", format, rows_formats, "of the result"),
    TEXT("device", "D", device, "where to compute: see minrnn devices"),
    {0},
};

static int run(int argc, char **argv);

const struct command command_eval = {
    .name = "eval",
    .summary = "how well a model does on a text or its task",
    .notes = "\nA model of a task that draws its sequences needs no --data: the task is in the "
             "model.\n",
    .options = options,
    .run = run,
};

/* What is evaluated, and with what. */
struct parts {
    const struct eval_arguments *arguments;
    minrnn_device_info info;
    minrnn_model *model;
    minrnn_vocabulary *vocabulary; /* of text */
    struct task_source source;
    minrnn_task_config config; /* of the task */
    int64_t time;
    minrnn_loader *loader;
    minrnn_evaluator *evaluator;
};

static const char *unit_of(const struct parts *parts) {
    const minrnn_text *text = parts->source.text;
    return !text                                                      ? "target"
           : minrnn_vocabulary_is_bytes(minrnn_text_vocabulary(text)) ? "byte"
                                                                      : "character";
}

/* What follows what is counted, if it is not all. */
enum { SPLIT_CAPACITY = 64 };
static const char *of_split(const struct parts *parts, char text[SPLIT_CAPACITY]) {
    const minrnn_split split = parts->arguments->split;
    text[0] = '\0';
    if (split != MINRNN_SPLIT_ALL) {
        snprintf(text, SPLIT_CAPACITY, " of the %s split", splits[split]);
    }
    return text;
}

static void print_for_people(const struct parts *parts, const struct evaluation *evaluation) {
    const char *unit = unit_of(parts);
    char count[DESCRIBE_CAPACITY], split[SPLIT_CAPACITY];
    printf("loss     %.6f nats, %.6f bits per %s\n", evaluation->loss, evaluation->loss / log(2.0),
           unit);
    printf("right    %.2f %%\n", 100 * evaluation->accuracy);
    printf("over     %s %ss%s in windows of %lld\n", describe_count(evaluation->targets, count),
           unit, of_split(parts, split), (long long)parts->time);
}

static void print_row(const struct parts *parts, const struct evaluation *evaluation) {
    static const struct column columns[] = {
        {.name = "device"},
        {.name = "task"},
        {.name = "split"},
        {.name = "loss", .kind = COLUMN_REAL, .width = 10},
        {.name = "accuracy", .kind = COLUMN_REAL, .width = 10},
        {.name = "targets", .kind = COLUMN_WHOLE, .width = 10},
    };
    struct rows rows = {.file = stdout,
                        .format = parts->arguments->format,
                        .columns = columns,
                        .count = sizeof columns / sizeof *columns};
    const struct cell cells[] = {
        cell_text(parts->info.name),
        cell_text(parts->config.name),
        cell_text(splits[parts->arguments->split]),
        cell_real(evaluation->loss),
        cell_real(evaluation->accuracy),
        cell_whole(evaluation->targets),
    };
    rows_begin(&rows);
    rows_add(&rows, cells);
    rows_end(&rows);
}

static int print_evaluation(const struct parts *parts) {
    const struct eval_arguments *arguments = parts->arguments;
    struct evaluation evaluation;
    const minrnn_status status =
        evaluate_split((struct evaluates){.evaluator = parts->evaluator}, parts->loader,
                       arguments->split, 0, NULL, &evaluation);
    if (status) {
        return report_library(status);
    }
    if (evaluation.targets == 0) {
        char split[SPLIT_CAPACITY];
        return report_failure("%s is too short: no %s%s has a next one", arguments->data,
                              unit_of(parts), of_split(parts, split));
    }
    if (arguments->format == ROWS_TABLE) {
        print_for_people(parts, &evaluation);
    } else {
        print_row(parts, &evaluation);
    }
    return 0;
}

/* Returns 0 or, having reported, an exit code. */
static int open_text(struct parts *parts) {
    const struct eval_arguments *arguments = parts->arguments;
    if (arguments->text_count == 0) {
        return report_wrong_use("a model of text needs --data FILE (see minrnn eval --help)");
    }
    minrnn_status status = minrnn_model_get_vocabulary(parts->model, &parts->vocabulary);
    if (!status && !parts->vocabulary) {
        return report_failure("%s has no vocabulary: it was not trained on text", arguments->model);
    }
    parts->time = arguments->time;
    status = status ? status
                    : task_source_read(&parts->source, arguments->texts, arguments->text_count,
                                       NULL, 0, parts->vocabulary);
    return status ? report_library(status) : 0;
}

static int open_task(struct parts *parts) {
    if (parts->arguments->text_count > 0) {
        return report_wrong_use(
            "%s is a model of %s, which draws its sequences: --data is for text",
            parts->arguments->model, parts->config.name);
    }
    const minrnn_status status = minrnn_task_create(&parts->config, &parts->source.task);
    parts->time = minrnn_task_time(parts->source.task);
    return status ? report_library(status) : 0;
}

/* What is for programs has the device in its rows. */
static int open_device(struct parts *parts, minrnn_device **device) {
    const int code = describe_find(parts->arguments->device, device, &parts->info);
    if (!code && parts->arguments->format == ROWS_TABLE) {
        describe_device(&parts->info, "");
    }
    return code;
}

static int open_parts(minrnn_device *device, struct parts *parts) {
    const struct eval_arguments *arguments = parts->arguments;
    minrnn_status status = minrnn_model_load(device, arguments->model, &parts->model);
    status = status ? status : minrnn_model_get_task(parts->model, &parts->config);
    if (status) {
        return report_library(status);
    }
    const int code = task_source_is_text(&parts->config) ? open_text(parts) : open_task(parts);
    if (code) {
        return code;
    }
    status =
        minrnn_evaluator_create(parts->model, arguments->batch, parts->time, &parts->evaluator);
    if (!status) {
        status =
            minrnn_loader_create(parts->source.task, arguments->batch, parts->time, &parts->loader);
    }
    return status ? report_setup(status) : 0;
}

static int evaluate(const struct eval_arguments *arguments) {
    struct parts parts = {.arguments = arguments};
    minrnn_device *device = NULL;
    int code = open_device(&parts, &device);
    code = code ? code : open_parts(device, &parts);
    code = code ? code : print_evaluation(&parts);
    minrnn_loader_destroy(parts.loader);
    minrnn_evaluator_destroy(parts.evaluator);
    task_source_destroy(&parts.source);
    minrnn_vocabulary_destroy(parts.vocabulary);
    minrnn_model_destroy(parts.model);
    minrnn_device_destroy(device);
    return code;
}

static int run(int argc, char **argv) {
    struct eval_arguments arguments = {.split = MINRNN_SPLIT_ALL, .batch = 64, .time = 256};
    int code = 0;
    if (!arguments_parse(&command_eval, argc, argv, &arguments, &code)) {
        return code;
    }
    if (!arguments.model) {
        return report_wrong_use("eval needs --model M (see minrnn eval --help)");
    }
    arguments.text_count = arguments_given(&command_eval, argc, argv, "data", NULL);
    arguments.texts = calloc((size_t)arguments.text_count + 1, sizeof *arguments.texts);
    if (!arguments.texts) {
        return report_failure("out of memory");
    }
    (void)arguments_given(&command_eval, argc, argv, "data", arguments.texts);
    code = evaluate(&arguments);
    free(arguments.texts);
    return code;
}
