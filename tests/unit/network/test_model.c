/* SPDX-License-Identifier: Apache-2.0 */
/* A model and its sessions: steps, chunks and the whole; causality; documents; parameters and
 * memory; two sessions at once; errors. */
#include "unit/models.h"

#include <pthread.h>

static minrnn_device *device;

/* ---- time ---- */

/* Feeds tokens [batch, time] in calls that end at `ends`; logits [batch, time, vocab]. */
static void feed(minrnn_session *session, int64_t batch, int64_t time, const int32_t *tokens,
                 const int32_t *reset, const int64_t *ends, int chunks, float *logits) {
    int32_t *part = support_alloc((size_t)(batch * time), 2 * sizeof *part);
    float *out = support_alloc((size_t)(batch * time * MODEL_VOCAB), sizeof *out);
    CHECK(minrnn_session_restart(session));
    for (int k = 0; k < chunks; k++) {
        const int64_t from = k > 0 ? ends[k - 1] : 0;
        const int64_t count = ends[k] - from;
        int32_t *part_reset = part + batch * count;
        for (int64_t b = 0; b < batch; b++) {
            const size_t bytes = (size_t)count * sizeof *part;
            memcpy(part + b * count, tokens + b * time + from, bytes);
            if (reset) {
                memcpy(part_reset + b * count, reset + b * time + from, bytes);
            }
        }
        CHECK(minrnn_session_forward(session, count, part, reset ? part_reset : NULL, out));
        for (int64_t b = 0; b < batch; b++) {
            memcpy(logits + (b * time + from) * MODEL_VOCAB, out + b * count * MODEL_VOCAB,
                   (size_t)(count * MODEL_VOCAB) * sizeof *out);
        }
    }
    free(part);
    free(out);
}

static void test_splits(void **unused) {
    (void)unused;
    enum { BATCH = 3, TIME = 41 };
    struct support_random random = {1};
    for (int v = 0; v < MODEL_VARIANTS; v++) {
        const minrnn_model_config config = model_variant(v);
        minrnn_model *model = model_make(device, &config);
        minrnn_session *session;
        CHECK(minrnn_session_create(model, BATCH, TIME, &session));
        int32_t tokens[BATCH * TIME], reset[BATCH * TIME] = {0};
        random_tokens(&random, tokens, BATCH * TIME);
        reset[7] = reset[9] = reset[TIME] = reset[2 * TIME + 40] = 1;
        const int64_t count = BATCH * TIME * MODEL_VOCAB;
        float *whole = support_alloc((size_t)count, sizeof *whole);
        float *split = support_alloc((size_t)count, sizeof *split);
        for (int attempt = 0; attempt < 8; attempt++) {
            const int32_t *cuts = attempt < 4 ? NULL : reset;
            int64_t ends[TIME];
            int chunks = 0;
            for (int64_t t = 0; t < TIME;) {
                t += attempt % 4 == 0 ? 1 : 1 + support_below(&random, attempt % 4 * 5);
                ends[chunks++] = t < TIME ? t : TIME;
            }
            feed(session, BATCH, TIME, tokens, cuts, (const int64_t[]){TIME}, 1, whole);
            feed(session, BATCH, TIME, tokens, cuts, ends, chunks, split);
            expect_close("split", v, split, whole, count, 1e-5);
        }
        free(whole);
        free(split);
        minrnn_session_destroy(session);
        minrnn_model_destroy(model);
    }
}

/* The first of `count` floats whose bits differ, or -1. */
static int64_t first_difference(const float *a, const float *b, int64_t count) {
    for (int64_t i = 0; i < count; i++) {
        if (memcmp(&a[i], &b[i], sizeof *a) != 0) {
            return i;
        }
    }
    return -1;
}

