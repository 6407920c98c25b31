/* SPDX-License-Identifier: Apache-2.0 */
/* The memory that passes work in: what its owner keeps beside them (the room), the two arenas of a
 * pass, and the ops' scratch. Each part has buffers of its own, none larger than the device allows.
 */
#ifndef NETWORK_WORKSPACE_H
#define NETWORK_WORKSPACE_H

#include "network/model.h"
#include "network/network.h"

/* What planning learnt. */
struct workspace_plan {
    int64_t room, kept, brief, scratch; /* elements */
    int64_t largest;                    /* of its tensors and the scratch, in elements */
};

/* A part, in one buffer after the other. */
struct workspace_part {
    minrnn_buffer **buffers;
    int count;
};

struct workspace {
    struct workspace_part room, kept, brief, scratch;
    int64_t scratch_elements;
};

/* What a planning pass took, and its owner's room. */
struct workspace_plan workspace_planned(const struct arena *room, const struct network_pass *pass);

uint64_t workspace_bytes(const struct workspace_plan *plan);

/* Bytes of its largest buffer: more than the device's largest only if a tensor or the scratch is.
 */
uint64_t workspace_largest(const minrnn_device *device, const struct workspace_plan *plan);

/* The plan must have passed memory_check. workspace_destroy frees what was made, also after an
 * error; the workspace begins as zeros. */
minrnn_status workspace_create(minrnn_device *device, const struct workspace_plan *plan,
                               struct workspace *workspace);
void workspace_destroy(struct workspace *workspace);

/* The arena of the owner's room. */
struct arena workspace_room(const minrnn_device *device, const struct workspace *workspace);

/* A context with the scratch of a workspace. */
struct op_context workspace_context(minrnn_device *device, const struct workspace *workspace);

/* Makes a pass of the model in the workspace, whose owner sets batch, time and inputs;
 * network_pass_destroy frees what it holds. Passes may share a workspace one after the other. */
minrnn_status workspace_pass(const struct workspace *workspace, const minrnn_model *model,
                             struct op_context *context, struct network_pass *pass);

#endif
