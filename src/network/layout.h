/* SPDX-License-Identifier: Apache-2.0 */
/* What a model is made of: its layers in their order, and the parameters of all of them, whose
 * names are the public minGRU implementations'. */
#ifndef NETWORK_LAYOUT_H
#define NETWORK_LAYOUT_H

#include <minrnn/model.h>

#include "layer/conv.h"
#include "layer/ends.h"
#include "layer/feed_forward.h"
#include "layer/layer.h"

/* A layer whose output is added to the stream: x += dropout(layer(norm(x))). */
struct branch {
    struct layer layer;
    const char *part; /* for error texts */
    int block;        /* from 0 */
    int norm;         /* index of its gain; -1: the layer reads the stream as it is */
    int dropout_site; /* -1: no dropout */
    int64_t state;    /* elements of one stream's states before its own */
};

enum { BLOCK_MAX_BRANCHES = 3 };

/* Layers point into it: it stays where layout_create made it. */
struct model_layout {
    minrnn_model_config config; /* checked, mixer.width set */
    struct conv_settings conv;
    struct feed_forward_settings feed;
    struct ends_settings ends;
    const struct layer_kind *mixer;

    struct layer input, output;
    int norm; /* the last one's gain */
    struct branch *branches;
    int branch_count;
    int64_t state; /* elements of one stream's states, of all layers */

    struct parameter *parameters;
    int count;
    struct parameter_places places;
};

/* Checks a configuration and lays its layers out; layout_destroy frees what it holds. */
minrnn_status layout_create(const minrnn_model_config *given, struct model_layout *layout);
void layout_destroy(struct model_layout *layout);

/* Whether the bytes of a pass over batch x time tokens (below 2^31) can be counted in 63 bits:
 * MINRNN_OUT_OF_MEMORY if not. What plans a pass need not look for overflow after that. */
minrnn_status layout_check_rows(const struct model_layout *layout, int64_t batch, int64_t time);

/* MINRNN_INVALID_ARGUMENT, naming the layer, if one of them cannot do it (layer_require). */
minrnn_status layout_require(const struct model_layout *layout, enum layer_feature feature);

#endif
