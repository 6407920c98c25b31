/* SPDX-License-Identifier: Apache-2.0 */
/* Inner channels, and the projection from them back to the width. */
#include "mixer/inner.h"

#include "base/status.h"
#include "layer/dense.h"

int64_t inner_channels(int64_t width, float expansion) {
    return (int64_t)((double)width * (double)expansion);
}

minrnn_status inner_check(int64_t width, float expansion) {
    const double inner = (double)width * (double)expansion;
    return inner >= 1.0 && inner <= MIXER_MAX_CHANNELS
               ? MINRNN_OK
               : fail(MINRNN_INVALID_ARGUMENT,
                      "mixer: width %lld times expansion %g must give 1 to %d channels",
                      (long long)width, (double)expansion, MIXER_MAX_CHANNELS);
}

struct parameter undecayed(struct parameter parameter) {
    parameter.info.decays = false;
    return parameter;
}

void projection_parameters(const struct layer *layer, const struct projection *projection,
                           struct parameter_list *list) {
    const int64_t inner = projection->inner;
    if (projection->weight >= 0) {
        parameter_add(list, "to_out.weight", SHAPE(layer->width, inner),
                      undecayed(dense_weight(inner)));
    }
    if (projection->bias >= 0) {
        parameter_add(list, "to_out.bias", SHAPE(layer->width), dense_bias(inner));
    }
}

void projection_forward(const struct layer_call *call, const struct projection *projection,
                        minrnn_tensor h) {
    const int64_t width = call->layer->width;
    const int64_t mark = call->temporary->used;
    if (projection->weight < 0) {
        layer_finish(call, h, -1);
        return;
    }
    const minrnn_tensor f = call->adds ? layer_take_rows(call, width) : call->y;
    dense_forward(call, projection->inner, width, h, projection->weight, f);
    if (projection->bias >= 0) {
        OP(residual_forward, call->context, .rows = layer_rows(call), .width = width, .x = f,
           .bias = layer_weight(call, projection->bias), .y = f);
    }
    if (call->adds) {
        layer_finish(call, f, -1);
    }
    arena_release(call->temporary, mark);
}

void projection_backward(const struct layer_call *call, const struct projection *projection,
                         minrnn_tensor h, minrnn_tensor dh) {
    dense_backward(call, projection->inner, call->layer->width, h, projection->weight,
                   projection->bias, call->dy, dh);
}
