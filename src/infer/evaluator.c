/* SPDX-License-Identifier: Apache-2.0 */
/* Evaluation without a trainer: forward and loss, in memory of its own. */
#include <minrnn/evaluator.h>

#include "base/alloc.h"
#include "base/sized.h"
#include "network/loss.h"
#include "network/memory.h"
#include "network/workspace.h"

struct minrnn_evaluator {
    const minrnn_model *model;
    struct workspace workspace;
    struct op_context context;
    struct network_pass pass;
    struct loss_room room;
    struct batch_shape shape; /* the head runs everywhere */
    struct loss_host host;
};

static minrnn_status check_size(int64_t batch, int64_t time) {
    return batch < 1 || time < 1 || batch > INT32_MAX || time > INT32_MAX / batch
               ? fail(MINRNN_INVALID_ARGUMENT,
                      "evaluator: batch %lld and time %lld must be at least 1, their product below "
                      "2^31",
                      (long long)batch, (long long)time)
               : MINRNN_OK;
}

static minrnn_status plan_evaluator(minrnn_device *device, const struct model_layout *layout,
                                    int64_t batch, int64_t time, struct workspace_plan *plan) {
    struct op_context context = {.device = device, .planning = true};
    struct arena fixed = arena_of(device);
    struct network_pass pass;
    minrnn_status status = check_size(batch, time);
    status = status ? status : layout_check_rows(layout, batch, time);
    status = status ? status : network_pass_create(&pass, &context, layout);
    if (status) {
        return status;
    }
    const struct batch_shape shape = {batch, time, 0};
    const struct loss_room room = loss_take_room(&fixed, &shape);
    loss_attach(&pass, &shape, &room);
    loss_evaluate(&pass, &room);
    *plan = workspace_planned(&fixed, &pass);
    network_pass_destroy(&pass);
    return context.status;
}

static minrnn_memory memory_of(const minrnn_device *device, const struct model_layout *layout,
                               int64_t batch, int64_t time, const struct workspace_plan *plan) {
    const struct batch_shape shape = {batch, time, 0};
    minrnn_memory memory = {
        .parameters = (uint64_t)layout->places.total * F32_BYTES,
        .workspace = workspace_bytes(plan),
        .host = loss_host_bytes(&shape),
        .largest = workspace_largest(device, plan),
    };
    memory_sum(&memory);
    return memory;
}

minrnn_status minrnn_evaluator_memory_sized(minrnn_device *device,
                                            const minrnn_model_config *config, int64_t batch,
                                            int64_t time, minrnn_memory *memory, size_t size) {
    if (!device || !config || !memory) {
        return fail(MINRNN_INVALID_ARGUMENT, "minrnn_evaluator_memory: an argument is NULL");
    }
    struct model_layout layout;
    struct workspace_plan plan;
    minrnn_status status = layout_create(config, &layout);
    if (status) {
        return status;
    }
    status = plan_evaluator(device, &layout, batch, time, &plan);
    if (!status) {
        const minrnn_memory own = memory_of(device, &layout, batch, time, &plan);
        sized_give(&own, sizeof own, memory, size);
    }
    layout_destroy(&layout);
    return status;
}

static minrnn_status create_pass(minrnn_evaluator *evaluator) {
    struct arena fixed = workspace_room(evaluator->model->device, &evaluator->workspace);
    evaluator->room = loss_take_room(&fixed, &evaluator->shape);
    evaluator->context = workspace_context(evaluator->model->device, &evaluator->workspace);
    const minrnn_status status = workspace_pass(&evaluator->workspace, evaluator->model,
                                                &evaluator->context, &evaluator->pass);
    loss_attach(&evaluator->pass, &evaluator->shape, &evaluator->room);
    return status;
}

minrnn_status minrnn_evaluator_create(const minrnn_model *model, int64_t batch, int64_t time,
                                      minrnn_evaluator **evaluator) {
    if (!model || !evaluator) {
        return fail(MINRNN_INVALID_ARGUMENT, "minrnn_evaluator_create: an argument is NULL");
    }
    *evaluator = NULL;
    struct workspace_plan plan;
    minrnn_status status = plan_evaluator(model->device, &model->layout, batch, time, &plan);
    if (status) {
        return status;
    }
    const minrnn_memory memory = memory_of(model->device, &model->layout, batch, time, &plan);
    status = memory_check(model->device, "the evaluator", &memory, memory.parameters);
    if (status) {
        return status;
    }
    minrnn_evaluator *made = mem_alloc(1, sizeof *made);
    if (!made) {
        return MINRNN_OUT_OF_MEMORY;
    }
    made->model = model;
    made->shape = (struct batch_shape){batch, time, 0};
    status = loss_host_create(&made->host, model->device, &made->shape);
    status = status ? status : workspace_create(model->device, &plan, &made->workspace);
    status = status ? status : create_pass(made);
    if (status) {
        minrnn_evaluator_destroy(made);
        return status;
    }
    *evaluator = made;
    return MINRNN_OK;
}

void minrnn_evaluator_destroy(minrnn_evaluator *evaluator) {
    if (evaluator) {
        workspace_destroy(&evaluator->workspace);
        network_pass_destroy(&evaluator->pass);
        loss_host_destroy(&evaluator->host);
        mem_free(evaluator);
    }
}

static minrnn_status evaluate(const char *call, minrnn_evaluator *evaluator,
                              const minrnn_batch *batch, minrnn_score *score) {
    struct network_pass *pass = &evaluator->pass;
    minrnn_batch taken;
    const minrnn_status status = batch_take(call, pass->layout, &evaluator->shape, batch, &taken);
    return status ? status
                  : loss_of_batch(call, pass, &evaluator->shape, &evaluator->room, &taken,
                                  &evaluator->host, score);
}

minrnn_status minrnn_evaluator_score(minrnn_evaluator *evaluator, const minrnn_batch *batch,
                                     minrnn_score *score) {
    const char *call = "minrnn_evaluator_score";
    return !evaluator || !batch || !score
               ? fail(MINRNN_INVALID_ARGUMENT, "%s: an argument is NULL", call)
               : evaluate(call, evaluator, batch, score);
}

minrnn_status minrnn_evaluate(minrnn_evaluator *evaluator, const minrnn_batch *batch,
                              double *loss_sum, int64_t *count) {
    const char *call = "minrnn_evaluate";
    if (!evaluator || !batch || !loss_sum || !count) {
        return fail(MINRNN_INVALID_ARGUMENT, "%s: an argument is NULL", call);
    }
    minrnn_score score = {.size = sizeof score};
    const minrnn_status status = evaluate(call, evaluator, batch, &score);
    *loss_sum += score.loss_sum;
    *count += score.targets;
    return status;
}
