#include "mixer/gated.h"

#include <stdio.h>
#include <string.h>

_Static_assert(sizeof(struct gated_settings) <= MINRNN_MIXER_ROOM, "the settings have room");
_Static_assert(sizeof(minrnn_candidate) == sizeof(unsigned) &&
                   sizeof(minrnn_scan_alg) == sizeof(unsigned),
               "a choice is an unsigned");

static const char *const candidates[] = {"plain", "g", NULL};
static const char *const algs[] = {"linear", "log", NULL};

#define AT(member) SETTING_AT(struct gated_settings, member)
static const struct setting own_rows[] = {
    {SETTING_REAL("expansion", 0, INFINITY, 1, "the recurrence's channels by the width",
                  .above_low = true),
     AT(expansion)},
    {SETTING_CHOICE("candidate", candidates, MINRNN_CANDIDATE_PLAIN,
                    "the new state as it is, or g of it"),
     AT(candidate)},
    {SETTING_CHOICE("alg", algs, MINRNN_SCAN_LINEAR,
                    "log is the paper's log-space form; it needs g", .option = "scan"),
     AT(alg)},
    {SETTING_FLAG("normalised", 0, "minLSTM: gates that add up to 1"), AT(normalised)},
    {SETTING_FLAG("bias", 0, "biases on the gates and on the projection"), AT(bias)},
    {SETTING_FLAG("project", 0, "the projection back even with expansion 1"), AT(project)},
    {SETTING_FLAG("learned_init", 0, "an initial state that is learnt"), AT(learned_init)},
    {SETTING_REAL("forget_offset", -INFINITY, INFINITY, 0, "minLSTM: added in the forget gate"),
     AT(forget_offset)},
};
const struct settings gated_settings = SETTINGS("mixer", own_rows, struct gated_settings);

struct gated_settings gated_settings_of(const minrnn_mixer_config *config) {
    struct gated_settings settings;
    memcpy(&settings, config->settings, sizeof settings);
    return settings;
}

/* Channels of the recurrence, d_h = (int64_t)(width * expansion). */
static int64_t mixer_inner(const minrnn_mixer_config *config) {
    return (int64_t)((double)config->width * (double)gated_settings_of(config).expansion);
}

minrnn_status gated_check(const minrnn_mixer_config *config) {
    const struct gated_settings settings = gated_settings_of(config);
    const double inner = (double)config->width * (double)settings.expansion;
    if (!(inner >= 1.0 && inner <= MIXER_MAX_CHANNELS)) {
        return fail(MINRNN_INVALID_ARGUMENT,
                    "mixer: width %lld times expansion %g must give 1 to %d channels",
                    (long long)config->width, (double)settings.expansion, MIXER_MAX_CHANNELS);
    }
    if (settings.alg == MINRNN_SCAN_LOG && settings.candidate != MINRNN_CANDIDATE_G) {
        return fail(MINRNN_INVALID_ARGUMENT,
                    "mixer: the log-space scan needs the positive candidate g");
    }
    return MINRNN_OK;
}

/* Order of the parameters, which is also that of the file. */
struct gated_layout {
    int gates_weight, gates_bias, init, out_weight, out_bias; /* index, or -1 */
    int count;
};

static bool projects(const minrnn_mixer_config *config) {
    return gated_settings_of(config).project || mixer_inner(config) != config->width;
}

static struct gated_layout layout_of(const minrnn_mixer_config *config) {
    const struct gated_settings settings = gated_settings_of(config);
    struct gated_layout layout = {0, -1, -1, -1, -1, 1};
    if (settings.bias) {
        layout.gates_bias = layout.count++;
    }
    if (settings.learned_init) {
        layout.init = layout.count++;
    }
    if (projects(config)) {
        layout.out_weight = layout.count++;
        if (settings.bias) {
            layout.out_bias = layout.count++;
        }
    }
    return layout;
}

