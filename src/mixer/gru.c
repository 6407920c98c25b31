/* SPDX-License-Identifier: Apache-2.0 */
/* GRU: h = (1 - z) n + z h_before; gates r, z, n. Cho et al., arXiv 1406.1078; the product comes
 * before the reset in its first version, which is torch's, and after it in the third. */
#include "mixer/recurrent.h"

_Static_assert(sizeof(struct recurrent_settings) <= MINRNN_MIXER_ROOM, "the settings have room");

enum reset_gate { RESET_AFTER, RESET_BEFORE };
static const char *const reset_gates[] = {"after", "before", NULL};

static const struct setting rows[] = {
    EXPANSION_ROW(struct recurrent_settings, 1),
    {SETTING_CHOICE("reset_gate", reset_gates, RESET_AFTER,
                    "GRU: after the state's product, as in torch, or before it"),
     SETTING_AT(struct recurrent_settings, reset_gate)},
    BIAS_ROW(struct recurrent_settings),
    PROJECT_ROW(struct recurrent_settings),
};
static const struct settings settings = SETTINGS("mixer", rows, struct recurrent_settings);

static enum recurrent_cell cell_of(const struct layer *layer) {
    return recurrent_settings_of(layer->settings).reset_gate == RESET_BEFORE ? RECURRENT_GRU_BEFORE
                                                                             : RECURRENT_GRU;
}

static void parameters(const struct layer *layer, struct parameter_list *list) {
    recurrent_parameters(layer, cell_of(layer), list);
}

static int64_t state(const struct layer *layer, int64_t longest) {
    (void)longest;
    return recurrent_state(layer, cell_of(layer));
}

static void forward(const struct layer_call *call) {
    recurrent_forward(call, cell_of(call->layer));
}

static void backward(const struct layer_call *call) {
    recurrent_backward(call, cell_of(call->layer));
}

const struct layer_kind mixer_gru = {
    .name = "gru",
    .features = RECURRENT_FEATURES,
    .settings = &settings,
    .check = recurrent_check,
    .parameters = parameters,
    .state = state,
    .forward = forward,
    .backward = backward,
};
