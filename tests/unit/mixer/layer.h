/* SPDX-License-Identifier: Apache-2.0 */
/* For test_mixer.c: one mixer with device tensors for a size, and a reference in double precision
 * that follows the equations of the paper one step after the other. */
#ifndef TESTS_UNIT_LAYER_H
#define TESTS_UNIT_LAYER_H

#include "support.h"

/* ---- device tensors ---- */

static inline minrnn_tensor tensor_make(minrnn_device *device, int64_t count, minrnn_dtype type) {
    minrnn_tensor tensor = {.type = type};
    CHECK(minrnn_buffer_create(device, (uint64_t)count * 4, &tensor.buffer));
    void *zeros = support_alloc((size_t)count, 4);
    CHECK(minrnn_buffer_write(tensor.buffer, 0, zeros, (uint64_t)count * 4));
    free(zeros);
    return tensor;
}

static inline void tensor_put(minrnn_tensor tensor, const void *values, int64_t count) {
    CHECK(minrnn_buffer_write(tensor.buffer, (uint64_t)tensor.offset * 4, values,
                              (uint64_t)count * 4));
}

static inline void tensor_get(minrnn_tensor tensor, void *values, int64_t count) {
    CHECK(minrnn_buffer_read(tensor.buffer, (uint64_t)tensor.offset * 4, values,
                             (uint64_t)count * 4));
}

/* ---- one call ---- */

/* Host arrays of one call of a mixer, [batch, time, ...]; those marked optional may be NULL. */
struct layer_data {
    int64_t batch, time;
    const float *parameters, *x;
    const float *state;             /* optional */
    const int32_t *reset, *lengths; /* optional */
    float *y, *state_out;
    /* Backward, if dy is given; gradients are added to. */
    const float *dy, *dstate_out; /* dstate_out is optional */
    float *gradients;
    float *dx;     /* optional */
    float *dstate; /* optional, only with state */
};

/* Uploads, runs forward (and backward if dy is given) and downloads. */
static inline void layer_run(minrnn_device *device, minrnn_mixer *mixer,
                             const minrnn_mixer_config *config, const struct layer_data *data) {
    const int64_t rows = data->batch * data->time;
    const int64_t io = rows * config->width;
    const int64_t states = data->batch * minrnn_mixer_state_size(mixer);
    const int64_t parameters = minrnn_mixer_parameters(mixer);
    int64_t saved, temporary;
    CHECK(minrnn_mixer_workspace(mixer, data->batch, data->time, &saved, &temporary));
    minrnn_mixer_tensors t = {
        .size = sizeof t,
        .parameters = tensor_make(device, parameters, MINRNN_F32),
        .x = tensor_make(device, io, MINRNN_F32),
        .y = tensor_make(device, io, MINRNN_F32),
        .saved = tensor_make(device, saved > 0 ? saved : 1, MINRNN_F32),
        .temporary = tensor_make(device, temporary > 0 ? temporary : 1, MINRNN_F32),
    };
    tensor_put(t.parameters, data->parameters, parameters);
    tensor_put(t.x, data->x, io);
    if (data->state) {
        t.state = tensor_make(device, states, MINRNN_F32);
        tensor_put(t.state, data->state, states);
    }
    t.state_out = tensor_make(device, states, MINRNN_F32);
    if (data->reset) {
        t.reset = tensor_make(device, rows, MINRNN_I32);
        tensor_put(t.reset, data->reset, rows);
    }
    if (data->lengths) {
        t.lengths = tensor_make(device, data->batch, MINRNN_I32);
        tensor_put(t.lengths, data->lengths, data->batch);
    }
    CHECK(minrnn_mixer_forward(mixer, data->batch, data->time, &t));
    if (data->dy) {
        t.gradients = tensor_make(device, parameters, MINRNN_F32);
        t.dy = tensor_make(device, io, MINRNN_F32);
        if (data->dx) {
            t.dx = tensor_make(device, io, MINRNN_F32);
        }
        tensor_put(t.gradients, data->gradients, parameters);
        tensor_put(t.dy, data->dy, io);
        if (data->dstate_out) {
            t.dstate_out = tensor_make(device, states, MINRNN_F32);
            tensor_put(t.dstate_out, data->dstate_out, states);
        }
        if (data->dstate) {
            t.dstate = tensor_make(device, states, MINRNN_F32);
        }
        CHECK(minrnn_mixer_backward(mixer, data->batch, data->time, &t));
        tensor_get(t.gradients, data->gradients, parameters);
        if (data->dx) {
            tensor_get(t.dx, data->dx, io);
        }
        if (data->dstate) {
            tensor_get(t.dstate, data->dstate, states);
        }
    }
    tensor_get(t.y, data->y, io);
    tensor_get(t.state_out, data->state_out, states);
    const minrnn_tensor all[] = {t.parameters, t.x,          t.y,     t.state,     t.state_out,
                                 t.reset,      t.lengths,    t.saved, t.temporary, t.gradients,
                                 t.dy,         t.dstate_out, t.dx,    t.dstate};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        minrnn_buffer_destroy(all[i].buffer);
    }
}

