/* SPDX-License-Identifier: Apache-2.0 */
/* Model and state files: what is saved is loaded, a resumed run goes on to the same bits, and a
 * damaged or foreign file is refused with a word on why. */
#include "unit/files.h"
#include "unit/models.h"

static minrnn_device *device;

static const char characters[] = "\n \"/Aabcd{\\\xc3\xa4\xe2\x82\xac"; /* 13 of them */

static void set_vocabulary(minrnn_model *model) {
    minrnn_vocabulary *vocabulary;
    CHECK(minrnn_vocabulary_create(characters, strlen(characters), true, &vocabulary));
    CHECK(minrnn_model_set_vocabulary(model, vocabulary));
    minrnn_vocabulary_destroy(vocabulary);
}

static minrnn_model *make_variant(int variant) {
    minrnn_model_config config = model_variant(variant);
    config.dropout = 0.1f;
    minrnn_model *model = model_make(device, &config);
    set_vocabulary(model);
    return model;
}

static void expect_same_file(const char *a, const char *b) {
    struct bytes x = files_get(a), y = files_get(b);
    assert_int_equal(x.size, y.size);
    assert_memory_equal(x.data, y.data, x.size);
    free(x.data);
    free(y.data);
}

static void expect_same_setting(const minrnn_model_config *a, const minrnn_model_config *b,
                                const char *name) {
    char text_a[MINRNN_SETTING_TEXT], text_b[MINRNN_SETTING_TEXT];
    CHECK(minrnn_model_get(a, name, text_a, sizeof text_a));
    CHECK(minrnn_model_get(b, name, text_b, sizeof text_b));
    assert_string_equal(text_a, text_b);
}

static void expect_same_model(const minrnn_model *a, const minrnn_model *b) {
    minrnn_model_config config_a, config_b;
    CHECK(minrnn_model_get_config(a, &config_a));
    CHECK(minrnn_model_get_config(b, &config_b));
    const minrnn_setting *setting;
    for (int i = 0; (setting = minrnn_model_setting(i)); i++) {
        expect_same_setting(&config_a, &config_b, setting->name);
    }
    for (int i = 0; (setting = minrnn_mixer_setting(config_a.mixer.name, i)); i++) {
        expect_same_setting(&config_a, &config_b, setting->name);
    }
    const int64_t total = minrnn_model_parameters(a);
    assert_int_equal(minrnn_model_parameters(b), total);
    float *values_a = support_alloc((size_t)total, sizeof *values_a);
    float *values_b = support_alloc((size_t)total, sizeof *values_b);
    CHECK(minrnn_model_read(a, values_a));
    CHECK(minrnn_model_read(b, values_b));
    assert_memory_equal(values_a, values_b, (size_t)total * sizeof *values_a);
    free(values_a);
    free(values_b);
}

static void test_model_round_trip(void **unused) {
    (void)unused;
    for (int v = 0; v < MODEL_VARIANTS; v++) {
        const char *path = files_path("model"), *again = files_path("again");
        minrnn_model *model = make_variant(v), *loaded;
        CHECK(minrnn_model_save(model, path));
        CHECK(minrnn_model_load(device, path, &loaded));
        expect_same_model(model, loaded);
        char kept[256];
        assert_int_equal(support_vocabulary_of(loaded, kept, sizeof kept), SUPPORT_CHARACTERS);
        assert_string_equal(kept, characters);
        CHECK(minrnn_model_save(loaded, again));
        expect_same_file(path, again);
        minrnn_model_destroy(loaded);
        minrnn_model_destroy(model);
    }
}

