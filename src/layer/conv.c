/* SPDX-License-Identifier: Apache-2.0 */
/* The layer kind of the convolution: parameters, state, forward, backward. */
#include "layer/conv.h"

#include "layer/dense.h"

/* Order of the parameters, which is also that of the file: [width, 1, taps], [width], and the
 * pointwise layer's [width, width, 1], [width]. */
enum { WEIGHT, BIAS, POINT_WEIGHT, POINT_BIAS };

static const struct conv_settings *settings_of(const struct layer *layer) {
    return layer->settings;
}

static void parameters(const struct layer *layer, struct parameter_list *list) {
    const struct conv_settings *settings = settings_of(layer);
    const int64_t width = layer->width;
    parameter_add(list, "net.0.weight", SHAPE(width, 1, settings->taps),
                  dense_weight(settings->taps));
    parameter_add(list, "net.0.bias", SHAPE(width), dense_bias(settings->taps));
    if (settings->pointwise) {
        parameter_add(list, "net.1.weight", SHAPE(width, width, 1), dense_weight(width));
        parameter_add(list, "net.1.bias", SHAPE(width), dense_bias(width));
    }
}

/* The last taps - 1 inputs. */
static int64_t state(const struct layer *layer, int64_t longest) {
    (void)longest;
    return (settings_of(layer)->taps - 1) * layer->width;
}

/* y = conv(x) (+ residual). */
static void depthwise_forward(const struct layer_call *call, minrnn_tensor residual,
                              minrnn_tensor y) {
    OP(conv_forward, call->context, .batch = call->batch, .time = call->time,
       .width = call->layer->width, .taps = settings_of(call->layer)->taps, .x = call->x,
       .weight = layer_weight(call, WEIGHT), .bias = layer_weight(call, BIAS), .residual = residual,
       .state = call->state, .reset = call->reset, .lengths = call->lengths, .y = y,
       .state_out = call->state_out);
}

static void forward(const struct layer_call *call) {
    const minrnn_tensor none = {0};
    const int64_t width = call->layer->width;
    if (!settings_of(call->layer)->pointwise) {
        depthwise_forward(call, call->adds ? call->residual : none, call->y);
        return;
    }
    const int64_t mark = call->temporary->used;
    const minrnn_tensor depthwise = layer_take_rows(call, width);
    const minrnn_tensor pointwise = layer_take_rows(call, width);
    depthwise_forward(call, none, depthwise);
    dense_forward(call, width, width, depthwise, POINT_WEIGHT, pointwise);
    layer_finish(call, pointwise, POINT_BIAS);
    arena_release(call->temporary, mark);
}

/* dy of the depthwise part, from that of the dense layer after it. */
static minrnn_tensor pointwise_backward(const struct layer_call *call) {
    const int64_t width = call->layer->width;
    const minrnn_tensor depthwise = layer_take_rows(call, width);
    const minrnn_tensor dy = layer_take_rows(call, width);
    depthwise_forward(call, (minrnn_tensor){0}, depthwise);
    dense_backward(call, width, width, depthwise, POINT_WEIGHT, POINT_BIAS, call->dy, dy);
    return dy;
}

static void backward(const struct layer_call *call) {
    const struct conv_settings *settings = settings_of(call->layer);
    const int64_t mark = call->temporary->used;
    const minrnn_tensor dy = settings->pointwise ? pointwise_backward(call) : call->dy;
    OP(conv_backward, call->context, .batch = call->batch, .time = call->time,
       .width = call->layer->width, .taps = settings->taps, .x = call->x,
       .weight = layer_weight(call, WEIGHT), .reset = call->reset, .lengths = call->lengths,
       .dy = dy, .dresidual = call->adds ? call->dresidual : (minrnn_tensor){0}, .dx = call->dx,
       .dweight = layer_gradient(call, WEIGHT), .dbias = layer_gradient(call, BIAS));
    arena_release(call->temporary, mark);
}

const struct layer_kind layer_conv = {
    .name = "convolution",
    .features = LAYER_RESETS | LAYER_LENGTHS | LAYER_STREAMS | LAYER_CHUNKS,
    .parameters = parameters,
    .state = state,
    .forward = forward,
    .backward = backward,
};
