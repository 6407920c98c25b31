/* SPDX-License-Identifier: Apache-2.0 */
/* Mamba's block (Gu and Dao, arXiv 2312.00752, section 3.4), with the equations, names and row
 * order of mamba_ssm's module Mamba:
 *
 *   (x | z) = in_proj v;  u = silu(conv1d x);  (r | B | C) = x_proj u;  p = dt_proj r;
 *   y = the selective scan of u by p, B, C and A, with D u and the gate silu(z);  out = out_proj y.
 *
 * B is made discrete by Euler's rule, as in the released code and not as in the paper's equation 4.
 * mamba_ssm's model divides out_proj's first values by the square root of the number of layers; a
 * layer here does not know that number, and they are its module's own.
 *
 * Forward keeps x, z, y and the scan's carries: at the standard 16 states 4 floats an inner channel
 * and token, and (rank + 2 states) floats a token. Backward recomputes u, p and what comes before
 * silu. */
#include "base/philox.h"
#include "base/status.h"
#include "layer/dense.h"
#include "mixer/inner.h"

#include <string.h>

struct mamba_settings {
    float expansion;      /* inner = (int64_t)(width * expansion) */
    int64_t states;       /* of a channel */
    int64_t taps;         /* of the convolution */
    int64_t rank;         /* of the steps; 0: width / 16, rounded up */
    float dt_min, dt_max; /* between which the steps begin */
};
_Static_assert(sizeof(struct mamba_settings) <= MINRNN_MIXER_ROOM, "the settings have room");

enum { MOST_TAPS = 64 };

#define AT(member) SETTING_AT(struct mamba_settings, member)
static const struct setting own_rows[] = {
    EXPANSION_ROW(struct mamba_settings, 2),
    {SETTING_INTEGER("states", 1, SELECTIVE_MOST_STATES, 16,
                     "Mamba: numbers that a channel remembers"),
     AT(states)},
    {SETTING_INTEGER("taps", 1, MOST_TAPS, 4, "Mamba: taps of its own convolution"), AT(taps)},
    {SETTING_INTEGER("rank", 0, MIXER_MAX_CHANNELS, 0,
                     "Mamba: numbers that make the steps; 0: a sixteenth of the width"),
     AT(rank)},
    {SETTING_REAL("dt_min", 0, INFINITY, 0.001, "Mamba: the least step at first",
                  .above_low = true),
     AT(dt_min)},
    {SETTING_REAL("dt_max", 0, INFINITY, 0.1, "Mamba: the largest step at first",
                  .above_low = true),
     AT(dt_max)},
};
static const struct settings settings = SETTINGS("mixer", own_rows, struct mamba_settings);

static struct mamba_settings settings_of(const void *room) {
    struct mamba_settings own;
    memcpy(&own, room, sizeof own);
    return own;
}

static minrnn_status check(int64_t width, const void *room) {
    const struct mamba_settings own = settings_of(room);
    if (own.dt_min > own.dt_max) {
        return fail(MINRNN_INVALID_ARGUMENT, "mixer: dt_min %g is above dt_max %g",
                    (double)own.dt_min, (double)own.dt_max);
    }
    if (own.rank > width) {
        return fail(MINRNN_INVALID_ARGUMENT, "mixer: rank %lld is above width %lld",
                    (long long)own.rank, (long long)width);
    }
    return inner_check(width, own.expansion);
}

/* ---- sizes and parameters ---- */

struct shape {
    int64_t width, inner, states, taps, rank;
};

static struct shape shape_of(const struct layer *layer) {
    const struct mamba_settings own = settings_of(layer->settings);
    return (struct shape){.width = layer->width,
                          .inner = inner_channels(layer->width, own.expansion),
                          .states = own.states,
                          .taps = own.taps,
                          .rank = own.rank ? own.rank : ceil_div(layer->width, 16)};
}

enum { IN_PROJ, CONV_WEIGHT, CONV_BIAS, X_PROJ, DT_PROJ, DT_BIAS, A_LOG, SKIP, OUT_PROJ };

/* ln(n + 1) in every channel: A begins as -1, -2, ... (S4D-Real). */
static void draw_a_log(const struct parameter *parameter, uint64_t seed, uint32_t site,
                       float *values) {
    (void)seed;
    (void)site;
    for (int64_t i = 0; i < parameter_count(&parameter->info); i++) {
        values[i] = (float)log((double)(i % parameter->info.shape[1] + 1));
    }
}

/* The bias whose softplus is a step drawn evenly on a logarithmic scale, and no less than 1e-4. */
static void draw_step_bias(const struct parameter *parameter, uint64_t seed, uint32_t site,
                           float *values) {
    const double low = log((double)parameter->least), high = log((double)parameter->scale);
    for (int64_t i = 0; i < parameter_count(&parameter->info); i++) {
        const double at = (double)philox_unit(philox_block(seed, site, 0, (uint64_t)i).word[0]);
        const double step = fmax(exp(low + at * (high - low)), 1e-4);
        values[i] = (float)(step + log(-expm1(-step)));
    }
}

