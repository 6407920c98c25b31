/* SPDX-License-Identifier: Apache-2.0 */
/* The list of sequence mixers. */
#ifndef MIXER_MIXER_H
#define MIXER_MIXER_H

#include "layer/layer.h"

enum { MIXER_MAX_CHANNELS = 1 << 20 };

/* mixer_list.def: names, NULL at the end, and each one's own settings, NULL for a name that is
 * none. */
extern const char *const mixer_names[];
const struct settings *mixer_own_settings(const char name[SETTING_NAME_BYTES]);
extern const struct settings mixer_settings; /* of a minrnn_mixer_config */

/* Finds a kind by the config's name and checks the whole config; the error lists the known names.
 */
minrnn_status mixer_find(const minrnn_mixer_config *config, const struct layer_kind **kind);

#define MIXER(name) extern const struct layer_kind mixer_##name;
#include "mixer/mixer_list.def"

#endif
