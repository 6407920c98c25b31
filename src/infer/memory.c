/* SPDX-License-Identifier: Apache-2.0 */
/* The memory of a model and what works on it, known beforehand. */
#include <minrnn/trainer.h>

#include "base/sized.h"
#include "infer/session.h"

minrnn_status minrnn_model_memory_sized(minrnn_device *device, const minrnn_model_config *config,
                                        int64_t batch, int64_t time, bool training,
                                        minrnn_memory *memory, size_t size) {
    if (!device || !config || !memory) {
        return fail(MINRNN_INVALID_ARGUMENT, "minrnn_model_memory: an argument is NULL");
    }
    if (training) {
        minrnn_trainer_config trainer;
        minrnn_trainer_config_defaults(&trainer);
        trainer.batch = batch;
        trainer.time = time;
        return minrnn_trainer_memory_sized(device, config, &trainer, memory, size);
    }
    struct model_layout layout;
    minrnn_status status = layout_create(config, &layout);
    if (status) {
        return status;
    }
    minrnn_memory own;
    status = session_memory(device, &layout, batch, time, &own);
    if (!status) {
        sized_give(&own, sizeof own, memory, size);
    }
    layout_destroy(&layout);
    return status;
}