static void parameters(const struct layer *layer, struct parameter_list *list) {
    const struct mamba_settings own = settings_of(layer->settings);
    const struct shape s = shape_of(layer);
    const struct parameter step = {
        .role = PARAMETER_BIAS, .draw = draw_step_bias, .least = own.dt_min, .scale = own.dt_max};
    const struct parameter a_log = {.role = PARAMETER_RECURRENCE, .draw = draw_a_log};
    const struct parameter one = {
        .role = PARAMETER_RECURRENCE, .draw = draw_constant, .scale = 1.0f};
    parameter_add(list, "in_proj.weight", SHAPE(2 * s.inner, s.width), dense_weight(s.width));
    parameter_add(list, "conv1d.weight", SHAPE(s.inner, 1, s.taps), dense_weight(s.taps));
    parameter_add(list, "conv1d.bias", SHAPE(s.inner), dense_bias(s.taps));
    parameter_add(list, "x_proj.weight", SHAPE(s.rank + 2 * s.states, s.inner),
                  dense_weight(s.inner));
    parameter_add(list, "dt_proj.weight", SHAPE(s.inner, s.rank), dense_weight(s.rank));
    parameter_add(list, "dt_proj.bias", SHAPE(s.inner), step);
    parameter_add(list, "A_log", SHAPE(s.inner, s.states), a_log);
    parameter_add(list, "D", SHAPE(s.inner), one);
    parameter_add(list, "out_proj.weight", SHAPE(s.width, s.inner), dense_weight(s.inner));
}

/* The rows of in_proj and x_proj that have a result of their own. */
static struct dense_part x_rows(const struct shape *s) {
    return (struct dense_part){IN_PROJ, s->width, 0, s->inner};
}

static struct dense_part z_rows(const struct shape *s) {
    return (struct dense_part){IN_PROJ, s->width, s->inner, s->inner};
}

static struct dense_part rank_rows(const struct shape *s) {
    return (struct dense_part){X_PROJ, s->inner, 0, s->rank};
}

static struct dense_part bc_rows(const struct shape *s) {
    return (struct dense_part){X_PROJ, s->inner, s->rank, 2 * s->states};
}

static struct projection projection_of(const struct shape *s) {
    return (struct projection){s->inner, OUT_PROJ, -1};
}

/* ---- the state: the convolution's last inputs, then what the scan remembers ---- */

enum part { CONV, SCAN };

static int64_t part_elements(const struct layer *layer, enum part part) {
    const struct shape s = shape_of(layer);
    return s.inner * (part == CONV ? s.taps - 1 : s.states);
}

static int64_t state(const struct layer *layer, int64_t longest) {
    (void)longest;
    return part_elements(layer, CONV) + part_elements(layer, SCAN);
}

/* A part within a state. */
static minrnn_tensor part_of(const struct layer_call *call, enum part part, minrnn_tensor whole) {
    return tensor_at(whole, part == CONV ? 0 : part_elements(call->layer, CONV));
}

/* The same [batch, its elements] as a tensor of its own, which of one stream it is where it lies;
 * absent if the state is. */
static minrnn_tensor take_part(const struct layer_call *call, enum part part, minrnn_tensor whole) {
    const minrnn_tensor taken =
        call->batch == 1
            ? part_of(call, part, whole)
            : arena_take(call->temporary, call->batch * part_elements(call->layer, part));
    return whole.buffer ? taken : (minrnn_tensor){0};
}

static minrnn_tensor read_part(const struct layer_call *call, enum part part, minrnn_tensor whole) {
    const minrnn_tensor taken = take_part(call, part, whole);
    if (call->batch > 1 && taken.buffer) {
        OP(copy_rows, call->context, .rows = call->batch, .width = part_elements(call->layer, part),
           .x_row = state(call->layer, call->time), .x = part_of(call, part, whole), .y = taken);
    }
    return taken;
}

static void write_part(const struct layer_call *call, enum part part, minrnn_tensor taken,
                       minrnn_tensor whole) {
    if (call->batch > 1 && taken.buffer) {
        OP(copy_rows, call->context, .rows = call->batch, .width = part_elements(call->layer, part),
           .y_row = state(call->layer, call->time), .x = taken, .y = part_of(call, part, whole));
    }
}

/* ---- forward ---- */

/* What forward keeps: [rows, inner], and of r and bc [rows, rank] and [rows, 2 states]. */
struct saved {
    minrnn_tensor x, z, y, r, bc;
    minrnn_tensor carries; /* the scan's */
};

