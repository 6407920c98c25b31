/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of a workspace, and what works in them. */
#include "network/workspace.h"

#include "base/alloc.h"

/* Buffers hold whole multiples of the alignment, so a tensor takes as much. */
struct workspace_plan workspace_planned(const struct arena *room, const struct network_pass *pass) {
    const int64_t scratch = round_up(op_scratch_elements(pass->context), room->alignment);
    const int64_t of_pass = max_i64(pass->kept.largest, pass->brief.largest);
    const int64_t tensor = round_up(max_i64(room->largest, of_pass), room->alignment);
    return (struct workspace_plan){
        .room = room->peak,
        .kept = pass->kept.peak,
        .brief = pass->brief.peak,
        .scratch = scratch,
        .largest = max_i64(tensor, scratch),
    };
}

/* Elements of a part's first buffer: all, if the device allows. */
static int64_t buffer_elements(const minrnn_device *device, int64_t elements) {
    const int64_t most = arena_of(device).most;
    return most > 0 ? min_i64(elements, most) : elements;
}

uint64_t workspace_bytes(const struct workspace_plan *plan) {
    return (uint64_t)(plan->room + plan->kept + plan->brief + plan->scratch) * F32_BYTES;
}

uint64_t workspace_largest(const minrnn_device *device, const struct workspace_plan *plan) {
    const int64_t part = max_i64(plan->room, max_i64(plan->kept, plan->brief));
    return (uint64_t)max_i64(plan->largest, buffer_elements(device, part)) * F32_BYTES;
}

/* ---- its buffers ---- */

static minrnn_status create_part(minrnn_device *device, int64_t elements,
                                 struct workspace_part *part) {
    if (elements == 0) {
        return MINRNN_OK;
    }
    const int64_t most = buffer_elements(device, elements);
    const int64_t count = ceil_div(elements, most);
    part->buffers = mem_alloc((uint64_t)count, sizeof(minrnn_buffer *));
    minrnn_status status = part->buffers ? MINRNN_OK : MINRNN_OUT_OF_MEMORY;
    while (!status && part->count < count) {
        const int64_t own = min_i64(elements - part->count * most, most);
        status =
            minrnn_buffer_create(device, (uint64_t)own * F32_BYTES, &part->buffers[part->count]);
        part->count += status == MINRNN_OK;
    }
    return status;
}

static void destroy_part(struct workspace_part *part) {
    for (int i = 0; i < part->count; i++) {
        minrnn_buffer_destroy(part->buffers[i]);
    }
    mem_free(part->buffers);
}

minrnn_status workspace_create(minrnn_device *device, const struct workspace_plan *plan,
                               struct workspace *workspace) {
    minrnn_status status = create_part(device, plan->room, &workspace->room);
    status = status ? status : create_part(device, plan->kept, &workspace->kept);
    status = status ? status : create_part(device, plan->brief, &workspace->brief);
    status = status ? status : create_part(device, plan->scratch, &workspace->scratch);
    workspace->scratch_elements = plan->scratch;
    return status;
}

void workspace_destroy(struct workspace *workspace) {
    destroy_part(&workspace->room);
    destroy_part(&workspace->kept);
    destroy_part(&workspace->brief);
    destroy_part(&workspace->scratch);
}

/* ---- its arenas ---- */

static struct arena arena_in(const minrnn_device *device, const struct workspace_part *part) {
    struct arena arena = arena_of(device);
    if (part->count > 0) {
        arena.base = tensor_f32(part->buffers[0], 0);
        arena.more = part->buffers + 1;
    }
    return arena;
}

struct arena workspace_room(const minrnn_device *device, const struct workspace *workspace) {
    return arena_in(device, &workspace->room);
}

struct op_context workspace_context(minrnn_device *device, const struct workspace *workspace) {
    const struct workspace_part *part = &workspace->scratch;
    return (struct op_context){
        .device = device,
        .scratch = part->count > 0 ? tensor_f32(part->buffers[0], 0) : (minrnn_tensor){0},
        .scratch_bytes = workspace->scratch_elements * F32_BYTES,
    };
}

minrnn_status workspace_pass(const struct workspace *workspace, const minrnn_model *model,
                             struct op_context *context, struct network_pass *pass) {
    const minrnn_status status = network_pass_create(pass, context, &model->layout);
    pass->parameters = tensor_f32(model->parameters, 0);
    pass->kept = arena_in(model->device, &workspace->kept);
    pass->brief = arena_in(model->device, &workspace->brief);
    return status;
}
