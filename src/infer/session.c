/* SPDX-License-Identifier: Apache-2.0 */
/* Sessions: a state for each sequence, and forward passes that carry it on. */
#include "infer/session.h"

#include "base/alloc.h"
#include "network/memory.h"

static void take_room(struct arena *arena, const struct model_layout *layout, int64_t batch,
                      int64_t time, minrnn_session *session) {
    session->tokens = arena_take_i32(arena, batch * time);
    session->reset = arena_take_i32(arena, batch * time);
    session->states[0] = arena_take(arena, batch * layout->state);
    session->states[1] = arena_take(arena, batch * layout->state);
}

static minrnn_status check_size(int64_t batch, int64_t time) {
    if (batch < 1 || time < 1 || batch > INT32_MAX || time > INT32_MAX / batch) {
        return fail(
            MINRNN_INVALID_ARGUMENT,
            "session: batch %lld and time %lld must be at least 1, their product below 2^31",
            (long long)batch, (long long)time);
    }
    return MINRNN_OK;
}

static minrnn_status plan_session(minrnn_device *device, const struct model_layout *layout,
                                  int64_t batch, int64_t time, struct workspace_plan *plan) {
    struct op_context context = {.device = device, .planning = true};
    struct arena room = arena_of(device);
    minrnn_session rooms;
    struct network_pass pass;
    minrnn_status status = check_size(batch, time);
    status = status ? status : layout_check_rows(layout, batch, time);
    status = status ? status : network_pass_create(&pass, &context, layout);
    if (status) {
        return status;
    }
    take_room(&room, layout, batch, time, &rooms);
    pass.batch = batch;
    /* Every length of a call: an op may take another way, with more scratch, for fewer rows. */
    for (int64_t t = 1; !context.status && t <= time; t++) {
        pass.time = t;
        (void)network_forward(&pass, false);
    }
    *plan = workspace_planned(&room, &pass);
    network_pass_destroy(&pass);
    return context.status;
}

static minrnn_memory memory_of(const minrnn_device *device, const struct model_layout *layout,
                               const struct workspace_plan *plan) {
    minrnn_memory memory = {
        .parameters = (uint64_t)layout->places.total * F32_BYTES,
        .workspace = workspace_bytes(plan),
        .largest = workspace_largest(device, plan),
    };
    memory_sum(&memory);
    return memory;
}

minrnn_status session_memory(minrnn_device *device, const struct model_layout *layout,
                             int64_t batch, int64_t time, minrnn_memory *memory) {
    struct workspace_plan plan;
    const minrnn_status status = plan_session(device, layout, batch, time, &plan);
    if (!status) {
        *memory = memory_of(device, layout, &plan);
    }
    return status;
}

static minrnn_status create_pass(minrnn_session *session) {
    const minrnn_model *model = session->model;
    struct arena room = workspace_room(model->device, &session->workspace);
    take_room(&room, &model->layout, session->batch, session->time, session);
    session->context = workspace_context(model->device, &session->workspace);
    const minrnn_status status =
        workspace_pass(&session->workspace, model, &session->context, &session->pass);
    session->pass.batch = session->batch;
    session->pass.tokens = session->tokens;
    return status;
}

minrnn_status minrnn_session_create(const minrnn_model *model, int64_t batch, int64_t time,
                                    minrnn_session **session) {
    if (!model || !session) {
        return fail(MINRNN_INVALID_ARGUMENT, "minrnn_session_create: an argument is NULL");
    }
    *session = NULL;
    struct workspace_plan plan;
    minrnn_status status = layout_require(&model->layout, LAYER_STREAMS);
    if (!status && time > 1) {
        status = layout_require(&model->layout, LAYER_CHUNKS);
    }
    status = status ? status : plan_session(model->device, &model->layout, batch, time, &plan);
    if (status) {
        return status;
    }
    const minrnn_memory memory = memory_of(model->device, &model->layout, &plan);
    status = memory_check(model->device, "the session", &memory, memory.parameters);
    if (status) {
        return status;
    }
    minrnn_session *made = mem_alloc(1, sizeof *made);
    if (!made) {
        return MINRNN_OUT_OF_MEMORY;
    }
    made->model = model;
    made->batch = batch;
    made->time = time;
    made->fresh = true;
    status = workspace_create(model->device, &plan, &made->workspace);
    status = status ? status : create_pass(made);
    if (status) {
        minrnn_session_destroy(made);
        return status;
    }
    *session = made;
    return MINRNN_OK;
}

void minrnn_session_destroy(minrnn_session *session) {
    if (session) {
        workspace_destroy(&session->workspace);
        network_pass_destroy(&session->pass);
        mem_free(session);
    }
}

minrnn_status minrnn_session_restart(minrnn_session *session) {
    if (!session) {
        return fail(MINRNN_INVALID_ARGUMENT, "minrnn_session_restart: session is NULL");
    }
    session->fresh = true;
    session->broken = false;
    return MINRNN_OK;
}

/* Points the pass at the carried states: none at the start, otherwise those of the last call. */
static void select_states(minrnn_session *session) {
    struct network_pass *pass = &session->pass;
    const minrnn_tensor none = {0};
    pass->state_in = session->fresh ? none : session->states[session->current];
    pass->state_out = session->states[1 - session->current];
}

minrnn_status minrnn_session_forward(minrnn_session *session, int64_t time, const int32_t *tokens,
                                     const int32_t *reset, float *logits) {
    if (!session || !tokens) {
        return fail(MINRNN_INVALID_ARGUMENT, "minrnn_session_forward: an argument is NULL");
    }
    if (time < 1 || time > session->time) {
        return fail(MINRNN_INVALID_ARGUMENT,
                    "minrnn_session_forward: time is %lld, this session takes 1 to %lld",
                    (long long)time, (long long)session->time);
    }
    if (session->broken) {
        return fail(MINRNN_DEVICE_ERROR,
                    "minrnn_session_forward: an earlier call failed part-way, so the carried "
                    "states are lost: restart the session");
    }
    const int64_t vocab = session->model->layout.config.vocab;
    const int64_t rows = session->batch * time;
    struct network_pass *pass = &session->pass;
    minrnn_status status =
        reset ? layout_require(&session->model->layout, LAYER_RESETS) : MINRNN_OK;
    status = status ? status : input_check("minrnn_session_forward", tokens, rows, vocab, false);
    status = status ? status : tensor_write(session->tokens, tokens, rows, true);
    if (!status && reset) {
        status = tensor_write(session->reset, reset, rows, true);
    }
    if (status) {
        return status;
    }
    pass->time = time;
    pass->reset = reset ? session->reset : (minrnn_tensor){0};
    select_states(session);
    session->context.status = MINRNN_OK;
    const minrnn_tensor computed = network_forward(pass, logits == NULL);
    status = session->context.status;
    if (!status) {
        session->fresh = false;
        session->current = 1 - session->current;
    }
    if (!status && logits) {
        status = tensor_read(computed, logits, rows * vocab, true);
    }
    session->broken = status != MINRNN_OK;
    return status;
}
