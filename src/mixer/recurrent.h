/* SPDX-License-Identifier: Apache-2.0 */
/* What GRU and LSTM share: a product of all inputs at once, a walk along time in which each step's
 * gates read the state before, a projection back. They differ in the cell alone. Names, row order
 * and equations are those of torch.nn.GRU and torch.nn.LSTM. */
#ifndef MIXER_RECURRENT_H
#define MIXER_RECURRENT_H

#include "mixer/inner.h"

/* Of both, though reset_gate is the GRU's. */
struct recurrent_settings {
    float expansion;     /* inner = (int64_t)(width * expansion), torch's hidden_size */
    unsigned reset_gate; /* the place in the names of gru.c */
    bool bias;           /* both of torch's, and the projection's */
    bool project;        /* the projection back even if inner == width */
};

/* What lies in a configuration's room, or in a layer's settings. */
struct recurrent_settings recurrent_settings_of(const void *room);

minrnn_status recurrent_check(int64_t width, const void *room);
void recurrent_parameters(const struct layer *layer, enum recurrent_cell cell,
                          struct parameter_list *list);
int64_t recurrent_state(const struct layer *layer, enum recurrent_cell cell);
void recurrent_forward(const struct layer_call *call, enum recurrent_cell cell);
void recurrent_backward(const struct layer_call *call, enum recurrent_cell cell);

enum {
    RECURRENT_FEATURES =
        LAYER_RESETS | LAYER_LENGTHS | LAYER_STREAMS | LAYER_CHUNKS | LAYER_STATE_GRADIENT
};

#endif
