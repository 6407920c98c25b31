/* SPDX-License-Identifier: Apache-2.0 */
/* minLSTM: h = f h + i c; gates (hidden | forget | input). Feng et al., section 3.2. */
#include "mixer/gated.h"

static void parameters(const struct layer *layer, struct parameter_list *list) {
    gated_parameters(layer, MINRNN_CELL_MINLSTM, list);
}

static void forward(const struct layer_call *call) {
    gated_forward(call, MINRNN_CELL_MINLSTM);
}

static void backward(const struct layer_call *call) {
    gated_backward(call, MINRNN_CELL_MINLSTM);
}

const struct layer_kind mixer_minlstm = {
    .name = "minlstm",
    .features = GATED_FEATURES,
    .settings = &gated_settings,
    .check = gated_check,
    .parameters = parameters,
    .state = gated_state,
    .forward = forward,
    .backward = backward,
};
