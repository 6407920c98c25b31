/* SPDX-License-Identifier: Apache-2.0 */
/* Looks up a kind of scan by its options. */
#include "op/scan_kinds.h"

#define SCAN_KIND(name, alg, reverse, cell, CANDIDATE, normalised)                                 \
    [SCAN_KIND_##name] = {(minrnn_scan_alg)SCAN_ALG_##alg, (minrnn_scan_alg)SCAN_ALG_##reverse,    \
                          (minrnn_scan_cell)SCAN_CELL_##cell, MINRNN_CANDIDATE_##CANDIDATE,        \
                          normalised},
const struct scan_kind scan_kinds[SCAN_KINDS] = {
#include "op/scan_kinds.def"
};

/* Whether two kinds of the same cell are one, but for options that the cell ignores. */
static bool same_options(const struct scan_kind *kind, minrnn_candidate candidate,
                         bool normalised) {
#define SCAN_CELL(name, CELL, gates, heeds_candidate, heeds_normalised)                            \
    if (kind->cell == MINRNN_CELL_##CELL) {                                                        \
        return (!(heeds_candidate) || kind->candidate == candidate) &&                             \
               (!(heeds_normalised) || kind->normalised == normalised);                            \
    }
#include "op/scan_kinds.def"
    return false;
}

int scan_kind_of(minrnn_scan_alg alg, minrnn_scan_cell cell, minrnn_candidate candidate,
                 bool normalised) {
    for (int i = 0; i < SCAN_KINDS; i++) {
        const struct scan_kind *kind = &scan_kinds[i];
        if (kind->alg == alg && kind->cell == cell && same_options(kind, candidate, normalised)) {
            return i;
        }
    }
    return -1;
}

struct scan_floats scan_floats_of(minrnn_scan_alg alg) {
#define SCAN_ALG(name, ALG, elem_floats, state_floats)                                             \
    if (alg == MINRNN_SCAN_##ALG) {                                                                \
        return (struct scan_floats){elem_floats, state_floats};                                    \
    }
#include "op/scan_kinds.def"
    return (struct scan_floats){0, 0};
}
