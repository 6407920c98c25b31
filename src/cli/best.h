/* SPDX-License-Identifier: Apache-2.0 */
/* The best evaluation of a run, which a resumed run goes on with: the model's metadata keep it. */
#ifndef CLI_BEST_H
#define CLI_BEST_H

#include "cli/evaluate.h"

struct best {
    minrnn_measure measure;
    float enough; /* an accuracy; 0: none is */
    int64_t step; /* -1: nothing was evaluated */
    double value; /* a loss or an accuracy, as measured */
    int64_t held; /* evaluations in a row, up to the last one, that had enough */
};

/* What an evaluation measured. */
double best_value(const struct best *best, const struct evaluation *evaluation);

/* Takes an evaluation into account. Returns whether it is the best. */
bool best_note(struct best *best, const struct evaluation *evaluation, int64_t step);

/* Whether a run need not go on: one evaluation alone may be luck. */
bool best_is_enough(const struct best *best);

minrnn_status best_keep(const struct best *best, minrnn_model *model);

/* What best_keep kept in the model that is resumed; nothing if it kept nothing. */
void best_restore(struct best *best, const minrnn_model *model);

#endif
