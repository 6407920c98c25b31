/* SPDX-License-Identifier: Apache-2.0 */
/* The public calls of a trainer: steps, records, evaluation, and how a run ends. */
#include "train/trainer.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/sized.h"
#include "network/memory.h"
#include "train/schedule.h"
#include "train/trainer_config.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static minrnn_memory memory_of(const minrnn_device *device, const struct model_layout *layout,
                               const minrnn_trainer_config *config,
                               const struct workspace_plan *plan) {
    const uint64_t parameters = (uint64_t)layout->places.total * F32_BYTES;
    const struct batch_shape shape = step_shape(config);
    minrnn_memory memory = {
        .parameters = parameters,
        .gradients = parameters,
        .moments = 2 * parameters,
        .workspace = workspace_bytes(plan),
        .host = slots_bytes(layout, config) + loss_host_bytes(&shape) +
                3 * parameters, /* a save's copy */
        .largest = workspace_largest(device, plan),
    };
    memory_sum(&memory);
    return memory;
}

static minrnn_status measure(minrnn_device *device, const struct model_layout *layout,
                             const minrnn_trainer_config *config, minrnn_memory *memory) {
    struct workspace_plan plan;
    const minrnn_status status = step_plan(device, layout, config, &plan);
    if (!status) {
        *memory = memory_of(device, layout, config, &plan);
    }
    return status;
}

minrnn_status minrnn_trainer_memory_sized(minrnn_device *device, const minrnn_model_config *model,
                                          const minrnn_trainer_config *config,
                                          minrnn_memory *memory, size_t size) {
    if (!device || !model || !config || !memory) {
        return fail(MINRNN_INVALID_ARGUMENT, "minrnn_trainer_memory: an argument is NULL");
    }
    struct model_layout layout;
    minrnn_trainer_config own;
    minrnn_memory measured;
    minrnn_status status = layout_create(model, &layout);
    if (status) {
        return status;
    }
    status = trainer_config_take(config, &own);
    status = status ? status : measure(device, &layout, &own, &measured);
    if (!status) {
        sized_give(&measured, sizeof measured, memory, size);
    }
    layout_destroy(&layout);
    return status;
}

/* ---- creation ---- */

static minrnn_status create_buffers(minrnn_trainer *trainer, const struct workspace_plan *plan) {
    minrnn_device *device = trainer->model->device;
    const uint64_t parameters = (uint64_t)trainer->model->layout.places.total * F32_BYTES;
    minrnn_status status = minrnn_buffer_create(device, parameters, &trainer->gradients);
    status = status ? status : minrnn_buffer_create(device, 2 * parameters, &trainer->moments);
    return status ? status : workspace_create(device, plan, &trainer->workspace);
}

static minrnn_status create_pass(struct network_pass *pass, minrnn_trainer *trainer) {
    const minrnn_status status =
        workspace_pass(&trainer->workspace, trainer->model, &trainer->context, pass);
    const struct batch_shape shape = step_shape(&trainer->config);
    loss_attach(pass, &shape, &trainer->room.batch);
    return status;
}

static minrnn_status create_passes(minrnn_trainer *trainer) {
    const minrnn_model *model = trainer->model;
    struct arena fixed = workspace_room(model->device, &trainer->workspace);
    trainer->room = step_take_room(&fixed, &model->layout, &trainer->config);
    trainer->context = workspace_context(model->device, &trainer->workspace);
    if (trainer->config.check_numbers) {
        trainer->numbers.count = trainer->room.nonfinite;
        numbers_attach(&trainer->numbers, &trainer->context);
    }
    minrnn_status status = create_pass(&trainer->pass, trainer);
    status = status ? status : create_pass(&trainer->evaluation, trainer);
    struct network_pass *pass = &trainer->pass;
    pass->gradients = tensor_f32(trainer->gradients, 0);
    pass->order = trainer->room.order;
    pass->start = trainer->room.start;
    pass->training = true;
    pass->seed = trainer->config.seed;
    return status;
}

