/* SPDX-License-Identifier: Apache-2.0 */
/* How well a model does on a split, batch by batch. */
#include "cli/evaluate.h"

#include <math.h>

static minrnn_status evaluate(struct evaluates with, const minrnn_batch *batch,
                              minrnn_score *score) {
    return with.evaluator ? minrnn_evaluator_score(with.evaluator, batch, score)
                          : minrnn_trainer_score(with.trainer, batch, score);
}

minrnn_status evaluate_split(struct evaluates with, minrnn_loader *loader, minrnn_split split,
                             int64_t batches, bool (*stop)(void), struct evaluation *evaluation) {
    minrnn_status status = MINRNN_OK;
    minrnn_score score;
    minrnn_score_defaults(&score);
    for (int64_t index = 0; !status && (batches == 0 || index < batches); index++) {
        const minrnn_batch *batch;
        int64_t used = 0;
        status = minrnn_loader_window(loader, split, (uint64_t)index, &batch, &used);
        if (status || used == 0 || (stop && stop())) {
            break;
        }
        status = evaluate(with, batch, &score);
    }
    const double targets = score.targets > 0 ? (double)score.targets : NAN;
    *evaluation = (struct evaluation){.loss = score.loss_sum / targets,
                                      .accuracy = (double)score.correct / targets,
                                      .targets = score.targets};
    return status;
}
