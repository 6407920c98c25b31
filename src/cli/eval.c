/* SPDX-License-Identifier: Apache-2.0 */
/* minrnn eval: a model's loss on a text. */
#include <minrnn/text.h>

#include "cli/commands.h"
#include "cli/describe.h"
#include "cli/evaluate.h"
#include "cli/report.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

struct eval_arguments {
    const char *model, *data, *device;
    minrnn_split split;
    int64_t batch, time;
    const char **texts; /* [text_count]: every --data */
    int text_count;
};

static const char *const splits[] = {"train", "validation", "all", NULL};

#define PLACE(field) offsetof(struct eval_arguments, field)
static const struct option options[] = {
    TEXT("model", "M", model, "a model of minrnn train or of a public minGRU implementation"),
    TEXT("data", "FILE", data, "text, a folder of it, or - for standard input; may be repeated"),
    CHOICE("split", split, splits, "its first 90 %, the rest, or all of it"),
    COUNT("time", "N", time, 1, "characters per window; each begins with no memory"),
    COUNT("batch", "N", batch, 1, "windows at once"),
    TEXT("device", "D", device, "where to compute: see minrnn devices"),
    {0},
};

static int run(int argc, char **argv);

const struct command command_eval = {
    .name = "eval",
    .summary = "a model's loss on a text",
    .notes = "",
    .options = options,
    .run = run,
};

static int print_loss(minrnn_evaluator *evaluator, minrnn_loader *loader, const minrnn_text *text,
                      const struct eval_arguments *arguments) {
    struct evaluation evaluation;
    const minrnn_status status = evaluate_split((struct evaluates){.evaluator = evaluator}, loader,
                                                arguments->split, 0, NULL, &evaluation);
    if (status) {
        return report_library(status);
    }
    const bool is_bytes = minrnn_vocabulary_is_bytes(minrnn_text_vocabulary(text));
    const char *unit = is_bytes ? "byte" : "character";
    char count[DESCRIBE_CAPACITY], split[64] = "";
    if (arguments->split != MINRNN_SPLIT_ALL) {
        snprintf(split, sizeof split, " of the %s split", splits[arguments->split]);
    }
    if (evaluation.targets == 0) {
        return report_failure("%s is too short: no %s%s has a next one", arguments->data, unit,
                              split);
    }
    printf("loss     %.6f nats, %.6f bits per %s\n", evaluation.loss, evaluation.loss / log(2.0),
           unit);
    printf("over     %s %ss%s in windows of %lld\n", describe_count(evaluation.targets, count),
           unit, split, (long long)arguments->time);
    return 0;
}

static int evaluate(minrnn_device *device, const struct eval_arguments *arguments) {
    minrnn_model *model = NULL;
    minrnn_vocabulary *vocabulary = NULL;
    minrnn_text *text = NULL;
    minrnn_task *task = NULL;
    minrnn_loader *loader = NULL;
    minrnn_evaluator *evaluator = NULL;
    int code = 0;
    minrnn_status status = minrnn_model_load(device, arguments->model, &model);
    if (!status) {
        status = minrnn_model_get_vocabulary(model, &vocabulary);
    }
    if (!status && !vocabulary) {
        code = report_failure("%s has no vocabulary: it was not trained on text", arguments->model);
        goto done;
    }
    if (!status) {
        status = minrnn_text_open_files(arguments->texts, arguments->text_count, vocabulary, &text);
    }
    if (status) {
        code = report_library(status);
        goto done;
    }
    status = minrnn_evaluator_create(model, arguments->batch, arguments->time, &evaluator);
    if (!status) {
        status = minrnn_text_task(text, NULL, &task);
    }
    if (!status) {
        status = minrnn_loader_create(task, arguments->batch, arguments->time, &loader);
    }
    code = status ? report_setup(status) : print_loss(evaluator, loader, text, arguments);
done:
    minrnn_loader_destroy(loader);
    minrnn_task_destroy(task);
    minrnn_evaluator_destroy(evaluator);
    minrnn_text_destroy(text);
    minrnn_vocabulary_destroy(vocabulary);
    minrnn_model_destroy(model);
    return code;
}

static int run(int argc, char **argv) {
    struct eval_arguments arguments = {.split = MINRNN_SPLIT_ALL, .batch = 64, .time = 256};
    int code = 0;
    if (!arguments_parse(&command_eval, argc, argv, &arguments, &code)) {
        return code;
    }
    if (!arguments.model || !arguments.data) {
        return report_wrong_use("eval needs --model M and --data FILE (see minrnn eval --help)");
    }
    arguments.text_count = arguments_given(&command_eval, argc, argv, "data", NULL);
    arguments.texts = calloc((size_t)arguments.text_count, sizeof *arguments.texts);
    if (!arguments.texts) {
        return report_failure("out of memory");
    }
    (void)arguments_given(&command_eval, argc, argv, "data", arguments.texts);
    minrnn_device *device = NULL;
    code = describe_open(arguments.device, &device);
    if (!code) {
        code = evaluate(device, &arguments);
    }
    minrnn_device_destroy(device);
    free(arguments.texts);
    return code;
}
