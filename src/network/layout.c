/* SPDX-License-Identifier: Apache-2.0 */
/* Makes the list of layers and parameters from a configuration. */
#include "network/layout.h"

#include "base/alloc.h"
#include "base/philox.h"
#include "base/size.h"
#include "base/status.h"
#include "layer/norm.h"
#include "mixer/mixer.h"
#include "network/model_config.h"

#include <stdio.h>

static int64_t feed_width(const minrnn_model_config *config) {
    return config->feed_forward == MINRNN_FEED_FORWARD_NONE
               ? 0
               : (int64_t)((double)config->width * (double)config->feed_forward_factor);
}

/* ---- adding layers ---- */

/* Appends a parameter under its name in the model, or only counts it while there is no room yet. */
static int add(struct model_layout *layout, struct parameter parameter, const char *prefix,
               const char *name) {
    snprintf(parameter.info.name, sizeof parameter.info.name, "%s.%s", prefix, name);
    if (layout->parameters) {
        layout->parameters[layout->count] = parameter;
    }
    return layout->count++;
}

static int add_norm(struct model_layout *layout, const char *prefix) {
    struct parameter_list list = {0};
    parameter_add(&list, "weight", SHAPE(layout->config.width), norm_gain());
    return add(layout, list.parameters[0], prefix, "weight");
}

static struct layer add_layer(struct model_layout *layout, const struct layer_kind *kind,
                              const void *settings, const char *prefix) {
    struct layer layer = {.kind = kind, .settings = settings, .width = layout->config.width};
    struct parameter_list list = {0};
    kind->parameters(&layer, &list);
    layer.parameters = layout->parameters ? layout->parameters + layout->count : NULL;
    layer.parameter_count = list.count;
    for (int i = 0; i < list.count; i++) {
        (void)add(layout, list.parameters[i], prefix, list.parameters[i].info.name);
    }
    return layer;
}

/* The place of a part in the blocks of the public implementations: layers.BLOCK.PART. */
static const char *place(char text[64], int block, int part) {
    snprintf(text, 64, "layers.%d.%d", block, part);
    return text;
}

static void add_branch(struct model_layout *layout, struct branch branch) {
    branch.state = layout->state;
    layout->state += layer_state(&branch.layer, 1);
    layout->branches[layout->branch_count++] = branch;
}

static void add_block(struct model_layout *layout, int n) {
    enum { CONV, MIXER_NORM, MIXER, FEED_NORM, FEED }; /* places */
    const minrnn_model_config *config = &layout->config;
    char text[64];
    if (config->conv > 0) {
        add_branch(layout, (struct branch){.layer = add_layer(layout, &layer_conv, &layout->conv,
                                                              place(text, n, CONV)),
                                           .part = "convolution",
                                           .block = n,
                                           .norm = -1,
                                           .dropout_site = -1});
    }
    const int norm = add_norm(layout, place(text, n, MIXER_NORM));
    add_branch(layout,
               (struct branch){.layer = add_layer(layout, layout->mixer, config->mixer.settings,
                                                  place(text, n, MIXER)),
                               .part = "mixer",
                               .block = n,
                               .norm = norm,
                               .dropout_site = PHILOX_SITE_DROPOUT + 2 * n});
    if (layout->feed.activation != MINRNN_FEED_FORWARD_NONE) {
        const int feed_norm = add_norm(layout, place(text, n, FEED_NORM));
        add_branch(layout, (struct branch){.layer = add_layer(layout, &layer_feed_forward,
                                                              &layout->feed, place(text, n, FEED)),
                                           .part = "feed-forward",
                                           .block = n,
                                           .norm = feed_norm,
                                           .dropout_site = PHILOX_SITE_DROPOUT + 2 * n + 1});
    }
}

static void add_all(struct model_layout *layout) {
    layout->count = 0;
    layout->branch_count = 0;
    layout->state = 0;
    layout->input = add_layer(layout, &layer_input, &layout->ends, "token_emb");
    for (int n = 0; n < (int)layout->config.layers; n++) {
        add_block(layout, n);
    }
    layout->norm = add_norm(layout, "norm");
    layout->output = add_layer(layout, &layer_output, &layout->ends, "to_logits");
}

minrnn_status layout_create(const minrnn_model_config *given, struct model_layout *layout) {
    *layout = (struct model_layout){0};
    minrnn_status status = model_config_take(given, &layout->config);
    status = status ? status : model_config_check(&layout->config);
    status = status ? status : mixer_find(&layout->config.mixer, &layout->mixer);
    if (status) {
        return status;
    }
    const minrnn_model_config *config = &layout->config;
    layout->conv = (struct conv_settings){config->conv, config->conv_pointwise};
    layout->feed = (struct feed_forward_settings){config->feed_forward, feed_width(config)};
    layout->ends = (struct ends_settings){config->vocab};
    layout->branches =
        mem_alloc((uint64_t)config->layers * BLOCK_MAX_BRANCHES, sizeof *layout->branches);
    if (!layout->branches) {
        return MINRNN_OUT_OF_MEMORY;
    }
    add_all(layout); /* counts */
    layout->parameters = mem_alloc((uint64_t)layout->count, sizeof *layout->parameters);
    if (!layout->parameters) {
        layout_destroy(layout);
        return MINRNN_OUT_OF_MEMORY;
    }
    add_all(layout);
    layout->places = parameters_place(layout->parameters, layout->count);
    return MINRNN_OK;
}

/* Elements that a mixer carries, of one stream. */
static int64_t mixer_state(const struct model_layout *layout) {
    int64_t most = 0;
    for (int i = 0; i < layout->branch_count; i++) {
        const struct layer *layer = &layout->branches[i].layer;
        most = layer->kind == layout->mixer ? max_i64(most, layer_state(layer, 1)) : most;
    }
    return most;
}

minrnn_status layout_check_rows(const struct model_layout *layout, int64_t batch, int64_t time) {
    /* More bytes than any layer keeps, carries (MODEL_MAX_CONV taps) and has as scratch, for each
     * token and channel of the widest tensor. What has no tokens among its sizes is below 2^60. */
    enum { MOST_BYTES = 1024 };
    const minrnn_model_config *config = &layout->config;
    const int64_t widest = max_i64(max_i64(config->vocab, config->width),
                                   max_i64(feed_width(config), mixer_state(layout)));
    const int64_t token_bytes = max_i64(widest * (config->layers + 1) * MOST_BYTES, 1);
    return batch * time <= INT64_MAX / token_bytes
               ? MINRNN_OK
               : fail(
                     MINRNN_OUT_OF_MEMORY,
                     "model: %lld layers, %lld channels or tokens wide, on %lld x %lld tokens need "
                     "more memory than can be counted",
                     (long long)config->layers, (long long)widest, (long long)batch,
                     (long long)time);
}

minrnn_status layout_require(const struct model_layout *layout, enum layer_feature feature) {
    minrnn_status status = MINRNN_OK;
    for (int i = 0; !status && i < layout->branch_count; i++) {
        status = layer_require(&layout->branches[i].layer, feature);
    }
    return status;
}

void layout_destroy(struct model_layout *layout) {
    mem_free(layout->parameters);
    mem_free(layout->branches);
    *layout = (struct model_layout){0};
}
