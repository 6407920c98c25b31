/* Memory known beforehand. */
#include "base/status.h"
#include "model/session.h"
#include "model/trainer.h"
#include "op/room.h"

minrnn_status minrnn_model_memory(minrnn_device *device, const minrnn_model_config *config,
                                  int64_t batch, int64_t time, bool training,
                                  minrnn_memory *memory) {
    if (!device || !config || !memory) {
        return fail(MINRNN_INVALID_ARGUMENT, "minrnn_model_memory: an argument is NULL");
    }
    if (training) {
        minrnn_trainer_config trainer;
        minrnn_trainer_config_defaults(&trainer);
        trainer.batch = batch;
        trainer.time = time;
        return minrnn_trainer_memory(device, config, &trainer, memory);
    }
    struct model_layout layout;
    minrnn_status status = layout_create(config, &layout);
    if (!status) {
        status = session_memory(device, &layout, batch, time, memory);
        layout_destroy(&layout);
    }
    return status;
}

minrnn_status minrnn_trainer_memory(minrnn_device *device, const minrnn_model_config *model,
                                    const minrnn_trainer_config *config, minrnn_memory *memory) {
    if (!device || !model || !config || !memory) {
        return fail(MINRNN_INVALID_ARGUMENT, "minrnn_trainer_memory: an argument is NULL");
    }
    struct model_layout layout;
    minrnn_status status = layout_create(model, &layout);
    if (!status) {
        status = trainer_memory(device, &layout, config, memory);
        layout_destroy(&layout);
    }
    return status;
}

minrnn_status minrnn_memory_check(const minrnn_device *device, const minrnn_memory *memory) {
    if (!device || !memory) {
        return fail(MINRNN_INVALID_ARGUMENT, "minrnn_memory_check: an argument is NULL");
    }
    return device_check_room(device, "this", memory->total, memory->host);
}
