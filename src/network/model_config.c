/* SPDX-License-Identifier: Apache-2.0 */
/* A model's settings: what its configuration holds, and the calls that reach it by name. */
#include "network/model_config.h"

#include "mixer/mixer.h"

enum { MAX_VOCAB = 1 << 22, MAX_WIDTH = MIXER_MAX_CHANNELS, MAX_LAYERS = 4096 };

_Static_assert(sizeof(minrnn_feed_forward) == sizeof(unsigned), "a choice is an unsigned");

static const char *const feed_forwards[] = {"none", "gelu", "geglu", NULL};

static const struct settings *mixer_own(const void *config, size_t *room) {
    const minrnn_model_config *model = config;
    *room = offsetof(minrnn_model_config, mixer.settings);
    return mixer_own_settings(model->mixer.name);
}

#define AT(member) SETTING_AT(minrnn_model_config, member)
static const struct setting rows[] = {
    {SETTING_INTEGER("vocab", 1, MAX_VOCAB, 0, "tokens"), AT(vocab)},
    {SETTING_INTEGER("width", 1, MAX_WIDTH, 128, "channels"), AT(width)},
    {SETTING_INTEGER("layers", 1, MAX_LAYERS, 2, "blocks"), AT(layers)},
    {SETTING_NAME("mixer", mixer_names, 0, "the recurrence"), AT(mixer.name), .own = mixer_own},
    {SETTING_INTEGER("conv", 0, MODEL_MAX_CONV, 4,
                     "taps of the convolution before the recurrence; 0: none"),
     AT(conv)},
    {SETTING_FLAG("conv_pointwise", 0, "a dense layer after the convolution"), AT(conv_pointwise)},
    {SETTING_CHOICE("feed_forward", feed_forwards, MINRNN_FEED_FORWARD_GELU,
                    "the feed-forward part, after the recurrence"),
     AT(feed_forward)},
    {SETTING_REAL("feed_forward_factor", 0, INFINITY, 4,
                  "its channels divided by the width; 4 is usual for gelu, 2 for geglu"),
     AT(feed_forward_factor)},
    {SETTING_REAL("dropout", 0, 1, 0, "probability", .below_high = true), AT(dropout)},
};
const struct settings model_settings = SETTINGS("model", rows, minrnn_model_config);

static void fill(minrnn_model_config *config) {
    settings_defaults(&model_settings, config);
    config->mixer.size = sizeof config->mixer;
    settings_put(&model_settings, config, "expansion", 2);
}

void minrnn_model_config_init(minrnn_model_config *config, size_t size) {
    if (config) {
        minrnn_model_config own;
        fill(&own);
        settings_give(&model_settings, &own, config, size);
    }
}

const minrnn_setting *minrnn_model_setting(int index) {
    return settings_at(&model_settings, index);
}

minrnn_status minrnn_model_set(minrnn_model_config *config, const char *name, const char *value) {
    return settings_set(&model_settings, config, name, value);
}

minrnn_status minrnn_model_get(const minrnn_model_config *config, const char *name, char *value,
                               size_t capacity) {
    return settings_get(&model_settings, config, name, value, capacity);
}

minrnn_status model_config_take(const minrnn_model_config *given, minrnn_model_config *config) {
    fill(config);
    const minrnn_status status = settings_take(&model_settings, given, config);
    config->mixer.size = sizeof config->mixer;
    config->mixer.width = config->width;
    return status;
}

minrnn_status model_config_check(const minrnn_model_config *config) {
    const minrnn_status status = settings_check(&model_settings, config);
    if (status) {
        return status;
    }
    if (config->conv_pointwise && config->conv == 0) {
        return fail(MINRNN_INVALID_ARGUMENT, "model: conv_pointwise needs conv");
    }
    const double feed = (double)config->width * (double)config->feed_forward_factor;
    if (config->feed_forward != MINRNN_FEED_FORWARD_NONE && !(feed >= 1.0 && feed <= MAX_WIDTH)) {
        return fail(MINRNN_INVALID_ARGUMENT,
                    "model: width %lld times feed_forward_factor %g must give 1 to %d channels",
                    (long long)config->width, (double)config->feed_forward_factor, MAX_WIDTH);
    }
    return MINRNN_OK;
}
