/* SPDX-License-Identifier: Apache-2.0 */
/* The mean loss over a split, window by window. */
#include "cli/evaluate.h"

#include <math.h>

static minrnn_status evaluate(struct evaluates with, const minrnn_batch *batch, double *loss_sum,
                              int64_t *count) {
    return with.evaluator ? minrnn_evaluate(with.evaluator, batch, loss_sum, count)
                          : minrnn_trainer_evaluate(with.trainer, batch, loss_sum, count);
}

minrnn_status evaluate_split(struct evaluates with, minrnn_loader *loader, minrnn_split split,
                             int64_t batches, bool (*stop)(void), struct evaluation *evaluation) {
    minrnn_status status = MINRNN_OK;
    double loss_sum = 0;
    *evaluation = (struct evaluation){.loss = NAN};
    for (int64_t index = 0; !status && (batches == 0 || index < batches); index++) {
        const minrnn_batch *batch;
        int64_t used = 0;
        status = minrnn_loader_window(loader, split, (uint64_t)index, &batch, &used);
        if (status || used == 0 || (stop && stop())) {
            break;
        }
        status = evaluate(with, batch, &loss_sum, &evaluation->targets);
    }
    if (evaluation->targets > 0) {
        evaluation->loss = loss_sum / (double)evaluation->targets;
    }
    return status;
}
