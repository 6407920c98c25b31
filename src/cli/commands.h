/* SPDX-License-Identifier: Apache-2.0 */
/* The commands, each in the file of its name. */
#ifndef CLI_COMMANDS_H
#define CLI_COMMANDS_H

#include "cli/arguments.h"

extern const struct command command_devices;
extern const struct command command_train;
extern const struct command command_eval;
extern const struct command command_generate;
extern const struct command command_validate;
extern const struct command command_tune;
extern const struct command command_bench;

/* Runs a command line as main gets it; returns the exit code. */
int commands_run(int argc, char **argv);

#endif