static minrnn_status create_parts(minrnn_trainer *trainer, const struct workspace_plan *plan) {
    const minrnn_trainer_config *config = &trainer->config;
    const struct batch_shape shape = step_shape(config);
    const struct model_layout *layout = &trainer->model->layout;
    minrnn_device *device = trainer->model->device;
    minrnn_status status = slots_create(&trainer->slots, device, layout, config);
    status = status ? status : loss_host_create(&trainer->evaluated, device, &shape);
    status = status ? status : create_buffers(trainer, plan);
    status = status ? status : create_passes(trainer);
    if (status) {
        return status;
    }
    step_clear_gradients(&trainer->pass);
    return OP(fill, &trainer->context, .count = 2 * layout->places.total,
              .x = tensor_f32(trainer->moments, 0));
}

minrnn_status minrnn_trainer_create(minrnn_model *model, const minrnn_trainer_config *config,
                                    minrnn_trainer **trainer) {
    if (!model || !config || !trainer) {
        return fail(MINRNN_INVALID_ARGUMENT, "minrnn_trainer_create: an argument is NULL");
    }
    *trainer = NULL;
    struct workspace_plan plan;
    minrnn_memory memory;
    minrnn_trainer_config own;
    minrnn_status status = trainer_config_take(config, &own);
    status = status ? status : step_plan(model->device, &model->layout, &own, &plan);
    if (status) {
        return status;
    }
    memory = memory_of(model->device, &model->layout, &own, &plan);
    status = memory_check(model->device, "the trainer", &memory, memory.parameters);
    if (status) {
        return status;
    }
    minrnn_trainer *made = mem_alloc(1, sizeof *made);
    if (!made) {
        return MINRNN_OUT_OF_MEMORY;
    }
    made->model = model;
    made->config = own;
    status = create_parts(made, &plan);
    if (status) {
        minrnn_trainer_destroy(made);
        return status;
    }
    *trainer = made;
    return MINRNN_OK;
}

void minrnn_trainer_destroy(minrnn_trainer *trainer) {
    if (!trainer) {
        return;
    }
    /* The device may still read the slots' arrays; after an error nobody knows how far it is. */
    if (trainer_drain(trainer) || trainer->ended) {
        (void)minrnn_device_finish(trainer->model->device);
    }
    for (int i = 0; i < MICROS_QUEUED; i++) {
        (void)device_fence_wait(trainer->model->device, &trainer->micro[i].fence);
    }
    minrnn_buffer_destroy(trainer->gradients);
    minrnn_buffer_destroy(trainer->moments);
    workspace_destroy(&trainer->workspace);
    network_pass_destroy(&trainer->pass);
    network_pass_destroy(&trainer->evaluation);
    slots_destroy(&trainer->slots);
    loss_host_destroy(&trainer->evaluated);
    mem_free(trainer);
}

/* ---- steps ---- */

/* Notes that a step failed part-way, unless the run has ended already. */
static void end_half_done(minrnn_trainer *trainer) {
    if (!trainer->ended) {
        trainer->ended = MINRNN_DEVICE_ERROR;
        snprintf(trainer->end_text, sizeof trainer->end_text,
                 "a step after step %lld failed part-way, so parameters and moments may be "
                 "half updated: resume from a saved state",
                 (long long)trainer->step);
    }
}

/* The run is over: after a number that is not finite the text says where it came from. */
static void end_failed(minrnn_trainer *trainer, minrnn_status status, int64_t step) {
    if (status == MINRNN_NOT_FINITE) {
        (void)trainer_locate(trainer, &trainer->pass, step);
        trainer->ended = status;
        snprintf(trainer->end_text, sizeof trainer->end_text, "%s", minrnn_error_text());
    }
    end_half_done(trainer);
}

static void keep_record(minrnn_trainer *trainer, const struct step_slot *slot) {
    if (trainer->record_count == RECORDS_KEPT) {
        memmove(trainer->records, trainer->records + 1,
                (RECORDS_KEPT - 1) * sizeof *trainer->records);
        trainer->record_count--;
    }
    const minrnn_step_record record = trainer_record_of(slot);
    trainer->records[trainer->record_count++] = record;
    if (!trainer->ended && !trainer_is_finite(&record, trainer->end_text)) {
        trainer->ended = MINRNN_NOT_FINITE;
    }
}

