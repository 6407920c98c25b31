#include "cli/evaluate.h"

#include <math.h>

minrnn_status evaluate_split(minrnn_trainer *trainer, const minrnn_text *text, minrnn_split split,
                             int64_t batches, int32_t *tokens, int32_t *targets, int32_t *reset,
                             bool (*stop)(void), struct evaluation *evaluation) {
    minrnn_trainer_config config;
    minrnn_status status = minrnn_trainer_get_config(trainer, &config);
    double loss_sum = 0;
    reset = minrnn_text_documents(text) > 1 ? reset : NULL;
    *evaluation = (struct evaluation){.loss = NAN};
    for (int64_t index = 0; !status && (batches == 0 || index < batches); index++) {
        int64_t used = 0;
        status = minrnn_text_window(text, split, (uint64_t)index, config.batch, config.time, tokens,
                                    targets, reset, &used);
        if (status || used == 0 || (stop && stop())) {
            break;
        }
        status = minrnn_trainer_evaluate(trainer, tokens, targets, reset, &loss_sum,
                                         &evaluation->characters);
    }
    if (evaluation->characters > 0) {
        evaluation->loss = loss_sum / (double)evaluation->characters;
    }
    return status;
}