static struct parameter matrix(const char *name, int64_t rows, int64_t columns) {
    struct parameter parameter = {.info = {.dimensions = 2, .shape = {rows, columns}},
                                  .init = PARAMETER_UNIFORM,
                                  .scale = parameter_linear_bound(columns)};
    snprintf(parameter.info.name, sizeof parameter.info.name, "%s", name);
    return parameter;
}

static struct parameter vector(const char *name, int64_t length, enum parameter_init init,
                               float scale) {
    struct parameter parameter = {
        .info = {.dimensions = 1, .shape = {length}}, .init = init, .scale = scale};
    snprintf(parameter.info.name, sizeof parameter.info.name, "%s", name);
    return parameter;
}

int gated_parameters(const minrnn_mixer_config *config, minrnn_scan_cell cell,
                     struct parameter parameters[MIXER_MAX_PARAMETERS]) {
    const struct gated_layout layout = layout_of(config);
    const int64_t inner = mixer_inner(config);
    const int64_t gates = scan_gates(cell) * inner;
    parameters[layout.gates_weight] = matrix("to_hidden_and_gate.weight", gates, config->width);
    if (layout.gates_bias >= 0) {
        parameters[layout.gates_bias] = vector("to_hidden_and_gate.bias", gates, PARAMETER_UNIFORM,
                                               parameter_linear_bound(config->width));
    }
    if (layout.init >= 0) {
        parameters[layout.init] = vector("init_hidden_state", inner, PARAMETER_NORMAL, 1.0f);
    }
    if (layout.out_weight >= 0) {
        parameters[layout.out_weight] = matrix("to_out.weight", config->width, inner);
    }
    if (layout.out_bias >= 0) {
        parameters[layout.out_bias] =
            vector("to_out.bias", config->width, PARAMETER_UNIFORM, parameter_linear_bound(inner));
    }
    return layout.count;
}

int64_t gated_state_size(const minrnn_mixer_config *config) {
    return mixer_inner(config);
}

/* The parameters, or their gradients, as tensors; absent ones have no buffer. */
struct weights {
    minrnn_tensor gates_weight, gates_bias, init, out_weight, out_bias;
};

static minrnn_tensor weight_at(const struct parameter *parameters, int index, minrnn_tensor base) {
    return index < 0 ? (minrnn_tensor){0} : tensor_at(base, parameters[index].info.offset);
}

static struct weights weights_of(const struct mixer_call *call, minrnn_scan_cell cell,
                                 minrnn_tensor base) {
    struct parameter parameters[MIXER_MAX_PARAMETERS];
    const struct gated_layout layout = layout_of(call->config);
    const int count = gated_parameters(call->config, cell, parameters);
    parameters_place(parameters, count, NULL);
    return (struct weights){
        .gates_weight = weight_at(parameters, layout.gates_weight, base),
        .gates_bias = weight_at(parameters, layout.gates_bias, base),
        .init = weight_at(parameters, layout.init, base),
        .out_weight = weight_at(parameters, layout.out_weight, base),
        .out_bias = weight_at(parameters, layout.out_bias, base),
    };
}

/* What forward keeps: the gates themselves are recomputed by the backward scan. */
struct saved {
    minrnn_tensor gates; /* pre-activations [rows, gates * inner] */
    minrnn_tensor h;     /* states [rows, inner] */
    minrnn_tensor init;  /* g of the learned initial state [inner] */
};

static bool init_is_activated(const minrnn_mixer_config *config) {
    const struct gated_settings settings = gated_settings_of(config);
    return settings.learned_init && settings.candidate == MINRNN_CANDIDATE_G;
}

static struct saved take_saved(const struct mixer_call *call, minrnn_scan_cell cell,
                               const struct weights *weights) {
    const int64_t inner = mixer_inner(call->config);
    const int64_t states = call->batch * call->time * inner;
    struct saved saved = {.gates = arena_take(call->saved, states * scan_gates(cell)),
                          .h = arena_take(call->saved, states),
                          .init = weights->init};
    if (init_is_activated(call->config)) {
        saved.init = arena_take(call->saved, inner);
    }
    return saved;
}