/* What is set is saved and loaded, by a state too; what a file says of itself is none of it. */
static void test_metadata(void **unused) {
    (void)unused;
    minrnn_model *model = make_variant(0), *loaded;
    char key[65] = {0};
    memset(key, 'k', 64);
    const char *const bad[] = {"",         "config", "version", "trainer",  "step",
                               "checksum", "a b",    "Upper",   "\xC3\xA9", key};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(minrnn_model_set_metadata(model, bad[i], "x"), MINRNN_INVALID_ARGUMENT);
    }
    assert_int_equal(minrnn_model_set_metadata(model, "a", "\xFF"), MINRNN_INVALID_ARGUMENT);
    assert_int_equal(minrnn_model_set_metadata(NULL, "a", "x"), MINRNN_INVALID_ARGUMENT);
    assert_int_equal(minrnn_model_set_metadata(model, NULL, "x"), MINRNN_INVALID_ARGUMENT);
    assert_null(minrnn_model_metadata(model, "a"));
    assert_null(minrnn_model_metadata(NULL, "a"));
    CHECK(minrnn_model_set_metadata(model, "mean", "first"));
    CHECK(minrnn_model_set_metadata(model, "mean", "1.5 \"2\"\n\xE4\xBD\xA0"));
    CHECK(minrnn_model_set_metadata(model, "gone", "x"));
    CHECK(minrnn_model_set_metadata(model, "gone", NULL));
    CHECK(minrnn_model_set_metadata(model, "gone", NULL));
    key[63] = 0;
    CHECK(minrnn_model_set_metadata(model, key, ""));
    CHECK(minrnn_model_save(model, files_path("model")));
    CHECK(minrnn_model_load(device, files_path("model"), &loaded));
    for (int i = 0; i < 2; i++) {
        assert_string_equal(minrnn_model_metadata(loaded, "mean"), "1.5 \"2\"\n\xE4\xBD\xA0");
        assert_string_equal(minrnn_model_metadata(loaded, key), "");
        assert_null(minrnn_model_metadata(loaded, "gone"));
        assert_null(minrnn_model_metadata(loaded, "config"));
        assert_null(minrnn_model_metadata(loaded, "checksum"));
        minrnn_trainer_config config;
        minrnn_trainer *trainer;
        minrnn_trainer_config_defaults(&config);
        CHECK(minrnn_trainer_create(loaded, &config, &trainer));
        CHECK(minrnn_trainer_save(trainer, files_path("state")));
        minrnn_trainer_destroy(trainer);
        minrnn_model_destroy(loaded);
        CHECK(minrnn_trainer_resume(device, files_path("state"), NULL, &loaded, &trainer));
        assert_null(minrnn_model_metadata(loaded, "step"));
        minrnn_trainer_destroy(trainer);
    }
    minrnn_model_destroy(loaded);
    /* Vocabulary and these two are there. */
    char name[8];
    for (int i = 3; i < 64; i++) {
        snprintf(name, sizeof name, "n%d", i);
        CHECK(minrnn_model_set_metadata(model, name, "x"));
    }
    assert_int_equal(minrnn_model_set_metadata(model, "more", "x"), MINRNN_INVALID_ARGUMENT);
    CHECK(minrnn_model_set_metadata(model, "mean", "still"));
    CHECK(minrnn_model_set_metadata(model, "mean", NULL));
    CHECK(minrnn_model_set_metadata(model, "more", "x"));
    minrnn_model_destroy(model);
}

static void test_no_vocabulary(void **unused) {
    (void)unused;
    const minrnn_model_config config = model_variant(0);
    minrnn_model *model = model_make(device, &config), *loaded;
    CHECK(minrnn_model_save(model, files_path("model")));
    CHECK(minrnn_model_load(device, files_path("model"), &loaded));
    expect_same_model(model, loaded);
    assert_int_equal(support_vocabulary_of(loaded, NULL, 0), SUPPORT_NONE);
    minrnn_model_destroy(loaded);
    minrnn_model_destroy(model);
}

/* ---- resuming ---- */

