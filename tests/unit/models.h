/* SPDX-License-Identifier: Apache-2.0 */
/* For the tests of models and of training: small models that between them use every part. */
#ifndef TESTS_UNIT_MODELS_H
#define TESTS_UNIT_MODELS_H

#include "support.h"

enum { MODEL_VARIANTS = 9, MODEL_VOCAB = 13 };

/* Variant 0 to MODEL_VARIANTS - 1; all but 0 and 5 have the convolution. */
static inline minrnn_model_config model_variant(int variant) {
    minrnn_model_config config;
    minrnn_model_config_defaults(&config);
    config.vocab = MODEL_VOCAB;
    config.width = 16;
    config.layers = 2;
    config.conv = 4;
    config.feed_forward = MINRNN_FEED_FORWARD_GELU;
    config.feed_forward_factor = 2.0f;
    minrnn_mixer_config *mixer = &config.mixer;
    support_set(mixer, variant < 3    ? "name=mingru"
                       : variant < 6  ? "name=minlstm"
                       : variant == 6 ? "name=gru"
                       : variant == 7 ? "name=lstm"
                                      : "name=mamba");
    switch (variant) {
    case 0:
        config.conv = 0;
        config.feed_forward = MINRNN_FEED_FORWARD_NONE;
        support_set(mixer, "expansion=1");
        break;
    case 1: support_set(mixer, "expansion=2 learned_init=on bias=on"); break;
    case 2:
        support_set(mixer, "candidate=g alg=log learned_init=on");
        config.conv_pointwise = true;
        config.feed_forward = MINRNN_FEED_FORWARD_GEGLU;
        break;
    case 3:
        support_set(mixer, "normalised=on forget_offset=1");
        config.conv = 2;
        break;
    case 4:
        support_set(mixer, "normalised=on candidate=g learned_init=on bias=on");
        config.feed_forward = MINRNN_FEED_FORWARD_GEGLU;
        break;
    case 5:
        support_set(mixer, "candidate=g alg=log project=on");
        config.conv = 0;
        break;
    case 6: support_set(mixer, "expansion=2 bias=on"); break;
    case 7: support_set(mixer, "expansion=1"); break;
    default: support_set(mixer, "expansion=1.5 states=5 taps=3"); break;
    }
    return config;
}

static inline void random_tokens(struct support_random *random, int32_t *tokens, int64_t count) {
    for (int64_t i = 0; i < count; i++) {
        tokens[i] = support_below(random, MODEL_VOCAB);
    }
}

static inline int64_t parameter_elements(const minrnn_parameter_info *info) {
    int64_t count = 1;
    for (int i = 0; i < info->dimensions; i++) {
        count *= info->shape[i];
    }
    return count;
}

/* Moves every parameter off its initial value, so that gains, biases and initial states count. */
static inline void scatter_parameters(minrnn_model *model, uint64_t seed) {
    const int64_t total = minrnn_model_parameters(model);
    struct support_random random = {seed};
    float *parameters = support_alloc((size_t)total, sizeof *parameters);
    CHECK(minrnn_model_read(model, parameters));
    for (int64_t i = 0; i < total; i++) {
        parameters[i] += 0.25f * support_uniform(&random);
    }
    CHECK(minrnn_model_write(model, parameters));
    free(parameters);
}

static inline minrnn_model *model_make(minrnn_device *device, const minrnn_model_config *config) {
    minrnn_model *model;
    CHECK(minrnn_model_create(device, config, 1, &model));
    scatter_parameters(model, 99);
    return model;
}

static inline void expect_close(const char *what, int variant, const float *a, const float *b,
                                int64_t count, double tolerance) {
    const double error = support_error(a, b, count, 0.0);
    if (!(error <= tolerance)) {
        fail_msg("variant %d: %s: relative error %.3g is above %.3g", variant, what, error,
                 tolerance);
    }
}

#endif
