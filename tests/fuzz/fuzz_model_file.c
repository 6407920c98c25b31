/* SPDX-License-Identifier: Apache-2.0 */
/* Model files. Any bytes either load or are refused with a line that says why. What loads is a
 * model that can be used, saved (if its numbers are finite) and loaded again. */
#include "harness.h"

#include <math.h>
#include <string.h>

int LLVMFuzzerInitialize(int *argc, char ***argv) {
    (void)argc;
    (void)argv;
    (void)fuzz_device();
    return 0;
}

static bool is_finite(const minrnn_model *model) {
    const int64_t count = minrnn_model_parameters(model);
    float *parameters = calloc((size_t)count, sizeof *parameters);
    bool finite = true;
    MUST(parameters);
    MUST_WORK(minrnn_model_read(model, parameters));
    for (int64_t i = 0; i < count; i++) {
        finite = finite && isfinite(parameters[i]);
    }
    free(parameters);
    return finite;
}

static bool stop_soon(void *user, const char *text, uint64_t bytes) {
    MUST(bytes >= 1 && bytes <= 4 && text[bytes] == 0);
    return --*(int *)user > 0;
}

/* Parameters may be anything, NaN included: then it fails, but it returns. */
static void generate(const minrnn_model *model) {
    minrnn_vocabulary *vocabulary = NULL;
    minrnn_session *session = NULL;
    const minrnn_status found = minrnn_model_get_vocabulary(model, &vocabulary);
    MUST(found == MINRNN_OK || (found == MINRNN_FORMAT_ERROR && !vocabulary));
    MUST_WORK(minrnn_session_create(model, 1, 2, &session));
    minrnn_sampling sampling;
    minrnn_sampling_defaults(&sampling);
    char first[8];
    int left = 3;
    const int bytes = minrnn_vocabulary_decode(vocabulary, 0, first);
    const minrnn_status status =
        minrnn_generate(session, first, (uint64_t)bytes, 4, &sampling, stop_soon, &left);
    const minrnn_status without = found ? found : MINRNN_INVALID_ARGUMENT;
    MUST(status == (vocabulary ? MINRNN_OK : without) || status == MINRNN_NOT_FINITE);
    minrnn_vocabulary_destroy(vocabulary);
    minrnn_session_destroy(session);
}

/* Every byte of a file that loads is needed, and there are no others. */
static void must_be_exact(const uint8_t *data, size_t size) {
    uint8_t *changed = calloc(size + 1, 1);
    minrnn_model *model = NULL;
    MUST(changed);
    memcpy(changed, data, size);
    for (size_t bytes = size - 1; bytes <= size + 1; bytes += 2) {
        const char *path = fuzz_put("changed", changed, bytes);
        MUST(minrnn_model_load(fuzz_device(), path, &model) == MINRNN_FORMAT_ERROR);
    }
    free(changed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const char *path = fuzz_put("input", data, size);
    minrnn_model *model = NULL, *again = NULL;
    const minrnn_status status = minrnn_model_load(fuzz_device(), path, &model);
    fuzz_check_failure(status);
    if (status) {
        MUST(!model);
        return 0;
    }
    /* The bytes of the parameters are those of the file, at most half as wide there, a tensor
     * standing for at most 64. */
    MUST(minrnn_device_allocated(fuzz_device()) <= 64 * 4 * size);
    const char *saved = fuzz_path("saved"), *saved_again = fuzz_path("saved again");
    const minrnn_status saving = minrnn_model_save(model, saved);
    MUST(saving == (is_finite(model) ? MINRNN_OK : MINRNN_NOT_FINITE));
    if (!saving) {
        MUST_WORK(minrnn_model_load(fuzz_device(), saved, &again));
        MUST_WORK(minrnn_model_save(again, saved_again));
        fuzz_must_equal(saved, saved_again);
    }
    generate(model);
    must_be_exact(data, size);
    minrnn_model_destroy(model);
    minrnn_model_destroy(again);
    MUST(minrnn_device_allocated(fuzz_device()) == 0);
    return 0;
}
