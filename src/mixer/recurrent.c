/* SPDX-License-Identifier: Apache-2.0 */
/* Forward and backward of GRU and LSTM: the inputs' product, the walk along time, projection. */
#include "mixer/recurrent.h"

#include "layer/dense.h"

#include <string.h>

struct recurrent_settings recurrent_settings_of(const void *room) {
    struct recurrent_settings settings;
    memcpy(&settings, room, sizeof settings);
    return settings;
}

minrnn_status recurrent_check(int64_t width, const void *room) {
    return inner_check(width, recurrent_settings_of(room).expansion);
}

static int64_t inner_of(const struct layer *layer) {
    return inner_channels(layer->width, recurrent_settings_of(layer->settings).expansion);
}

/* Order of the parameters, which is also that of the file: torch's, then the projection's. */
struct indices {
    int of_x, of_state, bias_x, bias; /* the index, or -1 */
    struct projection projection;
};

static struct indices indices_of(const struct layer *layer) {
    const struct recurrent_settings settings = recurrent_settings_of(layer->settings);
    struct indices at = {0, 1, -1, -1, {inner_of(layer), -1, -1}};
    int count = 2;
    if (settings.bias) {
        at.bias_x = count++;
        at.bias = count++;
    }
    if (settings.project || at.projection.inner != layer->width) {
        at.projection.weight = count++;
        at.projection.bias = settings.bias ? count++ : -1;
    }
    return at;
}

/* All are drawn within 1 / sqrt(inner), as torch does. */
void recurrent_parameters(const struct layer *layer, enum recurrent_cell cell,
                          struct parameter_list *list) {
    const struct indices at = indices_of(layer);
    const int64_t inner = inner_of(layer), gates = recurrent_gates(cell) * inner;
    parameter_add(list, "weight_ih_l0", SHAPE(gates, layer->width), undecayed(dense_weight(inner)));
    parameter_add(list, "weight_hh_l0", SHAPE(gates, inner), undecayed(dense_weight(inner)));
    if (at.bias >= 0) {
        parameter_add(list, "bias_ih_l0", SHAPE(gates), dense_bias(inner));
        parameter_add(list, "bias_hh_l0", SHAPE(gates), dense_bias(inner));
    }
    projection_parameters(layer, &at.projection, list);
}

int64_t recurrent_state(const struct layer *layer, enum recurrent_cell cell) {
    return recurrent_parts(cell) * inner_of(layer);
}

/* What forward keeps. */
struct saved {
    minrnn_tensor gates; /* [rows, gates * inner] */
    minrnn_tensor kept;  /* [rows, inner]: what the cell says */
    minrnn_tensor h;     /* [rows, inner]: y itself, if that is what y is */
};

static struct saved take_saved(const struct layer_call *call, enum recurrent_cell cell) {
    const struct indices at = indices_of(call->layer);
    const int64_t states = layer_rows(call) * inner_of(call->layer);
    struct saved saved = {.gates = arena_take(call->saved, states * recurrent_gates(cell)),
                          .kept = arena_take(call->saved, states)};
    saved.h =
        projection_gives_states(call, &at.projection) ? call->y : arena_take(call->saved, states);
    return saved;
}

void recurrent_forward(const struct layer_call *call, enum recurrent_cell cell) {
    const struct indices at = indices_of(call->layer);
    const int64_t inner = inner_of(call->layer);
    const struct saved saved = take_saved(call, cell);
    dense_forward(call, call->layer->width, recurrent_gates(cell) * inner, call->x, at.of_x,
                  saved.gates);
    OP(recurrent_forward, call->context, .batch = call->batch, .time = call->time, .width = inner,
       .cell = cell, .weight = layer_weight(call, at.of_state),
       .bias_x = layer_weight(call, at.bias_x), .bias = layer_weight(call, at.bias),
       .state = call->state, .reset = call->reset, .lengths = call->lengths, .gates = saved.gates,
       .kept = saved.kept, .h = saved.h, .state_out = call->state_out);
    if (!projection_gives_states(call, &at.projection)) {
        projection_forward(call, &at.projection, saved.h);
    }
}

/* The gradients of the state's weight and bias from those of its product. */
static void state_backward(const struct layer_call *call, enum recurrent_cell cell,
                           const struct saved *saved, minrnn_tensor before,
                           minrnn_tensor dproduct) {
    const struct indices at = indices_of(call->layer);
    const int64_t inner = inner_of(call->layer), gates = recurrent_gates(cell) * inner;
    const int64_t rows = layer_rows(call);
    if (cell != RECURRENT_GRU_BEFORE) {
        dense_parameters_backward(call, inner, gates, before, at.of_state, at.bias, dproduct);
        return;
    }
    /* The rows of n were multiplied with r h_before. */
    const minrnn_tensor dweight = layer_gradient(call, at.of_state);
    OP(gemm, call->context, .m = 2 * inner, .n = inner, .k = rows, .transpose_a = true,
       .accumulate = true, .a_row = gates, .a = dproduct, .b = before, .c = dweight);
    OP(gemm, call->context, .m = inner, .n = inner, .k = rows, .transpose_a = true,
       .accumulate = true, .a_row = gates, .a = tensor_at(dproduct, 2 * inner), .b = saved->kept,
       .c = tensor_at(dweight, 2 * inner * inner));
    if (at.bias >= 0) {
        OP(column_sum, call->context, .rows = rows, .width = gates, .x = dproduct,
           .total = layer_gradient(call, at.bias));
    }
}

void recurrent_backward(const struct layer_call *call, enum recurrent_cell cell) {
    const struct indices at = indices_of(call->layer);
    const int64_t width = call->layer->width, inner = inner_of(call->layer);
    const int64_t gates = recurrent_gates(cell) * inner, rows = layer_rows(call);
    const struct saved saved = take_saved(call, cell);
    const int64_t mark = call->temporary->used;
    const minrnn_tensor dgates = arena_take(call->temporary, rows * gates);
    const minrnn_tensor dproduct =
        arena_take(call->temporary, rows * recurrent_products(cell) * inner);
    const minrnn_tensor before = arena_take(call->temporary, rows * inner);
    minrnn_tensor dh = call->dy;
    if (at.projection.weight >= 0) {
        dh = arena_take(call->temporary, rows * inner);
        projection_backward(call, &at.projection, saved.h, dh);
    }
    OP(recurrent_backward, call->context, .batch = call->batch, .time = call->time, .width = inner,
       .cell = cell, .weight = layer_weight(call, at.of_state), .state = call->state,
       .reset = call->reset, .lengths = call->lengths, .gates = saved.gates, .kept = saved.kept,
       .h = saved.h, .dh = dh, .dstate_out = call->dstate_out, .dgates = dgates,
       .dproduct = dproduct, .before = before, .dstate = call->dstate);
    state_backward(call, cell, &saved, before, recurrent_products(cell) > 0 ? dproduct : dgates);
    dense_parameters_backward(call, width, gates, call->x, at.of_x, at.bias_x, dgates);
    if (!call->without_dx) {
        dense_input_backward(call, width, gates, at.of_x, dgates, call->dx);
    }
    arena_release(call->temporary, mark);
}
