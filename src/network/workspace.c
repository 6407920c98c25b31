/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of a workspace, and what works in them. */
#include "network/workspace.h"

#include "base/alloc.h"

struct workspace_plan workspace_planned(const struct arena *room, const struct network_pass *pass) {
    const int64_t of_pass = max_i64(pass->kept.largest, pass->brief.largest);
    return (struct workspace_plan){
        .room = room->peak,
        .kept = pass->kept.peak,
        .brief = pass->brief.peak,
        .scratch = op_scratch_elements(pass->context),
        .largest = max_i64(room->largest, of_pass),
    };
}

uint64_t workspace_bytes(const struct workspace_plan *plan) {
    return (uint64_t)(plan->room + plan->kept + plan->brief + plan->scratch) * F32_BYTES;
}

/* ---- its buffers ---- */

static minrnn_status create_part(minrnn_device *device, int64_t elements,
                                 struct workspace_part *part) {
    const int64_t most = arena_of(device).most > 0 ? arena_of(device).most : max_i64(elements, 1);
    const int64_t count = ceil_div(elements, most);
    if (count == 0) {
        return MINRNN_OK;
    }
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

static minrnn_status check_largest(const minrnn_device *device, const struct workspace_plan *plan) {
    const uint64_t bytes = (uint64_t)max_i64(plan->largest, plan->scratch) * F32_BYTES;
    return device->largest == 0 || bytes <= device->largest
               ? MINRNN_OK
               : fail(MINRNN_OUT_OF_MEMORY,
                      "%llu bytes are needed in one buffer, and the device's largest is %llu",
                      (unsigned long long)bytes, (unsigned long long)device->largest);
}

minrnn_status workspace_create(minrnn_device *device, const struct workspace_plan *plan,
                               struct workspace *workspace) {
    minrnn_status status = check_largest(device, plan);
    status = status ? status : create_part(device, plan->room, &workspace->room);
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
