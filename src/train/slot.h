/* SPDX-License-Identifier: Apache-2.0 */
/* Steps in flight: the host's side of each. */
#ifndef TRAIN_SLOT_H
#define TRAIN_SLOT_H

#include "train/pace.h"
#include "train/step.h"

enum { STEPS_IN_FLIGHT = 2 };

/* What is uploaded must stay until it was; what is read arrives when the fence has passed. */
struct step_slot {
    int32_t *tokens, *order, *start, *reset, *lengths; /* [accumulation, ...] */
    struct head_rows head;                             /* the same */
    bool has_reset, has_lengths;
    float *results; /* [2]: loss, square of the gradient's norm */
    int64_t used;   /* targets that have a loss */
    int64_t step;   /* 0: free */
    float rate;
    struct piece last; /* of its micro-batches, the update and the results behind it */
};

struct step_slots {
    struct step_slot slot[STEPS_IN_FLIGHT];
    struct host_memory arrays; /* of all slots */
};

/* Bytes of host memory that slots_create takes. */
uint64_t slots_bytes(const struct model_layout *layout, const minrnn_trainer_config *config);

/* slots_destroy frees what it takes; the device must not read the arrays any more. */
minrnn_status slots_create(struct step_slots *slots, minrnn_device *device,
                           const struct model_layout *layout, const minrnn_trainer_config *config);
void slots_destroy(struct step_slots *slots);

/* Copies a step's micro-batches, one after the other in `batch`, and sorts their rows by token. */
void slot_fill(struct step_slot *slot, const struct model_layout *layout,
               const minrnn_trainer_config *config, const minrnn_batch *batch);

/* Enqueues the upload of one micro-batch, and points the pass at its resets and lengths. */
minrnn_status slot_upload(const struct step_slot *slot, const minrnn_trainer_config *config,
                          const struct trainer_room *room, int64_t micro,
                          struct network_pass *pass);

#endif
