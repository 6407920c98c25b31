#include "train/trainer.h"

#include "base/alloc.h"
#include "op/room.h"
#include "train/trainer_config.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const double PI = 3.14159265358979323846;

/* Elements of each of a slot's arrays, all of its micro-batches together. */
struct slot_sizes {
    int64_t rows, starts, lengths, all;
};

static struct slot_sizes slot_sizes_of(const struct model_layout *layout,
                                       const minrnn_trainer_config *config) {
    const int64_t micros = config->accumulation;
    struct slot_sizes sizes = {.rows = micros * config->batch * config->time,
                               .starts = micros * (layout->config.vocab + 1),
                               .lengths = micros * config->batch};
    sizes.all = 4 * sizes.rows + sizes.starts + sizes.lengths;
    return sizes;
}

/* What create_slots takes. */
static uint64_t host_bytes(const struct model_layout *layout, const minrnn_trainer_config *config) {
    const int64_t slots = STEPS_IN_FLIGHT * slot_sizes_of(layout, config).all;
    return (uint64_t)(slots + config->batch * config->time) * TENSOR_ELEMENT_BYTES;
}

static minrnn_memory memory_of(const struct model_layout *layout,
                               const minrnn_trainer_config *config,
                               const struct trainer_plan *plan) {
    const uint64_t parameters = (uint64_t)layout->total * TENSOR_ELEMENT_BYTES;
    minrnn_memory memory = {
        .parameters = parameters,
        .gradients = parameters,
        .moments = 2 * parameters,
        .workspace = (uint64_t)step_plan_total(plan) * TENSOR_ELEMENT_BYTES,
        .host = host_bytes(layout, config) + 3 * parameters, /* minrnn_trainer_save's copy */
    };
    memory.total = memory.parameters + memory.gradients + memory.moments + memory.workspace;
    return memory;
}

static minrnn_status measure(minrnn_device *device, const struct model_layout *layout,
                             const minrnn_trainer_config *config, minrnn_memory *memory) {
    struct trainer_plan plan;
    const minrnn_status status = step_plan(device, layout, config, &plan);
    if (!status) {
        *memory = memory_of(layout, config, &plan);
    }
    return status;
}

minrnn_status minrnn_trainer_memory(minrnn_device *device, const minrnn_model_config *model,
                                    const minrnn_trainer_config *config, minrnn_memory *memory) {
    if (!device || !model || !config || !memory) {
        return fail(MINRNN_INVALID_ARGUMENT, "minrnn_trainer_memory: an argument is NULL");
    }
    struct model_layout layout;
    minrnn_trainer_config own;
    minrnn_status status = layout_create(model, &layout);
    if (!status) {
        status = trainer_config_take(config, &own);
        status = status ? status : measure(device, &layout, &own, memory);
        layout_destroy(&layout);
    }
    return status;
}

/* ---- creation ---- */

/* The host arrays of all slots, from one allocation. */
static minrnn_status create_slots(minrnn_trainer *trainer) {
    const minrnn_trainer_config *config = &trainer->config;
    const struct slot_sizes sizes = slot_sizes_of(&trainer->model->layout, config);
    trainer->host = mem_alloc((uint64_t)(STEPS_IN_FLIGHT * sizes.all), sizeof *trainer->host);
    trainer->host_losses =
        mem_alloc((uint64_t)(config->batch * config->time), sizeof *trainer->host_losses);
    if (!trainer->host || !trainer->host_losses) {
        return MINRNN_OUT_OF_MEMORY;
    }
    for (int i = 0; i < STEPS_IN_FLIGHT; i++) {
        struct step_slot *slot = &trainer->slots[i];
        slot->tokens = trainer->host + i * sizes.all;
        slot->targets = slot->tokens + sizes.rows;
        slot->order = slot->targets + sizes.rows;
        slot->reset = slot->order + sizes.rows;
        slot->start = slot->reset + sizes.rows;
        slot->lengths = slot->start + sizes.starts;
    }
    return MINRNN_OK;
}

