/* SPDX-License-Identifier: Apache-2.0 */
/* The memory that passes work in: one buffer with what the owner keeps beside them, their two
 * arenas and the ops' scratch, one after the other. */
#ifndef NETWORK_WORKSPACE_H
#define NETWORK_WORKSPACE_H

#include "network/model.h"
#include "network/network.h"

/* Elements of each part, in its order. */
struct workspace_plan {
    int64_t room, kept, brief, scratch;
};

/* What a planning pass took, and its owner's room. */
struct workspace_plan workspace_planned(const struct arena *room, const struct network_pass *pass);

uint64_t workspace_bytes(const struct workspace_plan *plan);

/* A context with the scratch of a workspace. */
struct op_context workspace_context(minrnn_buffer *workspace, const struct workspace_plan *plan);

/* Makes a pass of the model in the workspace, whose owner sets batch, time and inputs;
 * network_pass_destroy frees what it holds. Passes may share a workspace one after the other. */
minrnn_status workspace_pass(minrnn_buffer *workspace, const struct workspace_plan *plan,
                             const minrnn_model *model, struct op_context *context,
                             struct network_pass *pass);

#endif
