/* SPDX-License-Identifier: Apache-2.0 */
/* LSTM: c = f c_before + i g, h = o tanh(c); gates i, f, g, o. Hochreiter and Schmidhuber, 1997,
 * with the forget gate of Gers et al., 2000. */
#include "mixer/recurrent.h"

static const struct setting rows[] = {
    EXPANSION_ROW(struct recurrent_settings, 1),
    BIAS_ROW(struct recurrent_settings),
    PROJECT_ROW(struct recurrent_settings),
};
static const struct settings settings = SETTINGS("mixer", rows, struct recurrent_settings);

static void parameters(const struct layer *layer, struct parameter_list *list) {
    recurrent_parameters(layer, RECURRENT_LSTM, list);
}

static int64_t state(const struct layer *layer, int64_t longest) {
    (void)longest;
    return recurrent_state(layer, RECURRENT_LSTM);
}

static void forward(const struct layer_call *call) {
    recurrent_forward(call, RECURRENT_LSTM);
}

static void backward(const struct layer_call *call) {
    recurrent_backward(call, RECURRENT_LSTM);
}

const struct layer_kind mixer_lstm = {
    .name = "lstm",
    .features = RECURRENT_FEATURES,
    .settings = &settings,
    .check = recurrent_check,
    .parameters = parameters,
    .state = state,
    .forward = forward,
    .backward = backward,
};