static struct saved take_saved(const struct layer_call *call) {
    const struct shape s = shape_of(call->layer);
    const int64_t rows = layer_rows(call), states = call->batch * part_elements(call->layer, SCAN);
    return (struct saved){.x = arena_take(call->saved, rows * s.inner),
                          .z = arena_take(call->saved, rows * s.inner),
                          .y = arena_take(call->saved, rows * s.inner),
                          .r = arena_take(call->saved, rows * s.rank),
                          .bc = arena_take(call->saved, rows * 2 * s.states),
                          .carries =
                              arena_take(call->saved, selective_chunks(call->time) * states)};
}

/* The convolution of x; state_out may be absent. */
static void convolve(const struct layer_call *call, minrnn_tensor x, minrnn_tensor state_in,
                     minrnn_tensor y, minrnn_tensor state_out) {
    const struct shape s = shape_of(call->layer);
    OP(conv_forward, call->context, .batch = call->batch, .time = call->time, .width = s.inner,
       .taps = s.taps, .x = x, .weight = layer_weight(call, CONV_WEIGHT),
       .bias = layer_weight(call, CONV_BIAS), .state = state_in, .reset = call->reset,
       .lengths = call->lengths, .y = y, .state_out = state_out);
}

static void activate(const struct layer_call *call, minrnn_tensor x, minrnn_tensor y) {
    OP(silu_forward, call->context, .rows = layer_rows(call), .width = shape_of(call->layer).inner,
       .x = x, .y = y);
}

/* From u: r, B and C, which forward keeps, and from r p. */
static void select_forward(const struct layer_call *call, const struct saved *saved,
                           minrnn_tensor u, minrnn_tensor p) {
    const struct shape s = shape_of(call->layer);
    const struct dense_part rank = rank_rows(&s), bc = bc_rows(&s);
    dense_part_forward(call, &rank, u, saved->r);
    dense_part_forward(call, &bc, u, saved->bc);
    dense_forward(call, s.rank, s.inner, saved->r, DT_PROJ, p);
}

static void forward(const struct layer_call *call) {
    const struct shape s = shape_of(call->layer);
    const struct dense_part of_x = x_rows(&s), of_z = z_rows(&s);
    const struct projection projection = projection_of(&s);
    const struct saved saved = take_saved(call);
    const int64_t mark = call->temporary->used;
    const minrnn_tensor conv_in = read_part(call, CONV, call->state);
    const minrnn_tensor scan_in = read_part(call, SCAN, call->state);
    const minrnn_tensor conv_out = take_part(call, CONV, call->state_out);
    const minrnn_tensor scan_out = take_part(call, SCAN, call->state_out);
    const minrnn_tensor u = layer_take_rows(call, s.inner), p = layer_take_rows(call, s.inner);
    dense_part_forward(call, &of_x, call->x, saved.x);
    dense_part_forward(call, &of_z, call->x, saved.z);
    convolve(call, saved.x, conv_in, u, conv_out);
    activate(call, u, u);
    select_forward(call, &saved, u, p);
    OP(selective_forward, call->context, .batch = call->batch, .time = call->time, .width = s.inner,
       .states = s.states, .u = u, .p = p, .z = saved.z, .bc = saved.bc,
       .a_log = layer_weight(call, A_LOG), .p_bias = layer_weight(call, DT_BIAS),
       .skip = layer_weight(call, SKIP), .state = scan_in, .reset = call->reset,
       .lengths = call->lengths, .y = saved.y, .carries = saved.carries, .state_out = scan_out);
    write_part(call, CONV, conv_out, call->state_out);
    write_part(call, SCAN, scan_out, call->state_out);
    projection_forward(call, &projection, saved.y);
    arena_release(call->temporary, mark);
}

/* ---- backward ---- */

/* [rows, inner] but for dbc [rows, 2 states]. */
struct inputs {
    minrnn_tensor before; /* what silu gives u from */
    minrnn_tensor u, p;
    minrnn_tensor du, dp, dz, dbc;
};

static struct inputs take_inputs(const struct layer_call *call) {
    const struct shape s = shape_of(call->layer);
    return (struct inputs){.before = layer_take_rows(call, s.inner),
                           .u = layer_take_rows(call, s.inner),
                           .p = layer_take_rows(call, s.inner),
                           .du = layer_take_rows(call, s.inner),
                           .dp = layer_take_rows(call, s.inner),
                           .dz = layer_take_rows(call, s.inner),
                           .dbc = layer_take_rows(call, 2 * s.states)};
}