static minrnn_status scan_forward(const struct mixer_call *call, minrnn_scan_cell cell,
                                  const struct weights *weights, const struct saved *saved) {
    const struct gated_settings settings = gated_settings_of(call->config);
    return OP(scan_forward, call->context, .batch = call->batch, .time = call->time,
              .width = mixer_inner(call->config), .alg = settings.alg, .cell = cell,
              .candidate = settings.candidate, .normalised = settings.normalised,
              .forget_offset = settings.forget_offset, .x = saved->gates,
              .bias = weights->gates_bias, .h0 = call->state, .init = saved->init,
              .reset = call->reset, .lengths = call->lengths, .h = saved->h,
              .h_last = call->state_out);
}

/* y = h to_out^T + bias, or h itself. */
static minrnn_status project_forward(const struct mixer_call *call, const struct weights *weights,
                                     minrnn_tensor h) {
    const int64_t rows = call->batch * call->time;
    const int64_t width = call->config->width;
    if (!projects(call->config)) {
        return OP(copy, call->context, .count = rows * width, .x = h, .y = call->y);
    }
    minrnn_status status =
        OP(gemm, call->context, .m = rows, .n = width, .k = mixer_inner(call->config),
           .transpose_b = true, .a = h, .b = weights->out_weight, .c = call->y);
    if (!status && gated_settings_of(call->config).bias) {
        status = OP(residual_forward, call->context, .rows = rows, .width = width, .x = call->y,
                    .bias = weights->out_bias, .y = call->y);
    }
    return status;
}

minrnn_status gated_forward(const struct mixer_call *call, minrnn_scan_cell cell) {
    const minrnn_mixer_config *config = call->config;
    const int64_t rows = call->batch * call->time;
    const int64_t inner = mixer_inner(config);
    const struct weights weights = weights_of(call, cell, call->parameters);
    const struct saved saved = take_saved(call, cell, &weights);
    minrnn_status status =
        OP(gemm, call->context, .m = rows, .n = scan_gates(cell) * inner, .k = config->width,
           .transpose_b = true, .a = call->x, .b = weights.gates_weight, .c = saved.gates);
    if (!status && init_is_activated(config)) {
        status = OP(g_forward, call->context, .count = inner, .x = weights.init, .y = saved.init);
    }
    status = status ? status : scan_forward(call, cell, &weights, &saved);
    return status ? status : project_forward(call, &weights, saved.h);
}

/* dh from dy, and the projection's own gradients. */
static minrnn_status project_backward(const struct mixer_call *call, const struct weights *weights,
                                      const struct weights *gradients, minrnn_tensor h,
                                      minrnn_tensor dh) {
    const int64_t rows = call->batch * call->time;
    const int64_t width = call->config->width;
    const int64_t inner = mixer_inner(call->config);
    minrnn_status status =
        OP(gemm, call->context, .m = width, .n = inner, .k = rows, .transpose_a = true,
           .accumulate = true, .a = call->dy, .b = h, .c = gradients->out_weight);
    if (!status && gated_settings_of(call->config).bias) {
        status = OP(column_sum, call->context, .rows = rows, .width = width, .x = call->dy,
                    .total = gradients->out_bias);
    }
    return status ? status
                  : OP(gemm, call->context, .m = rows, .n = inner, .k = width, .a = call->dy,
                       .b = weights->out_weight, .c = dh);
}

