/* SPDX-License-Identifier: Apache-2.0 */
/* Level 1: the recurrence on buffers of your own, forward and backward.
 *
 * Two sequences of five steps and three channels go through minGRU's cell: from each row
 * (hidden | gate) the scan computes z = sigmoid(gate) and h = (1 - z) h + z hidden. */
#include <minrnn/minrnn.h>

#include <stdio.h>

enum { BATCH = 2, TIME = 5, WIDTH = 3, STATES = BATCH * TIME * WIDTH };

#define TRY(call)                                                                                  \
    do {                                                                                           \
        if ((call) != MINRNN_OK) {                                                                 \
            fprintf(stderr, "%s\n", minrnn_error_text());                                          \
            goto done;                                                                             \
        }                                                                                          \
    } while (0)

static minrnn_status make_tensor(minrnn_device *device, uint64_t elements, minrnn_tensor *tensor) {
    *tensor = (minrnn_tensor){.type = MINRNN_F32};
    return minrnn_buffer_create(device, elements * sizeof(float), &tensor->buffer);
}

int main(void) {
    int result = 1;
    minrnn_device *device = NULL;
    minrnn_scan_tensors tensors;
    minrnn_scan_tensors_defaults(&tensors);

    /* MINRNN_DEVICE, or else the best device there is. */
    TRY(minrnn_device_open(NULL, &device));

    minrnn_scan_config config;
    minrnn_scan_config_defaults(&config);
    config.batch = BATCH;
    config.time = TIME;
    config.width = WIDTH;
    config.cell = MINRNN_CELL_MINGRU;

    uint64_t scratch;
    TRY(minrnn_scan_scratch(device, &config, &scratch));
    TRY(make_tensor(device, 2 * STATES, &tensors.x));
    TRY(make_tensor(device, STATES, &tensors.h));
    TRY(make_tensor(device, STATES, &tensors.dh));
    TRY(make_tensor(device, 2 * STATES, &tensors.dx));
    TRY(make_tensor(device, scratch / sizeof(float) + 1, &tensors.scratch));

    float x[2 * STATES], h[STATES], dh[STATES], dx[2 * STATES];
    for (int i = 0; i < 2 * STATES; i++) {
        const int channel = i % (2 * WIDTH);
        x[i] = channel < WIDTH ? (float)(i / (2 * WIDTH)) : -1.0f; /* hidden | gate */
    }
    for (int i = 0; i < STATES; i++) {
        dh[i] = 1.0f; /* the gradient of the sum of all states */
    }
    TRY(minrnn_buffer_write(tensors.x.buffer, 0, x, sizeof x));
    TRY(minrnn_buffer_write(tensors.dh.buffer, 0, dh, sizeof dh));

    /* Both are enqueued; the reads wait for them. */
    TRY(minrnn_scan_forward(device, &config, &tensors));
    TRY(minrnn_scan_backward(device, &config, &tensors));
    TRY(minrnn_buffer_read(tensors.h.buffer, 0, h, sizeof h));
    TRY(minrnn_buffer_read(tensors.dx.buffer, 0, dx, sizeof dx));

    for (int row = 0; row < BATCH * TIME; row++) {
        printf("sequence %d, step %d: state %6.3f, gradient of hidden %6.3f, of gate %6.3f\n",
               row / TIME, row % TIME, (double)h[row * WIDTH], (double)dx[row * 2 * WIDTH],
               (double)dx[row * 2 * WIDTH + WIDTH]);
    }
    result = 0;

done:
    minrnn_buffer_destroy(tensors.x.buffer);
    minrnn_buffer_destroy(tensors.h.buffer);
    minrnn_buffer_destroy(tensors.dh.buffer);
    minrnn_buffer_destroy(tensors.dx.buffer);
    minrnn_buffer_destroy(tensors.scratch.buffer);
    minrnn_device_destroy(device);
    return result;
}
