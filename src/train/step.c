#include "train/step.h"

#include "op/numbers.h"

#include <math.h>

struct trainer_room step_take_room(struct arena *arena, const struct model_layout *layout,
                                   const minrnn_trainer_config *config) {
    const int64_t rows = config->batch * config->time;
    return (struct trainer_room){
        .tokens = arena_take_i32(arena, rows),
        .targets = arena_take_i32(arena, rows),
        .order = arena_take_i32(arena, rows),
        .start = arena_take_i32(arena, layout->config.vocab + 1),
        .reset = arena_take_i32(arena, rows),
        .lengths = arena_take_i32(arena, config->batch),
        .losses = arena_take(arena, rows),
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

/* Forward, loss and backward of the micro-batch in `room`; scale is 1 / targets of the whole step.
 */
minrnn_status step_micro(struct network_pass *pass, const struct trainer_room *room, float scale,
                         bool first) {
    const int64_t rows = pass->batch * pass->time;
    minrnn_tensor logits;
    minrnn_status status = network_forward(pass, false, &logits);
    if (status) {
        return status;
    }
    network_enter(pass, -1, "loss");
    status = OP(cross_entropy, pass->context, .rows = rows, .vocab = pass->layout->config.vocab,
                .scale = scale, .logits = logits, .targets = room->targets, .loss = room->losses,
                .dlogits = logits);
    status = status ? status
                    : OP(sum, pass->context, .count = rows, .scale = scale, .accumulate = !first,
                         .x = room->losses, .total = result_loss(room));
    return status ? status : network_backward(pass, logits);
}

static minrnn_status enqueue_adamw(const struct network_pass *pass,
                                   const minrnn_trainer_config *config, int64_t step, float rate,
                                   const struct trainer_room *room, minrnn_tensor moments,
                                   bool decaying) {
    const struct model_layout *layout = pass->layout;
    const int64_t begin = decaying ? 0 : layout->decaying;
    const int64_t count = decaying ? layout->decaying : layout->total - layout->decaying;
    if (count == 0) {
        return MINRNN_OK;
    }
    return OP(adamw, pass->context, .count = count, .rate = rate, .beta1 = config->beta1,
              .beta2 = config->beta2, .epsilon = config->epsilon,
              .decay = decaying ? config->weight_decay : 0.0f,
              .correction1 = (float)(1.0 - pow((double)config->beta1, (double)step)),
              .correction2 = (float)(1.0 - pow((double)config->beta2, (double)step)),
              .clip = config->clip, .grad = tensor_at(pass->gradients, begin),
              .square_norm = result_norm(room), .param = tensor_at(pass->parameters, begin),
              .m = tensor_at(moments, begin), .v = tensor_at(moments, layout->total + begin));
}

/* The norm's square is summed even where nothing is clipped: it tells AdamW whether the gradient is
 * finite. */
minrnn_status step_update(struct network_pass *pass, const minrnn_trainer_config *config,
                          int64_t step, float rate, const struct trainer_room *room,
                          minrnn_tensor moments) {
    pass->phase = "update";
    network_enter(pass, -1, "optimiser");
    minrnn_status status = OP(square_sum, pass->context, .count = pass->layout->total,
                              .x = pass->gradients, .total = result_norm(room));
    status = status ? status : enqueue_adamw(pass, config, step, rate, room, moments, true);
    return status ? status : enqueue_adamw(pass, config, step, rate, room, moments, false);
}

minrnn_status step_clear_gradients(const struct network_pass *pass) {
    return OP(fill, pass->context, .count = pass->layout->total, .x = pass->gradients);
}

minrnn_status step_evaluate(struct network_pass *pass, const struct trainer_room *room,
                            bool has_reset) {
    minrnn_tensor logits;
    const struct network_pass training = *pass;
    pass->training = false;
    pass->reset = has_reset ? room->reset : (minrnn_tensor){0};
    pass->lengths = (minrnn_tensor){0};
    minrnn_status status = network_forward(pass, false, &logits);
    if (!status) {
        network_enter(pass, -1, "loss");
        status = OP(cross_entropy, pass->context, .rows = pass->batch * pass->time,
                    .vocab = pass->layout->config.vocab, .logits = logits, .targets = room->targets,
                    .loss = room->losses);
    }
    pass->training = training.training;
    pass->reset = training.reset;
    pass->lengths = training.lengths;
    return status;
}

/* ---- planning ---- */

int64_t step_plan_total(const struct trainer_plan *plan) {
    return plan->room + plan->kept + plan->brief + plan->scratch;
}

minrnn_status step_plan(minrnn_device *device, const struct model_layout *layout,
                        const minrnn_trainer_config *config, struct trainer_plan *plan) {
    struct number_check numbers = {0};
    struct op_context context = {.device = device, .planning = true};
    struct arena fixed = {0};
    struct network_pass pass;
    minrnn_status status = layout_check_rows(layout, config->batch, config->time);
    status = status ? status : network_pass_create(&pass, layout);
    if (status) {
        return status;
    }
    const struct trainer_room room = step_take_room(&fixed, layout, config);
    if (config->check_numbers) {
        numbers_attach(&numbers, &context);
    }
    pass.context = &context;
    pass.batch = config->batch;
    pass.time = config->time;
    pass.training = true;
    status = step_clear_gradients(&pass);
    status = status ? status : step_micro(&pass, &room, 1.0f, true);
    status =
        status ? status : step_update(&pass, config, 1, config->rate, &room, (minrnn_tensor){0});
    status = status ? status : step_evaluate(&pass, &room, false);
    *plan = (struct trainer_plan){fixed.peak, pass.kept.peak, pass.brief.peak,
                                  (context.scratch_need + TENSOR_ELEMENT_BYTES - 1) /
                                      TENSOR_ELEMENT_BYTES};
    network_pass_destroy(&pass);
    return status;
}