static minrnn_status create_buffers(minrnn_trainer *trainer, const struct trainer_plan *plan) {
    minrnn_device *device = trainer->model->device;
    const uint64_t parameters = (uint64_t)trainer->model->layout.total * TENSOR_ELEMENT_BYTES;
    minrnn_status status = minrnn_buffer_create(device, parameters, &trainer->gradients);
    status = status ? status : minrnn_buffer_create(device, 2 * parameters, &trainer->moments);
    return status ? status
                  : minrnn_buffer_create(device,
                                         (uint64_t)step_plan_total(plan) * TENSOR_ELEMENT_BYTES,
                                         &trainer->workspace);
}

static minrnn_status create_pass(minrnn_trainer *trainer, const struct trainer_plan *plan) {
    const minrnn_model *model = trainer->model;
    struct arena fixed = {.base = tensor_f32(trainer->workspace, 0)};
    trainer->room = step_take_room(&fixed, &model->layout, &trainer->config);
    trainer->context = (struct op_context){
        .device = model->device,
        .scratch = tensor_f32(trainer->workspace, plan->room + plan->kept + plan->brief),
        .scratch_bytes = plan->scratch * TENSOR_ELEMENT_BYTES,
    };
    if (trainer->config.check_numbers) {
        trainer->numbers.count = trainer->room.nonfinite;
        numbers_attach(&trainer->numbers, &trainer->context);
    }
    const minrnn_status status = network_pass_create(&trainer->pass, &model->layout);
    if (status) {
        return status;
    }
    struct network_pass *pass = &trainer->pass;
    pass->context = &trainer->context;
    pass->batch = trainer->config.batch;
    pass->time = trainer->config.time;
    pass->parameters = tensor_f32(model->parameters, 0);
    pass->gradients = tensor_f32(trainer->gradients, 0);
    pass->tokens = trainer->room.tokens;
    pass->order = trainer->room.order;
    pass->start = trainer->room.start;
    pass->training = true;
    pass->seed = trainer->config.seed;
    pass->kept.base = tensor_f32(trainer->workspace, plan->room);
    pass->brief.base = tensor_f32(trainer->workspace, plan->room + plan->kept);
    return MINRNN_OK;
}

minrnn_status minrnn_trainer_create(minrnn_model *model, const minrnn_trainer_config *config,
                                    minrnn_trainer **trainer) {
    if (!model || !config || !trainer) {
        return fail(MINRNN_INVALID_ARGUMENT, "minrnn_trainer_create: an argument is NULL");
    }
    *trainer = NULL;
    struct trainer_plan plan;
    minrnn_memory memory;
    minrnn_trainer_config own;
    minrnn_status status = trainer_config_take(config, &own);
    status = status ? status : step_plan(model->device, &model->layout, &own, &plan);
    if (status) {
        return status;
    }
    memory = memory_of(&model->layout, &own, &plan);
    status = device_check_room(model->device, "the trainer", memory.total - memory.parameters,
                               memory.host);
    if (status) {
        return status;
    }
    minrnn_trainer *made = mem_alloc(1, sizeof *made);
    if (!made) {
        return MINRNN_OUT_OF_MEMORY;
    }
    made->model = model;
    made->config = own;
    status = create_slots(made);
    status = status ? status : create_buffers(made, &plan);
    status = status ? status : create_pass(made, &plan);
    status = status ? status : step_clear_gradients(&made->pass);
    status = status ? status
                    : OP(fill, &made->context, .count = 2 * model->layout.total,
                         .x = tensor_f32(made->moments, 0));
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
    minrnn_buffer_destroy(trainer->gradients);
    minrnn_buffer_destroy(trainer->moments);
    minrnn_buffer_destroy(trainer->workspace);
    network_pass_destroy(&trainer->pass);
    mem_free(trainer->host);
    mem_free(trainer->host_losses);
    mem_free(trainer);
}

/* ---- steps ---- */