/* Another token at t changes no bit before t, and something at t. */
static void test_causality(void **unused) {
    (void)unused;
    enum { TIME = 33 };
    static const int places[] = {0, 1, 3, 4, 16, 31, 32};
    struct support_random random = {2};
    for (int v = 0; v < MODEL_VARIANTS; v++) {
        const minrnn_model_config config = model_variant(v);
        minrnn_model *model = model_make(device, &config);
        minrnn_session *session;
        CHECK(minrnn_session_create(model, 1, TIME, &session));
        int32_t tokens[TIME];
        float before[TIME * MODEL_VOCAB], after[TIME * MODEL_VOCAB];
        random_tokens(&random, tokens, TIME);
        feed(session, 1, TIME, tokens, NULL, (const int64_t[]){TIME}, 1, before);
        for (size_t k = 0; k < sizeof places / sizeof *places; k++) {
            const int t = places[k];
            const int32_t old = tokens[t];
            tokens[t] = (old + 5) % MODEL_VOCAB;
            feed(session, 1, TIME, tokens, NULL, (const int64_t[]){TIME}, 1, after);
            tokens[t] = old;
            const int64_t first = first_difference(before, after, TIME * MODEL_VOCAB);
            if (first / MODEL_VOCAB != t || first < 0) {
                fail_msg("variant %d: token %d first changed logit %d of step %d", v, t,
                         (int)(first % MODEL_VOCAB), (int)(first / MODEL_VOCAB));
            }
        }
        minrnn_session_destroy(session);
        minrnn_model_destroy(model);
    }
}

/* No token of one document reaches a logit of the next; nor does what another stream holds. */
static void test_documents(void **unused) {
    (void)unused;
    enum { BATCH = 2, TIME = 30, START = 11 };
    struct support_random random = {3};
    for (int v = 0; v < MODEL_VARIANTS; v++) {
        const minrnn_model_config config = model_variant(v);
        minrnn_model *model = model_make(device, &config);
        minrnn_session *session;
        CHECK(minrnn_session_create(model, BATCH, TIME, &session));
        int32_t tokens[BATCH * TIME], reset[BATCH * TIME] = {0};
        float before[BATCH * TIME * MODEL_VOCAB], after[BATCH * TIME * MODEL_VOCAB];
        random_tokens(&random, tokens, BATCH * TIME);
        reset[TIME + START] = 1;
        feed(session, BATCH, TIME, tokens, reset, (const int64_t[]){TIME}, 1, before);
        for (int t = 0; t < START; t++) {
            tokens[TIME + t] = (tokens[TIME + t] + 1 + t % 5) % MODEL_VOCAB;
        }
        feed(session, BATCH, TIME, tokens, reset, (const int64_t[]){TIME}, 1, after);
        assert_int_equal(first_difference(before, after, TIME * MODEL_VOCAB), -1);
        assert_int_equal(first_difference(before + TIME * MODEL_VOCAB, after + TIME * MODEL_VOCAB,
                                          TIME * MODEL_VOCAB),
                         0);
        const int64_t second = (TIME + START) * MODEL_VOCAB;
        assert_int_equal(
            first_difference(before + second, after + second, (TIME - START) * MODEL_VOCAB), -1);

        /* And a document is what it would be alone, in a stream of its own. */
        int32_t alone[BATCH * (TIME - START)] = {0};
        memcpy(alone, tokens + TIME + START, (TIME - START) * sizeof *alone);
        feed(session, BATCH, TIME - START, alone, NULL, (const int64_t[]){TIME - START}, 1, after);
        expect_close("alone", v, before + second, after, (TIME - START) * MODEL_VOCAB, 1e-5);
        minrnn_session_destroy(session);
        minrnn_model_destroy(model);
    }
}

/* ---- parameters ---- */

static int64_t count_parameters(const minrnn_model_config *config) {
    minrnn_model *model;
    CHECK(minrnn_model_create(device, config, 1, &model));
    const int64_t total = minrnn_model_parameters(model);
    char *taken = support_alloc((size_t)total, 1);
    for (int i = 0; i < minrnn_model_tensor_count(model); i++) {
        minrnn_parameter_info info;
        CHECK(minrnn_model_parameter(model, i, &info));
        const int64_t end = info.offset + parameter_elements(&info);
        assert_true(info.offset >= 0 && end <= total);
        for (int64_t k = info.offset; k < end; k++) {
            assert_false(taken[k]);
            taken[k] = 1;
        }
    }
    assert_null(memchr(taken, 0, (size_t)total));
    free(taken);
    minrnn_model_destroy(model);
    return total;
}

