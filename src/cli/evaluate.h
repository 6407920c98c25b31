/* SPDX-License-Identifier: Apache-2.0 */
/* How well a model does on a split of a task. */
#ifndef CLI_EVALUATE_H
#define CLI_EVALUATE_H

#include <minrnn/evaluator.h>
#include <minrnn/task.h>
#include <minrnn/trainer.h>

struct evaluation {
    double loss;     /* nats per target */
    double accuracy; /* share of the targets told right */
    int64_t targets;
};

/* What evaluates: one of the two. */
struct evaluates {
    minrnn_evaluator *evaluator;
    minrnn_trainer *trainer;
};

/* Evaluates a split in at most `batches` batches of the loader (0: all). Ends early, with fewer
 * targets, if `stop` (which may be NULL) says so. Loss and accuracy over no targets are NaN. */
minrnn_status evaluate_split(struct evaluates with, minrnn_loader *loader, minrnn_split split,
                             int64_t batches, bool (*stop)(void), struct evaluation *evaluation);

#endif
