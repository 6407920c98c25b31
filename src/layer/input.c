/* SPDX-License-Identifier: Apache-2.0 */
/* The input: a table [vocab, width], one row a token. */
#include "base/status.h"
#include "layer/ends.h"
#include "layer/layer.h"

#include <string.h>

static int64_t vocab_of(const struct layer *layer) {
    return ((const struct ends_settings *)layer->settings)->vocab;
}

static void parameters(const struct layer *layer, struct parameter_list *list) {
    const struct parameter table = {
        .info = {.decays = true}, .role = PARAMETER_TABLE, .draw = draw_normal, .scale = 1.0f};
    parameter_add(list, "weight", SHAPE(vocab_of(layer), layer->width), table);
}

static void forward(const struct layer_call *call) {
    OP(embed_forward, call->context, .rows = layer_rows(call), .vocab = vocab_of(call->layer),
       .width = call->layer->width, .tokens = call->tokens, .table = layer_weight(call, 0),
       .y = call->y);
}

static void backward(const struct layer_call *call) {
    OP(embed_backward, call->context, .rows = layer_rows(call), .vocab = vocab_of(call->layer),
       .width = call->layer->width, .tokens = call->tokens, .order = call->order,
       .start = call->start, .dy = call->dy, .dtable = layer_gradient(call, 0));
}

const struct layer_kind layer_input = {
    .name = "embedding",
    .features = LAYER_RESETS | LAYER_LENGTHS | LAYER_STREAMS | LAYER_CHUNKS,
    .parameters = parameters,
    .forward = forward,
    .backward = backward,
};

minrnn_status input_check(const char *call, const int32_t *tokens, int64_t count, int64_t vocab,
                          bool negative_allowed) {
    for (int64_t i = 0; i < count; i++) {
        if (tokens[i] >= vocab || (tokens[i] < 0 && !negative_allowed)) {
            return fail(MINRNN_INVALID_ARGUMENT,
                        "%s: token number %lld is %d, the vocabulary has %lld", call, (long long)i,
                        (int)tokens[i], (long long)vocab);
        }
    }
    return MINRNN_OK;
}

void input_sort(const int32_t *tokens, int64_t rows, int64_t vocab, int32_t *order,
                int32_t *start) {
    memset(start, 0, (size_t)(vocab + 1) * sizeof *start);
    for (int64_t r = 0; r < rows; r++) {
        start[tokens[r] + 1]++;
    }
    for (int64_t v = 0; v < vocab; v++) {
        start[v + 1] += start[v];
    }
    /* Filling moves each start to the next one's place; afterwards they are moved back. */
    for (int64_t r = 0; r < rows; r++) {
        order[start[tokens[r]]++] = (int32_t)r;
    }
    memmove(start + 1, start, (size_t)vocab * sizeof *start);
    start[0] = 0;
}