/* The paper's Figure 2: 3 layers of [convolution 4, minGRU alpha 2, feed-forward], d = 384. */
static void test_parameter_counts(void **unused) {
    (void)unused;
    minrnn_model_config config;
    minrnn_model_config_defaults(&config);
    config.vocab = 65;
    config.width = 384;
    config.layers = 3;
    support_set(&config.mixer, "expansion=2");
    config.conv = 4;
    config.feed_forward = MINRNN_FEED_FORWARD_GELU;
    config.feed_forward_factor = 4.0f;
    const int64_t d = 384;
    const int64_t block =
        (4 * d + d) + (d + 2 * 2 * d * d + 2 * d * d) + (d + 4 * d * d + 4 * d + 4 * d * d + d);
    const int64_t total = count_parameters(&config);
    print_message("Figure 2's minGRU: %.2f M parameters\n", (double)total * 1e-6);
    assert_int_equal(total, 3 * block + 2 * 65 * d + d);
    assert_int_equal((total + 5000) / 10000, 626);
    for (int v = 0; v < MODEL_VARIANTS; v++) {
        config = model_variant(v);
        count_parameters(&config);
    }
}

static void test_initial_values(void **unused) {
    (void)unused;
    const minrnn_model_config config = model_variant(4);
    float *values[3];
    for (int k = 0; k < 3; k++) {
        minrnn_model *model;
        CHECK(minrnn_model_create(device, &config, k < 2 ? 5 : 6, &model));
        values[k] = support_alloc((size_t)minrnn_model_parameters(model), sizeof(float));
        CHECK(minrnn_model_read(model, values[k]));
        const size_t bytes = (size_t)minrnn_model_parameters(model) * sizeof(float);
        assert_true(k != 1 || memcmp(values[0], values[1], bytes) == 0);
        assert_true(k != 2 || memcmp(values[0], values[2], bytes) != 0);
        minrnn_model_config back;
        CHECK(minrnn_model_get_config(model, &back));
        assert_int_equal(back.width, config.width);
        assert_int_equal(back.mixer.width, config.width);
        assert_string_equal(back.mixer.name, config.mixer.name);
        assert_ptr_equal(minrnn_model_device(model), device);
        minrnn_model_destroy(model);
    }
    for (int k = 0; k < 3; k++) {
        free(values[k]);
    }
}

/* As torch draws them: the embedding from N(0, 1), a layer's weight [out, in] and bias from
 * U(-1, 1) / sqrt(in), gains 1. */
static void check_drawn(const minrnn_parameter_info *info, int64_t fan_in, const float *values) {
    const int64_t count = parameter_elements(info);
    double largest = 0.0, squares = 0.0;
    for (int64_t i = 0; i < count; i++) {
        largest = fmax(largest, fabs((double)values[i]));
        squares += (double)values[i] * (double)values[i] / (double)count;
    }
    if (strstr(info->name, "emb") || strstr(info->name, "init")) {
        assert_true(largest < 6.0);
        assert_true(strstr(info->name, "init") || fabs(squares - 1.0) < 0.3);
        return;
    }
    const double bound = 1.0 / sqrt((double)fan_in);
    if (largest > bound * (1.0 + 1e-6) || (count >= 64 && largest < 0.9 * bound)) {
        fail_msg("%s: up to %g, not %g", info->name, largest, bound);
    }
}

/* What begins otherwise: test_mamba.c has it. */
static bool is_of_scan(const char *name) {
    return strstr(name, "A_log") || strstr(name, ".2.D") || strstr(name, "dt_proj.bias");
}

