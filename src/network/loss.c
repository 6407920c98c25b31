/* SPDX-License-Identifier: Apache-2.0 */
/* Forward, then cross entropy: what training and evaluation begin with. */
#include "network/loss.h"

#include "base/status.h"

#include <math.h>

void loss_forward(struct network_pass *pass, minrnn_tensor targets, float scale,
                  minrnn_tensor logits, minrnn_tensor losses, minrnn_tensor dlogits) {
    network_enter(pass, pass->training ? "forward" : "evaluation", -1, "loss");
    OP(cross_entropy, pass->context, .rows = pass->batch * pass->time,
       .vocab = pass->layout->config.vocab, .scale = scale, .logits = logits, .targets = targets,
       .loss = losses, .dlogits = dlogits);
}

void loss_evaluate(struct network_pass *pass, const struct loss_room *room) {
    const minrnn_tensor logits = network_forward(pass, false);
    loss_forward(pass, room->targets, 0.0f, logits, room->losses, (minrnn_tensor){0});
}

static minrnn_status upload(struct network_pass *pass, const struct loss_room *room,
                            const minrnn_batch *batch) {
    const int64_t rows = batch->batch * batch->time;
    pass->reset = batch->reset ? room->reset : (minrnn_tensor){0};
    pass->lengths = batch->lengths ? room->lengths : (minrnn_tensor){0};
    minrnn_status status = tensor_write(room->tokens, batch->tokens, rows, true);
    status = status ? status : tensor_write(room->targets, batch->targets, rows, true);
    if (!status && batch->reset) {
        status = tensor_write(room->reset, batch->reset, rows, true);
    }
    if (!status && batch->lengths) {
        status = tensor_write(room->lengths, batch->lengths, batch->batch, true);
    }
    return status;
}

minrnn_status loss_of_batch(const char *call, struct network_pass *pass,
                            const struct loss_room *room, const minrnn_batch *batch, float *losses,
                            double *loss_sum, int64_t *count) {
    const int64_t rows = batch->batch * batch->time;
    minrnn_status status = upload(pass, room, batch);
    if (status) {
        return status;
    }
    pass->context->status = MINRNN_OK;
    loss_evaluate(pass, room);
    status = pass->context->status;
    status = status ? status : tensor_read(room->losses, losses, rows, true);
    if (status) {
        return status;
    }
    double sum = 0.0;
    for (int64_t i = 0; i < rows; i++) {
        sum += (double)losses[i];
    }
    if (!isfinite(sum)) {
        return fail(MINRNN_NOT_FINITE, "%s: the loss is %g", call, sum);
    }
    *loss_sum += sum;
    *count += batch_targets(batch);
    return MINRNN_OK;
}
