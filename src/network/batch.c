/* SPDX-License-Identifier: Apache-2.0 */
/* Checks a caller's batch against the model. */
#include "network/batch.h"

#include "base/sized.h"

#include <string.h>

static const struct sized_type score_type = SIZED_TYPE(minrnn_score, "minrnn_score_defaults");

void minrnn_score_init(minrnn_score *score, size_t size) {
    if (score) {
        sized_give(&(minrnn_score){0}, sizeof *score, score, size);
    }
}

minrnn_status score_add(const char *call, const minrnn_score *more, minrnn_score *score) {
    minrnn_score sum = {0};
    const minrnn_status status = sized_take(&score_type, score, &sum);
    if (status) {
        return fail_in(status, "%s", call);
    }
    sum.loss_sum += more->loss_sum;
    sum.targets += more->targets;
    sum.correct += more->correct;
    sized_give(&sum, sizeof sum, score, sized_get(score));
    return MINRNN_OK;
}

/* ---- batches ---- */

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

static minrnn_status check_shape(const char *call, const minrnn_batch *batch,
                                 const struct batch_shape *shape) {
    if (batch->batch != shape->batch || batch->time != shape->time) {
        return fail(MINRNN_INVALID_ARGUMENT,
                    "%s: the batch is %lld x %lld tokens, must be %lld x %lld", call,
                    (long long)batch->batch, (long long)batch->time, (long long)shape->batch,
                    (long long)shape->time);
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

static int64_t count_targets(const int32_t *targets, int64_t count) {
    int64_t used = 0;
    for (int64_t i = 0; i < count; i++) {
        used += targets[i] >= 0;
    }
    return used;
}

static minrnn_status check_targets(const char *call, const minrnn_batch *batch, int64_t most) {
    for (int64_t i = 0; most > 0 && i < batch->batch; i++) {
        const int64_t used = count_targets(batch->targets + i * batch->time, batch->time);
        if (used > most) {
            return fail(MINRNN_INVALID_ARGUMENT,
                        "%s: sequence number %lld has %lld targets, the trainer's setting allows "
                        "%lld",
                        call, (long long)i, (long long)used, (long long)most);
        }
    }
    return MINRNN_OK;
}

minrnn_status batch_take(const char *call, const struct model_layout *layout,
                         const struct batch_shape *shape, const minrnn_batch *given,
                         minrnn_batch *taken) {
    const int64_t vocab = layout->config.vocab, rows = batch_rows(shape);
    minrnn_status status = copy(call, given, taken);
    status = status ? status : check_shape(call, taken, shape);
    status = status ? status : check_features(layout, taken);
    status = status ? status : input_check(call, taken->tokens, rows, vocab, false);
    status = status ? status : input_check(call, taken->targets, rows, vocab, true);
    status = status ? status : check_targets(call, taken, shape->targets);
    return status ? status : check_lengths(call, taken);
}

int64_t batch_targets(const minrnn_batch *batch) {
    return count_targets(batch->targets, batch->batch * batch->time);
}

/* ---- where the head runs ---- */

int64_t head_rows_elements(const struct batch_shape *shape) {
    const int64_t head = batch_head_rows(shape);
    return shape->targets > 0 ? 2 * head + batch_rows(shape) : head;
}

struct head_rows head_rows_in(int32_t *elements, const struct batch_shape *shape) {
    const int64_t head = batch_head_rows(shape);
    const bool everywhere = shape->targets == 0;
    return (struct head_rows){.targets = elements,
                              .at = everywhere ? NULL : elements + head,
                              .place = everywhere ? NULL : elements + 2 * head};
}

struct head_rows head_rows_of(const struct head_rows *all, const struct batch_shape *shape,
                              int64_t i) {
    const int64_t head = batch_head_rows(shape);
    return (struct head_rows){.targets = all->targets + i * head,
                              .at = all->at ? all->at + i * head : NULL,
                              .place = all->place ? all->place + i * batch_rows(shape) : NULL};
}

static void gather_sequence(const struct batch_shape *shape, const int32_t *targets, int64_t i,
                            const struct head_rows *head) {
    int64_t next = i * shape->targets;
    for (int64_t row = i * shape->time; row < (i + 1) * shape->time; row++) {
        const bool has = targets[row] >= 0;
        head->place[row] = has ? (int32_t)next : -1;
        if (has) {
            head->targets[next] = targets[row];
            head->at[next++] = (int32_t)row;
        }
    }
}

void batch_gather(const struct batch_shape *shape, const int32_t *targets,
                  const struct head_rows *head) {
    const size_t bytes = (size_t)batch_head_rows(shape) * sizeof *targets;
    if (shape->targets == 0) {
        memcpy(head->targets, targets, bytes);
        return;
    }
    memset(head->targets, -1, bytes);
    memset(head->at, -1, bytes);
    for (int64_t i = 0; i < shape->batch; i++) {
        gather_sequence(shape, targets, i, head);
    }
}
