/* SPDX-License-Identifier: Apache-2.0 */
/* What `minrnn train` can be told. The options of the model and of its training are the library's
 * settings, whatever they are. */
#ifndef CLI_TRAIN_OPTIONS_H
#define CLI_TRAIN_OPTIONS_H

#include <minrnn/preset.h>

#include "cli/arguments.h"

enum keep { KEEP_LAST, KEEP_BEST };
enum tokens { TOKENS_CHARACTERS, TOKENS_BYTES };

struct train_arguments {
    const char *data, *validation; /* the last given; struct train_files has all */
    const char *task, *preset, *device, *out, *log;
    bool resume, overwrite;
    enum tokens tokens;
    int64_t steps; /* 0: the schedule's */
    int64_t eval_every, eval_batches, save_every, sample_every;
    enum keep keep;
    float stop_accuracy;
    minrnn_task_config task_config; /* of the task named */
    minrnn_model_config model;      /* its vocabulary is the task's */
    minrnn_trainer_config trainer;  /* its time and targets are the task's, if that has any */
};

struct train_options;

/* The options of command_train's name, summary and notes; NULL without memory. */
struct train_options *train_options_create(const struct command *command);
void train_options_destroy(struct train_options *options);

/* The command with its options. */
const struct command *train_options_command(const struct train_options *options);

/* The defaults and what is given over them. Returns whether to go on; otherwise help was printed,
 * or a wrong use reported, and *code is the exit code. */
bool train_options_parse(const struct train_options *options, int argc, char **argv,
                         struct train_arguments *arguments, int *code);

/* A parsed command line, laid over a state's values. A value that contradicts the state is a wrong
 * use: it would be ignored. Returns 0, or an exit code after a report. */
int train_options_resume(const struct train_options *options, int argc, char **argv,
                         const struct train_arguments *kept, const char *state,
                         struct train_arguments *arguments);

#endif
