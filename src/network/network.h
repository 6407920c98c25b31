/* SPDX-License-Identifier: Apache-2.0 */
/* Forward and backward through the whole network. The same code plans: with a planning context and
 * arenas without a buffer it takes the same tensors and computes nothing. */
#ifndef NETWORK_NETWORK_H
#define NETWORK_NETWORK_H

#include "network/layout.h"
#include "op/arena.h"

/* What backward needs of a branch: the stream [rows, width] before it, its norm's 1 / rms [rows],
 * and where the layer's own tensors begin in the kept arena. What can be recomputed cheaply
 * (normalised streams, activations) is not kept. */
struct branch_kept {
    minrnn_tensor x, inverse;
    int64_t start;
};

/* What one pass over batch x time tokens reads and writes. Rows are [batch, time]. Errors stay in
 * the context. */
struct network_pass {
    struct op_context *context;
    const struct model_layout *layout;
    int64_t batch, time;
    minrnn_tensor parameters;
    minrnn_tensor tokens;         /* i32 [rows] */
    minrnn_tensor reset, lengths; /* i32 [rows], i32 [batch]; optional */

    /* Where the head runs: at `head_rows` rows, head_at [head_rows] saying which (-1: none, of
     * whose logits nobody asks) and head_place [rows] the other way round, both i32; 0: at every
     * row. */
    int64_t head_rows;
    minrnn_tensor head_at, head_place;

    /* Inference: the carried states of all layers, one after the other, each [batch, its elements];
     * absent `state_in` starts afresh. The two are never the same. */
    minrnn_tensor state_in, state_out;

    /* Training: activations are kept for backward, dropout is on. */
    bool training;
    uint64_t seed;
    uint32_t step; /* counts micro-batches, so that every pass draws its own dropout */
    minrnn_tensor gradients;
    minrnn_tensor order, start; /* i32 [rows], [vocab + 1]: rows sorted by token (input_sort) */

    struct arena kept;            /* lives until backward */
    struct arena brief;           /* lives for one branch */
    struct branch_kept *branches; /* [layout's branch_count], the owner's */
    /* Where the pass is, for error texts: "forward", "mixer"; block -1 if it is in none. */
    const char *phase, *part;
    int block;

    minrnn_tensor streams[2];         /* inference: the branches write one and the other */
    minrnn_tensor last, last_inverse; /* the last norm's input and 1 / rms */
};

/* A pass with a context, with its room for `branches`, which network_pass_destroy frees, and with
 * arenas that plan. */
minrnn_status network_pass_create(struct network_pass *pass, struct op_context *context,
                                  const struct model_layout *layout);
void network_pass_destroy(struct network_pass *pass);

/* Notes that the pass comes to this part of a phase; after an error it stays where that was. */
void network_enter(struct network_pass *pass, const char *phase, int block, const char *part);

/* Rows that the head runs at. */
int64_t network_head_rows(const struct network_pass *pass);

/* Computes logits [head rows, vocab], a tensor of the kept arena; with `hidden_only` the head is
 * left out and the result is absent. */
minrnn_tensor network_forward(struct network_pass *pass, bool hidden_only);

/* Adds all gradients, given those of the logits. After network_forward on the same pass. */
void network_backward(struct network_pass *pass, minrnn_tensor dlogits);

#endif
