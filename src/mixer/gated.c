/* SPDX-License-Identifier: Apache-2.0 */
/* Forward and backward of minGRU and minLSTM: gates, scan, projection. */
#include "mixer/gated.h"

#include "base/status.h"
#include "layer/dense.h"
#include "mixer/inner.h"

#include <string.h>

_Static_assert(sizeof(struct gated_settings) <= MINRNN_MIXER_ROOM, "the settings have room");
_Static_assert(sizeof(minrnn_candidate) == sizeof(unsigned) &&
                   sizeof(minrnn_scan_alg) == sizeof(unsigned),
               "a choice is an unsigned");

static const char *const candidates[] = {"plain", "g", NULL};
static const char *const algs[] = {"linear", "log", NULL};

#define AT(member) SETTING_AT(struct gated_settings, member)
static const struct setting own_rows[] = {
    EXPANSION_ROW(struct gated_settings, 1),
    {SETTING_CHOICE("candidate", candidates, MINRNN_CANDIDATE_PLAIN,
                    "the new state as it is, or g of it"),
     AT(candidate)},
    {SETTING_CHOICE("alg", algs, MINRNN_SCAN_LINEAR,
                    "log is the paper's log-space form; it needs g", .option = "scan"),
     AT(alg)},
    {SETTING_FLAG("normalised", 0, "minLSTM: gates that add up to 1"), AT(normalised)},
    BIAS_ROW(struct gated_settings),
    PROJECT_ROW(struct gated_settings),
    {SETTING_FLAG("learned_init", 0, "learn the initial state"), AT(learned_init)},
    {SETTING_REAL("forget_offset", -INFINITY, INFINITY, 0,
                  "minLSTM: added to the forget gate's input"),
     AT(forget_offset)},
};
const struct settings gated_settings = SETTINGS("mixer", own_rows, struct gated_settings);

struct gated_settings gated_settings_of(const void *room) {
    struct gated_settings settings;
    memcpy(&settings, room, sizeof settings);
    return settings;
}

minrnn_status gated_check(int64_t width, const void *room) {
    const struct gated_settings settings = gated_settings_of(room);
    const minrnn_status status = inner_check(width, settings.expansion);
    if (status) {
        return status;
    }
    if (settings.alg == MINRNN_SCAN_LOG && settings.candidate != MINRNN_CANDIDATE_G) {
        return fail(MINRNN_INVALID_ARGUMENT,
                    "mixer: the log-space scan needs the positive candidate g");
    }
    return MINRNN_OK;
}

static struct gated_settings settings_of(const struct layer *layer) {
    return gated_settings_of(layer->settings);
}

/* Channels of the recurrence, d_h. */
static int64_t inner_of(const struct layer *layer) {
    return inner_channels(layer->width, settings_of(layer).expansion);
}

static bool projects(const struct layer *layer) {
    return settings_of(layer).project || inner_of(layer) != layer->width;
}

/* Order of the parameters, which is also that of the file. */
struct indices {
    int gates_weight, gates_bias, init, out_weight, out_bias; /* index, or -1 */
};

static struct indices indices_of(const struct layer *layer) {
    const struct gated_settings settings = settings_of(layer);
    struct indices at = {0, -1, -1, -1, -1};
    int count = 1;
    if (settings.bias) {
        at.gates_bias = count++;
    }
    if (settings.learned_init) {
        at.init = count++;
    }
    if (projects(layer)) {
        at.out_weight = count++;
        if (settings.bias) {
            at.out_bias = count++;
        }
    }
    return at;
}

static struct projection projection_of(const struct layer *layer) {
    const struct indices at = indices_of(layer);
    return (struct projection){inner_of(layer), at.out_weight, at.out_bias};
}

void gated_parameters(const struct layer *layer, minrnn_scan_cell cell,
                      struct parameter_list *list) {
    const struct indices at = indices_of(layer);
    const int64_t inner = inner_of(layer), width = layer->width;
    const int64_t gates = scan_gates(cell) * inner;
    parameter_add(list, "to_hidden_and_gate.weight", SHAPE(gates, width),
                  undecayed(dense_weight(width)));
    if (at.gates_bias >= 0) {
        parameter_add(list, "to_hidden_and_gate.bias", SHAPE(gates), dense_bias(width));
    }
    if (at.init >= 0) {
        const struct parameter init = {
            .role = PARAMETER_RECURRENCE, .draw = draw_normal, .scale = 1.0f};
        parameter_add(list, "init_hidden_state", SHAPE(inner), init);
    }
    const struct projection projection = projection_of(layer);
    projection_parameters(layer, &projection, list);
}

int64_t gated_state(const struct layer *layer, int64_t longest) {
    (void)longest;
    return inner_of(layer);
}

/* What forward keeps: the gates themselves are recomputed by the backward scan. */
struct saved {
    minrnn_tensor gates; /* pre-activations [rows, gates * inner] */
    minrnn_tensor h;     /* states [rows, inner]: y itself, if that is what y is */
    minrnn_tensor init;  /* the learned initial state, or g of it [inner] */
};

static bool init_is_activated(const struct layer *layer) {
    const struct gated_settings settings = settings_of(layer);
    return settings.learned_init && settings.candidate == MINRNN_CANDIDATE_G;
}

static bool gives_states(const struct layer_call *call) {
    const struct projection projection = projection_of(call->layer);
    return projection_gives_states(call, &projection);
}

