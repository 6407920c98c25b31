/* SPDX-License-Identifier: Apache-2.0 */
/* What layers share: their parameters and gradients, rows they keep, and their last step. */
#include "layer/layer.h"

#include "base/status.h"

int64_t layer_state(const struct layer *layer, int64_t longest) {
    return layer->kind->state ? layer->kind->state(layer, longest) : 0;
}

static const char *feature_name(enum layer_feature feature) {
    switch (feature) {
    case LAYER_RESETS: return "documents that begin inside a sequence";
    case LAYER_LENGTHS: return "sequences shorter than the time";
    case LAYER_STREAMS: return "a state carried from call to call";
    case LAYER_CHUNKS: return "calls of more than one step with a state carried";
    case LAYER_STATE_GRADIENT: return "the gradient of a state";
    }
    return "this";
}

minrnn_status layer_require(const struct layer *layer, enum layer_feature feature) {
    return layer->kind->features & (unsigned)feature
               ? MINRNN_OK
               : fail(MINRNN_INVALID_ARGUMENT, "%s does not support %s", layer->kind->name,
                      feature_name(feature));
}

static minrnn_tensor own_tensor(const struct layer_call *call, minrnn_tensor all, int index) {
    return index < 0 ? (minrnn_tensor){0}
                     : tensor_at(all, call->layer->parameters[index].info.offset);
}

minrnn_tensor layer_weight(const struct layer_call *call, int index) {
    return own_tensor(call, call->parameters, index);
}

minrnn_tensor layer_gradient(const struct layer_call *call, int index) {
    return own_tensor(call, call->gradients, index);
}

minrnn_tensor layer_take_rows(const struct layer_call *call, int64_t width) {
    return arena_take(call->temporary, layer_rows(call) * width);
}

void layer_finish(const struct layer_call *call, minrnn_tensor f, int bias) {
    const struct layer_dropout *dropout = &call->dropout;
    OP(residual_forward, call->context, .rows = layer_rows(call), .width = call->layer->width,
       .dropout = dropout->probability, .seed = dropout->seed, .site = dropout->site,
       .step = dropout->step, .x = f, .bias = layer_weight(call, bias),
       .residual = call->adds ? call->residual : (minrnn_tensor){0}, .y = call->y);
}
