/* SPDX-License-Identifier: Apache-2.0 */
/* The variants to be tested of every mixer there is, from its settings. */
#ifndef TESTS_UNIT_VARIANTS_H
#define TESTS_UNIT_VARIANTS_H

#include "layer.h"

enum { WIDTH = 6 };

struct variant {
    minrnn_mixer_config config;
    char title[64];
    bool is_short; /* one of those that are enough on a device that is slow to begin with */
};
enum { MAX_VARIANTS = 512 };
static struct variant variants[MAX_VARIANTS];
static int variant_count;

static inline bool is_accepted(minrnn_device *device, const minrnn_mixer_config *config) {
    minrnn_mixer *mixer;
    const minrnn_status status = minrnn_mixer_create(device, config, &mixer);
    assert_true(status == MINRNN_OK || status == MINRNN_INVALID_ARGUMENT);
    if (status == MINRNN_OK) {
        minrnn_mixer_destroy(mixer);
    }
    return status == MINRNN_OK;
}

/* `setting` is what `what` is about, or NULL. */
static inline void add_variant(minrnn_device *device, const minrnn_mixer_config *config,
                               const char *what, const char *setting) {
    if (is_accepted(device, config)) {
        assert_true(variant_count < MAX_VARIANTS);
        struct variant *variant = &variants[variant_count++];
        variant->config = *config;
        variant->is_short = !setting;
        snprintf(variant->title, sizeof variant->title, "%s, %s%s%s", config->name, what,
                 setting ? " " : "", setting ? setting : "");
    }
}

/* Another value of a setting than the standard one. */
static inline minrnn_mixer_config changed(minrnn_mixer_config config,
                                          const minrnn_setting *setting) {
    char text[MINRNN_SETTING_TEXT];
    if (setting->kind == MINRNN_SETTING_FLAG) {
        snprintf(text, sizeof text, "%s", setting->standard != 0.0 ? "off" : "on");
    } else if (setting->names) {
        snprintf(text, sizeof text, "%s", setting->names[setting->standard == 0.0 ? 1 : 0]);
    } else {
        const double more = setting->standard + (setting->kind == MINRNN_SETTING_REAL ? 0.5 : 1.0);
        snprintf(text, sizeof text, "%g", fmin(more, setting->high));
    }
    CHECK(minrnn_mixer_set(&config, setting->name, text));
    return config;
}

/* The value that `from` has of a setting. */
static inline minrnn_mixer_config restored(minrnn_mixer_config config,
                                           const minrnn_mixer_config *from,
                                           const minrnn_setting *setting) {
    char text[MINRNN_SETTING_TEXT];
    CHECK(minrnn_mixer_get(from, setting->name, text, sizeof text));
    CHECK(minrnn_mixer_set(&config, setting->name, text));
    return config;
}

/* A mixer with its standard settings; with as many others as it accepts; between these, with one
 * setting alone changed or left. */
static inline void add_mixer(minrnn_device *device, const char *name) {
    minrnn_mixer_config standard;
    const minrnn_setting *setting;
    CHECK(minrnn_mixer_config_defaults(name, &standard));
    standard.width = WIDTH;
    minrnn_mixer_config all = standard;
    for (int i = 0; (setting = minrnn_mixer_setting(name, i)); i++) {
        const minrnn_mixer_config more = changed(all, setting);
        all = is_accepted(device, &more) ? more : all;
    }
    const int first = variant_count;
    add_variant(device, &standard, "standard", NULL);
    add_variant(device, &all, "all", NULL);
    assert_int_equal(variant_count, first + 2);
    for (int i = 0; (setting = minrnn_mixer_setting(name, i)); i++) {
        const minrnn_mixer_config one = changed(standard, setting);
        const minrnn_mixer_config others = restored(all, &standard, setting);
        add_variant(device, &one, "with", setting->name);
        add_variant(device, &others, "all but", setting->name);
    }
}

/* On OpenCL, where each variant is programs to be built, only the standard one and that with all
 * settings are taken. */
static inline void find_variants(minrnn_device *device) {
    for (int i = 0; minrnn_mixer_name(i); i++) {
        add_mixer(device, minrnn_mixer_name(i));
    }
    minrnn_device_info info;
    CHECK(minrnn_device_describe(device, &info));
    int kept = 0;
    for (int v = 0; info.is_opencl && v < variant_count; v++) {
        if (variants[v].is_short) {
            variants[kept++] = variants[v];
        }
    }
    variant_count = info.is_opencl ? kept : variant_count;
}

#endif
