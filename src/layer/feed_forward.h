/* SPDX-License-Identifier: Apache-2.0 */
/* Two dense layers with an activation between them: width -> hidden -> width. */
#ifndef LAYER_FEED_FORWARD_H
#define LAYER_FEED_FORWARD_H

#include <minrnn/model.h>

struct feed_forward_settings {
    minrnn_feed_forward activation; /* not MINRNN_FEED_FORWARD_NONE */
    int64_t hidden;                 /* channels after the activation */
};

#endif
