/* SPDX-License-Identifier: Apache-2.0 */
/* minGRU: h = (1 - z) h + z c; gates (hidden | gate). Feng et al., section 3.1. */
#include "base/status.h"
#include "mixer/gated.h"

/* Normalisation and the forget gate's offset are minLSTM's. */
static minrnn_status check(int64_t width, const void *room) {
    const struct gated_settings settings = gated_settings_of(room);
    if (settings.normalised || settings.forget_offset != 0.0f) {
        return fail(MINRNN_INVALID_ARGUMENT,
                    "mixer mingru has no forget gate: normalised and forget_offset must be off");
    }
    return gated_check(width, room);
}

static void parameters(const struct layer *layer, struct parameter_list *list) {
    gated_parameters(layer, MINRNN_CELL_MINGRU, list);
}

static void forward(const struct layer_call *call) {
    gated_forward(call, MINRNN_CELL_MINGRU);
}

static void backward(const struct layer_call *call) {
    gated_backward(call, MINRNN_CELL_MINGRU);
}

const struct layer_kind mixer_mingru = {
    .name = "mingru",
    .features = GATED_FEATURES,
    .settings = &gated_settings,
    .check = check,
    .parameters = parameters,
    .state = gated_state,
    .forward = forward,
    .backward = backward,
};
