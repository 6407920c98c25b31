/* SPDX-License-Identifier: Apache-2.0 */
/* A batch as the library takes it. */
#ifndef NETWORK_BATCH_H
#define NETWORK_BATCH_H

#include <minrnn/batch.h>

#include "network/layout.h"

/* Copies a batch into one of today's form: members that a program compiled before they existed does
 * not have are zero. MINRNN_INVALID_ARGUMENT, beginning with `call`, unless it has `batch`
 * sequences of `time` tokens, all in the vocabulary, and asks for nothing that a layer cannot do.
 */
minrnn_status batch_take(const char *call, const struct model_layout *layout, int64_t batch,
                         int64_t time, const minrnn_batch *given, minrnn_batch *taken);

/* Targets that have a loss. */
int64_t batch_targets(const minrnn_batch *batch);

#endif
