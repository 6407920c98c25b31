/* SPDX-License-Identifier: Apache-2.0 */
/* One step: micro-batches, the norm of the gradient, AdamW. */
#include "train/step.h"

#include "op/numbers.h"

#include <math.h>

struct trainer_room step_take_room(struct arena *arena, const struct model_layout *layout,
                                   const minrnn_trainer_config *config) {
    const struct batch_shape shape = step_shape(config);
    return (struct trainer_room){
        .batch = loss_take_room(arena, &shape),
        .order = arena_take_i32(arena, batch_rows(&shape)),
        .start = arena_take_i32(arena, layout->config.vocab + 1),
        .results = arena_take(arena, 2),
        .nonfinite = arena_take(arena, config->check_numbers),
    };
}

static minrnn_tensor result_loss(const struct trainer_room *room) {
    return room->results;
}

static minrnn_tensor result_norm(const struct trainer_room *room) {
    return tensor_at(room->results, 1);
}

void step_micro(struct network_pass *pass, const struct trainer_room *room, float scale,
                bool first) {
    const minrnn_tensor logits = network_forward(pass, false);
    loss_forward(pass, &room->batch, scale, logits);
    OP(sum, pass->context, .count = network_head_rows(pass), .scale = scale, .accumulate = !first,
       .x = room->batch.losses, .total = result_loss(room));
    network_backward(pass, logits);
}

/* The run's rate, as a stretch of parameters has it. */
static float rate_of(const struct parameter_stretch *stretch, float rate) {
    const float own = stretch->rate_factor > 0.0f ? rate * stretch->rate_factor : rate;
    return stretch->rate_cap > 0.0f && own > stretch->rate_cap ? stretch->rate_cap : own;
}

static void adamw(const struct network_pass *pass, const minrnn_trainer_config *config,
                  int64_t step, float rate, const struct trainer_room *room, minrnn_tensor moments,
                  const struct parameter_stretch *stretch) {
    const int64_t begin = stretch->begin;
    OP(adamw, pass->context, .count = stretch->count, .rate = rate_of(stretch, rate),
       .beta1 = config->beta1, .beta2 = config->beta2, .epsilon = config->epsilon,
       .decay = stretch->decays ? config->weight_decay : 0.0f,
       .correction1 = (float)(1.0 - pow((double)config->beta1, (double)step)),
       .correction2 = (float)(1.0 - pow((double)config->beta2, (double)step)), .clip = config->clip,
       .grad = tensor_at(pass->gradients, begin), .square_norm = result_norm(room),
       .param = tensor_at(pass->parameters, begin), .m = tensor_at(moments, begin),
       .v = tensor_at(moments, pass->layout->places.total + begin));
}

/* The norm's square is summed even if nothing is clipped: it tells AdamW whether the gradient is
 * finite. */
void step_update(struct network_pass *pass, const minrnn_trainer_config *config, int64_t step,
                 float rate, const struct trainer_room *room, minrnn_tensor moments) {
    const struct parameter_places *places = &pass->layout->places;
    network_enter(pass, "update", -1, "optimiser");
    OP(square_sum, pass->context, .count = places->total, .x = pass->gradients,
       .total = result_norm(room));
    for (int i = 0; i < places->stretch_count; i++) {
        adamw(pass, config, step, rate, room, moments, &places->stretches[i]);
    }
}

void step_clear_gradients(const struct network_pass *pass) {
    OP(fill, pass->context, .count = pass->layout->places.total, .x = pass->gradients);
}

/* ---- planning ---- */

minrnn_status step_plan(minrnn_device *device, const struct model_layout *layout,
                        const minrnn_trainer_config *config, struct workspace_plan *plan) {
    struct number_check numbers = {0};
    struct op_context context = {.device = device, .planning = true};
    struct arena fixed = arena_of(device);
    struct network_pass pass;
    minrnn_status status = layout_check_rows(layout, config->batch, config->time);
    status = status ? status : network_pass_create(&pass, &context, layout);
    if (status) {
        return status;
    }
    const struct batch_shape shape = step_shape(config);
    const struct trainer_room room = step_take_room(&fixed, layout, config);
    if (config->check_numbers) {
        numbers_attach(&numbers, &context);
    }
    loss_attach(&pass, &shape, &room.batch);
    pass.training = true;
    step_clear_gradients(&pass);
    step_micro(&pass, &room, 1.0f, true);
    step_update(&pass, config, 1, config->rate, &room, (minrnn_tensor){0});
    pass.training = false;
    loss_evaluate(&pass, &room.batch);
    *plan = workspace_planned(&fixed, &pass);
    network_pass_destroy(&pass);
    return context.status;
}
