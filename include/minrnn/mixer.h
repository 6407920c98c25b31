/* Level 2: a sequence mixer as a layer in your own model. */
#ifndef MINRNN_MIXER_H
#define MINRNN_MIXER_H

#include <minrnn/scan.h>

MINRNN_BEGIN_DECLS

/* What a mixer is made of. One matrix product gives all gates: x [rows, width] times
 * to_hidden_and_gate.weight [gates * inner, width] transposed, inner = width * expansion; then the
 * scan over inner channels; then, where inner != width or `project` is set, the projection back,
 * to_out.weight [width, inner]. */
typedef struct minrnn_mixer_config {
    char name[16];   /* "mingru" or "minlstm" */
    int64_t width;   /* channels in and out, d_x */
    float expansion; /* alpha: inner = (int64_t)(width * expansion), d_h */
    minrnn_candidate candidate;
    minrnn_scan_alg alg; /* MINRNN_SCAN_LOG needs MINRNN_CANDIDATE_G */
    bool normalised;     /* minLSTM: f' = f / (f + i), i' = i / (f + i) */
    bool bias;           /* biases on the gates' product and on the projection */
    bool project;        /* the projection back even where inner == width */
    bool learned_init;   /* a learned initial state init_hidden_state [inner] (g of it, where the
                            candidate is g); it also stands in at resets */
    float forget_offset; /* minLSTM: added to the forget gate's pre-activation */
} minrnn_mixer_config;

typedef struct minrnn_mixer minrnn_mixer;

/* One parameter of a mixer, inside the caller's one parameter buffer. */
typedef struct minrnn_parameter_info {
    char name[64];
    int dimensions;   /* 1 to 3 */
    int64_t shape[3]; /* row-major */
    int64_t offset;   /* elements from the start of the parameters (and of the gradients) */
    bool decays;      /* whether AdamW's weight decay applies: not to the recurrence's own weights,
                         norms and biases */
} minrnn_parameter_info;

/* The tensors of one forward or backward call, rows being [batch, time]. */
typedef struct minrnn_mixer_tensors {
    minrnn_tensor parameters; /* in [minrnn_mixer_parameters] */
    minrnn_tensor x;          /* in [batch, time, width] */
    minrnn_tensor y;          /* out of forward [batch, time, width] */
    minrnn_tensor state; /* in [batch, inner], optional: carried in; absent, the initial state */
    minrnn_tensor state_out; /* out [batch, inner], optional: carried out; never over `state` */
    minrnn_tensor reset;     /* in i32 [batch, time], optional: 1 where a document begins */
    minrnn_tensor lengths;   /* in i32 [batch], optional */
    minrnn_tensor saved;     /* out of forward, in of backward: minrnn_mixer_workspace's saved */
    minrnn_tensor temporary; /* content is lost: minrnn_mixer_workspace's temporary */
    /* Backward only. */
    minrnn_tensor gradients;  /* added to, laid out as parameters */
    minrnn_tensor dy;         /* in [batch, time, width] */
    minrnn_tensor dstate_out; /* in [batch, inner], optional (zero) */
    minrnn_tensor dx;         /* out [batch, time, width], optional */
    minrnn_tensor dstate;     /* out [batch, inner], optional, only where state is given */
} minrnn_mixer_tensors;

/* "mingru", expansion 1, plain candidate, linear scan, everything else off. */
MINRNN_API void minrnn_mixer_config_defaults(minrnn_mixer_config *config);

/* Makes a mixer on a device; it holds no parameters, they are the caller's. The caller owns *mixer.
 */
MINRNN_API minrnn_status minrnn_mixer_create(minrnn_device *device,
                                             const minrnn_mixer_config *config,
                                             minrnn_mixer **mixer);
MINRNN_API void minrnn_mixer_destroy(minrnn_mixer *mixer);

/* How many parameters there are (elements of the parameter and gradient buffers), how many tensors
 * they form, and each tensor's place, 0 <= index < tensors. */
MINRNN_API int64_t minrnn_mixer_parameters(const minrnn_mixer *mixer);
MINRNN_API int minrnn_mixer_tensor_count(const minrnn_mixer *mixer);
MINRNN_API minrnn_status minrnn_mixer_parameter(const minrnn_mixer *mixer, int index,
                                                minrnn_parameter_info *info);

/* Writes initial parameters (Philox by seed and tensor: uniform in +-1/sqrt(fan-in) for matrices
 * and biases, as torch.nn.Linear; the initial state standard normal). */
MINRNN_API minrnn_status minrnn_mixer_initialise(const minrnn_mixer *mixer, uint64_t seed,
                                                 minrnn_tensor parameters);

/* Elements of the carried state of one sequence (inner). */
MINRNN_API int64_t minrnn_mixer_state_size(const minrnn_mixer *mixer);

/* Elements of `saved` and `temporary` that calls of this size need. */
MINRNN_API minrnn_status minrnn_mixer_workspace(const minrnn_mixer *mixer, int64_t batch,
                                                int64_t time, int64_t *saved, int64_t *temporary);

/* Enqueue the layer, or its gradient; neither waits. time = 1 is a step; any split of time into
 * chunks, the state carried, gives the same outputs. */
MINRNN_API minrnn_status minrnn_mixer_forward(minrnn_mixer *mixer, int64_t batch, int64_t time,
                                              const minrnn_mixer_tensors *tensors);
MINRNN_API minrnn_status minrnn_mixer_backward(minrnn_mixer *mixer, int64_t batch, int64_t time,
                                               const minrnn_mixer_tensors *tensors);

MINRNN_END_DECLS

#endif
