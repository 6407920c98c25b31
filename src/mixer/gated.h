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

struct gated_settings gated_settings_of(const minrnn_mixer_config *config);

/* What no row can say, of both. */
minrnn_status gated_check(const minrnn_mixer_config *config);

int gated_parameters(const minrnn_mixer_config *config, minrnn_scan_cell cell,
                     struct parameter parameters[MIXER_MAX_PARAMETERS]);
int64_t gated_state_size(const minrnn_mixer_config *config);
minrnn_status gated_forward(const struct mixer_call *call, minrnn_scan_cell cell);
minrnn_status gated_backward(const struct mixer_call *call, minrnn_scan_cell cell);

#endif
