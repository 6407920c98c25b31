/* SPDX-License-Identifier: Apache-2.0 */
/* What minrnn bench figure1 has of its own: lengths, the time that a row may take, the host's
 * memory, and the paper's shares of parameters. */
#ifndef CLI_BENCH_FIGURE1_H
#define CLI_BENCH_FIGURE1_H

#include "cli/bench.h"

/* Whether a mixer simplifies another, minX an X; its name is then *other. */
bool figure1_simplifies(const char *mixer, const char **other);

/* Doubles the longest length up to arguments->longest. figure1_takes says which points those are
 * for: only for mixers that simplify another. */
void figure1_extend(struct bench_arguments *arguments);
bool figure1_takes(const struct bench_arguments *arguments, struct bench_point *point);

/* Whether a row would take longer than arguments->limit, by what the same took at another length;
 * figure1_note notes that. */
bool figure1_is_long(const struct bench_run *run, const struct bench_device *device,
                     struct bench_point *point);
void figure1_note(struct bench_run *run, const struct bench_device *device,
                  const struct bench_point *point, double seconds);

/* Bytes of memory that the process has now; 0: not known. */
int64_t figure1_resident(void);

/* How many percent of X's weights minX has with this expansion: those of the gates, without biases
 * and the projection behind them (the paper, section 3). 0: it simplifies none. */
double figure1_weights(minrnn_device *device, const char *mixer, int expansion);

#endif