/* The learning rate of a step, 1 being the first. */
static float rate_at(const minrnn_trainer_config *config, int64_t step) {
    if (step <= config->warmup) {
        return (float)((double)config->rate * (double)step / (double)config->warmup);
    }
    if (config->schedule == MINRNN_SCHEDULE_CONSTANT) {
        return config->rate;
    }
    const int64_t length = config->steps - config->warmup;
    const double progress =
        length > 0 ? fmin((double)(step - config->warmup) / (double)length, 1.0) : 1.0;
    const double share = 0.5 * (1.0 + cos(PI * progress));
    return (float)((double)config->min_rate +
                   share * ((double)config->rate - (double)config->min_rate));
}

/* Notes that a step failed part-way, unless the run has ended already. */
static void end_half_done(minrnn_trainer *trainer) {
    if (!trainer->ended) {
        trainer->ended = MINRNN_DEVICE_ERROR;
        snprintf(trainer->end_text, sizeof trainer->end_text,
                 "a step after step %lld failed part-way, so that parameters and moments may be "
                 "half updated: resume from a saved state",
                 (long long)trainer->step);
    }
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

/* Notes which steps in flight are done. Called now and then, so that a record's time is not far
 * from the step's end. */
static void look(minrnn_trainer *trainer) {
    for (int i = 0; i < STEPS_IN_FLIGHT; i++) {
        if (trainer->slots[i].step != 0) {
            device_fence_look(trainer->model->device, &trainer->slots[i].fence);
        }
    }
}

/* Waits for a slot's step, keeps its record and frees the slot. */
static minrnn_status collect(minrnn_trainer *trainer, struct step_slot *slot) {
    if (slot->step == 0) {
        return MINRNN_OK;
    }
    const minrnn_status status = device_fence_wait(trainer->model->device, &slot->fence);
    if (status) {
        end_half_done(trainer);
    } else {
        keep_record(trainer, slot);
    }
    slot->step = 0;
    return status;
}

/* The slot of the oldest step in flight, NULL where there is none. */
static struct step_slot *oldest(minrnn_trainer *trainer) {
    struct step_slot *found = NULL;
    for (int i = 0; i < STEPS_IN_FLIGHT; i++) {
        struct step_slot *slot = &trainer->slots[i];
        if (slot->step != 0 && (!found || slot->step < found->step)) {
            found = slot;
        }
    }
    return found;
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
        const struct step_slot *slot = &trainer->slots[step % STEPS_IN_FLIGHT];
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

/* Rows sorted by token, stable: order[start[v]] .. are the rows of token v. */
static void sort_rows(const int32_t *tokens, int64_t rows, int64_t vocab, int32_t *order,
                      int32_t *start) {
    memset(start, 0, (size_t)(vocab + 1) * sizeof *start);
    for (int64_t r = 0; r < rows; r++) {
        start[tokens[r] + 1]++;
    }
    for (int64_t v = 0; v < vocab; v++) {
        start[v + 1] += start[v];
    }
    /* Filling moves each start to the next one's place; afterwards they are moved back. */
    for (int64_t r = 0; r < rows; r++) {
        order[start[tokens[r]]++] = (int32_t)r;
    }
    memmove(start + 1, start, (size_t)vocab * sizeof *start);
    start[0] = 0;
}

static void fill_slot(struct step_slot *slot, const minrnn_trainer *trainer, const int32_t *tokens,
                      const int32_t *targets, const int32_t *reset, const int32_t *lengths) {
    const minrnn_trainer_config *config = &trainer->config;
    const int64_t vocab = trainer->model->layout.config.vocab;
    const int64_t rows = config->batch * config->time;
    const size_t bytes = (size_t)(config->accumulation * rows) * sizeof *tokens;
    memcpy(slot->tokens, tokens, bytes);
    memcpy(slot->targets, targets, bytes);
    slot->has_reset = reset != NULL;
    slot->has_lengths = lengths != NULL;
    if (reset) {
        memcpy(slot->reset, reset, bytes);
    }
    if (lengths) {
        memcpy(slot->lengths, lengths,
               (size_t)(config->accumulation * config->batch) * sizeof *lengths);
    }
    for (int64_t i = 0; i < config->accumulation; i++) {
        sort_rows(tokens + i * rows, rows, vocab, slot->order + i * rows,
                  slot->start + i * (vocab + 1));
    }
}

static minrnn_status upload(minrnn_trainer *trainer, const struct step_slot *slot, int64_t micro) {
    const minrnn_trainer_config *config = &trainer->config;
    const struct trainer_room *room = &trainer->room;
    const int64_t rows = config->batch * config->time;
    const int64_t starts = trainer->model->layout.config.vocab + 1;
    const struct {
        minrnn_tensor to;
        const int32_t *from;
        int64_t count;
        bool given;
    } parts[] = {
        {room->tokens, slot->tokens, rows, true},
        {room->targets, slot->targets, rows, true},
        {room->order, slot->order, rows, true},
        {room->start, slot->start, starts, true},
        {room->reset, slot->reset, rows, slot->has_reset},
        {room->lengths, slot->lengths, config->batch, slot->has_lengths},
    };
    minrnn_status status = MINRNN_OK;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        if (!status && parts[i].given) {
            status = tensor_write(parts[i].to, parts[i].from + micro * parts[i].count,
                                  parts[i].count, false);
        }
    }
    trainer->pass.reset = slot->has_reset ? room->reset : (minrnn_tensor){0};
    trainer->pass.lengths = slot->has_lengths ? room->lengths : (minrnn_tensor){0};
    return status;
}

static int64_t count_targets(const int32_t *targets, int64_t count) {
    int64_t used = 0;
    for (int64_t i = 0; i < count; i++) {
        used += targets[i] >= 0;
    }
    return used;
}

static minrnn_status enqueue_step(minrnn_trainer *trainer, struct step_slot *slot) {
    const minrnn_trainer_config *config = &trainer->config;
    const int64_t micros = config->accumulation;
    const int64_t used = count_targets(slot->targets, micros * config->batch * config->time);
    const float scale = used > 0 ? (float)(1.0 / (double)used) : 0.0f;
    minrnn_status status = step_clear_gradients(&trainer->pass);
    for (int64_t i = 0; !status && i < micros; i++) {
        trainer->pass.step = (uint32_t)((slot->step - 1) * micros + i);
        status = upload(trainer, slot, i);
        look(trainer);
        status = status ? status : step_micro(&trainer->pass, &trainer->room, scale, i == 0);
        look(trainer);
    }
    status = status ? status
                    : step_update(&trainer->pass, config, slot->step, slot->rate, &trainer->room,
                                  tensor_f32(trainer->moments, 0));
    status = status ? status : tensor_read(trainer->room.results, slot->results, 2, false);
    return status ? status : device_fence_set(trainer->model->device, &slot->fence);
}

static minrnn_status check_inputs(const minrnn_trainer *trainer, const int32_t *tokens,
                                  const int32_t *targets, const int32_t *lengths) {
    const minrnn_trainer_config *config = &trainer->config;
    const int64_t sequences = config->accumulation * config->batch;
    const int64_t vocab = trainer->model->layout.config.vocab;
    const char *call = "minrnn_trainer_step";
    minrnn_status status = check_tokens(call, tokens, sequences * config->time, vocab, false);
    status = status ? status : check_tokens(call, targets, sequences * config->time, vocab, true);
    for (int64_t i = 0; lengths && !status && i < sequences; i++) {
        if (lengths[i] < 0 || lengths[i] > config->time) {
            status = fail(MINRNN_INVALID_ARGUMENT, "%s: length number %lld is %d, time is %lld",
                          call, (long long)i, (int)lengths[i], (long long)config->time);
        }
    }
    return status;
}

minrnn_status minrnn_trainer_step(minrnn_trainer *trainer, const int32_t *tokens,
                                  const int32_t *targets, const int32_t *reset,
                                  const int32_t *lengths) {
    if (!trainer || !tokens || !targets) {
        return fail(MINRNN_INVALID_ARGUMENT, "minrnn_trainer_step: an argument is NULL");
    }
    minrnn_status status = trainer_check_running(trainer);
    status = status ? status : check_inputs(trainer, tokens, targets, lengths);
    if (status) {
        return status;
    }
    look(trainer);
    const int64_t step = trainer->step + 1;
    struct step_slot *slot = &trainer->slots[step % STEPS_IN_FLIGHT];
    status = collect(trainer, slot);
    status = status ? status : trainer_check_running(trainer);
    if (status) {
        return status;
    }
    fill_slot(slot, trainer, tokens, targets, reset, lengths);
    slot->step = step;
    slot->rate = rate_at(&trainer->config, step);
    status = enqueue_step(trainer, slot);
    if (status) {
        slot->step = 0; /* its arrays stay until minrnn_trainer_destroy has waited */
        if (status == MINRNN_NOT_FINITE) {
            (void)trainer_locate(trainer, step);
            trainer->ended = status;
            snprintf(trainer->end_text, sizeof trainer->end_text, "%s", minrnn_error_text());
        }
        end_half_done(trainer);
        return status;
    }
    trainer->step = step;
    return MINRNN_OK;
}

minrnn_status minrnn_trainer_record(minrnn_trainer *trainer, bool wait, minrnn_step_record *record,
                                    bool *there) {
    if (!trainer || !record || !there) {
        return fail(MINRNN_INVALID_ARGUMENT, "minrnn_trainer_record: an argument is NULL");
    }
    *there = false;
    look(trainer);
    struct step_slot *slot = oldest(trainer);
    if (trainer->record_count == 0 && slot && (wait || slot->fence.passed > 0)) {
        const minrnn_status status = collect(trainer, slot);
        if (status) {
            return status;
        }
    }
    if (trainer->record_count == 0) {
        return MINRNN_OK;
    }
    *record = trainer->records[0];
    *there = true;
    trainer->record_count--;
    memmove(trainer->records, trainer->records + 1,
            (size_t)trainer->record_count * sizeof *trainer->records);
    char text[FAILURE_CAPACITY];
    return trainer_is_finite(record, text) ? MINRNN_OK : fail(MINRNN_NOT_FINITE, "%s", text);
}

int64_t minrnn_trainer_steps(const minrnn_trainer *trainer) {
    return trainer ? trainer->step : 0;
}

minrnn_status minrnn_trainer_copy_config(const minrnn_trainer *trainer,
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
    return tensor_read(tensor_f32(trainer->gradients, 0), gradients, trainer->model->layout.total,
                       true);
}

minrnn_status minrnn_trainer_evaluate(minrnn_trainer *trainer, const int32_t *tokens,
                                      const int32_t *targets, const int32_t *reset,
                                      double *loss_sum, int64_t *count) {
    if (!trainer || !tokens || !targets || !loss_sum || !count) {
        return fail(MINRNN_INVALID_ARGUMENT, "minrnn_trainer_evaluate: an argument is NULL");
    }
    const int64_t rows = trainer->config.batch * trainer->config.time;
    const int64_t vocab = trainer->model->layout.config.vocab;
    const char *call = "minrnn_trainer_evaluate";
    const struct trainer_room *room = &trainer->room;
    minrnn_status status = trainer_check_running(trainer);
    status = status ? status : check_tokens(call, tokens, rows, vocab, false);
    status = status ? status : check_tokens(call, targets, rows, vocab, true);
    status = status ? status : tensor_write(room->tokens, tokens, rows, true);
    status = status ? status : tensor_write(room->targets, targets, rows, true);
    if (!status && reset) {
        status = tensor_write(room->reset, reset, rows, true);
    }
    status = status ? status : step_evaluate(&trainer->pass, room, reset != NULL);
    if (status == MINRNN_NOT_FINITE) {
        return trainer_locate(trainer, trainer->step);
    }
    status = status ? status : tensor_read(room->losses, trainer->host_losses, rows, true);
    double sum = 0.0;
    for (int64_t i = 0; !status && i < rows; i++) {
        sum += (double)trainer->host_losses[i];
    }
    if (!status && !isfinite(sum)) {
        status = fail(MINRNN_NOT_FINITE, "%s: after step %lld the loss is %g", call,
                      (long long)trainer->step, sum);
    }
    if (!status) {
        *loss_sum += sum;
        *count += count_targets(targets, rows);
    }
    return status;
}