static void test_distributions(void **unused) {
    (void)unused;
    for (int v = 0; v < MODEL_VARIANTS; v++) {
        const minrnn_model_config config = model_variant(v);
        minrnn_model *model;
        CHECK(minrnn_model_create(device, &config, 5, &model));
        float *values = support_alloc((size_t)minrnn_model_parameters(model), sizeof *values);
        CHECK(minrnn_model_read(model, values));
        int64_t fan_in = 0; /* a bias follows its weight */
        for (int i = 0; i < minrnn_model_tensor_count(model); i++) {
            minrnn_parameter_info info;
            CHECK(minrnn_model_parameter(model, i, &info));
            if (info.dimensions > 1) {
                fan_in = parameter_elements(&info) / info.shape[0];
            }
            if (strstr(info.name, "weight_ih_l0")) { /* torch: 1 / sqrt(hidden size) throughout */
                fan_in = info.shape[0] / (strcmp(config.mixer.name, "gru") == 0 ? 3 : 4);
            }
            if (info.dimensions == 1 && strstr(info.name, "weight")) {
                for (int64_t k = 0; k < info.shape[0]; k++) {
                    assert_true(values[info.offset + k] == 1.0f);
                }
            } else if (!is_of_scan(info.name)) {
                check_drawn(&info, fan_in, values + info.offset);
            }
        }
        free(values);
        minrnn_model_destroy(model);
    }
}

/* ---- memory ---- */

static void expect_bytes(const char *what, int variant, uint64_t bytes, uint64_t expected) {
    if (bytes != expected) {
        fail_msg("variant %d: %s: %llu bytes, foretold %llu", variant, what,
                 (unsigned long long)bytes, (unsigned long long)expected);
    }
}

/* What minrnn_model_memory says beforehand is what is allocated, and no call allocates after. */
static void test_session_memory(void **unused) {
    (void)unused;
    enum { BATCH = 2, TIME = 150 };
    int32_t tokens[BATCH * TIME] = {0};
    float logits[BATCH * TIME * MODEL_VOCAB];
    for (int v = 0; v < MODEL_VARIANTS; v++) {
        const minrnn_model_config config = model_variant(v);
        const uint64_t base = minrnn_device_allocated(device);
        minrnn_memory memory;
        minrnn_model *model;
        minrnn_session *session;
        CHECK(minrnn_model_memory(device, &config, BATCH, TIME, false, &memory));
        expect_bytes("planning", v, minrnn_device_allocated(device), base);
        assert_int_equal(memory.gradients + memory.moments, 0);
        assert_int_equal(memory.total, memory.parameters + memory.workspace);
        CHECK(minrnn_model_create(device, &config, 1, &model));
        expect_bytes("model", v, minrnn_device_allocated(device) - base, memory.parameters);
        CHECK(minrnn_session_create(model, BATCH, TIME, &session));
        expect_bytes("session", v, minrnn_device_allocated(device) - base, memory.total);
        for (int64_t time = 1; time <= TIME; time += time < 6 ? 1 : 17) {
            CHECK(minrnn_session_forward(session, time, tokens, tokens, logits));
            expect_bytes("forward", v, minrnn_device_allocated(device) - base, memory.total);
        }
        minrnn_session_destroy(session);
        minrnn_model_destroy(model);
        expect_bytes("left", v, minrnn_device_allocated(device), base);
    }
}

/* ---- sessions at once ---- */

struct stream {
    minrnn_session *session;
    int32_t tokens[64];
    float logits[64 * MODEL_VOCAB];
    minrnn_status status;
};

enum { STREAM_CALLS = 12 };

/* The same text STREAM_CALLS times in pieces of 8, so that calls of the threads interleave. */
static void *run_stream(void *argument) {
    struct stream *stream = argument;
    for (int call = 0; call < STREAM_CALLS && !stream->status; call++) {
        stream->status = minrnn_session_restart(stream->session);
        for (int t = 0; t < 64 && !stream->status; t += 8) {
            stream->status = minrnn_session_forward(stream->session, 8, stream->tokens + t, NULL,
                                                    stream->logits + t * MODEL_VOCAB);
        }
    }
    return NULL;
}

