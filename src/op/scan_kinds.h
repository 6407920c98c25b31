/* SPDX-License-Identifier: Apache-2.0 */
/* Which scans there are, from scan_kinds.def, for those who look them up. */
#ifndef OP_SCAN_KINDS_H
#define OP_SCAN_KINDS_H

#include <minrnn/scan.h>

/* SCAN_KIND_name: the kinds by number. */
#define SCAN_KIND(name, ...) SCAN_KIND_##name,
enum {
#include "op/scan_kinds.def"
    SCAN_KINDS
};

/* SCAN_ALG_name, SCAN_CELL_name: the public value of an operator's or a cell's name. */
#define SCAN_ALG(name, ALG, ...) SCAN_ALG_##name = MINRNN_SCAN_##ALG,
enum {
#include "op/scan_kinds.def"
};
#define SCAN_CELL(name, CELL, ...) SCAN_CELL_##name = MINRNN_CELL_##CELL,
enum {
#include "op/scan_kinds.def"
};

struct scan_kind {
    minrnn_scan_alg alg;
    minrnn_scan_alg reverse; /* that of the gradient's walk */
    minrnn_scan_cell cell;
    minrnn_candidate candidate;
    bool normalised;
};

extern const struct scan_kind scan_kinds[SCAN_KINDS];

/* The number of a kind; options that the cell ignores do not count. -1: there is no such kind. */
int scan_kind_of(minrnn_scan_alg alg, minrnn_scan_cell cell, minrnn_candidate candidate,
                 bool normalised);

/* What an operator's elements and states take for each channel. */
struct scan_floats {
    int64_t elem, state;
};

struct scan_floats scan_floats_of(minrnn_scan_alg alg);

#endif
