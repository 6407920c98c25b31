/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Inference: a model's state carried from call to call. */
#ifndef MINRNN_SESSION_H
#define MINRNN_SESSION_H

#include <minrnn/model.h>

MINRNN_BEGIN_DECLS

/** Carried states and workspace for some streams and calls of up to some tokens. Several sessions,
 * each used by one thread at a time, may share a model. After it is made no call allocates device
 * memory. */
typedef struct minrnn_session minrnn_session;

/** Makes a session for `batch` streams and calls of up to `time` tokens, at the streams' beginning.
 * The caller owns *session; the model must outlive it. */
MINRNN_API minrnn_status minrnn_session_create(const minrnn_model *model, int64_t batch,
                                               int64_t time, minrnn_session **session);

/** Releases a session. NULL is allowed. */
MINRNN_API void minrnn_session_destroy(minrnn_session *session);

/** Puts every stream back to its beginning. */
MINRNN_API minrnn_status minrnn_session_restart(minrnn_session *session);

/** Feeds `time` tokens to each stream: tokens [batch, time], each below the vocabulary, and reset
 * [batch, time], 1 if a document begins there, NULL for none. If `logits` is not NULL, waits and
 * writes logits [batch, time, vocab]. Any split of a text into calls gives the same logits. After a
 * call that failed on the device the states are lost: the session refuses more until it is
 * restarted. */
MINRNN_API minrnn_status minrnn_session_forward(minrnn_session *session, int64_t time,
                                                const int32_t *tokens, const int32_t *reset,
                                                float *logits);

/** How tokens are drawn. A member that an older program lacks is as minrnn_sampling_defaults sets
 * it. */
typedef struct minrnn_sampling {
    size_t size;       /**< of this struct: minrnn_sampling_defaults sets it */
    float temperature; /**< logits are divided by it; 0: the most likely token */
    int top_k;         /**< only the k most likely; 0: all */
    uint64_t seed;     /**< of the draws */
} minrnn_sampling;

/** minrnn_sampling_defaults for a struct of `size` bytes, for programs in other languages. */
MINRNN_API void minrnn_sampling_init(minrnn_sampling *sampling, size_t size);

/** Temperature 1, all tokens, seed 1. NULL is allowed. */
static inline void minrnn_sampling_defaults(minrnn_sampling *sampling) {
    minrnn_sampling_init(sampling, sizeof *sampling);
}

/** Draws token number `index` of a stream from logits [vocab], by Philox (Salmon et al., SC 2011)
 * from (seed, index). Ties go to the lower token. A logit of -INFINITY masks its token, which is
 * then never drawn. If all are masked that is MINRNN_INVALID_ARGUMENT; NaN or +INFINITY is
 * MINRNN_NOT_FINITE. */
MINRNN_API minrnn_status minrnn_sample(const minrnn_sampling *sampling, const float *logits,
                                       int64_t vocab, uint64_t index, int32_t *token);

MINRNN_END_DECLS

#endif
