/* SPDX-License-Identifier: Apache-2.0 */
/* A batch as the library takes it. */
#ifndef NETWORK_BATCH_H
#define NETWORK_BATCH_H

#include <minrnn/batch.h>

#include "network/layout.h"

/* The size of batches: sequences, positions of each, and how many of these may have a target, the
 * head running at no other; 0: all may, and the head runs everywhere. */
struct batch_shape {
    int64_t batch, time, targets;
};

static inline int64_t batch_rows(const struct batch_shape *shape) {
    return shape->batch * shape->time;
}

/* Rows that the head runs at: `targets` of each sequence, filled up if it has fewer. */
static inline int64_t batch_head_rows(const struct batch_shape *shape) {
    return shape->batch * (shape->targets > 0 ? shape->targets : shape->time);
}

/* Copies a batch into one of today's form: members that a program compiled before they existed does
 * not have are zero. MINRNN_INVALID_ARGUMENT, beginning with `call`, unless it has that shape, all
 * its tokens are in the vocabulary, and it asks for nothing that a layer cannot do. */
minrnn_status batch_take(const char *call, const struct model_layout *layout,
                         const struct batch_shape *shape, const minrnn_batch *given,
                         minrnn_batch *taken);

/* Targets that have a loss. */
int64_t batch_targets(const minrnn_batch *batch);

/* Where the head runs: its targets [head rows], -1 where it was filled up; and, as network_pass has
 * them, at [head rows] and place [rows], NULL if the head runs everywhere. */
struct head_rows {
    int32_t *targets, *at, *place;
};

/* Elements of all three, and the three in an array of as many. */
int64_t head_rows_elements(const struct batch_shape *shape);
struct head_rows head_rows_in(int32_t *elements, const struct batch_shape *shape);

/* Those of batch number i, of several of one shape whose arrays follow one another. */
struct head_rows head_rows_of(const struct head_rows *all, const struct batch_shape *shape,
                              int64_t i);

/* Fills them from the targets [batch, time] of a batch that batch_take has taken. */
void batch_gather(const struct batch_shape *shape, const int32_t *targets,
                  const struct head_rows *head);

/* Adds to a caller's score. */
minrnn_status score_add(const char *call, const minrnn_score *more, minrnn_score *score);

#endif
