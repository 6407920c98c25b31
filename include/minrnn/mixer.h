/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Level 2: a sequence mixer as a layer in your own model. */
#ifndef MINRNN_MIXER_H
#define MINRNN_MIXER_H

#include <minrnn/scan.h>
#include <minrnn/setting.h>

MINRNN_BEGIN_DECLS

/** The room for a mixer's own settings. */
enum { MINRNN_MIXER_ROOM = 256 /**< bytes */ };

/** What a mixer is made of: its name, its width, and settings of its own, which
 * minrnn_mixer_setting lists and minrnn_mixer_set sets. minrnn_mixer_config_defaults makes it. It
 * can be copied. This struct does not grow.
 *
 * "mingru" and "minlstm" (Feng et al., arXiv 2410.01201, section 3): one matrix product gives all
 * gates, x [rows, width] times to_hidden_and_gate.weight [gates * inner, width] transposed, inner =
 * (int64_t)(width * expansion). Then comes the scan over inner channels. Then, if inner != width or
 * `project` is on, comes the projection back, to_out.weight [width, inner]. Their settings:
 *
 *       expansion      alpha, above 0; standard 1
 *       candidate      "plain" or "g": the new state as it is, or g of it
 *       alg            "linear" or "log"; log needs the candidate g
 *       normalised     minLSTM: f' = f / (f + i), i' = i / (f + i)
 *       bias           biases on the gates' product and on the projection
 *       project        the projection back even if inner == width
 *       learned_init   a learned initial state init_hidden_state [inner] (g of it, if the candidate
 *                      is g); it also stands in at resets
 *       forget_offset  minLSTM: added to the forget gate's pre-activation
 *
 * "gru" and "lstm": torch.nn.GRU and torch.nn.LSTM of one layer, with their equations, and with the
 * names and row order of their state dicts: weight_ih_l0 [gates * inner, width] and weight_hh_l0
 * [gates * inner, inner], whose rows are r, z, n or i, f, g, o. Each step's gates read the state
 * before, so that steps follow one after the other. z keeps the old state, h = (1 - z) n + z h; for
 * parameters of the minRNN paper's z, negate its rows and biases. Then comes the projection back,
 * as above. Their settings are expansion and project, as above, and:
 *
 *       bias           bias_ih_l0 and bias_hh_l0 [gates * inner], as torch has them, and a bias on
 *                      the projection
 *       reset_gate     GRU: "after" the product with the state, as in torch; or "before" it, as in
 *                      arXiv 1406.1078v3 and in the minRNN paper
 *
 * "mamba": the block of Gu and Dao (arXiv 2312.00752, section 3.4 and algorithm 2), with the
 * equations, names and row order of mamba_ssm's module Mamba: in_proj.weight [2 * inner, width],
 * whose rows are x, then z; conv1d.weight [inner, 1, taps], conv1d.bias [inner]; x_proj.weight
 * [rank + 2 * states, inner], whose rows are r, B, then C; dt_proj.weight [inner, rank],
 * dt_proj.bias [inner]; A_log [inner, states]; D [inner]; out_proj.weight [width, inner]. With
 * u = silu(conv1d x) and step = softplus(dt_proj r):
 *
 *       h = exp(-step exp(A_log)) h_before + step B u
 *       y = (C . h + D u) silu(z)
 *       out = out_proj y
 *
 * where B is made discrete by Euler's rule, as in their code, and not as in the paper's equation 4.
 * A state is the last taps - 1 inputs of the convolution [taps - 1, inner], then h [inner, states].
 * The settings are expansion, as above, but standard 2, and:
 *
 *       states         of a channel, up to 64; standard 16
 *       taps           of the convolution; standard 4
 *       rank           the numbers that the steps are made of; 0, the standard: width / 16, rounded
 *                      up
 *       dt_min,        between which the steps begin, evenly on a logarithmic scale and at least
 *       dt_max         1e-4; standard 0.001 and 0.1 */