static minrnn_trainer_config trainer_config(void) {
    minrnn_trainer_config config;
    minrnn_trainer_config_defaults(&config);
    config.batch = 2;
    config.time = 12;
    config.accumulation = 2;
    config.steps = 8;
    config.warmup = 3;
    config.schedule = MINRNN_SCHEDULE_COSINE;
    config.rate = 5e-3f;
    config.min_rate = 1e-4f;
    config.seed = UINT64_MAX - 5; /* more than a JSON number holds */
    return config;
}

/* Steps number `from` + 1 to `to`, each on a batch that its number gives. */
static void train(minrnn_trainer *trainer, int from, int to) {
    enum { TOKENS = 2 * 2 * 12 };
    for (int step = from; step < to; step++) {
        struct support_random random = {(uint64_t)step};
        int32_t tokens[TOKENS], targets[TOKENS], reset[TOKENS] = {0};
        random_tokens(&random, tokens, TOKENS);
        random_tokens(&random, targets, TOKENS);
        reset[support_below(&random, TOKENS)] = 1;
        CHECK(support_step(trainer, tokens, targets, reset, NULL));
    }
    assert_int_equal(minrnn_trainer_steps(trainer), to);
}

static void test_resume(void **unused) {
    (void)unused;
    const minrnn_trainer_config config = trainer_config();
    for (int v = 0; v < MODEL_VARIANTS; v++) {
        const char *half = files_path("half"), *whole = files_path("whole");
        const char *resumed = files_path("resumed"), *model_file = files_path("model");
        minrnn_model *model = make_variant(v);
        minrnn_trainer *trainer;
        CHECK(minrnn_trainer_create(model, &config, &trainer));
        train(trainer, 0, 4);
        CHECK(minrnn_trainer_save(trainer, half));
        train(trainer, 4, 8);
        CHECK(minrnn_trainer_save(trainer, whole));
        CHECK(minrnn_model_save(model, model_file));
        minrnn_trainer_destroy(trainer);
        minrnn_model_destroy(model);

        CHECK(minrnn_trainer_resume(device, half, v % 2 ? &config : NULL, &model, &trainer));
        assert_int_equal(minrnn_trainer_steps(trainer), 4);
        minrnn_trainer_config read;
        CHECK(minrnn_trainer_get_config(trainer, &read));
        assert_true(read.seed == config.seed && read.rate == config.rate);
        CHECK(minrnn_trainer_save(trainer, resumed));
        expect_same_file(resumed, half);
        train(trainer, 4, 8);
        CHECK(minrnn_trainer_save(trainer, resumed));
        expect_same_file(resumed, whole);
        CHECK(minrnn_model_save(model, resumed));
        expect_same_file(resumed, model_file);

        /* A state file is a model file too. */
        minrnn_model *loaded;
        CHECK(minrnn_model_load(device, whole, &loaded));
        expect_same_model(loaded, model);
        minrnn_model_destroy(loaded);
        minrnn_trainer_destroy(trainer);
        minrnn_model_destroy(model);
    }
}

static void expect_no_resume(const char *path, const minrnn_trainer_config *config,
                             minrnn_status status, const char *part) {
    minrnn_model *model = (minrnn_model *)&model;
    minrnn_trainer *trainer = (minrnn_trainer *)&trainer;
    expect_failure(minrnn_trainer_resume(device, path, config, &model, &trainer), status, part);
    assert_null(model);
    assert_null(trainer);
}

static const char *save_state(void) {
    const minrnn_trainer_config config = trainer_config();
    const char *path = files_path("state");
    minrnn_model *model = make_variant(1);
    minrnn_trainer *trainer;
    CHECK(minrnn_trainer_create(model, &config, &trainer));
    train(trainer, 0, 1);
    CHECK(minrnn_trainer_save(trainer, path));
    minrnn_trainer_destroy(trainer);
    minrnn_model_destroy(model);
    return path;
}

