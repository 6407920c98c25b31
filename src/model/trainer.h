/* What the files of this folder know of a trainer. */
#ifndef MODEL_TRAINER_H
#define MODEL_TRAINER_H

#include <minrnn/trainer.h>

#include "model/model.h"
#include "model/step.h"

enum { STEPS_IN_FLIGHT = 2, RECORDS_KEPT = 4 };

/* The host's side of a step in flight: what is uploaded must stay until it was, what is read
 * arrives when the fence has passed. */
struct step_slot {
    int32_t *tokens, *targets, *order, *start, *reset, *lengths; /* [accumulation, ...] */
    bool has_reset, has_lengths;
    float results[2]; /* loss, square of the gradient's norm */
    int64_t step;     /* 0: free */
    float rate;
    struct fence fence;
};

struct minrnn_trainer {
    minrnn_model *model;
    minrnn_trainer_config config;
    int64_t step;             /* steps done */
    bool broken;              /* a step failed part-way: see trainer_check_whole */
    minrnn_buffer *gradients; /* layout.total floats */
    minrnn_buffer *moments;   /* first, then second moments: 2 * layout.total floats */
    minrnn_buffer *workspace;
    struct op_context context;
    struct network_pass pass;
    struct trainer_room room;
    struct step_slot slots[STEPS_IN_FLIGHT];
    int32_t *host;      /* the slots' arrays */
    float *host_losses; /* [rows], for evaluation */
    minrnn_step_record records[RECORDS_KEPT];
    int record_count;
};

/* Waits for the steps in flight; their records are kept. */
minrnn_status trainer_drain(minrnn_trainer *trainer);

/* Fails where a step failed part-way: parameters and moments may be half updated, and must not be
 * trained on, judged or saved. */
minrnn_status trainer_check_whole(const minrnn_trainer *trainer, const char *call);

/* Checks everything but the model. */
minrnn_status trainer_check_config(const minrnn_trainer_config *config);

/* Device memory of a trainer, by planning. */
minrnn_status trainer_memory(minrnn_device *device, const struct model_layout *layout,
                             const minrnn_trainer_config *config, minrnn_memory *memory);

#endif
