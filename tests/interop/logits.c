/* SPDX-License-Identifier: Apache-2.0 */
/* Our side of interop.py.
 *
 * logits make VARIANT MODEL              writes a model of tests/unit/models.h
 * logits run MODEL BATCH TIME IN OUT     reads tokens (i32), writes logits (f32), both [B, T, ...]
 *
 * The device is MINRNN_DEVICE's. Exits with 77 if there is none. */
#include "unit/models.h"

static int complain(const char *what) {
    fprintf(stderr, "%s: %s\n", what, minrnn_error_text());
    return 1;
}

static int make(minrnn_device *device, int variant, const char *path) {
    const minrnn_model_config config = model_variant(variant);
    minrnn_model *model = model_make(device, &config);
    const minrnn_status status = minrnn_model_save(model, path);
    minrnn_model_destroy(model);
    return status ? complain("save") : 0;
}

/* Reads or writes a whole file of 4-byte elements. */
static bool transfer(const char *path, const char *mode, void *data, size_t count) {
    FILE *file = fopen(path, mode);
    if (!file) {
        return false;
    }
    const bool whole = mode[0] == 'r' ? fread(data, 4, count, file) == count
                                      : fwrite(data, 4, count, file) == count;
    return fclose(file) == 0 && whole;
}

static int run(minrnn_device *device, char **arguments) {
    const int64_t batch = atoll(arguments[1]), time = atoll(arguments[2]);
    minrnn_model *model = NULL;
    minrnn_session *session = NULL;
    minrnn_model_config config;
    float *logits = NULL;
    int32_t *tokens = calloc((size_t)(batch * time), sizeof *tokens);
    int result = 1;
    if (!tokens || !transfer(arguments[3], "rb", tokens, (size_t)(batch * time))) {
        perror(arguments[3]);
        goto done;
    }
    if (minrnn_model_load(device, arguments[0], &model) ||
        minrnn_model_get_config(model, &config) ||
        minrnn_session_create(model, batch, time, &session)) {
        result = complain("load");
        goto done;
    }
    const size_t count = (size_t)(batch * time * config.vocab);
    logits = calloc(count, sizeof *logits);
    if (!logits || minrnn_session_forward(session, time, tokens, NULL, logits)) {
        result = complain("forward");
        goto done;
    }
    if (!transfer(arguments[4], "wb", logits, count)) {
        perror(arguments[4]);
        goto done;
    }
    result = 0;
done:
    minrnn_session_destroy(session);
    minrnn_model_destroy(model);
    free(logits);
    free(tokens);
    return result;
}

int main(int count, char **arguments) {
    minrnn_device *device = support_open_device();
    int result = 2;
    if (count == 4 && strcmp(arguments[1], "make") == 0) {
        result = make(device, atoi(arguments[2]), arguments[3]);
    } else if (count == 7 && strcmp(arguments[1], "run") == 0) {
        result = run(device, arguments + 2);
    }
    minrnn_device_destroy(device);
    return result;
}
