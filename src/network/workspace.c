/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of a workspace, and what works in them. */
#include "network/workspace.h"

struct workspace_plan workspace_planned(const struct arena *room, const struct network_pass *pass) {
    return (struct workspace_plan){room->peak, pass->kept.peak, pass->brief.peak,
                                   op_scratch_elements(pass->context)};
}

uint64_t workspace_bytes(const struct workspace_plan *plan) {
    return (uint64_t)(plan->room + plan->kept + plan->brief + plan->scratch) * F32_BYTES;
}

struct op_context workspace_context(minrnn_buffer *workspace, const struct workspace_plan *plan) {
    return (struct op_context){
        .device = workspace->device,
        .scratch = tensor_f32(workspace, plan->room + plan->kept + plan->brief),
        .scratch_bytes = plan->scratch * F32_BYTES,
    };
}

minrnn_status workspace_pass(minrnn_buffer *workspace, const struct workspace_plan *plan,
                             const minrnn_model *model, struct op_context *context,
                             struct network_pass *pass) {
    const minrnn_status status = network_pass_create(pass, &model->layout);
    pass->context = context;
    pass->parameters = tensor_f32(model->parameters, 0);
    pass->kept.base = tensor_f32(workspace, plan->room);
    pass->brief.base = tensor_f32(workspace, plan->room + plan->kept);
    return status;
}
