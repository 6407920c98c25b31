/* What minGRU and minLSTM share: one product gives all gates, a scan mixes time, a projection leads
 * back. They differ in the cell alone. */
#ifndef MIXER_GATED_H
#define MIXER_GATED_H

#include "mixer/mixer.h"

int gated_parameters(const minrnn_mixer_config *config, minrnn_scan_cell cell,
                     struct parameter parameters[MIXER_MAX_PARAMETERS]);
int64_t gated_state_size(const minrnn_mixer_config *config);
minrnn_status gated_forward(const struct mixer_call *call, minrnn_scan_cell cell);
minrnn_status gated_backward(const struct mixer_call *call, minrnn_scan_cell cell);

#endif
