/* SPDX-License-Identifier: Apache-2.0 */
/* A mixer as a layer of the caller's: one call with its arrays, put on the device and brought back.
 */
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

static inline int64_t elements_of(const minrnn_parameter_info *info) {
    int64_t count = 1;
    for (int k = 0; k < info->dimensions; k++) {
        count *= info->shape[k];
    }
    return count;
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

#endif
