/* SPDX-License-Identifier: Apache-2.0 */
/* The output: a head [vocab, width] without a bias; y is the logits [rows, vocab]. */
#include "layer/dense.h"
#include "layer/ends.h"

static int64_t vocab_of(const struct layer *layer) {
    return ((const struct ends_settings *)layer->settings)->vocab;
}

static void parameters(const struct layer *layer, struct parameter_list *list) {
    parameter_add(list, "weight", SHAPE(vocab_of(layer), layer->width), dense_weight(layer->width));
}

static void forward(const struct layer_call *call) {
    dense_forward(call, call->layer->width, vocab_of(call->layer), call->x, 0, call->y);
}

static void backward(const struct layer_call *call) {
    dense_backward(call, call->layer->width, vocab_of(call->layer), call->x, 0, -1, call->dy,
                   call->dx);
}

const struct layer_kind layer_output = {
    .name = "head",
    .features = LAYER_RESETS | LAYER_LENGTHS | LAYER_STREAMS | LAYER_CHUNKS | LAYER_STATE_GRADIENT,
    .parameters = parameters,
    .forward = forward,
    .backward = backward,
};
