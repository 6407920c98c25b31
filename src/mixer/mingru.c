/* minGRU: h = (1 - z) h + z c; gates (hidden | gate). Feng et al., section 3.1. */
#include "base/status.h"
#include "mixer/gated.h"

/* Normalisation and the forget gate's offset are minLSTM's. */
static minrnn_status check(const minrnn_mixer_config *config) {
    const struct gated_settings settings = gated_settings_of(config);
    if (settings.normalised || settings.forget_offset != 0.0f) {
        return fail(MINRNN_INVALID_ARGUMENT,
                    "mixer mingru has no forget gate: normalised and forget_offset must be off");
    }
    return gated_check(config);
}

static int parameters(const minrnn_mixer_config *config,
                      struct parameter parameters[MIXER_MAX_PARAMETERS]) {
    return gated_parameters(config, MINRNN_CELL_MINGRU, parameters);
}

static minrnn_status forward(const struct mixer_call *call) {
    return gated_forward(call, MINRNN_CELL_MINGRU);
}

static minrnn_status backward(const struct mixer_call *call) {
    return gated_backward(call, MINRNN_CELL_MINGRU);
}

const struct mixer_kind mixer_mingru = {
    .name = "mingru",
    .settings = &gated_settings,
    .check = check,
    .parameters = parameters,
    .state_size = gated_state_size,
    .forward = forward,
    .backward = backward,
};