static void test_threads(void **unused) {
    (void)unused;
    const minrnn_model_config config = model_variant(4);
    minrnn_model *model = model_make(device, &config);
    static struct stream alone[2], together[2];
    memset(alone, 0, sizeof alone);
    memset(together, 0, sizeof together);
    struct support_random random = {4};
    for (int i = 0; i < 2; i++) {
        CHECK(minrnn_session_create(model, 1, 8, &alone[i].session));
        random_tokens(&random, alone[i].tokens, 64);
        run_stream(&alone[i]);
        CHECK(alone[i].status);
        memcpy(together[i].tokens, alone[i].tokens, sizeof alone[i].tokens);
        CHECK(minrnn_session_create(model, 1, 8, &together[i].session));
    }
    pthread_t threads[2];
    for (int i = 0; i < 2; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, run_stream, &together[i]), 0);
    }
    for (int i = 0; i < 2; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    assert_int_not_equal(first_difference(alone[0].logits, alone[1].logits, 64 * MODEL_VOCAB), -1);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(together[i].status, MINRNN_OK);
        assert_int_equal(first_difference(together[i].logits, alone[i].logits, 64 * MODEL_VOCAB),
                         -1);
        minrnn_session_destroy(alone[i].session);
        minrnn_session_destroy(together[i].session);
    }
    minrnn_model_destroy(model);
}

/* ---- errors ---- */

static void expect_refused(const char *what, const minrnn_model_config *config) {
    minrnn_model *model = NULL;
    minrnn_memory memory;
    const minrnn_status status = minrnn_model_create(device, config, 1, &model);
    if (status != MINRNN_INVALID_ARGUMENT || model || minrnn_error_text()[0] == '\0' ||
        strchr(minrnn_error_text(), '\n')) {
        fail_msg("%s: %s, \"%s\"", what, minrnn_status_name(status), minrnn_error_text());
    }
    assert_int_equal(minrnn_model_memory(device, config, 1, 1, true, &memory),
                     MINRNN_INVALID_ARGUMENT);
}

