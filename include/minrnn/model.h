/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Level 3: a language model of minRNN blocks.
 *
 * tokens -> embedding -> blocks -> RMSNorm -> head (no bias) -> logits. A block is, as the paper's
 * authors released it,
 *
 *       x += causal_depthwise_conv(x)            (optional)
 *       x += dropout(mixer(RMSNorm(x)))
 *       x += dropout(feed_forward(RMSNorm(x)))   (optional)
 */
#ifndef MINRNN_MODEL_H
#define MINRNN_MODEL_H

#include <minrnn/mixer.h>

MINRNN_BEGIN_DECLS

/** A block's feed-forward layer: two matrices with biases, and what lies between them.
 * GELU(u) is u * Phi(u), the exact form with erf. Later versions append new ones. */
typedef enum minrnn_feed_forward {
    MINRNN_FEED_FORWARD_NONE = 0, /**< there is none */
    MINRNN_FEED_FORWARD_GELU = 1, /**< width -> factor * width, GELU, -> width */
    MINRNN_FEED_FORWARD_GEGLU = 2 /**< width -> 2 * factor * width, u * GELU(v), -> width */
} minrnn_feed_forward;

/** What a model is made of. A member that an older program lacks is as minrnn_model_config_defaults
 * sets it. */
typedef struct minrnn_model_config {
    size_t size;                      /**< of this struct: minrnn_model_config_defaults sets it */
    int64_t vocab;                    /**< how many tokens there are */
    int64_t width;                    /**< channels between blocks, d */
    int64_t layers;                   /**< blocks */
    minrnn_mixer_config mixer;        /**< its width is set from `width` */
    int64_t conv;                     /**< taps of the convolution; 0: off */
    bool conv_pointwise;              /**< a dense layer after the depthwise one, as the public
                                       * implementations have it; needs `conv` */
    minrnn_feed_forward feed_forward; /**< the layer after the mixer */
    float feed_forward_factor;        /**< channels inside it / width; 4 is usual for GELU, 2
                                       * for GEGLU */
    float dropout;                    /**< probability, in training only */
} minrnn_model_config;

/** A language model: its configuration, parameters on a device, and metadata. */
typedef struct minrnn_model minrnn_model;

/** Bytes of memory, known before anything is allocated. An older program is given the members that
 * it has. If memory is checked, the members that it lacks are zero. */
typedef struct minrnn_memory {
    size_t size;         /**< of this struct: the call that fills it sets it */
    uint64_t parameters; /**< the model's */
    uint64_t gradients;  /**< training */
    uint64_t moments;    /**< training: AdamW's two */
    uint64_t workspace;  /**< activations, batch, losses or carried states, scratch of the ops */
    uint64_t total;      /**< of these, all on the device */
    uint64_t host;       /**< beside them: what is in flight, and what a save takes for a while */
    uint64_t largest;    /**< of the largest buffer. A workspace lies in as many buffers as the
                          * device's max_allocation_bytes asks for; parameters, gradients and moments
                          * in one each. */
} minrnn_memory;

/** minrnn_model_config_defaults for a struct of `size` bytes, for programs in other languages. */
MINRNN_API void minrnn_model_config_init(minrnn_model_config *config, size_t size);

/** A small minGRU: width 128, 2 layers, expansion 2, conv 4, GELU 4, no dropout; vocab is 0, to be
 * set. NULL is allowed. */
static inline void minrnn_model_config_defaults(minrnn_model_config *config) {
    minrnn_model_config_init(config, sizeof *config);
}

/** A model's setting with this index, from 0 on; NULL past the last. minrnn_mixer_setting lists
 * those of its mixer's own. */
MINRNN_API const minrnn_setting *minrnn_model_setting(int index);

/** As minrnn_mixer_set, for a model's settings and its mixer's own. The setting "mixer" is the
 * mixer's name. */
MINRNN_API minrnn_status minrnn_model_set(minrnn_model_config *config, const char *name,
                                          const char *value);

/** As minrnn_mixer_get, for a model's settings and its mixer's own. */
MINRNN_API minrnn_status minrnn_model_get(const minrnn_model_config *config, const char *name,
                                          char *value, size_t capacity);

/** Makes a model with initial parameters drawn from `seed`, the same on every device. A
 * configuration that cannot be is MINRNN_INVALID_ARGUMENT. The caller owns *model; the device must
 * outlive it. */
MINRNN_API minrnn_status minrnn_model_create(minrnn_device *device,
                                             const minrnn_model_config *config, uint64_t seed,
                                             minrnn_model **model);

/** Releases a model. Whatever works on it must have been destroyed before. NULL is allowed. */
MINRNN_API void minrnn_model_destroy(minrnn_model *model);