static struct saved take_saved(const struct layer_call *call, minrnn_scan_cell cell) {
    const int64_t states = layer_rows(call) * inner_of(call->layer);
    struct saved saved = {.gates = arena_take(call->saved, states * scan_gates(cell)),
                          .h = gives_states(call) ? call->y : arena_take(call->saved, states),
                          .init = layer_weight(call, indices_of(call->layer).init)};
    if (init_is_activated(call->layer)) {
        saved.init = arena_take(call->saved, inner_of(call->layer));
    }
    return saved;
}

static void scan_forward(const struct layer_call *call, minrnn_scan_cell cell,
                         const struct saved *saved) {
    const struct gated_settings settings = settings_of(call->layer);
    OP(scan_forward, call->context, .batch = call->batch, .time = call->time,
       .width = inner_of(call->layer), .alg = settings.alg, .cell = cell,
       .candidate = settings.candidate, .normalised = settings.normalised,
       .forget_offset = settings.forget_offset, .x = saved->gates,
       .bias = layer_weight(call, indices_of(call->layer).gates_bias), .h0 = call->state,
       .init = saved->init, .reset = call->reset, .lengths = call->lengths, .h = saved->h,
       .h_last = call->state_out);
}

void gated_forward(const struct layer_call *call, minrnn_scan_cell cell) {
    const struct layer *layer = call->layer;
    const struct indices at = indices_of(layer);
    const struct saved saved = take_saved(call, cell);
    dense_forward(call, layer->width, scan_gates(cell) * inner_of(layer), call->x, at.gates_weight,
                  saved.gates);
    if (init_is_activated(layer)) {
        OP(g_forward, call->context, .count = inner_of(layer), .x = layer_weight(call, at.init),
           .y = saved.init);
    }
    scan_forward(call, cell, &saved);
    if (!gives_states(call)) {
        const struct projection projection = projection_of(layer);
        projection_forward(call, &projection, saved.h);
    }
}

static void scan_backward(const struct layer_call *call, minrnn_scan_cell cell,
                          const struct saved *saved, minrnn_tensor dh, minrnn_tensor dgates,
                          minrnn_tensor dinit) {
    const struct gated_settings settings = settings_of(call->layer);
    OP(scan_backward, call->context, .batch = call->batch, .time = call->time,
       .width = inner_of(call->layer), .alg = settings.alg, .cell = cell,
       .candidate = settings.candidate, .normalised = settings.normalised,
       .forget_offset = settings.forget_offset, .x = saved->gates,
       .bias = layer_weight(call, indices_of(call->layer).gates_bias), .h0 = call->state,
       .init = saved->init, .reset = call->reset, .lengths = call->lengths, .h = saved->h, .dh = dh,
       .dh_last = call->dstate_out, .dx = dgates, .dh0 = call->dstate, .dinit = dinit);
}

/* The learned initial state's gradient: each sequence's share summed, through g if it applies.
 */
static void init_backward(const struct layer_call *call, minrnn_tensor dinit) {
    const int64_t inner = inner_of(call->layer);
    const int init = indices_of(call->layer).init;
    const int64_t mark = call->temporary->used;
    const bool activated = init_is_activated(call->layer);
    const minrnn_tensor total =
        activated ? arena_take(call->temporary, inner) : layer_gradient(call, init);
    if (activated) {
        OP(fill, call->context, .count = inner, .x = total);
    }
    OP(column_sum, call->context, .rows = call->batch, .width = inner, .x = dinit, .total = total);
    if (activated) {
        OP(g_backward, call->context, .count = inner, .x = layer_weight(call, init), .dy = total,
           .dx = layer_gradient(call, init));
    }
    arena_release(call->temporary, mark);
}

/* The gates' product: its weight, its bias and dx. */
static void gates_backward(const struct layer_call *call, minrnn_scan_cell cell,
                           minrnn_tensor dgates) {
    const struct indices at = indices_of(call->layer);
    const int64_t width = call->layer->width;
    const int64_t gates = scan_gates(cell) * inner_of(call->layer);
    dense_parameters_backward(call, width, gates, call->x, at.gates_weight, at.gates_bias, dgates);
    if (!call->without_dx) {
        dense_input_backward(call, width, gates, at.gates_weight, dgates, call->dx);
    }
}

void gated_backward(const struct layer_call *call, minrnn_scan_cell cell) {
    const int64_t inner = inner_of(call->layer);
    const int64_t states = layer_rows(call) * inner;
    const bool learned = settings_of(call->layer).learned_init;
    const struct saved saved = take_saved(call, cell);
    const int64_t mark = call->temporary->used;
    const minrnn_tensor dgates = arena_take(call->temporary, states * scan_gates(cell));
    const minrnn_tensor dinit =
        learned ? arena_take(call->temporary, call->batch * inner) : (minrnn_tensor){0};
    minrnn_tensor dh = call->dy;
    if (projects(call->layer)) {
        dh = arena_take(call->temporary, states);
        const struct projection projection = projection_of(call->layer);
        projection_backward(call, &projection, saved.h, dh);
    }
    scan_backward(call, cell, &saved, dh, dgates, dinit);
    if (learned) {
        init_backward(call, dinit);
    }
    gates_backward(call, cell, dgates);
    arena_release(call->temporary, mark);
}
