/* SPDX-License-Identifier: Apache-2.0 */
/* Files of the public implementations: minGRU-pytorch (minGRULM, minLM) and the authors' release,
 * whose state dicts say by names and shapes what the model is; and the same blocks with a
 * torch.nn.GRU or torch.nn.LSTM of one layer, or mamba_ssm's Mamba, in the mixer's place; and whole
 * models of mamba_ssm, whose norms add 1e-5 to the mean square, and ours less (layer/norm.c).
 *
 * The minimal layers' candidate is g, their scan in log space; the linear scan computes the same
 * function. A norm that has a gamma multiplies by gamma + 1. */
#include "store/public_names.h"

#include "base/status.h"
#include "network/model_config.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const struct safetensors_tensor *find(const struct safetensors *file, const char *name,
                                             int dimensions) {
    const struct safetensors_tensor *tensor = safetensors_find(file, name);
    return tensor && tensor->dimensions == dimensions ? tensor : NULL;
}

static bool has(const struct safetensors *file, const char *name) {
    return safetensors_find(file, name) != NULL;
}

static minrnn_status not_recognised(const struct safetensors *file, const char *what) {
    return fail(MINRNN_FORMAT_ERROR,
                "%s is neither minrnn's nor one of the public minGRU models: %s",
                safetensors_path(file), what);
}

/* The factor by which `width` channels, multiplied and rounded down, become `channels`. */
static float factor_for(int64_t width, int64_t channels) {
    float factor = (float)((double)channels / (double)width);
    while ((int64_t)((double)width * (double)factor) < channels) {
        factor = nextafterf(factor, INFINITY);
    }
    return factor;
}

/* Layers are counted by a tensor of each one's mixer, whose name is the four parts. */
static int64_t count_layers(const struct safetensors *file, const char *before, const char *mixer,
                            const char *first, const char *rest) {
    int64_t layers = 0;
    for (;; layers++) {
        char name[NAME_CAPACITY];
        snprintf(name, sizeof name, "%slayers.%lld.%s.%s%s", before, (long long)layers, mixer,
                 first, rest);
        if (!has(file, name)) {
            return layers;
        }
    }
}

#define TORCH_WEIGHT "weight_ih_l0"

static bool is_torch(const struct safetensors *file) {
    return has(file, "layers.0.2." TORCH_WEIGHT);
}

static void put(minrnn_model_config *config, const char *name, double number) {
    settings_put(&model_settings, config, name, number);
}

/* torch.nn.GRU and torch.nn.LSTM: the state's weight says hidden size and gates. */
static minrnn_status infer_torch(const struct safetensors *file, minrnn_model_config *config) {
    const struct safetensors_tensor *weight = find(file, "layers.0.2.weight_hh_l0", 2);
    if (!weight) {
        return not_recognised(file, "layers.0.2.weight_hh_l0 is not a matrix");
    }
    const int64_t rows = weight->shape[0], inner = weight->shape[1];
    if (inner < 1 || (rows / inner != 3 && rows / inner != 4) || rows % inner != 0) {
        return not_recognised(file, "the gates' rows are not 3 or 4 times the channels");
    }
    const minrnn_status status =
        minrnn_mixer_config_defaults(rows / inner == 3 ? "gru" : "lstm", &config->mixer);
    if (status) {
        return status;
    }
    put(config, "expansion", (double)factor_for(config->width, inner));
    put(config, "bias", has(file, "layers.0.2.bias_ih_l0"));
    put(config, "project", has(file, "layers.0.2.to_out.weight"));
    return MINRNN_OK;
}

/* ---- mamba_ssm's Mamba ---- */

#define MAMBA_STATES "A_log"

static bool is_mamba(const struct safetensors *file) {
    return has(file, "layers.0.2." MAMBA_STATES);
}

/* Its tensor of that name, `prefix` standing before all of its names. */
static const struct safetensors_tensor *find_in(const struct safetensors *file, const char *prefix,
                                                const char *rest, int dimensions) {
    char name[NAME_CAPACITY];
    snprintf(name, sizeof name, "%s%s", prefix, rest);
    return find(file, name, dimensions);
}

