/* SPDX-License-Identifier: Apache-2.0 */
/* Checks a caller's batch against the model. */
#include "network/batch.h"

#include "base/sized.h"

static const struct sized_type batch_type = SIZED_TYPE(minrnn_batch, "minrnn_batch_defaults");

void minrnn_batch_init(minrnn_batch *batch, size_t size) {
    if (batch) {
        sized_give(&(minrnn_batch){0}, sizeof *batch, batch, size);
    }
}

static minrnn_status copy(const char *call, const minrnn_batch *given, minrnn_batch *taken) {
    *taken = (minrnn_batch){0};
    const minrnn_status status = sized_take(&batch_type, given, taken);
    return status ? fail_in(status, "%s", call) : MINRNN_OK;
}

static minrnn_status check_shape(const char *call, const minrnn_batch *batch, int64_t sequences,
                                 int64_t time) {
    if (batch->batch != sequences || batch->time != time) {
        return fail(MINRNN_INVALID_ARGUMENT,
                    "%s: the batch is %lld x %lld tokens, must be %lld x %lld", call,
                    (long long)batch->batch, (long long)batch->time, (long long)sequences,
                    (long long)time);
    }
    if (!batch->tokens || !batch->targets) {
        return fail(MINRNN_INVALID_ARGUMENT, "%s: the batch has no tokens or no targets", call);
    }
    return MINRNN_OK;
}

static minrnn_status check_features(const struct model_layout *layout, const minrnn_batch *batch) {
    const minrnn_status status = batch->reset ? layout_require(layout, LAYER_RESETS) : MINRNN_OK;
    return status || !batch->lengths ? status : layout_require(layout, LAYER_LENGTHS);
}

static minrnn_status check_lengths(const char *call, const minrnn_batch *batch) {
    for (int64_t i = 0; batch->lengths && i < batch->batch; i++) {
        if (batch->lengths[i] < 0 || batch->lengths[i] > batch->time) {
            return fail(MINRNN_INVALID_ARGUMENT, "%s: length number %lld is %d, time is %lld", call,
                        (long long)i, (int)batch->lengths[i], (long long)batch->time);
        }
    }
    return MINRNN_OK;
}

minrnn_status batch_take(const char *call, const struct model_layout *layout, int64_t batch,
                         int64_t time, const minrnn_batch *given, minrnn_batch *taken) {
    const int64_t vocab = layout->config.vocab;
    minrnn_status status = copy(call, given, taken);
    status = status ? status : check_shape(call, taken, batch, time);
    status = status ? status : check_features(layout, taken);
    status = status ? status : input_check(call, taken->tokens, batch * time, vocab, false);
    status = status ? status : input_check(call, taken->targets, batch * time, vocab, true);
    return status ? status : check_lengths(call, taken);
}

int64_t batch_targets(const minrnn_batch *batch) {
    int64_t used = 0;
    for (int64_t i = 0; i < batch->batch * batch->time; i++) {
        used += batch->targets[i] >= 0;
    }
    return used;
}