/* ---- the reference ---- */

static inline double reference_sigmoid(double x) {
    return 1.0 / (1.0 + exp(-x));
}

static inline double reference_g(double x) {
    return x >= 0.0 ? x + 0.5 : reference_sigmoid(x);
}

/* A parameter of the mixer inside `parameters`, NULL if it has none of that name. */
static inline const double *reference_parameter(const minrnn_mixer *mixer, const char *name,
                                                const double *parameters) {
    for (int i = 0; i < minrnn_mixer_tensor_count(mixer); i++) {
        minrnn_parameter_info info;
        CHECK(minrnn_mixer_parameter(mixer, i, &info));
        if (strcmp(info.name, name) == 0) {
            return parameters + info.offset;
        }
    }
    return NULL;
}

/* row . x + bias */
static inline double reference_linear(const double *weight, const double *bias, int64_t row,
                                      const double *x, int64_t width) {
    double sum = bias ? bias[row] : 0.0;
    for (int64_t k = 0; k < width; k++) {
        sum += weight[row * width + k] * x[k];
    }
    return sum;
}

/* A configuration, read once. */
struct reference {
    bool is_mingru, is_g, is_normalised;
    int64_t width;
    double forget_offset;
};

static inline struct reference reference_of(const minrnn_mixer_config *config) {
    char offset[MINRNN_SETTING_TEXT];
    CHECK(minrnn_mixer_get(config, "forget_offset", offset, sizeof offset));
    if (!support_has(config, "name", "mingru") && !support_has(config, "name", "minlstm")) {
        fail_msg("the reference has no %s", config->name);
    }
    return (struct reference){.is_mingru = support_has(config, "name", "mingru"),
                              .is_g = support_has(config, "candidate", "g"),
                              .is_normalised = support_has(config, "normalised", "on"),
                              .width = config->width,
                              .forget_offset = strtod(offset, NULL)};
}

/* One step of the recurrence: h from its previous value, gates' weights and x [width]. */
static inline double reference_step(const struct reference *c, const double *weight,
                                    const double *bias, int64_t inner, int64_t channel,
                                    const double *x, double h) {
    const double hidden = reference_linear(weight, bias, channel, x, c->width);
    const double candidate = c->is_g ? reference_g(hidden) : hidden;
    const double gate = reference_linear(weight, bias, inner + channel, x, c->width);
    if (c->is_mingru) {
        const double z = reference_sigmoid(gate);
        return (1.0 - z) * h + z * candidate;
    }
    const double f = reference_sigmoid(gate + c->forget_offset);
    const double i =
        reference_sigmoid(reference_linear(weight, bias, 2 * inner + channel, x, c->width));
    const double sum = c->is_normalised ? f + i : 1.0;
    return f / sum * h + i / sum * candidate;
}

/* y [batch, time, width] and state_out [batch, inner] in double precision. */
static inline void reference_forward(const minrnn_mixer *mixer, const minrnn_mixer_config *config,
                                     const struct layer_data *data, const double *parameters,
                                     const double *x, const double *state, double *y,
                                     double *state_out) {
    const struct reference reference = reference_of(config), *c = &reference;
    const int64_t inner = minrnn_mixer_state_size(mixer);
    const double *weight = reference_parameter(mixer, "to_hidden_and_gate.weight", parameters);
    const double *bias = reference_parameter(mixer, "to_hidden_and_gate.bias", parameters);
    const double *init = reference_parameter(mixer, "init_hidden_state", parameters);
    const double *out_weight = reference_parameter(mixer, "to_out.weight", parameters);
    const double *out_bias = reference_parameter(mixer, "to_out.bias", parameters);
    double *h = support_alloc((size_t)inner, sizeof *h);
    double *initial = support_alloc((size_t)inner, sizeof *initial);
    for (int64_t j = 0; j < inner && init; j++) {
        initial[j] = c->is_g ? reference_g(init[j]) : init[j];
    }
    for (int64_t b = 0; b < data->batch; b++) {
        memcpy(h, state ? state + b * inner : initial, (size_t)inner * sizeof *h);
        const int64_t length = data->lengths ? data->lengths[b] : data->time;
        for (int64_t t = 0; t < data->time; t++) {
            const double *row = x + (b * data->time + t) * c->width;
            double *out = y + (b * data->time + t) * c->width;
            if (t >= length) {
                memset(out, 0, (size_t)c->width * sizeof *out);
                continue;
            }
            for (int64_t j = 0; j < inner; j++) {
                const bool restart = data->reset && data->reset[b * data->time + t] != 0;
                h[j] = reference_step(c, weight, bias, inner, j, row, restart ? initial[j] : h[j]);
            }
            for (int64_t k = 0; k < c->width; k++) {
                out[k] = out_weight ? reference_linear(out_weight, out_bias, k, h, inner) : h[k];
            }
        }
        memcpy(state_out + b * inner, h, (size_t)inner * sizeof *h);
    }
    free(h);
    free(initial);
}

#endif