static void test_resume_otherwise(void **unused) {
    (void)unused;
    const char *path = save_state();
    minrnn_trainer_config config = trainer_config();
    minrnn_model *model;
    minrnn_trainer *trainer;
    config.steps = 100;
    CHECK(minrnn_trainer_resume(device, path, &config, &model, &trainer));
    CHECK(minrnn_trainer_get_config(trainer, &config));
    assert_int_equal(config.steps, 100);
    minrnn_trainer_destroy(trainer);
    minrnn_model_destroy(model);

#define EXPECT_DIFFERENT(member, value, text)                                                      \
    config = trainer_config();                                                                     \
    config.member = (value);                                                                       \
    expect_no_resume(path, &config, MINRNN_INVALID_ARGUMENT, text)
    EXPECT_DIFFERENT(batch, 3, "has batch 2, not 3");
    EXPECT_DIFFERENT(time, 13, "has time 12, not 13");
    EXPECT_DIFFERENT(accumulation, 1, "has accumulation 2, not 1");
    EXPECT_DIFFERENT(rate, 0.25f, "has rate 0.005, not 0.25");
    EXPECT_DIFFERENT(min_rate, 0.25f, "min_rate");
    EXPECT_DIFFERENT(warmup, 0, "has warmup 3, not 0");
    EXPECT_DIFFERENT(schedule, MINRNN_SCHEDULE_CONSTANT, "has schedule cosine, not constant");
    EXPECT_DIFFERENT(beta1, 0.5f, "beta1");
    EXPECT_DIFFERENT(beta2, 0.5f, "beta2");
    EXPECT_DIFFERENT(epsilon, 1e-3f, "epsilon");
    EXPECT_DIFFERENT(weight_decay, 0.0f, "weight_decay");
    EXPECT_DIFFERENT(clip, 0.0f, "clip");
    EXPECT_DIFFERENT(seed, UINT64_MAX - 6, "18446744073709551610, not 18446744073709551609");
    expect_no_resume(files_path("none"), NULL, MINRNN_IO_ERROR, "No such file");
}

/* ---- damage ---- */

static minrnn_status load(const char *path) {
    minrnn_model *model;
    const minrnn_status status = minrnn_model_load(device, path, &model);
    minrnn_model_destroy(model);
    return status;
}

static minrnn_status resume(const char *path) {
    minrnn_model *model;
    minrnn_trainer *trainer;
    const minrnn_status status = minrnn_trainer_resume(device, path, NULL, &model, &trainer);
    minrnn_trainer_destroy(trainer);
    minrnn_model_destroy(model);
    return status;
}

/* As small as a model can be, so that every bit can be tried. */
static const char *save_tiny(void) {
    minrnn_model_config config = model_variant(0);
    config.vocab = 2;
    config.width = 2;
    config.layers = 1;
    const char *path = files_path("tiny");
    minrnn_model *model = model_make(device, &config);
    CHECK(minrnn_model_save(model, path));
    minrnn_model_destroy(model);
    return path;
}

static void test_truncated(void **unused) {
    (void)unused;
    struct bytes whole = files_get(save_tiny());
    const char *path = files_path("part");
    for (size_t size = 0; size < whole.size; size++) {
        files_put(path, whole.data, size);
        assert_int_equal(load(path), MINRNN_FORMAT_ERROR);
    }
    free(whole.data);
}

static void expect_every_flip_refused(const char *from, minrnn_status (*read)(const char *path),
                                      size_t stride) {
    struct bytes whole = files_get(from);
    const char *path = files_path("flipped");
    for (size_t bit = 0; bit < 8 * whole.size; bit += stride) {
        whole.data[bit / 8] ^= (char)(1 << bit % 8);
        files_put(path, whole.data, whole.size);
        const minrnn_status status = read(path);
        if (status != MINRNN_FORMAT_ERROR) {
            fail_msg("bit %zu of %zu: %s", bit, 8 * whole.size, minrnn_status_name(status));
        }
        whole.data[bit / 8] ^= (char)(1 << bit % 8);
    }
    free(whole.data);
}