static void scan_backward(const struct layer_call *call, const struct saved *saved,
                          const struct inputs *of, minrnn_tensor dy) {
    const struct shape s = shape_of(call->layer);
    const minrnn_tensor dstate_out = read_part(call, SCAN, call->dstate_out);
    const minrnn_tensor dstate = take_part(call, SCAN, call->dstate);
    OP(selective_backward, call->context, .batch = call->batch, .time = call->time,
       .width = s.inner, .states = s.states, .u = of->u, .p = of->p, .z = saved->z, .bc = saved->bc,
       .a_log = layer_weight(call, A_LOG), .p_bias = layer_weight(call, DT_BIAS),
       .skip = layer_weight(call, SKIP), .reset = call->reset, .lengths = call->lengths,
       .carries = saved->carries, .dy = dy, .dstate_out = dstate_out, .du = of->du, .dp = of->dp,
       .dz = of->dz, .dbc = of->dbc, .da_log = layer_gradient(call, A_LOG),
       .dp_bias = layer_gradient(call, DT_BIAS), .dskip = layer_gradient(call, SKIP),
       .dstate = dstate);
    write_part(call, SCAN, dstate, call->dstate);
}

/* What dp and dbc add to du, and the gradients of the weights between. */
static void select_backward(const struct layer_call *call, const struct saved *saved,
                            const struct inputs *of) {
    const struct shape s = shape_of(call->layer);
    const struct dense_part rank = rank_rows(&s), bc = bc_rows(&s);
    const int64_t mark = call->temporary->used;
    const minrnn_tensor dr = layer_take_rows(call, s.rank);
    dense_backward(call, s.rank, s.inner, saved->r, DT_PROJ, -1, of->dp, dr);
    dense_part_parameters_backward(call, &rank, of->u, dr);
    dense_part_parameters_backward(call, &bc, of->u, of->dbc);
    dense_part_input_backward(call, &rank, dr, true, of->du);
    dense_part_input_backward(call, &bc, of->dbc, true, of->du);
    arena_release(call->temporary, mark);
}

/* dx of the convolution's input, from du, which is lost. */
static void conv_backward(const struct layer_call *call, const struct saved *saved,
                          const struct inputs *of, minrnn_tensor state_in, minrnn_tensor dx) {
    const struct shape s = shape_of(call->layer);
    const minrnn_tensor dstate_out = read_part(call, CONV, call->dstate_out);
    const minrnn_tensor dstate = take_part(call, CONV, call->dstate);
    OP(silu_backward, call->context, .rows = layer_rows(call), .width = s.inner, .x = of->before,
       .dy = of->du, .dx = of->du);
    OP(conv_backward, call->context, .batch = call->batch, .time = call->time, .width = s.inner,
       .taps = s.taps, .x = saved->x, .weight = layer_weight(call, CONV_WEIGHT), .state = state_in,
       .reset = call->reset, .lengths = call->lengths, .dy = of->du, .dstate_out = dstate_out,
       .dx = dx, .dweight = layer_gradient(call, CONV_WEIGHT),
       .dbias = layer_gradient(call, CONV_BIAS), .dstate = dstate);
    write_part(call, CONV, dstate, call->dstate);
}

static void in_backward(const struct layer_call *call, minrnn_tensor dx, minrnn_tensor dz) {
    const struct shape s = shape_of(call->layer);
    const struct dense_part of_x = x_rows(&s), of_z = z_rows(&s);
    dense_part_parameters_backward(call, &of_x, call->x, dx);
    dense_part_parameters_backward(call, &of_z, call->x, dz);
    if (!call->without_dx) {
        dense_part_input_backward(call, &of_x, dx, false, call->dx);
        dense_part_input_backward(call, &of_z, dz, true, call->dx);
    }
}

static void backward(const struct layer_call *call) {
    const struct shape s = shape_of(call->layer);
    const struct projection projection = projection_of(&s);
    const struct saved saved = take_saved(call);
    const int64_t mark = call->temporary->used;
    const minrnn_tensor conv_in = read_part(call, CONV, call->state);
    const struct inputs of = take_inputs(call);
    const minrnn_tensor dy = layer_take_rows(call, s.inner); /* then the gradient of x */
    convolve(call, saved.x, conv_in, of.before, (minrnn_tensor){0});
    activate(call, of.before, of.u);
    dense_forward(call, s.rank, s.inner, saved.r, DT_PROJ, of.p);
    projection_backward(call, &projection, saved.y, dy);
    scan_backward(call, &saved, &of, dy);
    select_backward(call, &saved, &of);
    conv_backward(call, &saved, &of, conv_in, dy);
    in_backward(call, dy, of.dz);
    arena_release(call->temporary, mark);
}

const struct layer_kind mixer_mamba = {
    .name = "mamba",
    .features = LAYER_RESETS | LAYER_LENGTHS | LAYER_STREAMS | LAYER_CHUNKS | LAYER_STATE_GRADIENT,
    .settings = &settings,
    .check = check,
    .parameters = parameters,
    .state = state,
    .forward = forward,
    .backward = backward,
};
