/* SPDX-License-Identifier: Apache-2.0 */
/* Where each limit of a configuration lies, on both sides of it, and each argument that may not be
 * NULL by itself. */
#include "train/trainer_config.h" /* before cmocka, which has a macro of its fail's name */
#include "unit/models.h"

static minrnn_device *device;

static bool allowed(const char *what, minrnn_status status) {
    if (status != MINRNN_OK && status != MINRNN_INVALID_ARGUMENT) {
        fail_msg("%s: %s", what, minrnn_error_text());
    }
    return status == MINRNN_OK;
}

/* ---- limits ---- */

#define EXPECT(is_allowed, prepare, check)                                                         \
    do {                                                                                           \
        prepare;                                                                                   \
        if (allowed(#prepare, check) != (is_allowed)) {                                            \
            fail_msg("%s is %s", #prepare, (is_allowed) ? "refused" : "allowed");                  \
        }                                                                                          \
    } while (0)

/* One change to a trainer's configuration. */
#define TRAINER(is_allowed, change)                                                                \
    do {                                                                                           \
        minrnn_trainer_config c;                                                                   \
        minrnn_trainer_config_defaults(&c);                                                        \
        EXPECT(is_allowed, change, trainer_config_check(&c));                                      \
    } while (0)

static void test_trainer(void **unused) {
    (void)unused;
    TRAINER(true, (void)0);
    TRAINER(true, c.batch = 1);
    TRAINER(true, c.time = 1);
    TRAINER(false, c.time = 0);
    TRAINER(true, (c.batch = 1, c.time = INT32_MAX));
    TRAINER(false, (c.batch = 1, c.time = INT32_MAX + 1ll));
    TRAINER(true, (c.batch = INT32_MAX, c.time = 1));
    TRAINER(false, (c.batch = INT32_MAX + 1ll, c.time = 1));
    TRAINER(true, (c.batch = 3, c.time = 5, c.accumulation = INT32_MAX / 15));
    TRAINER(false, (c.batch = 3, c.time = 5, c.accumulation = INT32_MAX / 15 + 1));
    TRAINER(true, c.steps = 1);
    TRAINER(true, c.steps = c.warmup = 1ll << 53);
    TRAINER(false, c.steps = (1ll << 53) + 2);
    TRAINER(false, c.warmup = INT64_MAX);
    TRAINER(false, c.steps = 0);
    TRAINER(true, c.warmup = 0);
    TRAINER(false, c.warmup = -1);
    TRAINER(true, c.rate = 0.0f);
    TRAINER(false, c.rate = INFINITY);
    TRAINER(true, c.min_rate = 0.0f);
    TRAINER(false, c.min_rate = -1.0f);
    TRAINER(true, c.weight_decay = 0.0f);
    TRAINER(false, c.weight_decay = NAN);
    TRAINER(true, c.clip = 0.0f);
    TRAINER(true, c.epsilon = 1e-30f);
    TRAINER(false, c.epsilon = NAN);
    TRAINER(true, c.beta1 = 0.0f);
    TRAINER(false, c.beta1 = -0.1f);
    TRAINER(true, c.beta2 = 0.0f);
    TRAINER(false, c.beta2 = 1.0f);
    TRAINER(true, c.schedule = MINRNN_SCHEDULE_COSINE);
    TRAINER(false, c.schedule = (minrnn_schedule)(MINRNN_SCHEDULE_COSINE + 1));
}

/* One change to a model's configuration; nothing is allocated for it. */
#define MODEL(is_allowed, change)                                                                  \
    do {                                                                                           \
        minrnn_model_config c = model_variant(3);                                                  \
        minrnn_memory memory;                                                                      \
        EXPECT(is_allowed, change, minrnn_model_memory(device, &c, 1, 1, false, &memory));         \
    } while (0)

static void test_model(void **unused) {
    (void)unused;
    MODEL(true, (void)0);
    MODEL(true, c.vocab = 1);
    MODEL(true, c.vocab = 1 << 22);
    MODEL(false, c.vocab = (1 << 22) + 1);
    MODEL(true, c.width = 1);
    MODEL(true,
          (c.width = 1 << 20, c.feed_forward_factor = 1.0f, support_set(&c.mixer, "expansion=1")));
    MODEL(false, (c.width = (1 << 20) + 1, c.feed_forward_factor = 0.5f,
                  support_set(&c.mixer, "expansion=0.5")));
    MODEL(true, c.layers = 1);
    MODEL(true, c.layers = 4096);
    MODEL(false, c.layers = 4097);
    MODEL(true, c.conv = 0);
    MODEL(true, c.conv = 64);
    MODEL(false, c.conv = 65);
    MODEL(true, c.conv_pointwise = true);
    MODEL(false, (c.conv_pointwise = true, c.conv = 0));
    MODEL(true, c.feed_forward = MINRNN_FEED_FORWARD_GEGLU);
    MODEL(false, c.feed_forward = (minrnn_feed_forward)(MINRNN_FEED_FORWARD_GEGLU + 1));
    MODEL(true, c.feed_forward_factor = 1.0f / 16);
    MODEL(false, c.feed_forward_factor = 0.06f);
    MODEL(true, c.feed_forward_factor = 65536.0f);
    MODEL(false, c.feed_forward_factor = 65537.0f);
    MODEL(true, (c.feed_forward_factor = 0.0f, c.feed_forward = MINRNN_FEED_FORWARD_NONE));
    MODEL(true, c.dropout = 0.0f);
    MODEL(true, c.dropout = 0.99f);
    MODEL(true, support_set(&c.mixer, "expansion=0.0625"));
    MODEL(false, support_set(&c.mixer, "expansion=0.06"));
    MODEL(true, support_set(&c.mixer, "expansion=65536"));
    MODEL(false, support_set(&c.mixer, "expansion=65537"));
    MODEL(true, support_set(&c.mixer, "candidate=g alg=log"));
    MODEL(false, support_set(&c.mixer, "alg=log"));
}

/* The sizes of a call: batch, time. */
#define SIZE(is_allowed, batch, time, check)                                                       \
    EXPECT(is_allowed, (void)#batch " x " #time, check((batch), (time)))

static const minrnn_mixer *sized_mixer;

static minrnn_status mixer_size(int64_t batch, int64_t time) {
    int64_t saved, temporary;
    return minrnn_mixer_workspace(sized_mixer, batch, time, &saved, &temporary);
}

static minrnn_status session_size(int64_t batch, int64_t time) {
    const minrnn_model_config config = model_variant(0);
    minrnn_memory memory;
    return minrnn_model_memory(device, &config, batch, time, false, &memory);
}

static void test_sizes(void **unused) {
    (void)unused;
    minrnn_mixer_config config;
    minrnn_mixer *mixer;
    CHECK(minrnn_mixer_config_defaults("mingru", &config));
    config.width = 4;
    CHECK(minrnn_mixer_create(device, &config, &mixer));
    sized_mixer = mixer;
    SIZE(true, 1, 1, mixer_size);
    SIZE(false, 0, 1, mixer_size);
    SIZE(false, 1, 0, mixer_size);
    SIZE(true, INT32_MAX, 1, mixer_size);
    SIZE(false, INT32_MAX + 1ll, 1, mixer_size);
    SIZE(true, 3, INT32_MAX / 3, mixer_size);
    SIZE(false, 3, INT32_MAX / 3 + 1, mixer_size);
    sized_mixer = NULL;
    SIZE(false, 1, 1, mixer_size);
    minrnn_mixer_destroy(mixer);
    SIZE(true, 1, 1, session_size);
    SIZE(false, 0, 1, session_size);
    SIZE(false, 1, 0, session_size);
    SIZE(true, INT32_MAX, 1, session_size);
    SIZE(false, INT32_MAX + 1ll, 1, session_size);
    SIZE(false, 3, INT32_MAX / 3 + 1, session_size);
}

/* ---- NULL, one argument at a time ---- */

#define REFUSED(call)                                                                              \
    do {                                                                                           \
        if ((call) != MINRNN_INVALID_ARGUMENT) {                                                   \
            fail_msg("%s is not refused", #call);                                                  \
        }                                                                                          \
    } while (0)

static bool on_text(void *user, const char *text, uint64_t bytes) {
    (void)bytes;
    (void)user;
    (void)text;
    return true;
}

static void test_null_models(void **unused) {
    (void)unused;
    const minrnn_model_config config = model_variant(0);
    minrnn_model *model = model_make(device, &config);
    minrnn_model_config got;
    minrnn_parameter_info info;
    minrnn_memory memory;
    minrnn_vocabulary *vocabulary;
    float *values = support_alloc((size_t)minrnn_model_parameters(model), sizeof *values);
    CHECK(minrnn_vocabulary_create("abcdefghijklm", MODEL_VOCAB, true, &vocabulary));
    REFUSED(minrnn_model_get_config(NULL, &got));
    REFUSED(minrnn_model_get_config(model, NULL));
    REFUSED(minrnn_model_parameter(NULL, 0, &info));
    REFUSED(minrnn_model_parameter(model, 0, NULL));
    CHECK(minrnn_model_parameter(model, 0, &info));
    REFUSED(minrnn_model_read(NULL, values));
    REFUSED(minrnn_model_read(model, NULL));
    REFUSED(minrnn_model_write(NULL, values));
    REFUSED(minrnn_model_write(model, NULL));
    REFUSED(minrnn_model_set_vocabulary(NULL, vocabulary));
    REFUSED(minrnn_model_set_vocabulary(model, NULL));
    REFUSED(minrnn_model_memory(NULL, &config, 1, 1, false, &memory));
    REFUSED(minrnn_model_memory(device, NULL, 1, 1, false, &memory));
    REFUSED(minrnn_model_memory(device, &config, 1, 1, false, NULL));
    REFUSED(minrnn_model_load(device, NULL, &model));
    REFUSED(minrnn_model_load(device, "x", NULL));
    assert_int_equal(minrnn_model_parameters(NULL), 0);
    assert_int_equal(minrnn_model_tensor_count(NULL), 0);
    assert_null(minrnn_model_device(NULL));
    minrnn_vocabulary *none;
    REFUSED(minrnn_model_get_vocabulary(NULL, &none));
    REFUSED(minrnn_model_get_vocabulary(model, NULL));

    minrnn_session *session;
    minrnn_sampling sampling;
    int32_t token = 0;
    CHECK(minrnn_session_create(model, 1, 1, &session));
    minrnn_sampling_defaults(&sampling);
    REFUSED(minrnn_session_restart(NULL));
    REFUSED(minrnn_session_forward(NULL, 1, &token, NULL, values));
    REFUSED(minrnn_sample(&sampling, values, 1, 0, NULL));
    REFUSED(minrnn_sample(&sampling, values, 0, 0, &token));
    REFUSED(minrnn_sample(&sampling, values, INT32_MAX + 1ll, 0, &token));
    CHECK(minrnn_sample(&sampling, values, 1, 0, &token));
    REFUSED(minrnn_generate(session, "a", 1, 1, &sampling, on_text, NULL)); /* no vocabulary yet */
    CHECK(minrnn_model_set_vocabulary(model, vocabulary));
    REFUSED(minrnn_generate(NULL, "a", 1, 1, &sampling, on_text, NULL));
    REFUSED(minrnn_generate(session, NULL, 1, 1, &sampling, on_text, NULL));
    REFUSED(minrnn_generate(session, "a", 1, 1, NULL, on_text, NULL));
    REFUSED(minrnn_generate(session, "a", 1, 1, &sampling, NULL, NULL));
    REFUSED(minrnn_generate(session, "a", 1, -1, &sampling, on_text, NULL));
    CHECK(minrnn_generate(session, NULL, 0, 1, &sampling, on_text, NULL)); /* none is asked for */
    CHECK(minrnn_generate(session, "a", 1, 0, &sampling, on_text, NULL));
    minrnn_session_destroy(session);
    CHECK(minrnn_session_create(model, 2, 1, &session));
    REFUSED(minrnn_generate(session, "a", 1, 1, &sampling, on_text, NULL)); /* batch 2 */
    minrnn_session_destroy(session);
    minrnn_vocabulary_destroy(vocabulary);
    minrnn_model_destroy(model);
    free(values);
}

/* A batch of another shape than the trainer's, or made by hand. */
static void test_batches(minrnn_trainer *trainer, const minrnn_batch good) {
    minrnn_batch bad = good;
    bad.batch = 2;
    REFUSED(minrnn_trainer_step(trainer, &bad));
    bad = good;
    bad.time = 2;
    REFUSED(minrnn_trainer_step(trainer, &bad));
    const size_t sizes[] = {0, 1, sizeof(size_t), 1 << 20, (size_t)-1};
    for (int i = 0; i < 5; i++) {
        bad = good;
        bad.size = sizes[i];
        REFUSED(minrnn_trainer_step(trainer, &bad));
    }
}

static void test_null_trainers(void **unused) {
    (void)unused;
    const minrnn_model_config model_config = model_variant(0);
    minrnn_model *model = model_make(device, &model_config);
    minrnn_model *other_model;
    minrnn_trainer_config config;
    minrnn_trainer *trainer, *other;
    minrnn_trainer_config_defaults(&config);
    config.batch = config.time = 1;
    CHECK(minrnn_trainer_create(model, &config, &trainer));
    minrnn_step_record record;
    bool there;
    int32_t token = 0;
    double loss = 0;
    int64_t count = 0;
    float *values = support_alloc((size_t)minrnn_model_parameters(model), sizeof *values);
    minrnn_batch batch = support_batch(trainer, true, &token, &token, NULL, NULL);
    REFUSED(minrnn_trainer_step(NULL, &batch));
    REFUSED(minrnn_trainer_step(trainer, NULL));
    REFUSED(minrnn_trainer_evaluate(NULL, &batch, &loss, &count));
    REFUSED(minrnn_trainer_evaluate(trainer, NULL, &loss, &count));
    test_batches(trainer, batch);
    REFUSED(support_step(trainer, &token, NULL, NULL, NULL));
    REFUSED(support_step(trainer, &token, &token, NULL, (const int32_t[]){-1}));
    REFUSED(support_step(trainer, &token, &token, NULL, (const int32_t[]){2}));
    REFUSED(minrnn_trainer_record(NULL, true, &record, &there));
    REFUSED(minrnn_trainer_record(trainer, true, NULL, &there));
    REFUSED(minrnn_trainer_record(trainer, true, &record, NULL));
    REFUSED(minrnn_trainer_get_config(NULL, &config));
    REFUSED(minrnn_trainer_get_config(trainer, NULL));
    REFUSED(minrnn_trainer_read_gradients(NULL, values));
    REFUSED(minrnn_trainer_read_gradients(trainer, NULL));
    REFUSED(support_evaluate(trainer, NULL, &token, NULL, &loss, &count));
    REFUSED(support_evaluate(trainer, &token, NULL, NULL, &loss, &count));
    REFUSED(support_evaluate(trainer, &token, &token, NULL, NULL, &count));
    REFUSED(support_evaluate(trainer, &token, &token, NULL, &loss, NULL));
    REFUSED(minrnn_trainer_save(NULL, "x"));
    REFUSED(minrnn_trainer_save(trainer, NULL));
    REFUSED(minrnn_trainer_resume(NULL, "x", NULL, &other_model, &other));
    REFUSED(minrnn_trainer_resume(device, NULL, NULL, &other_model, &other));
    REFUSED(minrnn_trainer_resume(device, "x", NULL, NULL, &other));
    REFUSED(minrnn_trainer_resume(device, "x", NULL, &other_model, NULL));
    assert_int_equal(minrnn_trainer_steps(NULL), 0);
    CHECK(support_step(trainer, &token, &token, NULL, (const int32_t[]){1}));
    CHECK(support_step(trainer, &token, &token, NULL, (const int32_t[]){0}));
    minrnn_trainer_destroy(trainer);
    minrnn_model_destroy(model);
    free(values);
}

static void test_null_mixers(void **unused) {
    (void)unused;
    minrnn_mixer_config config;
    minrnn_mixer *mixer;
    minrnn_parameter_info info;
    minrnn_buffer *buffer;
    int64_t size;
    CHECK(minrnn_mixer_config_defaults("mingru", &config));
    config.width = 4;
    CHECK(minrnn_mixer_create(device, &config, &mixer));
    CHECK(minrnn_buffer_create(device, 4096, &buffer));
    REFUSED(minrnn_mixer_parameter(NULL, 0, &info));
    REFUSED(minrnn_mixer_parameter(mixer, 0, NULL));
    CHECK(minrnn_mixer_parameter(mixer, 0, &info));
    REFUSED(minrnn_mixer_initialise(NULL, 1, (minrnn_tensor){.buffer = buffer}));
    REFUSED(minrnn_mixer_initialise(mixer, 1, (minrnn_tensor){0}));
    REFUSED(minrnn_mixer_workspace(mixer, 1, 1, NULL, &size));
    REFUSED(minrnn_mixer_workspace(mixer, 1, 1, &size, NULL));
    assert_int_equal(minrnn_mixer_parameters(NULL), 0);
    assert_int_equal(minrnn_mixer_tensor_count(NULL), 0);
    assert_int_equal(minrnn_mixer_state_size(NULL), 0);
    minrnn_buffer_destroy(buffer);
    minrnn_mixer_destroy(mixer);
}

static void test_null_texts(void **unused) {
    (void)unused;
    minrnn_vocabulary *vocabulary;
    int32_t tokens[4];
    int64_t count;
    int devices;
    minrnn_device *opened;
    REFUSED(minrnn_vocabulary_create("a", 1, false, NULL));
    CHECK(minrnn_vocabulary_create("ab", 2, false, &vocabulary));
    REFUSED(minrnn_vocabulary_encode(NULL, "a", 1, tokens, 4, &count));
    REFUSED(minrnn_vocabulary_encode(vocabulary, NULL, 1, tokens, 4, &count));
    REFUSED(minrnn_vocabulary_encode(vocabulary, "a", 1, NULL, 4, &count));
    REFUSED(minrnn_vocabulary_encode(vocabulary, "a", 1, tokens, 4, NULL));
    CHECK(minrnn_vocabulary_encode(vocabulary, "a", 1, NULL, 0, &count));
    minrnn_vocabulary_destroy(vocabulary);
    REFUSED(minrnn_text_open("x", NULL, NULL));
    REFUSED(minrnn_text_batch(NULL, MINRNN_SPLIT_TRAIN, 1, 0, 1, 1, tokens, tokens, NULL));
    assert_int_equal(minrnn_text_length(NULL, MINRNN_SPLIT_TRAIN), 0);
    assert_null(minrnn_text_vocabulary(NULL));
    minrnn_text_destroy(NULL);
    REFUSED(minrnn_device_list(NULL, 1, &devices));
    REFUSED(minrnn_device_list(NULL, 0, NULL));
    REFUSED(minrnn_device_list(NULL, -1, &devices));
    CHECK(minrnn_device_list(NULL, 0, &devices));
    REFUSED(minrnn_device_open("cpu", NULL));
    REFUSED(minrnn_device_open("", &opened));
}

/* ---- memory ---- */

static void test_scan_scratch(void **unused) {
    (void)unused;
    minrnn_scan_config config;
    uint64_t bytes = 1;
    minrnn_scan_config_defaults(&config);
    config.cell = MINRNN_CELL_MINGRU;
    config.batch = 3;
    config.time = 100;
    config.width = 7;
    config.run = MINRNN_RUN_SERIAL;
    CHECK(minrnn_scan_scratch(device, &config, &bytes));
    assert_int_equal(bytes, 0);
    config.run = MINRNN_RUN_CHUNK; /* at most three values a chunk, of steps that are a few */
    CHECK(minrnn_scan_scratch(device, &config, &bytes));
    assert_in_range(bytes, 1, 3 * (100 / 8) * 3 * 7 * sizeof(float));
    REFUSED(minrnn_scan_scratch(device, &config, NULL));
    REFUSED(minrnn_scan_scratch(device, NULL, &bytes));
    config.size = 0;
    REFUSED(minrnn_scan_scratch(device, &config, &bytes));
}

int main(void) {
    device = support_open_device();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_trainer),       cmocka_unit_test(test_model),
        cmocka_unit_test(test_sizes),         cmocka_unit_test(test_null_models),
        cmocka_unit_test(test_null_trainers), cmocka_unit_test(test_null_mixers),
        cmocka_unit_test(test_null_texts),    cmocka_unit_test(test_scan_scratch),
    };
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    minrnn_device_destroy(device);
    return failed ? 1 : 0;
}
