/* SPDX-License-Identifier: Apache-2.0 */
/* To be loaded before the library: nothing can be generated, for a reason that names a file. */
#include <minrnn/bench.h>

static bool failed; /* the only thing that the process asks of this library */

minrnn_status minrnn_bench_generate(minrnn_device *device, const minrnn_model_config *model,
                                    int64_t batch, minrnn_bench **bench) {
    (void)device;
    (void)model;
    (void)batch;
    *bench = NULL;
    failed = true;
    return MINRNN_IO_ERROR;
}

const char *minrnn_error_text(void) {
    return failed ? "cannot read /home/somebody/key: no such thing" : "";
}