static minrnn_status infer_mamba(const struct safetensors *file, const char *prefix,
                                 minrnn_model_config *config) {
    const struct safetensors_tensor *states = find_in(file, prefix, MAMBA_STATES, 2);
    const struct safetensors_tensor *taps = find_in(file, prefix, "conv1d.weight", 3);
    const struct safetensors_tensor *rank = find_in(file, prefix, "dt_proj.weight", 2);
    if (!states || !taps || !rank || states->shape[0] < 1) {
        return not_recognised(file, "of the first Mamba, A_log, conv1d.weight and dt_proj.weight "
                                    "are not what they should be");
    }
    const minrnn_status status = minrnn_mixer_config_defaults("mamba", &config->mixer);
    if (status) {
        return status;
    }
    put(config, "expansion", (double)factor_for(config->width, states->shape[0]));
    put(config, "states", (double)states->shape[1]);
    put(config, "taps", (double)taps->shape[2]);
    put(config, "rank", (double)rank->shape[1]);
    return MINRNN_OK;
}

/* Where the names of a model of mamba_ssm begin; NULL: it is none. */
static const char *backbone_of(const struct safetensors *file) {
    return has(file, "backbone.embedding.weight") ? "backbone."
           : has(file, "embedding.weight")        ? ""
                                                  : NULL;
}

/* Its head is the embedding, and may not be there again. */
static const char *mamba_head(const struct safetensors *file, const char *backbone) {
    return has(file, "lm_head.weight") ? "lm_head"
           : backbone[0] != '\0'       ? "backbone.embedding"
                                       : "embedding";
}

static minrnn_status infer_mamba_model(const struct safetensors *file, const char *backbone,
                                       minrnn_model_config *config, struct naming *naming) {
    char prefix[NAME_CAPACITY];
    const struct safetensors_tensor *embedding = find_in(file, backbone, "embedding.weight", 2);
    if (!embedding || embedding->shape[1] < 1) {
        return not_recognised(file, "the embedding is not a matrix");
    }
    config->vocab = embedding->shape[0];
    config->width = embedding->shape[1];
    naming->backbone = backbone;
    naming->head = mamba_head(file, backbone);
    config->layers = count_layers(file, backbone, "mixer", MAMBA_STATES, "");
    if (config->layers == 0) {
        return not_recognised(file, "its first layer is no Mamba");
    }
    snprintf(prefix, sizeof prefix, "%slayers.0.mixer.", backbone);
    return infer_mamba(file, prefix, config);
}

/* ---- the rest ---- */

static minrnn_status infer_mixer(const struct safetensors *file, minrnn_model_config *config,
                                 const struct naming *naming) {
    if (is_torch(file)) {
        return infer_torch(file, config);
    }
    if (is_mamba(file)) {
        return infer_mamba(file, "layers.0.2.", config);
    }
    char name[NAME_CAPACITY];
    naming_translate(naming, PARAMETER_MATRIX, "layers.0.2.to_hidden_and_gate.weight", name);
    const struct safetensors_tensor *gates = find(file, name, 2);
    if (!gates) {
        return not_recognised(file, "the gates' weight is not a matrix");
    }
    const struct safetensors_tensor *out = find(file, "layers.0.2.to_out.weight", 2);
    const int64_t inner = out ? out->shape[1] : config->width;
    const int64_t rows = gates->shape[0];
    if (inner < 1 || (rows / inner != 2 && rows / inner != 3) || rows % inner != 0) {
        return not_recognised(file, "the gates' rows are not 2 or 3 times the channels");
    }
    const bool has_forget_gate = rows / inner == 3;
    const minrnn_status status =
        minrnn_mixer_config_defaults(has_forget_gate ? "minlstm" : "mingru", &config->mixer);
    if (status) {
        return status;
    }
    naming_translate(naming, PARAMETER_BIAS, "layers.0.2.to_hidden_and_gate.bias", name);
    put(config, "expansion", (double)factor_for(config->width, inner));
    put(config, "candidate", MINRNN_CANDIDATE_G);
    put(config, "bias", has(file, name));
    put(config, "project", out != NULL);
    put(config, "learned_init", has(file, "layers.0.2.init_hidden_state"));
    /* minGRU-pytorch always normalises minLSTM's gates; the authors' release, which calls all gates
     * by one name, by an option that is off by default and leaves no trace in the file. */
    put(config, "normalised", has_forget_gate && strcmp(naming->gates, own_naming.gates) != 0);
    return MINRNN_OK;
}

