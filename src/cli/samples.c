/* SPDX-License-Identifier: Apache-2.0 */
/* Text printed while a model is trained. */
#include "cli/samples.h"

#include "cli/report.h"

#include <inttypes.h>
#include <stdio.h>

enum { LENGTH = 200 }; /* tokens */

minrnn_status samples_create(struct samples *samples, const minrnn_model *model) {
    return minrnn_session_create(model, 1, 1, &samples->session);
}

void samples_destroy(struct samples *samples) {
    minrnn_session_destroy(samples->session);
}

static bool print(void *user, const char *text, uint64_t bytes) {
    (void)user;
    fwrite(text, 1, bytes, stdout);
    return true;
}

minrnn_status samples_print(struct samples *samples, int64_t step) {
    minrnn_sampling sampling;
    minrnn_sampling_defaults(&sampling);
    printf("sample   at step %" PRId64 ":\n", step);
    const minrnn_status status =
        minrnn_generate(samples->session, NULL, 0, LENGTH, &sampling, print, NULL);
    putchar('\n');
    report_flush();
    return status;
}