static void test_flipped(void **unused) {
    (void)unused;
    expect_every_flip_refused(save_tiny(), load, 1);
    expect_every_flip_refused(save_state(), resume, 97);
}

/* Writes `from` with the header's first `old` replaced, and no checksum, so that what is refused is
 * refused for what it says. */
static const char *edited(const char *from, const char *old, const char *new) {
    struct bytes whole = files_get(from);
    uint64_t length;
    memcpy(&length, whole.data, sizeof length);
    char *header = support_alloc(length + 1, 1);
    memcpy(header, whole.data + 8, length);
    const char *data = whole.data + 8 + length;
    const size_t data_size = whole.size - 8 - length;
    char *checksum = strstr(header, "minrnn.checksum\":\"");
    if (checksum) {
        checksum += strlen("minrnn.checksum\":\"");
        memcpy(checksum, "none\",\"x\":\"", 11);
        memset(checksum + 11, 'x', 5);
    }
    char *place = strstr(header, old);
    assert_non_null(place);
    const size_t size = length - strlen(old) + strlen(new);
    char *content = support_alloc(8 + size + data_size + 1, 1);
    memcpy(content, &(uint64_t){size}, 8);
    sprintf(content + 8, "%.*s%s%s", (int)(place - header), header, new, place + strlen(old));
    memcpy(content + 8 + size, data, data_size);
    const char *path = files_path("edited");
    files_put(path, content, 8 + size + data_size);
    free(content);
    free(header);
    free(whole.data);
    return path;
}

static void expect_edit(const char *from, const char *old, const char *new, const char *part) {
    expect_failure(load(edited(from, old, new)), MINRNN_FORMAT_ERROR, part);
}

/* Such a model loads, for others it may do; text is refused. */
static void expect_vocabulary_edit(const char *from, const char *new, const char *part) {
    minrnn_model *model;
    minrnn_vocabulary *vocabulary;
    CHECK(minrnn_model_load(device, edited(from, "\"minrnn.vocabulary\":\"", new), &model));
    expect_failure(minrnn_model_get_vocabulary(model, &vocabulary), MINRNN_FORMAT_ERROR, part);
    assert_null(vocabulary);
    minrnn_model_destroy(model);
}

