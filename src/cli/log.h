/* SPDX-License-Identifier: Apache-2.0 */
/* The training log: a CSV file with one line a step. */
#ifndef CLI_LOG_H
#define CLI_LOG_H

#include "cli/evaluate.h"

struct log;

/* Starts a log at `path`, or with `resume` goes on with the one that is there, whose lines of steps
 * after `resumed` are cut. NULL as path gives no log, which the other calls allow. Returns 0 or,
 * having reported, an exit code. */
int log_open(const char *path, bool resume, int64_t resumed, struct log **log);

/* Each line is written at once. False if the file cannot be written; errno says why. A pipe without
 * a reader takes everything. */
bool log_write(struct log *log, const minrnn_step_record *record, double tokens_per_second,
               const struct evaluation *validation); /* NaN: none */
bool log_close(struct log *log);

#endif
