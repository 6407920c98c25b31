/* SPDX-License-Identifier: Apache-2.0 */
/* Both ends of a network of tokens: the table that they are looked up in, and the head that gives a
 * logit to each. */
#ifndef LAYER_ENDS_H
#define LAYER_ENDS_H

#include <minrnn/status.h>

struct ends_settings {
    int64_t vocab;
};

/* Every token must be in 0 .. vocab - 1 (targets: or negative); the error names the first that is
 * not. */
minrnn_status input_check(const char *call, const int32_t *tokens, int64_t count, int64_t vocab,
                          bool negative_allowed);

/* Rows sorted by token, stable: order[start[v]] .. order[start[v + 1] - 1] are the rows of token v,
 * as the table's gradient wants them. order holds `rows`, start vocab + 1. */
void input_sort(const int32_t *tokens, int64_t rows, int64_t vocab, int32_t *order, int32_t *start);

#endif