#define REFUSED(change)                                                                            \
    do {                                                                                           \
        minrnn_model_config bad = model_variant(3);                                                \
        change;                                                                                    \
        expect_refused(#change, &bad);                                                             \
    } while (0)

static void test_refused_configs(void **unused) {
    (void)unused;
    REFUSED(bad.vocab = 0);
    REFUSED(bad.vocab = -1);
    REFUSED(bad.vocab = INT64_MAX);
    REFUSED(bad.width = 0);
    REFUSED(bad.width = INT64_MAX / 2);
    REFUSED(bad.layers = 0);
    REFUSED(bad.layers = INT64_MAX);
    REFUSED(bad.conv = -1);
    REFUSED(bad.conv = INT64_MAX);
    REFUSED(bad.feed_forward = (minrnn_feed_forward)7);
    REFUSED(bad.feed_forward_factor = 0.0f);
    REFUSED(bad.feed_forward_factor = NAN);
    REFUSED(bad.dropout = 1.0f);
    REFUSED(bad.dropout = -0.1f);
    REFUSED(bad.dropout = NAN);
    REFUSED(support_set(&bad.mixer, "alg=log"));
    REFUSED(support_set(&bad.mixer, "expansion=1e-9"));
    REFUSED(memset(bad.mixer.settings, 0xFF, sizeof bad.mixer.settings));
    REFUSED(bad.size = 0);
    REFUSED(strcpy(bad.mixer.name, "lstm?"));
    REFUSED(strcpy(bad.mixer.name, ""));
    REFUSED(strcpy(bad.mixer.name, "mingru")); /* the variant is normalised, with an offset */
    minrnn_model_config no_vocab;
    minrnn_model_config_defaults(&no_vocab);
    expect_refused("defaults, no vocabulary", &no_vocab);
}

static void test_refused_calls(void **unused) {
    (void)unused;
    const minrnn_model_config config = model_variant(0);
    minrnn_model *model = NULL;
    minrnn_session *session = NULL;
    assert_int_equal(minrnn_model_create(NULL, &config, 1, &model), MINRNN_INVALID_ARGUMENT);
    assert_int_equal(minrnn_model_create(device, NULL, 1, &model), MINRNN_INVALID_ARGUMENT);
    assert_int_equal(minrnn_model_create(device, &config, 1, NULL), MINRNN_INVALID_ARGUMENT);
    minrnn_model_destroy(NULL);
    minrnn_session_destroy(NULL);
    CHECK(minrnn_model_create(device, &config, 1, &model));
    assert_int_equal(minrnn_model_read(model, NULL), MINRNN_INVALID_ARGUMENT);
    assert_int_equal(minrnn_model_write(NULL, NULL), MINRNN_INVALID_ARGUMENT);
    minrnn_parameter_info info;
    assert_int_equal(minrnn_model_parameter(model, -1, &info), MINRNN_INVALID_ARGUMENT);
    assert_int_equal(minrnn_model_parameter(model, minrnn_model_tensor_count(model), &info),
                     MINRNN_INVALID_ARGUMENT);
    minrnn_vocabulary *vocabulary;
    CHECK(minrnn_vocabulary_create("abc", 3, false, &vocabulary));
    assert_int_equal(support_vocabulary_of(model, NULL, 0), SUPPORT_NONE);
    assert_int_equal(minrnn_model_set_vocabulary(model, vocabulary), MINRNN_INVALID_ARGUMENT);
    minrnn_vocabulary_destroy(vocabulary);
    assert_int_equal(minrnn_session_create(NULL, 1, 1, &session), MINRNN_INVALID_ARGUMENT);
    assert_int_equal(minrnn_session_create(model, 0, 1, &session), MINRNN_INVALID_ARGUMENT);
    assert_int_equal(minrnn_session_create(model, 1, 0, &session), MINRNN_INVALID_ARGUMENT);
    assert_int_equal(minrnn_session_create(model, 1, 1, NULL), MINRNN_INVALID_ARGUMENT);
    CHECK(minrnn_session_create(model, 1, 4, &session));
    float logits[4 * MODEL_VOCAB];
    int32_t tokens[5] = {0, 1, 2, MODEL_VOCAB, 0};
    assert_int_equal(minrnn_session_forward(session, 4, tokens, NULL, logits),
                     MINRNN_INVALID_ARGUMENT);
    tokens[3] = -1;
    assert_int_equal(minrnn_session_forward(session, 4, tokens, NULL, logits),
                     MINRNN_INVALID_ARGUMENT);
    tokens[3] = 0;
    assert_int_equal(minrnn_session_forward(session, 5, tokens, NULL, logits),
                     MINRNN_INVALID_ARGUMENT);
    assert_int_equal(minrnn_session_forward(session, 0, tokens, NULL, logits),
                     MINRNN_INVALID_ARGUMENT);
    assert_int_equal(minrnn_session_forward(session, 1, NULL, NULL, logits),
                     MINRNN_INVALID_ARGUMENT);
    CHECK(minrnn_session_forward(session, 4, tokens, NULL, logits)); /* still usable */
    minrnn_session_destroy(session);
    minrnn_model_destroy(model);
}

int main(void) {
    device = support_open_device();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_splits),          cmocka_unit_test(test_causality),
        cmocka_unit_test(test_documents),       cmocka_unit_test(test_parameter_counts),
        cmocka_unit_test(test_initial_values),  cmocka_unit_test(test_distributions),
        cmocka_unit_test(test_session_memory),  cmocka_unit_test(test_threads),
        cmocka_unit_test(test_refused_configs), cmocka_unit_test(test_refused_calls),
    };
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    minrnn_device_destroy(device);
    return failed ? 1 : 0;
}
