/* SPDX-License-Identifier: Apache-2.0 */
/* Level 1: the scan on your own buffers.
 *
 * Every recurrence here is h_t = a_t * h_{t-1} + b_t, element-wise over `width` channels, for each
 * of `batch` sequences. The cell says how a_t and b_t come from what is given:
 *
 *   MINRNN_CELL_LINEAR   x = a [batch, time, width], b [batch, time, width]
 *                        (their logarithms where alg is MINRNN_SCAN_LOG)
 *   MINRNN_CELL_MINGRU   x [batch, time, 2 * width], a row being (hidden | gate):
 *                        z = sigma(gate), c = hidden or g(hidden); a = 1 - z, b = z * c
 *   MINRNN_CELL_MINLSTM  x [batch, time, 3 * width], a row being (hidden | forget | input):
 *                        f = sigma(forget + forget_offset), i = sigma(input), c as above;
 *                        a = f, b = i * c, or normalised: a = f / (f + i), b = i / (f + i) * c
 *
 * Source: "Were RNNs All We Needed?" (Feng et al., arXiv 2410.01201), sections 3.1, 3.2, appendix
 * B.
 */
#ifndef MINRNN_SCAN_H
#define MINRNN_SCAN_H

#include <minrnn/device.h>

MINRNN_BEGIN_DECLS

/* The associative operator: (a, b) itself, or its logarithms (the paper's log-space form, appendix
 * B.2), which needs b > 0: candidate g, and positive initial states. Later versions append new
 * ones. */
typedef enum minrnn_scan_alg { MINRNN_SCAN_LINEAR = 0, MINRNN_SCAN_LOG = 1 } minrnn_scan_alg;

/* How a and b come from what is given, as said above. Later versions append new cells. */
typedef enum minrnn_scan_cell {
    MINRNN_CELL_LINEAR = 0,
    MINRNN_CELL_MINGRU = 1,
    MINRNN_CELL_MINLSTM = 2
} minrnn_scan_cell;

/* The strategy. All give the same result up to rounding; AUTO is the device's own choice.
 * Later versions append new ones. */
typedef enum minrnn_scan_run {
    MINRNN_RUN_AUTO = 0,
    MINRNN_RUN_SERIAL = 1, /* a work-item walks all of time for a vector of channels */
    MINRNN_RUN_TILE = 2,   /* a work-group walks time tile by tile, parallel inside a tile */
    MINRNN_RUN_CHUNK = 3   /* reduce each chunk of time, scan the carries, apply */
} minrnn_scan_run;

/* The candidate state: hidden itself, or g(hidden), g(x) = x + 0.5 for x >= 0, else sigma(x). Later
 * versions append new ones. */
typedef enum minrnn_candidate {
    MINRNN_CANDIDATE_PLAIN = 0,
    MINRNN_CANDIDATE_G = 1
} minrnn_candidate;

/* What is scanned, and how. What an older program does not have is as minrnn_scan_config_defaults
 * sets it. */
typedef struct minrnn_scan_config {
    size_t size;                /* of this struct: minrnn_scan_config_defaults sets it */
    int64_t batch, time, width; /* each at least 1 */
    minrnn_scan_alg alg;
    minrnn_scan_cell cell;
    minrnn_scan_run run;
    minrnn_candidate candidate; /* minGRU, minLSTM */
    bool normalised;            /* minLSTM */
    bool reversed;              /* walks time from the end: h_t depends on t + 1 */
    float forget_offset;        /* minLSTM: added to the forget pre-activation */
} minrnn_scan_config;

/* A tensor that is not needed may be left zero; those marked "optional" may always be.
 * Unless a line says otherwise no output may overlap another tensor. What an older program does not
 * have is not given. */
typedef struct minrnn_scan_tensors {
    size_t size;        /* of this struct: minrnn_scan_tensors_defaults sets it */
    minrnn_tensor x;    /* in  [batch, time, gates * width], gates 1, 2 or 3 by cell: see above */
    minrnn_tensor b;    /* in  [batch, time, width], MINRNN_CELL_LINEAR only */
    minrnn_tensor bias; /* in  [gates * width], optional, added to x; not for MINRNN_CELL_LINEAR */
    minrnn_tensor h0;   /* in  [batch, width], optional: the state before the first step */
    minrnn_tensor
        init; /* in  [width], optional (zero): the state where h0 is not given and at resets */
    minrnn_tensor reset;   /* in  i32 [batch, time], optional: 1 where a document begins */
    minrnn_tensor lengths; /* in  i32 [batch], optional: steps in use, 0 .. time */
    minrnn_tensor h;      /* out of forward, in of backward [batch, time, width]; 0 past a length */
    minrnn_tensor h_last; /* out [batch, width], optional: the state after the last step in use; the
                             initial state where a length is 0. May be h0 itself. */
    /* Backward only. Gradients are overwritten, not added to. */
    minrnn_tensor dh;      /* in  [batch, time, width] */
    minrnn_tensor dh_last; /* in  [batch, width], optional (zero) */
    minrnn_tensor dx;      /* out like x; 0 past a length */
    minrnn_tensor db;      /* out like b, MINRNN_CELL_LINEAR only */
    minrnn_tensor dh0;     /* out [batch, width], optional, only where h0 is given */
    minrnn_tensor dinit; /* out [batch, width], optional: each sequence's share of init's gradient,
                            that of the first state included where h0 is not given */
    minrnn_tensor scratch; /* at least minrnn_scan_scratch bytes; content is lost */
} minrnn_scan_tensors;

/* Zero except batch = time = width = 1, and `size`. */
MINRNN_API void minrnn_scan_config_init(minrnn_scan_config *config, size_t size);
static inline void minrnn_scan_config_defaults(minrnn_scan_config *config) {
    minrnn_scan_config_init(config, sizeof *config);
}

/* None is given: all zero but `size`. */
MINRNN_API void minrnn_scan_tensors_init(minrnn_scan_tensors *tensors, size_t size);
static inline void minrnn_scan_tensors_defaults(minrnn_scan_tensors *tensors) {
    minrnn_scan_tensors_init(tensors, sizeof *tensors);
}

/* Bytes of scratch that forward and backward of this configuration need on this device (may be 0).
 */
MINRNN_API minrnn_status minrnn_scan_scratch(minrnn_device *device,
                                             const minrnn_scan_config *config, uint64_t *bytes);

/* Enqueue a scan, or its gradient, on the device; neither waits (read a buffer, or
 * minrnn_device_finish). At a reset the previous state is replaced by init, its gradient included;
 * reversed scans are cut at the same places, between step t - 1 and a step t whose reset is 1.
 * MINRNN_SCAN_LOG with the plain candidate is MINRNN_INVALID_ARGUMENT. */
MINRNN_API minrnn_status minrnn_scan_forward(minrnn_device *device,
                                             const minrnn_scan_config *config,
                                             const minrnn_scan_tensors *tensors);
MINRNN_API minrnn_status minrnn_scan_backward(minrnn_device *device,
                                              const minrnn_scan_config *config,
                                              const minrnn_scan_tensors *tensors);

MINRNN_END_DECLS

#endif