static minrnn_status infer_conv(const struct safetensors *file, minrnn_model_config *config) {
    if (!has(file, "layers.0.0.net.0.weight")) {
        return MINRNN_OK;
    }
    const struct safetensors_tensor *taps = find(file, "layers.0.0.net.0.weight", 3);
    if (!taps) {
        return not_recognised(file, "layers.0.0.net.0.weight does not have 3 dimensions");
    }
    config->conv = taps->shape[2];
    config->conv_pointwise = has(file, "layers.0.0.net.1.weight");
    return MINRNN_OK;
}

static minrnn_status infer_feed_forward(const struct safetensors *file, minrnn_model_config *config,
                                        const struct naming *naming) {
    if (!has(file, "layers.0.4.0.weight")) {
        return MINRNN_OK;
    }
    char name[NAME_CAPACITY];
    naming_translate(naming, PARAMETER_MATRIX, "layers.0.4.2.weight", name);
    const struct safetensors_tensor *in = find(file, "layers.0.4.0.weight", 2);
    const struct safetensors_tensor *out = find(file, name, 2);
    if (!in || !out || out->shape[1] < 1 ||
        (in->shape[0] != out->shape[1] && in->shape[0] != 2 * out->shape[1])) {
        return not_recognised(file, "the feed-forward's weights do not fit each other");
    }
    config->feed_forward =
        in->shape[0] == out->shape[1] ? MINRNN_FEED_FORWARD_GELU : MINRNN_FEED_FORWARD_GEGLU;
    config->feed_forward_factor = factor_for(config->width, out->shape[1]);
    return MINRNN_OK;
}

/* Wrappers put a name of their own before all others: _orig_mod., module., model., and several of
 * them one after the other. */
static void drop_wrappers(struct safetensors *file) {
    const size_t prefix = safetensors_common_prefix(file);
    if (prefix > 0) {
        safetensors_drop_prefix(file, prefix);
    }
}

static bool ignores(const char *name, const minrnn_model_config *config,
                    const struct naming *naming) {
    if (config->feed_forward != MINRNN_FEED_FORWARD_NONE) {
        return false;
    }
    /* The authors' blocks have the feed-forward's norm even without a feed-forward. */
    char norm[NAME_CAPACITY];
    long long layer;
    if (sscanf(name, "layers.%lld.", &layer) != 1 || layer < 0 || layer >= config->layers) {
        return false;
    }
    snprintf(norm, sizeof norm, "layers.%lld.3.%s", layer, naming->gain);
    return strcmp(name, norm) == 0;
}

minrnn_status public_names_infer(struct safetensors *file, minrnn_model_config *config,
                                 struct naming *naming) {
    *naming = own_naming;
    naming->ignores = ignores;
    minrnn_model_config_defaults(config);
    config->conv = 0;
    config->feed_forward = MINRNN_FEED_FORWARD_NONE;
    config->feed_forward_factor = 0.0f;
    drop_wrappers(file);
    const char *backbone = backbone_of(file);
    if (backbone) {
        return infer_mamba_model(file, backbone, config, naming);
    }
    const struct safetensors_tensor *embedding = find(file, "token_emb.weight", 2);
    if (!embedding || embedding->shape[1] < 1) {
        return not_recognised(file, "there is no matrix token_emb.weight");
    }
    config->vocab = embedding->shape[0];
    config->width = embedding->shape[1];
    if (has(file, "norm.gamma")) {
        naming->gain = "gamma";
        naming->gain_offset = 1.0f;
    }
    if (has(file, "layers.0.2.to_hidden_and_f_i_gate.weight")) {
        naming->gates = "to_hidden_and_f_i_gate";
    }
    /* A head that is the embedding may not be there again. */
    if (has(file, "to_out.weight")) {
        naming->head = "to_out";
    } else if (!has(file, "to_logits.weight")) {
        naming->head = "token_emb";
    }
    /* A dropout between the activation and the second layer shifts its place. */
    if (has(file, "layers.0.4.3.weight")) {
        naming->feed_out = "3";
    }
    config->layers = is_torch(file)   ? count_layers(file, "", "2", TORCH_WEIGHT, "")
                     : is_mamba(file) ? count_layers(file, "", "2", MAMBA_STATES, "")
                                      : count_layers(file, "", "2", naming->gates, ".weight");
    if (config->layers == 0) {
        return not_recognised(file, "there is no layers.0.2.to_hidden_and_gate.weight");
    }
    minrnn_status status = infer_mixer(file, config, naming);
    status = status ? status : infer_conv(file, config);
    return status ? status : infer_feed_forward(file, config, naming);
}
