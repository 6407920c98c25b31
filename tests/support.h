/* SPDX-License-Identifier: Apache-2.0 */
/* What the test programs share. Each runs on one device, MINRNN_DEVICE's, the native CPU's without.
 */
#ifndef TESTS_SUPPORT_H
#define TESTS_SUPPORT_H

#include <minrnn/minrnn.h>

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { SUPPORT_SKIP = 77 }; /* an exit code that Meson shows as a skipped test */

/* Fails the test, with the library's error text, unless `call` returns MINRNN_OK. */
#define CHECK(call) support_check((call), #call, __FILE__, __LINE__)

static inline void support_check(minrnn_status status, const char *call, const char *file,
                                 int line) {
    if (status != MINRNN_OK) {
        print_error("%s: %s: %s\n", call, minrnn_status_name(status), minrnn_error_text());
        _fail(file, line);
    }
}

/* Opens the device under test; exits with SUPPORT_SKIP, saying so, if this machine has none. */
static inline minrnn_device *support_open_device(void) {
    const char *name = getenv("MINRNN_DEVICE");
    minrnn_device *device = NULL;
    minrnn_status status = minrnn_device_open(name ? name : "cpu", &device);
    if (status == MINRNN_DEVICE_NOT_FOUND && name) {
        printf("skipped: %s\n", minrnn_error_text());
        exit(SUPPORT_SKIP);
    }
    if (status) {
        fprintf(stderr, "%s: %s\n", minrnn_status_name(status), minrnn_error_text());
        exit(1);
    }
    return device;
}

/* Memory that is there or ends the test. */
static inline void *support_alloc(size_t count, size_t size) {
    void *memory = calloc(count ? count : 1, size);
    assert_non_null(memory);
    return memory;
}

/* What a model's tokens are; a model without a vocabulary has the type 'none'. */
enum support_vocabulary { SUPPORT_NONE, SUPPORT_CHARACTERS, SUPPORT_BYTES };

/* Its characters, if that is what they are, go to `text`, which holds `capacity`; NULL: not asked
 * for. */
static inline enum support_vocabulary support_vocabulary_of(const minrnn_model *model, char *text,
                                                            size_t capacity) {
    minrnn_vocabulary *vocabulary;
    CHECK(minrnn_model_get_vocabulary(model, &vocabulary));
    const enum support_vocabulary kind = !vocabulary ? SUPPORT_NONE
                                         : minrnn_vocabulary_is_bytes(vocabulary)
                                             ? SUPPORT_BYTES
                                             : SUPPORT_CHARACTERS;
    if (text) {
        snprintf(text, capacity, "%s", minrnn_vocabulary_characters(vocabulary));
    }
    minrnn_vocabulary_destroy(vocabulary);
    return kind;
}

/* The trainer's batches of all its micro-batches (or with `one` of one), from arrays. */
static inline minrnn_batch support_batch(const minrnn_trainer *trainer, bool one,
                                         const int32_t *tokens, const int32_t *targets,
                                         const int32_t *reset, const int32_t *lengths) {
    minrnn_trainer_config config;
    minrnn_batch batch;
    CHECK(minrnn_trainer_get_config(trainer, &config));
    minrnn_batch_defaults(&batch);
    batch.batch = one ? config.batch : config.accumulation * config.batch;
    batch.time = config.time;
    batch.tokens = tokens;
    batch.targets = targets;
    batch.reset = reset;
    batch.lengths = lengths;
    return batch;
}

static inline minrnn_status support_step(minrnn_trainer *trainer, const int32_t *tokens,
                                         const int32_t *targets, const int32_t *reset,
                                         const int32_t *lengths) {
    const minrnn_batch batch = support_batch(trainer, false, tokens, targets, reset, lengths);
    return minrnn_trainer_step(trainer, &batch);
}

static inline minrnn_status support_evaluate(minrnn_trainer *trainer, const int32_t *tokens,
                                             const int32_t *targets, const int32_t *reset,
                                             double *loss_sum, int64_t *count) {
    const minrnn_batch batch = support_batch(trainer, true, tokens, targets, reset, NULL);
    return minrnn_trainer_evaluate(trainer, &batch, loss_sum, count);
}

/* Gives a mixer "name=value name=value". */
static inline void support_set(minrnn_mixer_config *mixer, const char *values) {
    char pair[2 * MINRNN_SETTING_TEXT];
    for (int used = 0; sscanf(values, " %127s%n", pair, &used) == 1; values += used) {
        char *value = strchr(pair, '=');
        assert_non_null(value);
        *value++ = '\0';
        CHECK(minrnn_mixer_set(mixer, pair, value));
    }
}

/* Whether one of a mixer's settings has this value. */
static inline bool support_has(const minrnn_mixer_config *mixer, const char *name,
                               const char *value) {
    char text[MINRNN_SETTING_TEXT];
    CHECK(minrnn_mixer_get(mixer, name, text, sizeof text));
    return strcmp(text, value) == 0;
}

/* Numbers for inputs: SplitMix64, so that a test's data are the same everywhere. */
struct support_random {
    uint64_t state;
};

static inline uint64_t support_bits(struct support_random *random) {
    uint64_t z = random->state += 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

/* Uniform in 0 .. below - 1. */
static inline int32_t support_below(struct support_random *random, int32_t below) {
    return (int32_t)(support_bits(random) % (uint64_t)below);
}

/* Uniform in [-1, 1). */
static inline float support_uniform(struct support_random *random) {
    return (float)(support_bits(random) >> 40) * 0x1p-23f - 1.0f;
}

static inline void support_fill(struct support_random *random, float *x, int64_t count,
                                float scale) {
    for (int64_t i = 0; i < count; i++) {
        x[i] = scale * support_uniform(random);
    }
}

/* max|a - b| / max(max|b|, floor); infinite if any of it is not finite. */
static inline double support_error(const float *a, const float *b, int64_t count, double floor) {
    double largest = floor, worst = 0.0;
    for (int64_t i = 0; i < count; i++) {
        const double difference = fabs((double)a[i] - (double)b[i]);
        if (!isfinite(difference)) {
            return INFINITY;
        }
        worst = fmax(worst, difference);
        largest = fmax(largest, fabs((double)b[i]));
    }
    return worst == 0.0 ? 0.0 : worst / largest;
}

#endif
