/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Level 1: the scan on your own buffers.
 *
 * Every recurrence here is h_t = a_t * h_{t-1} + b_t, element-wise over `width` channels, for each
 * of `batch` sequences. The cell says how a_t and b_t come from what is given:
 *
 *       MINRNN_CELL_LINEAR   x = a [batch, time, width], b [batch, time, width]
 *                            (their logarithms if alg is MINRNN_SCAN_LOG)
 *       MINRNN_CELL_MINGRU   x [batch, time, 2 * width], a row being (hidden | gate):
 *                            z = sigma(gate), c = hidden or g(hidden); a = 1 - z, b = z * c
 *       MINRNN_CELL_MINLSTM  x [batch, time, 3 * width], a row being (hidden | forget | input):
 *                            f = sigma(forget + forget_offset), i = sigma(input), c as above;
 *                            a = f, b = i * c, or normalised: a = f / (f + i), b = i / (f + i) * c
 *
 * Source: "Were RNNs All We Needed?" (Feng et al., arXiv 2410.01201), sections 3.1, 3.2, appendix
 * B. */
#ifndef MINRNN_SCAN_H
#define MINRNN_SCAN_H

#include <minrnn/device.h>

MINRNN_BEGIN_DECLS

/** The associative operator. Later versions append new ones. */
typedef enum minrnn_scan_alg {
    MINRNN_SCAN_LINEAR = 0, /**< on (a, b) itself */
    MINRNN_SCAN_LOG = 1     /**< on its logarithms (the paper's log-space form, appendix B.2); needs
                             * b > 0: candidate g, and positive initial states. States are given
                             * and written as they are, not as logarithms. */
} minrnn_scan_alg;

/** How a and b come from what is given; scan.h begins with the equations. Later versions append new
 * cells. */
typedef enum minrnn_scan_cell {
    MINRNN_CELL_LINEAR = 0, /**< a and b are given */
    MINRNN_CELL_MINGRU = 1, /**< the paper's minGRU, section 3.1 */
    MINRNN_CELL_MINLSTM = 2 /**< the paper's minLSTM, section 3.2 */
} minrnn_scan_cell;

/** The strategy. All give the same result up to rounding. Later versions append new ones. */
typedef enum minrnn_scan_run {
    MINRNN_RUN_AUTO = 0,   /**< the device's own choice */
    MINRNN_RUN_SERIAL = 1, /**< a work-item walks all of time for a vector of channels */
    MINRNN_RUN_TILE = 2,   /**< a work-group walks time tile by tile, parallel inside a tile */
    MINRNN_RUN_CHUNK = 3   /**< reduce each chunk of time, scan the carries, apply */
} minrnn_scan_run;

/** The candidate state c. Later versions append new ones. */
typedef enum minrnn_candidate {
    MINRNN_CANDIDATE_PLAIN = 0, /**< hidden itself */
    MINRNN_CANDIDATE_G = 1      /**< g(hidden), g(x) = x + 0.5 for x >= 0, else sigma(x) (appendix
                                 * B.3) */
} minrnn_candidate;

/** What is scanned, and how. A member that an older program lacks is as minrnn_scan_config_defaults
 * sets it. */
typedef struct minrnn_scan_config {
    size_t size;                /**< of this struct: minrnn_scan_config_defaults sets it */
    int64_t batch,              /**< sequences, at least 1 */
        time,                   /**< steps of each, at least 1 */
        width;                  /**< channels, at least 1 */
    minrnn_scan_alg alg;        /**< the associative operator */
    minrnn_scan_cell cell;      /**< how a and b come from what is given */
    minrnn_scan_run run;        /**< the strategy */
    minrnn_candidate candidate; /**< minGRU, minLSTM: what c is */
    bool normalised;            /**< minLSTM: f and i are divided by their sum */
    bool reversed;              /**< walks time from the end: h_t depends on t + 1 */
    float forget_offset;        /**< minLSTM: added to the forget pre-activation */
} minrnn_scan_config;

/** The tensors of a scan, f32 unless a line says otherwise. A tensor that is not needed may be left
 * zero; those marked "optional" may always be. Unless a line says otherwise no output may overlap
 * another tensor. Gradients are overwritten, not added to. A member that an older program lacks is
 * not given. */
