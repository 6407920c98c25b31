#include "network/layout.h"

#include "base/alloc.h"
#include "network/model_config.h"

#include <stdarg.h>
#include <stdio.h>

enum { BLOCK_MAX_PARAMETERS = 10 + MIXER_MAX_PARAMETERS, MODEL_OWN_PARAMETERS = 3 };

int64_t layout_feed_width(const minrnn_model_config *config) {
    return config->feed_forward == MINRNN_FEED_FORWARD_NONE
               ? 0
               : (int64_t)((double)config->width * (double)config->feed_forward_factor);
}

/* Appends a parameter and returns its index. Rank is the number of sizes that are not 0. */
static int add(struct model_layout *layout, struct parameter parameter, const int64_t shape[3],
               const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(parameter.info.name, sizeof parameter.info.name, format, arguments);
    va_end(arguments);
    for (int i = 0; i < 3 && shape[i] > 0; i++) {
        parameter.info.shape[i] = shape[i];
        parameter.info.dimensions = i + 1;
    }
    layout->parameters[layout->count] = parameter;
    return layout->count++;
}

#define SHAPE(...) ((const int64_t[3]){__VA_ARGS__})

/* As torch initialises linear and convolution layers. Matrices decay, biases do not. */
static struct parameter dense(int64_t fan_in, bool decays) {
    return (struct parameter){.info = {.decays = decays},
                              .init = PARAMETER_UNIFORM,
                              .scale = parameter_linear_bound(fan_in)};
}

static struct parameter gain(void) {
    return (struct parameter){.init = PARAMETER_CONSTANT, .scale = 1.0f};
}

static void add_conv(struct model_layout *layout, struct block_layout *block, int n) {
    const int64_t width = layout->config.width;
    const int64_t taps = layout->config.conv;
    if (taps == 0) {
        return;
    }
    block->conv_weight =
        add(layout, dense(taps, true), SHAPE(width, 1, taps), "layers.%d.0.net.0.weight", n);
    block->conv_bias = add(layout, dense(taps, false), SHAPE(width), "layers.%d.0.net.0.bias", n);
    if (layout->config.conv_pointwise) {
        block->point_weight =
            add(layout, dense(width, true), SHAPE(width, width, 1), "layers.%d.0.net.1.weight", n);
        block->point_bias =
            add(layout, dense(width, false), SHAPE(width), "layers.%d.0.net.1.bias", n);
    }
}

static void add_mixer(struct model_layout *layout, struct block_layout *block, int n) {
    struct parameter own[MIXER_MAX_PARAMETERS];
    int64_t total;
    const int count = mixer_parameters(layout->mixer, &layout->config.mixer, own, &total);
    block->mixer_norm = add(layout, gain(), SHAPE(layout->config.width), "layers.%d.1.weight", n);
    block->mixer = layout->count;
    for (int i = 0; i < count; i++) {
        (void)add(layout, own[i], own[i].info.shape, "layers.%d.2.%s", n, own[i].info.name);
    }
}

static void add_feed_forward(struct model_layout *layout, struct block_layout *block, int n) {
    const minrnn_model_config *config = &layout->config;
    const int64_t width = config->width;
    const int64_t feed = layout_feed_width(config);
    const int64_t entry = config->feed_forward == MINRNN_FEED_FORWARD_GEGLU ? 2 * feed : feed;
    if (feed == 0) {
        return;
    }
    block->feed_norm = add(layout, gain(), SHAPE(width), "layers.%d.3.weight", n);
    block->feed_in_weight =
        add(layout, dense(width, true), SHAPE(entry, width), "layers.%d.4.0.weight", n);
    block->feed_in_bias = add(layout, dense(width, false), SHAPE(entry), "layers.%d.4.0.bias", n);
    block->feed_out_weight =
        add(layout, dense(feed, true), SHAPE(width, feed), "layers.%d.4.2.weight", n);
    block->feed_out_bias = add(layout, dense(feed, false), SHAPE(width), "layers.%d.4.2.bias", n);
}

static void add_all(struct model_layout *layout) {
    const minrnn_model_config *config = &layout->config;
    const struct parameter embedding = {
        .info = {.decays = true}, .init = PARAMETER_NORMAL, .scale = 1.0f};
    layout->embedding =
        add(layout, embedding, SHAPE(config->vocab, config->width), "token_emb.weight");
    for (int n = 0; n < (int)config->layers; n++) {
        struct block_layout *block = &layout->blocks[n];
        *block = (struct block_layout){-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1};
        add_conv(layout, block, n);
        add_mixer(layout, block, n);
        add_feed_forward(layout, block, n);
    }
    layout->norm = add(layout, gain(), SHAPE(config->width), "norm.weight");
    layout->head = add(layout, dense(config->width, true), SHAPE(config->vocab, config->width),
                       "to_logits.weight");
}

minrnn_status layout_create(const minrnn_model_config *config, struct model_layout *layout) {
    *layout = (struct model_layout){0};
    minrnn_status status = model_config_take(config, &layout->config);
    status = status ? status : model_config_check(&layout->config);
    status = status ? status : mixer_find(&layout->config.mixer, &layout->mixer);
    if (status) {
        return status;
    }
    const size_t most = (size_t)layout->config.layers * BLOCK_MAX_PARAMETERS + MODEL_OWN_PARAMETERS;
    layout->parameters = mem_alloc(most, sizeof *layout->parameters);
    layout->blocks = mem_alloc((uint64_t)layout->config.layers, sizeof *layout->blocks);
    if (!layout->parameters || !layout->blocks) {
        layout_destroy(layout);
        return MINRNN_OUT_OF_MEMORY;
    }
    add_all(layout);
    layout->total = parameters_place(layout->parameters, layout->count, &layout->decaying);
    return MINRNN_OK;
}

static int64_t larger(int64_t a, int64_t b) {
    return a > b ? a : b;
}

minrnn_status layout_check_rows(const struct model_layout *layout, int64_t batch, int64_t time) {
    /* More bytes than any layer keeps, carries (MODEL_MAX_CONV taps) and has as scratch, for each
     * token and channel of the widest tensor. What has no tokens among its sizes is below 2^60. */
    enum { MOST_BYTES = 1024 };
    const minrnn_model_config *config = &layout->config;
    const int64_t widest =
        larger(larger(config->vocab, config->width),
               larger(layout_feed_width(config), layout->mixer->state_size(&config->mixer)));
    const int64_t token_bytes = larger(widest * (config->layers + 1) * MOST_BYTES, 1);
    return batch * time <= INT64_MAX / token_bytes
               ? MINRNN_OK
               : fail(
                     MINRNN_OUT_OF_MEMORY,
                     "model: %lld layers, %lld channels or tokens wide, on %lld x %lld tokens need "
                     "more memory than can be counted",
                     (long long)config->layers, (long long)widest, (long long)batch,
                     (long long)time);
}

void layout_destroy(struct model_layout *layout) {
    mem_free(layout->parameters);
    mem_free(layout->blocks);
    *layout = (struct model_layout){0};
}
