/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of this folder know of a trainer. */
#ifndef TRAIN_TRAINER_H
#define TRAIN_TRAINER_H

#include <minrnn/trainer.h>

#include "network/model.h"
#include "op/numbers.h"
#include "train/slot.h"

enum { RECORDS_KEPT = 4, FAILURE_CAPACITY = 512 };

struct minrnn_trainer {
    minrnn_model *model;
    minrnn_trainer_config config;
    int64_t step;             /* steps done */
    minrnn_buffer *gradients; /* layout.places.total floats */
    minrnn_buffer *moments;   /* first, then second moments: 2 * layout.places.total floats */
    struct workspace workspace;
    struct op_context context;
    struct network_pass pass;       /* of the steps; and, without gradients and dropout, ... */
    struct network_pass evaluation; /* ... in the same workspace */
    struct trainer_room room;
    struct step_slots slots;
    struct piece micro[MICROS_QUEUED]; /* of the micro-batches that do not end a step */
    struct pace pace;
    struct loss_host evaluated;
    minrnn_step_record records[RECORDS_KEPT];
    int record_count;
    struct number_check numbers; /* with check_numbers, the context's */
    /* What ended the run, MINRNN_OK while nothing has: a step that was not finite, or one that
     * failed part-way. No step, evaluation or save follows it. */
    minrnn_status ended;
    char end_text[FAILURE_CAPACITY];
};

/* Waits for the steps in flight; their records are kept. */
minrnn_status trainer_drain(minrnn_trainer *trainer);

/* Fails if the run has ended. */
minrnn_status trainer_check_running(const minrnn_trainer *trainer);

/* The same, or MINRNN_NOT_FINITE if a step in flight was not finite: to be called when the queue
 * is known to be empty. */
minrnn_status trainer_check_steps(const minrnn_trainer *trainer);

/* record.c: whether a step's loss and gradient are finite; if not, says so in `text`. */
bool trainer_is_finite(const minrnn_step_record *record, char text[FAILURE_CAPACITY]);

/* What a slot's results, once they are there, say of its step. */
minrnn_step_record trainer_record_of(const struct step_slot *slot);

/* locate.c: after an op returned MINRNN_NOT_FINITE, puts step, phase, layer and parameter before
 * its error. */
minrnn_status trainer_locate(const minrnn_trainer *trainer, const struct network_pass *pass,
                             int64_t step);

#endif
