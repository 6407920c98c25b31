/* The parameters of a model: their names (the public minGRU implementations'), shapes and places.
 */
#ifndef NETWORK_LAYOUT_H
#define NETWORK_LAYOUT_H

#include <minrnn/model.h>

#include "mixer/mixer.h"

/* Indices into model_layout's parameters, -1 where a block has none. */
struct block_layout {
    int conv_weight, conv_bias;         /* [width, 1, conv], [width] */
    int point_weight, point_bias;       /* [width, width, 1], [width] */
    int mixer_norm;                     /* [width] */
    int mixer;                          /* the first of the mixer's own, which are contiguous */
    int feed_norm;                      /* [width] */
    int feed_in_weight, feed_in_bias;   /* [feed (twice for GEGLU), width] */
    int feed_out_weight, feed_out_bias; /* [width, feed] */
};

struct model_layout {
    minrnn_model_config config; /* checked, mixer.width set */
    const struct mixer_kind *mixer;
    struct parameter *parameters;
    int count;
    int64_t total;    /* elements */
    int64_t decaying; /* of those, the first ones: weight decay applies */
    struct block_layout *blocks;
    int embedding, norm, head;
};

/* Checks a configuration and lays its parameters out; layout_destroy frees what it holds. */
minrnn_status layout_create(const minrnn_model_config *config, struct model_layout *layout);
void layout_destroy(struct model_layout *layout);

/* Whether the bytes of a pass over batch x time tokens (below 2^31) can be counted in 63 bits:
 * MINRNN_OUT_OF_MEMORY if not. What plans a pass need not look for overflow after that. */
minrnn_status layout_check_rows(const struct model_layout *layout, int64_t batch, int64_t time);

/* Hidden channels of the feed-forward, 0 without one. */
int64_t layout_feed_width(const minrnn_model_config *config);

/* A parameter's view inside a buffer of all parameters (or gradients); absent for index -1. */
static inline minrnn_tensor layout_tensor(const struct model_layout *layout, minrnn_tensor base,
                                          int index) {
    return index < 0 ? (minrnn_tensor){0} : tensor_at(base, layout->parameters[index].info.offset);
}

#endif
