/* SPDX-License-Identifier: Apache-2.0 */
/* What a step or an evaluation is given. */
#ifndef MINRNN_BATCH_H
#define MINRNN_BATCH_H

#include <minrnn/status.h>

MINRNN_BEGIN_DECLS

/* Sequences with what is to be learnt of them, in host memory. It owns nothing; the call that it is
 * given to has copied all of it when it returns. What an older program does not have is zero: not
 * given. */
typedef struct minrnn_batch {
    size_t size;            /* of this struct, set by minrnn_batch_defaults */
    int64_t batch, time;    /* sequences, and positions of each */
    const int32_t *tokens;  /* [batch, time] */
    const int32_t *targets; /* [batch, time]: the token to tell; below 0: none, without loss */
    const int32_t *reset;   /* [batch, time]: 1 where a document begins; NULL: nowhere */
    const int32_t *lengths; /* [batch], 0 to time: positions in use, targets past them should be
                             * negative; NULL: all */
} minrnn_batch;

/* All zero but `size`. */
MINRNN_API void minrnn_batch_init(minrnn_batch *batch, size_t size);
static inline void minrnn_batch_defaults(minrnn_batch *batch) {
    minrnn_batch_init(batch, sizeof *batch);
}

MINRNN_END_DECLS

#endif
