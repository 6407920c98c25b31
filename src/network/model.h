/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of this folder know of a model. */
#ifndef NETWORK_MODEL_H
#define NETWORK_MODEL_H

#include "network/layout.h"
#include "network/metadata.h"
#include "op/op.h"

struct minrnn_model {
    minrnn_device *device;
    struct model_layout layout;
    minrnn_buffer *parameters; /* layout.places.total floats */
    struct metadata metadata;
};

/* A model whose parameters are not yet written. The caller owns *model. */
minrnn_status model_allocate(minrnn_device *device, const minrnn_model_config *config,
                             minrnn_model **model);

#endif
