/* SPDX-License-Identifier: Apache-2.0 */
/* Samples of text from a model that is being trained. */
#ifndef CLI_SAMPLES_H
#define CLI_SAMPLES_H

#include <minrnn/text.h>

struct samples {
    minrnn_session *session;
};

minrnn_status samples_create(struct samples *samples, const minrnn_model *model);
void samples_destroy(struct samples *samples);

/* Prints one, always of the same draws. */
minrnn_status samples_print(struct samples *samples, int64_t step);

#endif
