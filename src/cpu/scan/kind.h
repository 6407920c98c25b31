/* SPDX-License-Identifier: Apache-2.0 */
/* A kind of scan at compile time: op/scan_kinds.def names its operator and its cell, and the
 * functions of those parts begin with these names. forward.c and backward.c make each kind's loops
 * of them. */
#ifndef CPU_SCAN_KIND_H
#define CPU_SCAN_KIND_H

#include "cpu/vector_math.h"
#include "op/scan_kinds.h"

#define SCAN_KIND_OF(alg_, reverse_, cell_, CANDIDATE, normalised_)                                \
    ((struct scan_kind){.alg = (minrnn_scan_alg)SCAN_ALG_##alg_,                                   \
                        .reverse = (minrnn_scan_alg)SCAN_ALG_##reverse_,                           \
                        .cell = (minrnn_scan_cell)SCAN_CELL_##cell_,                               \
                        .candidate = MINRNN_CANDIDATE_##CANDIDATE,                                 \
                        .normalised = (normalised_)})

/* Channels of one panel at most: their states and biases stay in the first-level cache. Panels of
 * elements and of states have their floats this far apart. */
enum { SCAN_PANEL = 1024 };

/* The most that any kind needs: pre-activations, and floats of an element and of a state. */
#define SCAN_CELL(name, CELL, gates, ...) char name[gates];
union scan_most_gates {
#include "op/scan_kinds.def"
};
#define SCAN_ALG(name, ALG, elem_floats, state_floats) char name[elem_floats];
union scan_most_elem {
#include "op/scan_kinds.def"
};
#define SCAN_ALG(name, ALG, elem_floats, state_floats) char name[state_floats];
union scan_most_state {
#include "op/scan_kinds.def"
};
enum {
    SCAN_MOST_GATES = sizeof(union scan_most_gates),
    SCAN_MOST_ELEM = sizeof(union scan_most_elem),
    SCAN_MOST_STATE = sizeof(union scan_most_state)
};

#endif