/** minrnn_model_get_config for a struct of `size` bytes, for programs in other languages. */
MINRNN_API minrnn_status minrnn_model_get_config_sized(const minrnn_model *model,
                                                       minrnn_model_config *config, size_t size);

/** The model's configuration. */
static inline minrnn_status minrnn_model_get_config(const minrnn_model *model,
                                                    minrnn_model_config *config) {
    return minrnn_model_get_config_sized(model, config, sizeof *config);
}

/** The device it lives on, still the caller's. */
MINRNN_API minrnn_device *minrnn_model_device(const minrnn_model *model);

/** How many parameters there are. */
MINRNN_API int64_t minrnn_model_parameters(const minrnn_model *model);

/** How many tensors the parameters form. */
MINRNN_API int minrnn_model_tensor_count(const minrnn_model *model);

/** minrnn_model_parameter for a struct of `size` bytes, for programs in other languages. */
MINRNN_API minrnn_status minrnn_model_parameter_sized(const minrnn_model *model, int index,
                                                      minrnn_parameter_info *info, size_t size);

/** Says name, shape and place of one tensor, 0 <= index < minrnn_model_tensor_count. Names and row
 * order are those of the public minGRU implementations. */
static inline minrnn_status minrnn_model_parameter(const minrnn_model *model, int index,
                                                   minrnn_parameter_info *info) {
    return minrnn_model_parameter_sized(model, index, info, sizeof *info);
}

/** Copies all parameters to host memory, minrnn_model_parameters floats. Waits. */
MINRNN_API minrnn_status minrnn_model_read(const minrnn_model *model, float *parameters);

/** Copies all parameters from host memory, minrnn_model_parameters floats. Waits. */
MINRNN_API minrnn_status minrnn_model_write(minrnn_model *model, const float *parameters);

/** Sets what else there is to know of a model, as text by key; it is saved with the model. A task
 * keeps its own there, such as a vocabulary. A key is 1 to 63 of a-z, 0-9 and _, and none of
 * version, config, trainer, step and checksum. A value is UTF-8 and is copied; NULL takes the entry
 * out. A model has at most 64. */
MINRNN_API minrnn_status minrnn_model_set_metadata(minrnn_model *model, const char *key,
                                                   const char *value);

/** The value of a key; NULL if there is none. It is the model's, until the entry is set again. */
MINRNN_API const char *minrnn_model_metadata(const minrnn_model *model, const char *key);

/** minrnn_model_memory for a struct of `size` bytes, for programs in other languages. */
MINRNN_API minrnn_status minrnn_model_memory_sized(minrnn_device *device,
                                                   const minrnn_model_config *config, int64_t batch,
                                                   int64_t time, bool training,
                                                   minrnn_memory *memory, size_t size);

/** Memory of a model and what works on it, on this device, before either exists. With `training`
 * that is a minrnn_trainer of batch x time tokens and the defaults otherwise
 * (minrnn_trainer_memory knows all of them), else a minrnn_session of that size. Sizes that pass
 * 2^63 bytes are MINRNN_OUT_OF_MEMORY. */
static inline minrnn_status minrnn_model_memory(minrnn_device *device,
                                                const minrnn_model_config *config, int64_t batch,
                                                int64_t time, bool training,
                                                minrnn_memory *memory) {
    return minrnn_model_memory_sized(device, config, batch, time, training, memory, sizeof *memory);
}

/** MINRNN_OUT_OF_MEMORY if this does not fit now. The text has what is needed, what is left and
 * what limits it: free memory, a control group, a ulimit, or the device's own memory. A buffer
 * larger than the device's max_allocation_bytes is the same, and named. Models, trainers, sessions
 * and evaluators are checked alike when they are made, each for its own part. */
MINRNN_API minrnn_status minrnn_memory_check(const minrnn_device *device,
                                             const minrnn_memory *memory);

/** Writes the model as a safetensors file (float32, the configuration and metadata beside it). It
 * writes a temporary file that then replaces `path`: on an error what was there is whole. A
 * parameter that is not finite is such an error, MINRNN_NOT_FINITE. */
MINRNN_API minrnn_status minrnn_model_save(const minrnn_model *model, const char *path);

/** Reads a model. A file without minrnn's metadata is read as one of the public implementations'
 * (minGRU-pytorch: names, row order, gamma or weight norms), its configuration taken from names and
 * shapes. A training state (minrnn_trainer_save) loads as the model in it. The file's checksum must
 * hold; a program that edits one writes "none" in its place. A hostile or damaged file is
 * MINRNN_FORMAT_ERROR. The caller owns *model; the device must outlive it. */
MINRNN_API minrnn_status minrnn_model_load(minrnn_device *device, const char *path,
                                           minrnn_model **model);

MINRNN_END_DECLS

#endif
