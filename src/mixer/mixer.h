/* The list of sequence mixers. */
#ifndef MIXER_MIXER_H
#define MIXER_MIXER_H

#include "layer/layer.h"

/* Finds a kind by the config's name and checks the whole config; the error lists the known names.
 */
minrnn_status mixer_find(const minrnn_mixer_config *config, const struct layer_kind **kind);

/* Channels of the recurrence, d_h = (int64_t)(width * expansion). */
static inline int64_t mixer_inner(const minrnn_mixer_config *config) {
    return (int64_t)((double)config->width * (double)config->expansion);
}

extern const struct layer_kind mixer_mingru;
extern const struct layer_kind mixer_minlstm;

#endif
