/* minLSTM: h = f h + i c; gates (hidden | forget | input). Feng et al., section 3.2. */
#include "mixer/gated.h"

static int parameters(const minrnn_mixer_config *config,
                      struct parameter parameters[MIXER_MAX_PARAMETERS]) {
    return gated_parameters(config, MINRNN_CELL_MINLSTM, parameters);
}

static minrnn_status forward(const struct mixer_call *call) {
    return gated_forward(call, MINRNN_CELL_MINLSTM);
}

static minrnn_status backward(const struct mixer_call *call) {
    return gated_backward(call, MINRNN_CELL_MINLSTM);
}

const struct mixer_kind mixer_minlstm = {
    .name = "minlstm",
    .settings = &gated_settings,
    .check = gated_check,
    .parameters = parameters,
    .state_size = gated_state_size,
    .forward = forward,
    .backward = backward,
};
