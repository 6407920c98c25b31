/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * What a step or an evaluation is given, and what an evaluation gives. */
#ifndef MINRNN_BATCH_H
#define MINRNN_BATCH_H

#include <minrnn/status.h>

MINRNN_BEGIN_DECLS

/** Sequences with what is to be learnt of them, in host memory. It owns nothing. The call that it
 * is given to has copied all of it when it returns. A member that an older program lacks is zero:
 * not given. */
typedef struct minrnn_batch {
    size_t size;            /**< of this struct, set by minrnn_batch_defaults */
    int64_t batch,          /**< sequences */
        time;               /**< positions of each */
    const int32_t *tokens;  /**< [batch, time], each from 0 to below the model's vocab */
    const int32_t *targets; /**< [batch, time]: the token to tell; below 0: none, without loss */
    const int32_t *reset;   /**< [batch, time]: 1 if a document begins there, else 0; NULL: all 0 */
    const int32_t *lengths; /**< [batch], 0 to time: positions in use; targets past them should be
                             * negative; NULL: all are in use */
} minrnn_batch;

/** minrnn_batch_defaults for a struct of `size` bytes, for programs in other languages. */
MINRNN_API void minrnn_batch_init(minrnn_batch *batch, size_t size);

/** Sets all to zero but `size`. NULL is allowed. */
static inline void minrnn_batch_defaults(minrnn_batch *batch) {
    minrnn_batch_init(batch, sizeof *batch);
}

/** How well a model does: sums over targets, which evaluations add to. */
typedef struct minrnn_score {
    size_t size;     /**< of this struct, set by minrnn_score_defaults */
    double loss_sum; /**< cross entropy, in nats */
    int64_t targets; /**< positions that have one */
    int64_t correct; /**< targets that no other token is given a larger logit than */
} minrnn_score;

/** minrnn_score_defaults for a struct of `size` bytes, for programs in other languages. */
MINRNN_API void minrnn_score_init(minrnn_score *score, size_t size);

/** Sets all to zero but `size`. NULL is allowed. */
static inline void minrnn_score_defaults(minrnn_score *score) {
    minrnn_score_init(score, sizeof *score);
}

MINRNN_END_DECLS

#endif
