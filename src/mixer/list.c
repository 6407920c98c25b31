/* SPDX-License-Identifier: Apache-2.0 */
/* The list of mixers: what they are called, their settings, and a mixer's configuration. */
#include "mixer/mixer.h"

#include <string.h>

#define MIXER(name) &mixer_##name,
static const struct layer_kind *const kinds[] = {
#include "mixer/mixer_list.def"
};
enum { KIND_COUNT = sizeof kinds / sizeof *kinds };

#define MIXER(name) #name,
const char *const mixer_names[KIND_COUNT + 1] = {
#include "mixer/mixer_list.def"
};

_Static_assert(SETTING_NAME_BYTES == sizeof((minrnn_mixer_config *)0)->name &&
                   (int)SETTINGS_ROOM == (int)MINRNN_MIXER_ROOM &&
                   SETTINGS_ROOM == sizeof((minrnn_mixer_config *)0)->settings,
               "a mixer's room is what settings are kept in");

/* The name need not end. */
static const struct layer_kind *find(const char name[SETTING_NAME_BYTES]) {
    for (int i = 0; i < KIND_COUNT; i++) {
        if (strncmp(name, kinds[i]->name, SETTING_NAME_BYTES) == 0) {
            return kinds[i];
        }
    }
    return NULL;
}

const struct settings *mixer_own_settings(const char name[SETTING_NAME_BYTES]) {
    const struct layer_kind *kind = find(name);
    return kind ? kind->settings : NULL;
}

static const struct settings *own(const void *config, size_t *room) {
    const minrnn_mixer_config *mixer = config;
    *room = offsetof(minrnn_mixer_config, settings);
    return mixer_own_settings(mixer->name);
}

#define AT(member) SETTING_AT(minrnn_mixer_config, member)
static const struct setting rows[] = {
    {SETTING_NAME("name", mixer_names, 0, "the recurrence"), AT(name), .own = own},
    {SETTING_INTEGER("width", 1, MIXER_MAX_CHANNELS, 0, "channels"), AT(width)},
};
const struct settings mixer_settings = SETTINGS("mixer", rows, minrnn_mixer_config);

minrnn_status mixer_find(const minrnn_mixer_config *config, const struct layer_kind **kind) {
    const minrnn_status status = settings_check(&mixer_settings, config);
    *kind = status ? NULL : find(config->name);
    return status || !(*kind)->check ? status : (*kind)->check(config->width, config->settings);
}

const char *minrnn_mixer_name(int index) {
    return index >= 0 && index < KIND_COUNT ? mixer_names[index] : NULL;
}

const minrnn_setting *minrnn_mixer_setting(const char *mixer, int index) {
    const struct settings *settings = mixer ? mixer_own_settings(mixer) : NULL;
    return settings ? settings_at(settings, index) : NULL;
}

minrnn_status minrnn_mixer_config_init(const char *name, minrnn_mixer_config *config, size_t size) {
    if (!name || !config) {
        return fail(MINRNN_INVALID_ARGUMENT, "minrnn_mixer_config_defaults: an argument is NULL");
    }
    minrnn_mixer_config made;
    const minrnn_status status = settings_defaults_of(&mixer_settings, name, &made);
    if (!status) {
        settings_give(&mixer_settings, &made, config, size);
    }
    return status;
}

minrnn_status minrnn_mixer_set(minrnn_mixer_config *config, const char *name, const char *value) {
    return settings_set(&mixer_settings, config, name, value);
}

minrnn_status minrnn_mixer_get(const minrnn_mixer_config *config, const char *name, char *value,
                               size_t capacity) {
    return settings_get(&mixer_settings, config, name, value, capacity);
}
