/* SPDX-License-Identifier: Apache-2.0 */
/* What a network is judged by. */
#ifndef NETWORK_LOSS_H
#define NETWORK_LOSS_H

#include "network/batch.h"
#include "network/network.h"

/* Cross-entropy of logits [rows, vocab] with targets, losses [rows]; dlogits, which may be the
 * logits or absent, is scale times its gradient. */
void loss_forward(struct network_pass *pass, minrnn_tensor targets, float scale,
                  minrnn_tensor logits, minrnn_tensor losses, minrnn_tensor dlogits);

/* Device memory of an evaluation beside its pass: one batch, and its losses [rows]. */
struct loss_room {
    minrnn_tensor tokens, targets, reset, lengths, losses;
};

/* With a pass that does not train: a batch's losses. */
void loss_evaluate(struct network_pass *pass, const struct loss_room *room);

/* The same from the host and back: uploads a batch (batch_take's), and adds to the sum of its
 * losses and to the count of its targets unless the sum is not finite, which is MINRNN_NOT_FINITE.
 * `losses` holds [rows]. Waits. */
minrnn_status loss_of_batch(const char *call, struct network_pass *pass,
                            const struct loss_room *room, const minrnn_batch *batch, float *losses,
                            double *loss_sum, int64_t *count);

#endif