static void test_edited(void **unused) {
    (void)unused;
    const char *path = files_path("model");
    minrnn_model *model = make_variant(4);
    CHECK(minrnn_model_save(model, path));
    minrnn_model_destroy(model);
    CHECK(load(edited(path, "none", "none")));
    expect_edit(path, "minrnn.checksum", "minrnn.checksun", "has no minrnn.checksum");
    expect_edit(path, "minrnn.config", "minrnn.konfig", "has no minrnn.config");
    expect_edit(path, "\\\"vocab\\\":13", "\\\"vocab\\\":12", "token_emb.weight is [13, 16]");
    expect_edit(path, "\\\"vocab\\\":13", "\\\"vocab\\\":\\\"13\\\"", "no allowed value for vocab");
    expect_edit(path, "\\\"vocab\\\":13", "\\\"vocab\\\":1e300", "no allowed value for vocab");
    expect_edit(path, "\\\"vocab\\\":13", "\\\"vocab\\\":13.5", "no allowed value for vocab");
    expect_edit(path, "\\\"vocab\\\":13", "\\\"vocab\\\":0", "vocab is 0");
    expect_edit(path, "\\\"vocab\\\":13", "\\\"vocab\\\":-13", "vocab is -13");
    expect_edit(path, "\\\"vocab\\\":13", "\\\"Vocab\\\":13", "a setting \"Vocab\" that");
    expect_edit(path, "\\\"vocab\\\":13", "\\\"new\\\":1,\\\"vocab\\\":13", "\"new\" that minrnn");
    expect_edit(path, "{\\\"vocab\\\"", "[\\\"vocab\\\"", "not a JSON object");
    expect_edit(path, "\\\"width\\\":16", "\\\"width\\\":1048577", "width is 1048577");
    expect_edit(path, "\\\"width\\\":16", "\\\"width\\\":524288", "must be [13, 524288]");
    expect_edit(path, "\\\"layers\\\":2", "\\\"layers\\\":1", "that its model does not have");
    expect_edit(path, "\\\"layers\\\":2", "\\\"layers\\\":3", "no tensor layers.2.");
    expect_edit(path, "minlstm", "minlstn", "mixer is \"minlstn\", must be mingru");
    expect_edit(path, "minlstm", "minlstm0123456789", "no allowed value for mixer");
    expect_edit(path, "\\\"candidate\\\":\\\"g\\\"", "\\\"candidate\\\":\\\"h\\\"", "candidate");
    expect_edit(path, "\\\"bias\\\":true", "\\\"bias\\\":1", "bias");
    expect_edit(path, "\\\"bias\\\":true", "\\\"bias\\\":false", "that its model does not have");
    expect_edit(path, "\\\"expansion\\\":", "\\\"expansion\\\":1e39,\\\"x\\\":", "expansion");
    expect_edit(path, "\\\"dropout\\\":0", "\\\"dropout\\\":1", "dropout");
    expect_edit(path, "\\\"geglu\\\"", "\\\"gelu\\\"", "layers.0.4.0.weight is");
    expect_edit(path, "\"norm.weight\"", "\"norm.wieght\"", "no tensor norm.weight");
    expect_vocabulary_edit(path, "\"minrnn.vocabulary\":\"q", "14 characters");
    expect_vocabulary_edit(path, "\"minrnn.vocabulary\":\"a", "appears twice");
    expect_edit(path, "\"minrnn.vocabulary\"", "\"minrnn.Vocabulary\"", "its metadata");
    expect_edit(path, "\"dtype\":\"F32\",\"shape\":[13,16]", "\"dtype\":\"I32\",\"shape\":[13,16]",
                "has dtype I32");
}

static void test_edited_state(void **unused) {
    (void)unused;
    const char *path = save_state();
    CHECK(resume(edited(path, "none", "none")));
#define EXPECT_EDIT(old, new, part)                                                                \
    expect_failure(resume(edited(path, old, new)), MINRNN_FORMAT_ERROR, part)
    EXPECT_EDIT("minrnn.trainer", "minrnn.trained", "not a training state");
    EXPECT_EDIT("minrnn.step", "minrnn.stop", "minrnn.step");
    EXPECT_EDIT("\"minrnn.step\":\"1\"", "\"minrnn.step\":\"-1\"", "minrnn.step");
    EXPECT_EDIT("\"minrnn.step\":\"1\"", "\"minrnn.step\":\"1000000000000000000\"", "minrnn.step");
    EXPECT_EDIT("\\\"batch\\\":2", "\\\"batch\\\":0", "batch is 0, must be 1 to");
    EXPECT_EDIT("\\\"beta1\\\":0", "\\\"beta1\\\":1", "beta");
    EXPECT_EDIT("\\\"seed\\\":\\\"1844", "\\\"seed\\\":\\\"91844", "seed");
    EXPECT_EDIT("\\\"seed\\\":\\\"1844", "\\\"seed\\\":\\\"-844", "seed");
    EXPECT_EDIT("adamw.m.norm.weight", "adamw.m.norm.gamma", "no tensor adamw.m.norm.weight");
    minrnn_model *model;
    minrnn_trainer *trainer;
    minrnn_trainer_config config, expected;
    CHECK(minrnn_trainer_resume(device, path, NULL, &model, &trainer));
    CHECK(minrnn_trainer_get_config(trainer, &expected));
    minrnn_trainer_destroy(trainer);
    minrnn_model_destroy(model);
    CHECK(minrnn_trainer_resume(device, edited(path, "\\\"seed\\\":\\\"", "\\\"seed\\\":\\\"0"),
                                NULL, &model, &trainer));
    CHECK(minrnn_trainer_get_config(trainer, &config));
    assert_true(config.seed == expected.seed); /* decimal, also with a 0 before it */
    minrnn_trainer_destroy(trainer);
    minrnn_model_destroy(model);
    model = make_variant(1);
    CHECK(minrnn_model_save(model, files_path("model")));
    minrnn_model_destroy(model);
    assert_int_equal(resume(files_path("model")), MINRNN_FORMAT_ERROR);
    assert_non_null(strstr(minrnn_error_text(), "not a training state"));
}

