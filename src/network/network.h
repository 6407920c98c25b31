/* Forward and backward through the whole network. The same code plans: with a planning context and
 * arenas without a buffer it takes the same tensors and computes nothing. */
#ifndef NETWORK_NETWORK_H
#define NETWORK_NETWORK_H

#include "network/layout.h"
#include "op/arena.h"
#include "op/op.h"

/* What backward needs of a block: its streams [rows, width], the norms' 1 / rms [rows], the
 * feed-forward's pre-activations, and where the mixer's own tensors begin in the kept arena. What
 * can be recomputed cheaply (normalised streams, activations) is not kept. */
struct block_kept {
    minrnn_tensor x, x_conv, x_mixer;
    minrnn_tensor mixer_inverse, feed_inverse;
    minrnn_tensor feed_in;
    int64_t mixer_start;
};

/* What one pass over batch x time tokens reads and writes. Rows are [batch, time]. */
struct network_pass {
    struct op_context *context;
    const struct model_layout *layout;
    int64_t batch, time;
    minrnn_tensor parameters;
    minrnn_tensor tokens;         /* i32 [rows] */
    minrnn_tensor reset, lengths; /* i32 [rows], i32 [batch]; optional */

    /* Inference: each block's carried state, in and out (streams * width * layers elements, see
     * network_state); absent `state_in` starts afresh. */
    minrnn_tensor conv_in, conv_out;   /* [layers, batch, conv - 1, width] */
    minrnn_tensor mixer_in, mixer_out; /* [layers, batch, mixer state] */

    /* Training: activations are kept for backward, dropout is on. */
    bool training;
    uint64_t seed;
    uint32_t step; /* counts micro-batches, so that every pass draws its own dropout */
    minrnn_tensor gradients;
    minrnn_tensor order, start; /* i32 [rows], [vocab + 1]: rows sorted by token (embed_backward) */

    struct arena kept;         /* lives until backward */
    struct arena brief;        /* lives for one branch of one block */
    struct block_kept *blocks; /* [layers], the owner's */
    /* Where the pass is, for error texts: "forward", "mixer"; block -1 where it is in none. */
    const char *phase, *part;
    int block;

    minrnn_tensor streams[2];         /* inference: the blocks write one and the other */
    minrnn_tensor last, last_inverse; /* the last norm's input and 1 / rms */
};

/* Gives the pass its room for `blocks`; network_pass_destroy frees it. */
minrnn_status network_pass_create(struct network_pass *pass, const struct model_layout *layout);
void network_pass_destroy(struct network_pass *pass);

/* Notes that the pass comes to this part. */
static inline void network_enter(struct network_pass *pass, int block, const char *part) {
    pass->block = block;
    pass->part = part;
}

/* Computes logits [rows, vocab], a tensor of the kept arena; with
 * `hidden_only` the head is left out and *logits is absent. */
minrnn_status network_forward(struct network_pass *pass, bool hidden_only, minrnn_tensor *logits);

/* Adds all gradients, given those of the logits. After network_forward on the same pass. */
minrnn_status network_backward(struct network_pass *pass, minrnn_tensor dlogits);

/* Elements of one layer's carried convolution inputs and mixer state, for one stream. */
int64_t network_conv_state(const struct model_layout *layout);
int64_t network_mixer_state(const struct model_layout *layout);

#endif
