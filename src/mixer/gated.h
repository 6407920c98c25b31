/* SPDX-License-Identifier: Apache-2.0 */
/* What minGRU and minLSTM share: one product gives all gates, a scan mixes time, a projection leads
 * back. They differ in the cell alone. */
#ifndef MIXER_GATED_H
#define MIXER_GATED_H

#include "mixer/mixer.h"

/* Of both, though normalised and forget_offset are minLSTM's: files of minGRU have them too. */
struct gated_settings {
    float expansion; /* alpha: inner = (int64_t)(width * expansion), d_h */
    minrnn_candidate candidate;
    minrnn_scan_alg alg; /* MINRNN_SCAN_LOG needs MINRNN_CANDIDATE_G */
    bool normalised;     /* f' = f / (f + i), i' = i / (f + i) */
    bool bias;           /* on the gates' product and on the projection */
    bool project;        /* the projection back even if inner == width */
    bool learned_init;   /* a learned initial state, which also stands in at resets */
    float forget_offset; /* added to the forget gate's pre-activation */
};
extern const struct settings gated_settings;

/* What lies in a configuration's room, or in a layer's settings. */
struct gated_settings gated_settings_of(const void *room);

/* What no row can say, of both. */
minrnn_status gated_check(int64_t width, const void *room);

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