/* ---- the public implementations' names ---- */

/* The model's file without this library's metadata; the model is gone then. */
static const char *foreign_of(minrnn_model *model) {
    const char *path = files_path("own");
    CHECK(minrnn_model_save(model, path));
    minrnn_model_destroy(model);
    struct bytes whole = files_get(path);
    uint64_t length;
    memcpy(&length, whole.data, sizeof length);
    char *metadata = strstr(whole.data + 8, "\"__metadata__\"");
    char *tensors = strstr(whole.data + 8, "\"token_emb.weight\"");
    memset(metadata, ' ', (size_t)(tensors - metadata));
    path = files_path("foreign");
    files_put(path, whole.data, whole.size);
    free(whole.data);
    return path;
}

static const char *foreign(int variant) {
    return foreign_of(make_variant(variant));
}

/* The least there can be of each size. */
static void test_foreign_smallest(void **unused) {
    (void)unused;
    minrnn_model_config config = model_variant(1);
    config.vocab = config.width = config.layers = 1;
    config.conv = 1;
    config.feed_forward_factor = 1.0f;
    support_set(&config.mixer, "expansion=1");
    minrnn_model *model = model_make(device, &config);
    const int64_t parameters = minrnn_model_parameters(model);
    CHECK(minrnn_model_load(device, foreign_of(model), &model));
    assert_int_equal(minrnn_model_parameters(model), parameters);
    CHECK(minrnn_model_get_config(model, &config));
    assert_int_equal(config.vocab, 1);
    assert_int_equal(config.width, 1);
    assert_int_equal(config.layers, 1);
    assert_int_equal(config.conv, 1);
    assert_int_equal(config.feed_forward, MINRNN_FEED_FORWARD_GELU);
    minrnn_model_destroy(model);
}

