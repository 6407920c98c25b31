/* SPDX-License-Identifier: Apache-2.0 */
/* Level 2: a minGRU as a layer of your own model, with your own loss and optimiser.
 *
 * The layer learns to smooth: its output is to be the running average of its input. Here the loss
 * is a squared error and the optimiser plain gradient descent, both on the host. */
#include <minrnn/minrnn.h>

#include <stdio.h>
#include <stdlib.h>

enum { BATCH = 8, TIME = 16, WIDTH = 4, VALUES = BATCH * TIME * WIDTH, STEPS = 500 };

#define TRY(call)                                                                                  \
    do {                                                                                           \
        if ((call) != MINRNN_OK) {                                                                 \
            fprintf(stderr, "%s\n", minrnn_error_text());                                          \
            goto done;                                                                             \
        }                                                                                          \
    } while (0)

static minrnn_status make_tensor(minrnn_device *device, int64_t elements, minrnn_tensor *tensor) {
    *tensor = (minrnn_tensor){.type = MINRNN_F32};
    return minrnn_buffer_create(device, (uint64_t)elements * sizeof(float), &tensor->buffer);
}

/* The mean squared error against the running average of x, and its gradient. */
static float smoothing_loss(const float *x, const float *y, float *dy) {
    float average[WIDTH] = {0}, loss = 0.0f;
    for (int i = 0; i < VALUES; i++) {
        const int channel = i % WIDTH, step = i / WIDTH % TIME;
        average[channel] = (step > 0 ? 0.75f * average[channel] : 0.0f) + 0.25f * x[i];
        const float error = y[i] - average[channel];
        loss += error * error / VALUES;
        dy[i] = 2.0f * error / VALUES;
    }
    return loss;
}

int main(void) {
    int result = 1;
    minrnn_device *device = NULL;
    minrnn_mixer *mixer = NULL;
    minrnn_mixer_tensors t;
    float *parameters = NULL, *gradients = NULL;
    float loss = 0.0f;

    minrnn_mixer_tensors_defaults(&t);
    TRY(minrnn_device_open(NULL, &device));

    minrnn_mixer_config config;
    TRY(minrnn_mixer_config_defaults("mingru", &config)); /* or another minrnn_mixer_name */
    config.width = WIDTH;
    TRY(minrnn_mixer_set(&config, "bias", "on"));
    TRY(minrnn_mixer_create(device, &config, &mixer));

    const int64_t count = minrnn_mixer_parameters(mixer);
    const size_t bytes = (size_t)count * sizeof(float);
    int64_t saved, temporary;
    TRY(minrnn_mixer_workspace(mixer, BATCH, TIME, &saved, &temporary));
    TRY(make_tensor(device, count, &t.parameters));
    TRY(make_tensor(device, count, &t.gradients));
    TRY(make_tensor(device, VALUES, &t.x));
    TRY(make_tensor(device, VALUES, &t.y));
    TRY(make_tensor(device, VALUES, &t.dx));
    TRY(make_tensor(device, VALUES, &t.dy));
    TRY(make_tensor(device, saved, &t.saved));
    TRY(make_tensor(device, temporary, &t.temporary));

    parameters = malloc(bytes);
    gradients = malloc(bytes);
    if (!parameters || !gradients) {
        goto done;
    }
    TRY(minrnn_mixer_initialise(mixer, 1, t.parameters));
    TRY(minrnn_buffer_read(t.parameters.buffer, 0, parameters, bytes));

    for (int step = 1; step <= STEPS; step++) {
        float x[VALUES], y[VALUES], dy[VALUES];
        for (int i = 0; i < VALUES; i++) {
            x[i] = (float)rand() / (float)RAND_MAX - 0.5f;
        }
        TRY(minrnn_buffer_write(t.x.buffer, 0, x, sizeof x));
        TRY(minrnn_mixer_forward(mixer, BATCH, TIME, &t));
        TRY(minrnn_buffer_read(t.y.buffer, 0, y, sizeof y));

        loss = smoothing_loss(x, y, dy);
        for (int64_t i = 0; i < count; i++) {
            gradients[i] = 0.0f; /* backward adds to them */
        }
        TRY(minrnn_buffer_write(t.dy.buffer, 0, dy, sizeof dy));
        TRY(minrnn_buffer_write(t.gradients.buffer, 0, gradients, bytes));
        TRY(minrnn_mixer_backward(mixer, BATCH, TIME, &t));
        TRY(minrnn_buffer_read(t.gradients.buffer, 0, gradients, bytes));
        for (int64_t i = 0; i < count; i++) {
            parameters[i] -= 1.5f * gradients[i];
        }
        TRY(minrnn_buffer_write(t.parameters.buffer, 0, parameters, bytes));
        if (step % 100 == 0) {
            printf("step %3d: mean squared error %.6f\n", step, (double)loss);
        }
    }
    result = loss < 2e-3f ? 0 : 1;

done:
    free(parameters);
    free(gradients);
    minrnn_buffer_destroy(t.parameters.buffer);
    minrnn_buffer_destroy(t.gradients.buffer);
    minrnn_buffer_destroy(t.x.buffer);
    minrnn_buffer_destroy(t.y.buffer);
    minrnn_buffer_destroy(t.dx.buffer);
    minrnn_buffer_destroy(t.dy.buffer);
    minrnn_buffer_destroy(t.saved.buffer);
    minrnn_buffer_destroy(t.temporary.buffer);
    minrnn_mixer_destroy(mixer);
    minrnn_device_destroy(device);
    return result;
}
