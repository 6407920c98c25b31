/* SPDX-License-Identifier: Apache-2.0 */
/* The training loop. */
#ifndef CLI_TRAINING_H
#define CLI_TRAINING_H

#include <minrnn/task.h>
#include <minrnn/trainer.h>

struct training {
    /* Given; not owned. */
    minrnn_model *model;
    minrnn_trainer *trainer;
    const minrnn_task *task;
    int64_t steps;        /* where to stop */
    int64_t eval_every;   /* 0: only at the end */
    int64_t eval_batches; /* 0: the whole validation split */
    int64_t save_every;   /* 0: only at the end */
    int64_t sample_every; /* of text; 0: never */
    bool keep_best;       /* `out` is the best model evaluated, not the last one */
    float stop_accuracy;  /* end after two evaluations in a row of at least that; 0: do not */
    const char *out;      /* the model */
    const char *state;    /* the trainer; NULL: none */
    const char *log;      /* NULL: none */
    bool resume;          /* go on with the log that is there */
};

/* Trains up to `steps`, or until SIGINT, SIGTERM or SIGHUP, and saves. Returns the exit code. */
int training_run(const struct training *training);

#endif