typedef struct minrnn_mixer_config {
    size_t size;   /**< of this struct: minrnn_mixer_config_defaults sets it */
    char name[16]; /**< one of minrnn_mixer_name's */
    int64_t width; /**< channels in and out, d_x; 0 until it is set */
    int64_t settings[MINRNN_MIXER_ROOM / 8]; /**< the mixer's own; the library's to read */
} minrnn_mixer_config;

/** A mixer on a device. It holds no parameters: those are the caller's. */
typedef struct minrnn_mixer minrnn_mixer;

/** One parameter tensor of a mixer or a model, inside one buffer of all parameters. An older
 * program is given the members that it has. */
typedef struct minrnn_parameter_info {
    size_t size;      /**< of this struct: the call that fills it sets it */
    char name[64];    /**< as in files, such as "to_out.weight" */
    int dimensions;   /**< 1 to 3 */
    int64_t shape[3]; /**< row-major; 0 past `dimensions` */
    int64_t offset;   /**< elements from the start of the parameters (and of the gradients) */
    bool decays;      /**< whether AdamW's weight decay applies: not to norms, biases and the
                       * recurrence's own weights */
} minrnn_parameter_info;

/** The tensors of one forward or backward call, rows being [batch, time]. They are f32 unless a
 * line says otherwise. A member that an older program lacks is not given. */
typedef struct minrnn_mixer_tensors {
    size_t size;              /**< of this struct: minrnn_mixer_tensors_defaults sets it */
    minrnn_tensor parameters; /**< in [minrnn_mixer_parameters] */
    minrnn_tensor x;          /**< in [batch, time, width] */
    minrnn_tensor y;          /**< out of forward, in of backward [batch, time, width] */
    minrnn_tensor state;      /**< in [batch, minrnn_mixer_state_size], optional: carried in */
    minrnn_tensor state_out;  /**< out, of that shape, optional: carried out; never over `state` */
    minrnn_tensor reset;      /**< in i32 [batch, time], optional: 1 if a document begins there */
    minrnn_tensor lengths;    /**< in i32 [batch], optional: positions in use, 0 to time */
    minrnn_tensor saved;      /**< out of forward, in of backward: minrnn_mixer_workspace's saved */
    minrnn_tensor temporary;  /**< content is lost: minrnn_mixer_workspace's temporary */
    minrnn_tensor gradients;  /**< backward only: added to, laid out as parameters */
    minrnn_tensor dy;         /**< backward only: in [batch, time, width] */
    minrnn_tensor dstate_out; /**< backward only: in, of the state's shape, optional (zero) */
    minrnn_tensor dx;         /**< backward only: out [batch, time, width], optional */
    minrnn_tensor dstate;     /**< backward only: out, of that shape, optional, needs `state` */
} minrnn_mixer_tensors;

/** The name of the mixer with this index, from 0 on; NULL past the last. */
MINRNN_API const char *minrnn_mixer_name(int index);

/** A mixer's own setting with this index, from 0 on; NULL past the last, or if no mixer has this
 * name. */
MINRNN_API const minrnn_setting *minrnn_mixer_setting(const char *mixer, int index);

/** minrnn_mixer_config_defaults for a struct of `size` bytes, for programs in other languages. */
MINRNN_API minrnn_status minrnn_mixer_config_init(const char *name, minrnn_mixer_config *config,
                                                  size_t size);

/** Sets standard values for the mixer of this name, and width 0. A name that no mixer has is
 * MINRNN_INVALID_ARGUMENT. */
static inline minrnn_status minrnn_mixer_config_defaults(const char *name,
                                                         minrnn_mixer_config *config) {
    return minrnn_mixer_config_init(name, config, sizeof *config);
}

/** Sets what has this name in the configuration (`name` and `width` too) to what the text says. A
 * name that the mixer lacks, and a value that is not allowed, are MINRNN_INVALID_ARGUMENT and
 * change nothing. Another mixer's name keeps the values of settings that both have; the others
 * become standard. */
