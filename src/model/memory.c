/* Memory known beforehand. */
#include "base/status.h"
#include "model/session.h"
#include "model/trainer.h"

minrnn_status minrnn_model_memory(minrnn_device *device, const minrnn_model_config *config,
                                  int64_t batch, int64_t time, bool training,
                                  minrnn_memory *memory) {
    if (!device || !config || !memory) {
        return fail(MINRNN_INVALID_ARGUMENT, "minrnn_model_memory: an argument is NULL");
    }
    struct model_layout layout;
    minrnn_status status = layout_create(config, &layout);
    if (status) {
        return status;
    }
    if (training) {
        minrnn_trainer_config trainer;
        minrnn_trainer_config_defaults(&trainer);
        trainer.batch = batch;
        trainer.time = time;
        status = trainer_check_config(&trainer);
        status = status ? status : trainer_memory(device, &layout, &trainer, memory);
    } else {
        status = session_memory(device, &layout, batch, time, memory);
    }
    layout_destroy(&layout);
    return status;
}