static void test_foreign(void **unused) {
    (void)unused;
    for (int v = 0; v < MODEL_VARIANTS; v++) {
        minrnn_model *model, *own;
        CHECK(minrnn_model_load(device, foreign(v), &model));
        CHECK(minrnn_model_load(device, files_path("own"), &own));
        minrnn_model_config config, expected;
        CHECK(minrnn_model_get_config(model, &config));
        CHECK(minrnn_model_get_config(own, &expected));
        assert_int_equal(minrnn_model_parameters(model), minrnn_model_parameters(own));
        assert_string_equal(config.mixer.name, expected.mixer.name);
        if (v < 6) {
            assert_true(support_has(&config.mixer, "candidate", "g"));
            assert_true(support_has(&config.mixer, "alg", "linear"));
            assert_true(support_has(&config.mixer, "normalised", "off"));
            expect_same_setting(&config, &expected, "learned_init");
        }
        if (v < 8) {
            expect_same_setting(&config, &expected, "bias");
        } else {
            expect_same_setting(&config, &expected, "states");
            expect_same_setting(&config, &expected, "taps");
        }
        expect_same_setting(&config, &expected, "expansion");
        assert_int_equal(config.conv, expected.conv);
        assert_int_equal(config.conv_pointwise, expected.conv_pointwise);
        assert_int_equal(config.feed_forward, expected.feed_forward);
        assert_true(config.dropout == 0.0f);
        minrnn_model_destroy(own);
        minrnn_model_destroy(model);
    }
    const char *path = foreign(2);
    expect_edit(path, "token_emb.weight", "embedding.weight", "neither minrnn's nor");
    expect_edit(path, "layers.0.2.to_hidden_and_gate.w", "layers.0.2.gate.w", "neither minrnn's");
    expect_edit(path, "layers.1.2.to_out.weight", "layers.1.2.out.weight", "no tensor layers.1.2.");
    expect_edit(path, "layers.1.1.weight", "layers.1.1.bias", "no tensor layers.1.1.weight");
    expect_edit(path, "\"token_emb.weight\"",
                "\"extra\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[0,0]},"
                "\"token_emb.weight\"",
                "a tensor extra");
    expect_edit(path, "layers.1.2.to_hidden_and_gate.weight\":{\"dtype\":\"F32\",\"shape\":[64,16]",
                "layers.1.2.to_hidden_and_gate.weight\":{\"dtype\":\"F32\",\"shape\":[32,32]",
                "layers.1.2.to_hidden_and_gate.weight is [32, 32], must be [64, 16]");
    path = foreign(0);
    expect_edit(path, "[32,16]", "[16,32]", "gates' rows");
    path = foreign(7);
    expect_edit(path, "weight_hh_l0\":{\"dtype\":\"F32\",\"shape\":[64,16]",
                "weight_hh_l0\":{\"dtype\":\"F32\",\"shape\":[32,32]", "gates' rows");
    expect_edit(path, "layers.1.2.weight_hh_l0", "layers.1.2.weight_hh_l1",
                "no tensor layers.1.2.weight_hh_l0");
    path = foreign(8);
    expect_edit(path, "layers.0.2.conv1d.weight", "layers.0.2.conv2d.weight", "of the first Mamba");
    expect_edit(path, "layers.1.2.D\"", "layers.1.2.E\"", "no tensor layers.1.2.D");
}

static void test_arguments(void **unused) {
    (void)unused;
    minrnn_model *model = make_variant(0), *loaded;
    minrnn_trainer *trainer;
    const minrnn_trainer_config config = trainer_config();
    CHECK(minrnn_trainer_create(model, &config, &trainer));
    expect_failure(minrnn_model_save(NULL, "x"), MINRNN_INVALID_ARGUMENT, "NULL");
    expect_failure(minrnn_model_save(model, NULL), MINRNN_INVALID_ARGUMENT, "NULL");
    expect_failure(minrnn_model_load(NULL, "x", &loaded), MINRNN_INVALID_ARGUMENT, "NULL");
    expect_failure(minrnn_trainer_save(trainer, NULL), MINRNN_INVALID_ARGUMENT, "NULL");
    expect_failure(minrnn_model_save(model, "/nowhere/model"), MINRNN_IO_ERROR, "/nowhere/model");
    if (access("/dev/full", W_OK) == 0) {
        expect_failure(minrnn_model_save(model, "/dev/full"), MINRNN_IO_ERROR, "No space left");
        expect_failure(minrnn_trainer_save(trainer, "/dev/full"), MINRNN_IO_ERROR, "No space");
    }
    minrnn_trainer_destroy(trainer);
    minrnn_model_destroy(model);
}

int main(void) {
    device = support_open_device();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_model_round_trip), cmocka_unit_test(test_no_vocabulary),
        cmocka_unit_test(test_metadata),         cmocka_unit_test(test_resume),
        cmocka_unit_test(test_resume_otherwise), cmocka_unit_test(test_truncated),
        cmocka_unit_test(test_flipped),          cmocka_unit_test(test_edited),
        cmocka_unit_test(test_edited_state),     cmocka_unit_test(test_foreign),
        cmocka_unit_test(test_foreign_smallest), cmocka_unit_test(test_arguments),
    };
    const int failed = cmocka_run_group_tests(tests, files_begin, files_end);
    minrnn_device_destroy(device);
    return failed;
}
