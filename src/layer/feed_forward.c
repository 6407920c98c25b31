/* SPDX-License-Identifier: Apache-2.0 */
/* The layer kind of the feed-forward: GELU, or GEGLU with a gated half. */
#include "layer/feed_forward.h"

#include "layer/dense.h"

/* Order of the parameters, which is also that of the file: [entry, width], [entry], [width,
 * hidden], [width]. */
enum { IN_WEIGHT, IN_BIAS, OUT_WEIGHT, OUT_BIAS };

static const struct feed_forward_settings *settings_of(const struct layer *layer) {
    return layer->settings;
}

static bool is_geglu(const struct layer *layer) {
    return settings_of(layer)->activation == MINRNN_FEED_FORWARD_GEGLU;
}

/* Channels that enter the activation: GEGLU takes two halves. */
static int64_t entry_of(const struct layer *layer) {
    return (is_geglu(layer) ? 2 : 1) * settings_of(layer)->hidden;
}

static void parameters(const struct layer *layer, struct parameter_list *list) {
    const int64_t width = layer->width, hidden = settings_of(layer)->hidden;
    parameter_add(list, "0.weight", SHAPE(entry_of(layer), width), dense_weight(width));
    parameter_add(list, "0.bias", SHAPE(entry_of(layer)), dense_bias(width));
    parameter_add(list, "2.weight", SHAPE(width, hidden), dense_weight(hidden));
    parameter_add(list, "2.bias", SHAPE(width), dense_bias(hidden));
}

static void activation_forward(const struct layer_call *call, minrnn_tensor x, minrnn_tensor y) {
    const int64_t rows = layer_rows(call), hidden = settings_of(call->layer)->hidden;
    const minrnn_tensor bias = layer_weight(call, IN_BIAS);
    if (is_geglu(call->layer)) {
        OP(geglu_forward, call->context, .rows = rows, .width = hidden, .x = x, .bias = bias,
           .y = y);
    } else {
        OP(gelu_forward, call->context, .rows = rows, .width = hidden, .x = x, .bias = bias,
           .y = y);
    }
}

static void activation_backward(const struct layer_call *call, minrnn_tensor x, minrnn_tensor dy,
                                minrnn_tensor dx) {
    const int64_t rows = layer_rows(call), hidden = settings_of(call->layer)->hidden;
    const minrnn_tensor bias = layer_weight(call, IN_BIAS);
    if (is_geglu(call->layer)) {
        OP(geglu_backward, call->context, .rows = rows, .width = hidden, .x = x, .bias = bias,
           .dy = dy, .dx = dx);
    } else {
        OP(gelu_backward, call->context, .rows = rows, .width = hidden, .x = x, .bias = bias,
           .dy = dy, .dx = dx);
    }
}

/* What forward keeps: the pre-activations without their bias [rows, entry]. */
static minrnn_tensor take_saved(const struct layer_call *call) {
    return arena_take(call->saved, layer_rows(call) * entry_of(call->layer));
}

static void forward(const struct layer_call *call) {
    const struct layer *layer = call->layer;
    const int64_t hidden = settings_of(layer)->hidden;
    const int64_t mark = call->temporary->used;
    const minrnn_tensor entry = take_saved(call);
    const minrnn_tensor activated = layer_take_rows(call, hidden);
    const minrnn_tensor f = layer_take_rows(call, layer->width);
    dense_forward(call, layer->width, entry_of(layer), call->x, IN_WEIGHT, entry);
    activation_forward(call, entry, activated);
    dense_forward(call, hidden, layer->width, activated, OUT_WEIGHT, f);
    layer_finish(call, f, OUT_BIAS);
    arena_release(call->temporary, mark);
}

static void backward(const struct layer_call *call) {
    const struct layer *layer = call->layer;
    const int64_t width = layer->width, hidden = settings_of(layer)->hidden;
    const int64_t mark = call->temporary->used;
    const minrnn_tensor entry = take_saved(call);
    const minrnn_tensor activated = layer_take_rows(call, hidden);
    const minrnn_tensor dactivated = layer_take_rows(call, hidden);
    /* GELU's gradient may take the place of what comes in; GEGLU's is twice as wide. */
    const minrnn_tensor dentry =
        is_geglu(layer) ? layer_take_rows(call, entry_of(layer)) : dactivated;
    activation_forward(call, entry, activated);
    dense_backward(call, hidden, width, activated, OUT_WEIGHT, OUT_BIAS, call->dy, dactivated);
    activation_backward(call, entry, dactivated, dentry);
    dense_backward(call, width, entry_of(layer), call->x, IN_WEIGHT, IN_BIAS, dentry, call->dx);
    arena_release(call->temporary, mark);
}

const struct layer_kind layer_feed_forward = {
    .name = "feed-forward",
    .features = LAYER_RESETS | LAYER_LENGTHS | LAYER_STREAMS | LAYER_CHUNKS | LAYER_STATE_GRADIENT,
    .parameters = parameters,
    .forward = forward,
    .backward = backward,
};
