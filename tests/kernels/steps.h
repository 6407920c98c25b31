/* SPDX-License-Identifier: Apache-2.0 */
/* The training step of a preset, on text of 65 characters, made up. */
#ifndef TESTS_KERNELS_STEPS_H
#define TESTS_KERNELS_STEPS_H

#include <minrnn/minrnn.h>

struct steps {
    minrnn_model *model;
    minrnn_trainer *trainer;
    minrnn_batch batch;
    int32_t *tokens;
    int64_t rows;
};

/* `batch` sequences, or the preset's own if it is 0; ends the program if something fails. */
struct steps steps_create(minrnn_device *device, const char *preset, int64_t batch);
void steps_take(struct steps *steps);
void steps_destroy(struct steps *steps);

#endif
