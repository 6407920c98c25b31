/* What minGRU and minLSTM share: one product gives all gates, a scan mixes time, a projection leads
 * back. They differ in the cell alone. */
#ifndef MIXER_GATED_H
#define MIXER_GATED_H

#include "layer/layer.h"

void gated_parameters(const struct layer *layer, minrnn_scan_cell cell,
                      struct parameter_list *list);
int64_t gated_state(const struct layer *layer, int64_t longest);
void gated_forward(const struct layer_call *call, minrnn_scan_cell cell);
void gated_backward(const struct layer_call *call, minrnn_scan_cell cell);

enum {
    GATED_FEATURES =
        LAYER_RESETS | LAYER_LENGTHS | LAYER_STREAMS | LAYER_CHUNKS | LAYER_STATE_GRADIENT
};

#endif
