/* SPDX-License-Identifier: Apache-2.0 */
/* Mixers whose recurrence has other channels than the layer: the settings of that, and the
 * projection from the inner channels back to the width. */
#ifndef MIXER_INNER_H
#define MIXER_INNER_H

#include "mixer/mixer.h"

/* Rows of a mixer's table, whose struct of settings has these members. */
#define EXPANSION_ROW(type, usual)                                                                 \
    {                                                                                              \
        SETTING_REAL("expansion", 0, INFINITY, usual,                                              \
                     "the recurrence's channels divided by the width", .above_low = true),         \
            SETTING_AT(type, expansion)                                                            \
    }
#define BIAS_ROW(type)                                                                             \
    { SETTING_FLAG("bias", 0, "biases on the gates and on the projection"), SETTING_AT(type, bias) }
#define PROJECT_ROW(type)                                                                          \
    {                                                                                              \
        SETTING_FLAG("project", 0, "project back to the width even with expansion 1"),             \
            SETTING_AT(type, project)                                                              \
    }

/* (int64_t)(width * expansion) must be a number of channels. */
int64_t inner_channels(int64_t width, float expansion);
minrnn_status inner_check(int64_t width, float expansion);

/* A recurrence's own weights do not decay. */
struct parameter undecayed(struct parameter parameter);

/* y = h weight^T + bias, weight being [width, inner]; indices of the layer's parameters, or -1. */
struct projection {
    int64_t inner;
    int weight, bias;
};

/* Appends those that there are. */
void projection_parameters(const struct layer *layer, const struct projection *projection,
                           struct parameter_list *list);

/* From h [rows, inner] to the layer's y, with what else the call asks for. */
void projection_forward(const struct layer_call *call, const struct projection *projection,
                        minrnn_tensor h);

/* dh from the call's dy, and the projection's own gradients. */
void projection_backward(const struct layer_call *call, const struct projection *projection,
                         minrnn_tensor h, minrnn_tensor dh);

/* Whether y is h itself: nothing leads back, and nobody overwrites y before backward. */
static inline bool projection_gives_states(const struct layer_call *call,
                                           const struct projection *projection) {
    return projection->weight < 0 && call->y_is_kept;
}

#endif