static minrnn_status scan_backward(const struct mixer_call *call, minrnn_scan_cell cell,
                                   const struct weights *weights, const struct saved *saved,
                                   minrnn_tensor dh, minrnn_tensor dgates, minrnn_tensor dinit) {
    const struct gated_settings settings = gated_settings_of(call->config);
    return OP(scan_backward, call->context, .batch = call->batch, .time = call->time,
              .width = mixer_inner(call->config), .alg = settings.alg, .cell = cell,
              .candidate = settings.candidate, .normalised = settings.normalised,
              .forget_offset = settings.forget_offset, .x = saved->gates,
              .bias = weights->gates_bias, .h0 = call->state, .init = saved->init,
              .reset = call->reset, .lengths = call->lengths, .h = saved->h, .dh = dh,
              .dh_last = call->dstate_out, .dx = dgates, .dh0 = call->dstate, .dinit = dinit);
}

/* The learned initial state's gradient: each sequence's share summed, through g where it applies.
 */
static minrnn_status init_backward(const struct mixer_call *call, const struct weights *weights,
                                   const struct weights *gradients, minrnn_tensor dinit) {
    const int64_t inner = mixer_inner(call->config);
    if (!init_is_activated(call->config)) {
        return OP(column_sum, call->context, .rows = call->batch, .width = inner, .x = dinit,
                  .total = gradients->init);
    }
    const int64_t mark = call->temporary->used;
    const minrnn_tensor total = arena_take(call->temporary, inner);
    minrnn_status status = OP(fill, call->context, .count = inner, .x = total);
    status = status ? status
                    : OP(column_sum, call->context, .rows = call->batch, .width = inner, .x = dinit,
                         .total = total);
    status = status ? status
                    : OP(g_backward, call->context, .count = inner, .x = weights->init, .dy = total,
                         .dx = gradients->init);
    arena_release(call->temporary, mark);
    return status;
}

/* The gates' product: its weight, its bias and dx. */
static minrnn_status gates_backward(const struct mixer_call *call, minrnn_scan_cell cell,
                                    const struct weights *weights, const struct weights *gradients,
                                    minrnn_tensor dgates) {
    const int64_t rows = call->batch * call->time;
    const int64_t width = call->config->width;
    const int64_t gates = scan_gates(cell) * mixer_inner(call->config);
    minrnn_status status =
        OP(gemm, call->context, .m = gates, .n = width, .k = rows, .transpose_a = true,
           .accumulate = true, .a = dgates, .b = call->x, .c = gradients->gates_weight);
    if (!status && gated_settings_of(call->config).bias) {
        status = OP(column_sum, call->context, .rows = rows, .width = gates, .x = dgates,
                    .total = gradients->gates_bias);
    }
    return status ? status
                  : OP(gemm, call->context, .m = rows, .n = width, .k = gates, .a = dgates,
                       .b = weights->gates_weight, .c = call->dx);
}

minrnn_status gated_backward(const struct mixer_call *call, minrnn_scan_cell cell) {
    const minrnn_mixer_config *config = call->config;
    const int64_t inner = mixer_inner(config);
    const int64_t states = call->batch * call->time * inner;
    const struct weights weights = weights_of(call, cell, call->parameters);
    const struct weights gradients = weights_of(call, cell, call->gradients);
    const struct saved saved = take_saved(call, cell, &weights);
    const int64_t mark = call->temporary->used;
    const minrnn_tensor dgates = arena_take(call->temporary, states * scan_gates(cell));
    const bool learns_init = gated_settings_of(config).learned_init;
    const minrnn_tensor dinit =
        learns_init ? arena_take(call->temporary, call->batch * inner) : (minrnn_tensor){0};
    minrnn_tensor dh = call->dy;
    minrnn_status status = MINRNN_OK;
    if (projects(config)) {
        dh = arena_take(call->temporary, states);
        status = project_backward(call, &weights, &gradients, saved.h, dh);
    }
    status = status ? status : scan_backward(call, cell, &weights, &saved, dh, dgates, dinit);
    if (!status && learns_init) {
        status = init_backward(call, &weights, &gradients, dinit);
    }
    status = status ? status : gates_backward(call, cell, &weights, &gradients, dgates);
    arena_release(call->temporary, mark);
    return status;
}