/* The slot of the oldest step in flight, NULL if there is none. */
static struct step_slot *oldest(minrnn_trainer *trainer) {
    struct step_slot *found = NULL;
    for (int i = 0; i < STEPS_IN_FLIGHT; i++) {
        struct step_slot *slot = &trainer->slots.slot[i];
        if (slot->step != 0 && (!found || slot->step < found->step)) {
            found = slot;
        }
    }
    return found;
}

/* If the step behind the oldest is done too when that is seen to be (`is_new`), nobody saw which
 * part of the time was whose: each gets half of it. */
static void look_behind(minrnn_trainer *trainer, struct step_slot *slot, bool is_new) {
    struct step_slot *next = &trainer->slots.slot[(slot->step + 1) % STEPS_IN_FLIGHT];
    const double since = fmax(slot->last.begun, trainer->pace.passed);
    if (next->step != slot->step + 1 || !(slot->last.fence.passed > 0)) {
        return;
    }
    device_fence_look(trainer->model->device, &next->last.fence);
    if (is_new && next->last.fence.passed > 0) {
        slot->last.fence.passed = since + (next->last.fence.passed - since) / 2;
    }
}

/* Notes which steps in flight are done. It is called now and then: a record's time is then not far
 * from the step's end. */
static void look(minrnn_trainer *trainer) {
    struct step_slot *slot = oldest(trainer);
    if (slot) {
        const bool is_new = !(slot->last.fence.passed > 0);
        device_fence_look(trainer->model->device, &slot->last.fence);
        look_behind(trainer, slot, is_new);
    }
}

/* Steps end in their order, and are to be seen so: no older one than the piece's is in flight. */
static minrnn_status wait_for(minrnn_trainer *trainer, struct piece *piece) {
    struct step_slot *slot = oldest(trainer);
    const bool is_new = !(piece->fence.passed > 0);
    const minrnn_status status = device_fence_wait(trainer->model->device, &piece->fence);
    if (slot && piece == &slot->last) {
        look_behind(trainer, slot, is_new);
    }
    pace_note(&trainer->pace, piece);
    return status;
}

/* Waits for a slot's step, keeps its record and frees the slot. */
static minrnn_status collect(minrnn_trainer *trainer, struct step_slot *slot) {
    if (slot->step == 0) {
        return MINRNN_OK;
    }
    const minrnn_status status = wait_for(trainer, &slot->last);
    if (status) {
        end_half_done(trainer);
    } else {
        keep_record(trainer, slot);
    }
    slot->step = 0;
    return status;
}

minrnn_status trainer_drain(minrnn_trainer *trainer) {
    minrnn_status status = MINRNN_OK;
    for (struct step_slot *slot = oldest(trainer); slot; slot = oldest(trainer)) {
        const minrnn_status collected = collect(trainer, slot);
        status = status ? status : collected;
    }
    return status;
}

minrnn_status trainer_check_running(const minrnn_trainer *trainer) {
    return trainer->ended ? fail(trainer->ended, "%s", trainer->end_text) : MINRNN_OK;
}

minrnn_status trainer_check_steps(const minrnn_trainer *trainer) {
    if (trainer->ended) {
        return trainer_check_running(trainer);
    }
    for (int64_t back = STEPS_IN_FLIGHT - 1; back >= 0; back--) {
        const int64_t step = trainer->step - back;
        if (step < 1) {
            continue; /* never made */
        }
        const struct step_slot *slot = &trainer->slots.slot[step % STEPS_IN_FLIGHT];
        if (slot->step != step) {
            continue; /* collected */
        }
        char text[FAILURE_CAPACITY];
        const minrnn_step_record record = trainer_record_of(slot);
        if (!trainer_is_finite(&record, text)) {
            return fail(MINRNN_NOT_FINITE, "%s", text);
        }
    }
    return MINRNN_OK;
}

/* ---- micro-batches, counted from 0 over all steps ---- */

