/* SPDX-License-Identifier: Apache-2.0 */
/* The work of one optimiser step on the device; the same code plans its memory. */
#ifndef TRAIN_STEP_H
#define TRAIN_STEP_H

#include <minrnn/trainer.h>

#include "network/loss.h"
#include "network/workspace.h"

/* Of a micro-batch. */
static inline struct batch_shape step_shape(const minrnn_trainer_config *config) {
    return (struct batch_shape){config->batch, config->time, config->targets};
}

/* Of all micro-batches of a step. */
static inline struct batch_shape step_whole_shape(const minrnn_trainer_config *config) {
    return (struct batch_shape){config->accumulation * config->batch, config->time,
                                config->targets};
}

/* What a trainer keeps on the device besides the network's own tensors. */
struct trainer_room {
    struct loss_room batch;     /* one micro-batch, or one to evaluate */
    minrnn_tensor order, start; /* its rows sorted by token */
    minrnn_tensor results;      /* [2]: loss, square norm */
    minrnn_tensor nonfinite;    /* [1], with check_numbers: see number_check */
};

struct trainer_room step_take_room(struct arena *arena, const struct model_layout *layout,
                                   const minrnn_trainer_config *config);

minrnn_status step_plan(minrnn_device *device, const struct model_layout *layout,
                        const minrnn_trainer_config *config, struct workspace_plan *plan);

/* The parts of a step, whose errors stay in the pass's context: gradients to zero; then for each
 * micro-batch, uploaded to the room, forward, loss and backward, scale being 1 / targets of the
 * whole step; then AdamW (step 1 is the first). */
void step_clear_gradients(const struct network_pass *pass);
void step_micro(struct network_pass *pass, const struct trainer_room *room, float scale,
                bool first);
void step_update(struct network_pass *pass, const minrnn_trainer_config *config, int64_t step,
                 float rate, const struct trainer_room *room, minrnn_tensor moments);

#endif
