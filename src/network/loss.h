/* SPDX-License-Identifier: Apache-2.0 */
/* What a network is judged by. */
#ifndef NETWORK_LOSS_H
#define NETWORK_LOSS_H

#include "network/batch.h"
#include "network/network.h"

/* Device memory for one batch, and for what its evaluation gives. */
struct loss_room {
    minrnn_tensor tokens, reset, lengths; /* i32 [rows], [rows], [batch] */
    struct {
        minrnn_tensor at, place; /* as network_pass has them; absent if the head runs everywhere */
    } head;
    minrnn_tensor targets, losses, correct; /* [head rows]; correct: 1 or 0 */
};
struct loss_room loss_take_room(struct arena *arena, const struct batch_shape *shape);

/* Makes a pass one of that shape, in that room. */
void loss_attach(struct network_pass *pass, const struct batch_shape *shape,
                 const struct loss_room *room);

/* Cross-entropy of the logits with the room's targets, into its losses; the logits become `scale`
 * times its gradient. */
void loss_forward(struct network_pass *pass, const struct loss_room *room, float scale,
                  minrnn_tensor logits);

/* With a pass that does not train: a batch's losses, and which of its targets are told right. */
void loss_evaluate(struct network_pass *pass, const struct loss_room *room);

/* ---- from the host and back ---- */

/* A batch in host memory, as the room has it; what is NULL is not given. */
struct host_batch {
    const int32_t *tokens, *reset, *lengths;
    struct head_rows head;
};

/* Enqueues the upload of a batch, or waits for it, and points the pass at its resets and lengths.
 */
minrnn_status loss_upload(struct network_pass *pass, const struct loss_room *room,
                          const struct host_batch *batch, bool wait);

/* The host's side of an evaluation; loss_host_destroy frees it. */
struct loss_host {
    struct host_memory memory;
    float *losses, *correct; /* [head rows] */
    struct head_rows head;
};
uint64_t loss_host_bytes(const struct batch_shape *shape);
minrnn_status loss_host_create(struct loss_host *host, minrnn_device *device,
                               const struct batch_shape *shape);
void loss_host_destroy(struct loss_host *host);

/* Evaluates a batch (batch_take's) and adds to the score, unless the sum of its losses is not
 * finite, which is MINRNN_NOT_FINITE. Waits. */
minrnn_status loss_of_batch(const char *call, struct network_pass *pass,
                            const struct batch_shape *shape, const struct loss_room *room,
                            const minrnn_batch *batch, const struct loss_host *host,
                            minrnn_score *score);

#endif