static struct piece *piece_of(minrnn_trainer *trainer, int64_t micro) {
    const int64_t micros = trainer->config.accumulation;
    const int64_t step = micro / micros + 1, within = micro % micros;
    return within == micros - 1 ? &trainer->slots.slot[step % STEPS_IN_FLIGHT].last
                                : &trainer->micro[within % MICROS_QUEUED];
}

/* Waits until there may be one more. */
static minrnn_status begin_micro(minrnn_trainer *trainer, int64_t micro) {
    const int64_t before = micro - MICROS_QUEUED;
    const minrnn_status status =
        before >= 0 ? wait_for(trainer, piece_of(trainer, before)) : MINRNN_OK;
    piece_of(trainer, micro)->begun = clock_seconds();
    return status;
}

static minrnn_status end_micro(minrnn_trainer *trainer, int64_t micro) {
    struct piece *piece = piece_of(trainer, micro);
    minrnn_status status = device_fence_set(trainer->model->device, &piece->fence);
    if (status || trainer->pace.quick) {
        return status;
    }
    status = wait_for(trainer, &oldest(trainer)->last); /* the step before, if it is in flight */
    return status ? status : wait_for(trainer, piece);
}

static minrnn_status enqueue_micro(minrnn_trainer *trainer, const struct step_slot *slot,
                                   int64_t i) {
    const float scale = slot->used > 0 ? (float)(1.0 / (double)slot->used) : 0.0f;
    const minrnn_status status =
        slot_upload(slot, &trainer->config, &trainer->room, i, &trainer->pass);
    look(trainer);
    if (status) {
        return status;
    }
    step_micro(&trainer->pass, &trainer->room, scale, i == 0);
    look(trainer);
    return trainer->context.status;
}

static minrnn_status enqueue_update(minrnn_trainer *trainer, const struct step_slot *slot) {
    step_update(&trainer->pass, &trainer->config, slot->step, slot->rate, &trainer->room,
                tensor_f32(trainer->moments, 0));
    const minrnn_status status = trainer->context.status;
    return status ? status : tensor_read(trainer->room.results, slot->results, 2, false);
}

static minrnn_status enqueue_step(minrnn_trainer *trainer, const struct step_slot *slot) {
    const int64_t micros = trainer->config.accumulation;
    minrnn_status status = MINRNN_OK;
    trainer->context.status = MINRNN_OK;
    step_clear_gradients(&trainer->pass);
    for (int64_t i = 0; !status && i < micros; i++) {
        const int64_t micro = (slot->step - 1) * micros + i;
        trainer->pass.step = (uint32_t)micro;
        status = begin_micro(trainer, micro);
        status = status ? status : enqueue_micro(trainer, slot, i);
        if (!status && i == micros - 1) {
            status = enqueue_update(trainer, slot);
        }
        status = status ? status : end_micro(trainer, micro);
    }
    return status;
}

minrnn_status minrnn_trainer_step(minrnn_trainer *trainer, const minrnn_batch *batch) {
    if (!trainer || !batch) {
        return fail(MINRNN_INVALID_ARGUMENT, "minrnn_trainer_step: an argument is NULL");
    }
    const minrnn_trainer_config *config = &trainer->config;
    const struct model_layout *layout = &trainer->model->layout;
    const struct batch_shape shape = step_whole_shape(config);
    minrnn_batch taken;
    minrnn_status status = trainer_check_running(trainer);
    status = status ? status : device_check(trainer->model->device); /* the slots' arrays are its */
    status = status ? status : batch_take("minrnn_trainer_step", layout, &shape, batch, &taken);
    if (status) {
        return status;
    }
    look(trainer);
    const int64_t step = trainer->step + 1;
    struct step_slot *slot = &trainer->slots.slot[step % STEPS_IN_FLIGHT];
    status = collect(trainer, slot);
    status = status ? status : trainer_check_running(trainer);
    if (status) {
        return status;
    }
    slot_fill(slot, layout, config, &taken);
    slot->step = step;
    slot->rate = schedule_rate(config, step);
    slot->last.fence.passed = 0;
    status = enqueue_step(trainer, slot);
    if (status) {
        slot->step = 0; /* its arrays stay until minrnn_trainer_destroy has waited */
        end_failed(trainer, status, step);
        return status;
    }
    trainer->step = step;
    return MINRNN_OK;
}

