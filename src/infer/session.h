/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of this folder know of a session. */
#ifndef INFER_SESSION_H
#define INFER_SESSION_H

#include <minrnn/session.h>

#include "network/model.h"
#include "network/workspace.h"

struct minrnn_session {
    const minrnn_model *model;
    int64_t batch, time; /* of the largest call */
    struct workspace workspace;
    struct op_context context;
    struct network_pass pass;
    minrnn_tensor tokens, reset;
    minrnn_tensor states[2]; /* of all layers: read one, write the other */
    int current;             /* which of the two holds the state */
    bool fresh;              /* nothing carried: the states are the initial ones */
    bool broken; /* a call failed part-way: the states are of no one place in the text */
};

/* Device memory of a session, by planning. */
minrnn_status session_memory(minrnn_device *device, const struct model_layout *layout,
                             int64_t batch, int64_t time, minrnn_memory *memory);

#endif