MINRNN_API minrnn_status minrnn_mixer_set(minrnn_mixer_config *config, const char *name,
                                          const char *value);

/** Writes what has this name in the configuration as text with a NUL, at most MINRNN_SETTING_TEXT
 * bytes in all. A name that the mixer lacks, and a text longer than `capacity`, are
 * MINRNN_INVALID_ARGUMENT. */
MINRNN_API minrnn_status minrnn_mixer_get(const minrnn_mixer_config *config, const char *name,
                                          char *value, size_t capacity);

/** Makes a mixer on a device. The caller owns *mixer; the device must outlive it. */
MINRNN_API minrnn_status minrnn_mixer_create(minrnn_device *device,
                                             const minrnn_mixer_config *config,
                                             minrnn_mixer **mixer);

/** Releases a mixer. NULL is allowed. */
MINRNN_API void minrnn_mixer_destroy(minrnn_mixer *mixer);

/** How many parameters there are: the elements of the parameter and of the gradient buffer. */
MINRNN_API int64_t minrnn_mixer_parameters(const minrnn_mixer *mixer);

/** How many tensors the parameters form. */
MINRNN_API int minrnn_mixer_tensor_count(const minrnn_mixer *mixer);

/** minrnn_mixer_parameter for a struct of `size` bytes, for programs in other languages. */
MINRNN_API minrnn_status minrnn_mixer_parameter_sized(const minrnn_mixer *mixer, int index,
                                                      minrnn_parameter_info *info, size_t size);

/** Says name, shape and place of one tensor, 0 <= index < minrnn_mixer_tensor_count. */
static inline minrnn_status minrnn_mixer_parameter(const minrnn_mixer *mixer, int index,
                                                   minrnn_parameter_info *info) {
    return minrnn_mixer_parameter_sized(mixer, index, info, sizeof *info);
}

/** Writes initial parameters, and waits. Philox (Salmon et al., SC 2011) draws them by seed and
 * tensor: matrices and biases uniform in +-1/sqrt(fan-in), as torch.nn.Linear, those of GRU and
 * LSTM in +-1/sqrt(inner), as torch.nn.GRU; the initial state standard normal. */
MINRNN_API minrnn_status minrnn_mixer_initialise(const minrnn_mixer *mixer, uint64_t seed,
                                                 minrnn_tensor parameters);

/** Elements of the carried state of one sequence: inner; of an LSTM 2 * inner, h before c. */
MINRNN_API int64_t minrnn_mixer_state_size(const minrnn_mixer *mixer);

/** Elements of `saved` and `temporary` that calls of this size need. */
MINRNN_API minrnn_status minrnn_mixer_workspace(const minrnn_mixer *mixer, int64_t batch,
                                                int64_t time, int64_t *saved, int64_t *temporary);

/** minrnn_mixer_tensors_defaults for a struct of `size` bytes, for programs in other languages. */
MINRNN_API void minrnn_mixer_tensors_init(minrnn_mixer_tensors *tensors, size_t size);

/** Sets all to zero but `size`: none is given. NULL is allowed. */
static inline void minrnn_mixer_tensors_defaults(minrnn_mixer_tensors *tensors) {
    minrnn_mixer_tensors_init(tensors, sizeof *tensors);
}

/** Enqueues the layer, and does not wait. time = 1 is a step. Any split of time into chunks, the
 * state carried, gives the same outputs. A tensor that is needed but not given, too small, of the
 * wrong type or on another device is MINRNN_INVALID_ARGUMENT. */
MINRNN_API minrnn_status minrnn_mixer_forward(minrnn_mixer *mixer, int64_t batch, int64_t time,
                                              const minrnn_mixer_tensors *tensors);

/** Enqueues the layer's gradient, and does not wait. The tensors are those of the forward call,
 * with `saved` as that call left it, and those of backward. */
MINRNN_API minrnn_status minrnn_mixer_backward(minrnn_mixer *mixer, int64_t batch, int64_t time,
                                               const minrnn_mixer_tensors *tensors);

MINRNN_END_DECLS

#endif