minrnn_status minrnn_trainer_record_sized(minrnn_trainer *trainer, bool wait,
                                          minrnn_step_record *record, size_t size, bool *there) {
    if (!trainer || !record || !there) {
        return fail(MINRNN_INVALID_ARGUMENT, "minrnn_trainer_record: an argument is NULL");
    }
    *there = false;
    look(trainer);
    struct step_slot *slot = oldest(trainer);
    if (trainer->record_count == 0 && slot && (wait || slot->last.fence.passed > 0)) {
        const minrnn_status status = collect(trainer, slot);
        if (status) {
            return status;
        }
    }
    if (trainer->record_count == 0) {
        return MINRNN_OK;
    }
    const minrnn_step_record own = trainer->records[0];
    sized_give(&own, sizeof own, record, size);
    *there = true;
    trainer->record_count--;
    memmove(trainer->records, trainer->records + 1,
            (size_t)trainer->record_count * sizeof *trainer->records);
    char text[FAILURE_CAPACITY];
    return trainer_is_finite(&own, text) ? MINRNN_OK : fail(MINRNN_NOT_FINITE, "%s", text);
}

int64_t minrnn_trainer_steps(const minrnn_trainer *trainer) {
    return trainer ? trainer->step : 0;
}

minrnn_status minrnn_trainer_get_config_sized(const minrnn_trainer *trainer,
                                              minrnn_trainer_config *config, size_t size) {
    if (!trainer || !config) {
        return fail(MINRNN_INVALID_ARGUMENT, "minrnn_trainer_get_config: an argument is NULL");
    }
    settings_give(&trainer_settings, &trainer->config, config, size);
    return MINRNN_OK;
}

minrnn_status minrnn_trainer_read_gradients(minrnn_trainer *trainer, float *gradients) {
    if (!trainer || !gradients) {
        return fail(MINRNN_INVALID_ARGUMENT, "minrnn_trainer_read_gradients: an argument is NULL");
    }
    return tensor_read(tensor_f32(trainer->gradients, 0), gradients,
                       trainer->model->layout.places.total, true);
}

static minrnn_status evaluate(const char *call, minrnn_trainer *trainer, const minrnn_batch *batch,
                              minrnn_score *score) {
    struct network_pass *pass = &trainer->evaluation;
    const struct batch_shape shape = step_shape(&trainer->config);
    minrnn_batch taken;
    minrnn_status status = trainer_check_running(trainer);
    status = status ? status : batch_take(call, pass->layout, &shape, batch, &taken);
    if (status) {
        return status;
    }
    status =
        loss_of_batch(call, pass, &shape, &trainer->room.batch, &taken, &trainer->evaluated, score);
    if (status != MINRNN_NOT_FINITE) {
        return status;
    }
    return trainer->context.status ? trainer_locate(trainer, pass, trainer->step)
                                   : fail_in(status, "after step %lld", (long long)trainer->step);
}

minrnn_status minrnn_trainer_score(minrnn_trainer *trainer, const minrnn_batch *batch,
                                   minrnn_score *score) {
    const char *call = "minrnn_trainer_score";
    return !trainer || !batch || !score
               ? fail(MINRNN_INVALID_ARGUMENT, "%s: an argument is NULL", call)
               : evaluate(call, trainer, batch, score);
}

minrnn_status minrnn_trainer_evaluate(minrnn_trainer *trainer, const minrnn_batch *batch,
                                      double *loss_sum, int64_t *count) {
    const char *call = "minrnn_trainer_evaluate";
    if (!trainer || !batch || !loss_sum || !count) {
        return fail(MINRNN_INVALID_ARGUMENT, "%s: an argument is NULL", call);
    }
    minrnn_score score = {.size = sizeof score};
    const minrnn_status status = evaluate(call, trainer, batch, &score);
    *loss_sum += score.loss_sum;
    *count += score.targets;
    return status;
}