typedef struct minrnn_scan_tensors {
    size_t size;         /**< of this struct: minrnn_scan_tensors_defaults sets it */
    minrnn_tensor x;     /**< in [batch, time, gates * width], gates 1, 2 or 3 by cell */
    minrnn_tensor b;     /**< in [batch, time, width], MINRNN_CELL_LINEAR only */
    minrnn_tensor bias;  /**< in [gates * width], optional: added to x; not with the linear cell */
    minrnn_tensor h0;    /**< in [batch, width], optional: the state before the first step */
    minrnn_tensor init;  /**< in [width], optional (zero): the state at resets, and without h0 */
    minrnn_tensor reset; /**< in i32 [batch, time], optional: 1 if a document begins there */
    minrnn_tensor lengths; /**< in i32 [batch], optional: steps in use, 0 to time */
    minrnn_tensor h;       /**< out (backward: in) [batch, time, width]; 0 past a length */
    minrnn_tensor h_last;  /**< out [batch, width], optional: the state after the last step in use,
                            * the initial state if a length is 0. May be h0 itself. */
    minrnn_tensor dh;      /**< backward only: in [batch, time, width] */
    minrnn_tensor dh_last; /**< backward only: in [batch, width], optional (zero) */
    minrnn_tensor dx;      /**< backward only: out like x; 0 past a length */
    minrnn_tensor db;      /**< backward only: out like b, MINRNN_CELL_LINEAR only */
    minrnn_tensor dh0;     /**< backward only: out [batch, width], optional, needs h0 */
    minrnn_tensor dinit;   /**< backward only: out [batch, width], optional: each sequence's share
                            * of init's gradient, that of the first state included if h0 is not
                            * given */
    minrnn_tensor scratch; /**< at least minrnn_scan_scratch bytes; content is lost */
} minrnn_scan_tensors;

/** minrnn_scan_config_defaults for a struct of `size` bytes, for programs in other languages. */
MINRNN_API void minrnn_scan_config_init(minrnn_scan_config *config, size_t size);

/** Sets all to zero but `size`, and batch = time = width = 1. NULL is allowed. */
static inline void minrnn_scan_config_defaults(minrnn_scan_config *config) {
    minrnn_scan_config_init(config, sizeof *config);
}

/** minrnn_scan_tensors_defaults for a struct of `size` bytes, for programs in other languages. */
MINRNN_API void minrnn_scan_tensors_init(minrnn_scan_tensors *tensors, size_t size);

/** Sets all to zero but `size`: none is given. NULL is allowed. */
static inline void minrnn_scan_tensors_defaults(minrnn_scan_tensors *tensors) {
    minrnn_scan_tensors_init(tensors, sizeof *tensors);
}

/** Says how many bytes of scratch forward and backward of this configuration need on this device;
 * it may be 0. */
MINRNN_API minrnn_status minrnn_scan_scratch(minrnn_device *device,
                                             const minrnn_scan_config *config, uint64_t *bytes);

/** Enqueues a scan on the device. It does not wait: read a buffer, or call minrnn_device_finish. At
 * a reset the previous state is replaced by init. Reversed scans are cut at the same places,
 * between step t - 1 and a step t whose reset is 1. MINRNN_SCAN_LOG with the plain candidate is
 * MINRNN_INVALID_ARGUMENT; so is a tensor that is needed but not given, too small, of the wrong
 * type or on another device. */
MINRNN_API minrnn_status minrnn_scan_forward(minrnn_device *device,
                                             const minrnn_scan_config *config,
                                             const minrnn_scan_tensors *tensors);

/** Enqueues the gradient of a scan on the device, and does not wait. It needs what the forward call
 * was given, the h that it wrote, and dh. At a reset the gradient goes to init, not to the state
 * before it. */
MINRNN_API minrnn_status minrnn_scan_backward(minrnn_device *device,
                                              const minrnn_scan_config *config,
                                              const minrnn_scan_tensors *tensors);

MINRNN_END_DECLS

#endif
