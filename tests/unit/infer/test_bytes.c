/* SPDX-License-Identifier: Apache-2.0 */
/* Models of bytes: their vocabulary, and text of which no character is cut. */
#define _GNU_SOURCE /* memmem */

#include "unit/files.h"

static minrnn_device *device;

enum { BYTES = 256 };

/* A model that follows `next`, as it always says next[byte] after a byte: an embedding and a head
 * of one 1 a row, and nothing between them. */
static minrnn_model *chain_model(const unsigned char next[BYTES]) {
    minrnn_model_config config;
    minrnn_model_config_defaults(&config);
    config.vocab = config.width = BYTES;
    config.layers = 1;
    config.conv = 0;
    config.feed_forward = MINRNN_FEED_FORWARD_NONE;
    support_set(&config.mixer, "expansion=1");
    minrnn_model *model;
    CHECK(minrnn_model_create(device, &config, 1, &model));
    float *values = support_alloc((size_t)minrnn_model_parameters(model), sizeof *values);
    for (int i = 0; i < minrnn_model_tensor_count(model); i++) {
        minrnn_parameter_info info;
        CHECK(minrnn_model_parameter(model, i, &info));
        float *tensor = values + info.offset;
        for (int byte = 0; byte < BYTES; byte++) {
            if (strcmp(info.name, "token_emb.weight") == 0) {
                tensor[byte * BYTES + byte] = 1.0f;
            } else if (strcmp(info.name, "to_logits.weight") == 0) {
                tensor[next[byte] * BYTES + byte] = 1.0f;
            } else if (strcmp(info.name, "norm.weight") == 0) {
                tensor[byte] = 1.0f;
            }
        }
    }
    CHECK(minrnn_model_write(model, values));
    free(values);
    return model;
}

struct pieces {
    char all[64]; /* those that came, each with '|' after it */
    size_t bytes;
    int limit; /* of calls; 0: none */
};

static bool take(void *user, const char *text, uint64_t bytes) {
    struct pieces *pieces = user;
    assert_true(bytes > 0 && pieces->bytes + bytes + 1 < sizeof pieces->all);
    assert_int_equal(text[bytes], 0);
    memcpy(pieces->all + pieces->bytes, text, bytes);
    pieces->bytes += bytes;
    pieces->all[pieces->bytes++] = '|';
    return --pieces->limit != 0;
}

/* What follows `prompt` when the model says `chain`, byte by byte, comes as `expected`. */
static void expect_pieces(const char *prompt, const char *chain, int64_t length, int limit,
                          const char *expected, size_t expected_bytes) {
    unsigned char next[BYTES] = {0};
    unsigned char last = prompt ? (unsigned char)prompt[strlen(prompt) - 1] : '\n';
    for (const char *at = chain; *at; at++) {
        next[last] = (unsigned char)*at;
        last = (unsigned char)*at;
    }
    minrnn_model *model = chain_model(next);
    minrnn_session *session;
    struct pieces pieces = {.limit = limit};
    const minrnn_sampling greedy = {.size = sizeof greedy, .temperature = 0.0f};
    CHECK(minrnn_session_create(model, 1, 4, &session));
    CHECK(minrnn_generate(session, prompt, prompt ? strlen(prompt) : 0, length, &greedy, take,
                          &pieces));
    if (pieces.bytes != expected_bytes || memcmp(pieces.all, expected, expected_bytes) != 0) {
        fail_msg("after %s: '%.*s', not '%s'", prompt, (int)pieces.bytes, pieces.all, expected);
    }
    minrnn_session_destroy(session);
    minrnn_model_destroy(model);
}

#define PIECES(prompt, chain, length, limit, expected)                                             \
    expect_pieces(prompt, chain, length, limit, expected, sizeof expected - 1)

static void test_no_character_is_cut(void **state) {
    (void)state;
    PIECES("a", "bc", 2, 0, "b|c|");
    PIECES("a", "\xC3\xA9z", 3, 0, "\xC3\xA9|z|");
    PIECES("a", "\xE2\x82\xAC!", 4, 0, "\xE2\x82\xAC|!|");
    PIECES("a", "\xF0\x9F\x98\x80\xC3\xBC", 6, 0, "\xF0\x9F\x98\x80|\xC3\xBC|");
    /* At the end what is there is given, cut or not. */
    PIECES("a", "\xF0\x9F\x98\x80", 3, 0, "\xF0\x9F\x98|");
    PIECES("a", "b\xE2\x82", 3, 0, "b|\xE2\x82|");
    PIECES("a", "\xC3", 1, 0, "\xC3|");
    /* A newline is what an empty prompt stands for. */
    PIECES(NULL, "\xC3\xA9", 2, 0, "\xC3\xA9|");
}

static void test_what_is_no_character_comes_as_it_is(void **state) {
    (void)state;
    PIECES("a",
           "\x80"
           "b",
           2, 0, "\x80|b|");
    PIECES("a", "\xFF\xFE", 2, 0, "\xFF|\xFE|");
    PIECES("a",
           "\xE2\x82"
           "bc",
           4, 0,
           "\xE2\x82"
           "b|c|");
    PIECES("a", "\xE2\xC3\xA9", 3, 0, "\xE2|\xC3\xA9|");
    PIECES("a", "\xF0\x9F\xE2\x82\xAC", 5, 0, "\xF0\x9F|\xE2\x82\xAC|");
    /* Beginnings that no character has: overlong forms, surrogates, past the last. */
    PIECES("a", "\xC0\x80", 2, 0, "\xC0|\x80|");
    PIECES("a",
           "\xE0\x9F"
           "b",
           3, 0, "\xE0\x9F|b|");
    PIECES("a",
           "\xED\xA0"
           "b",
           3, 0, "\xED\xA0|b|");
    PIECES("a",
           "\xF4\x90"
           "b",
           3, 0, "\xF4\x90|b|");
    PIECES("a",
           "\xF5"
           "b",
           2, 0, "\xF5|b|");
    /* The first and the last that such bytes begin. */
    PIECES("a", "\xE0\xA0\x80", 3, 0, "\xE0\xA0\x80|");
    PIECES("a", "\xED\x9F\xBF", 3, 0, "\xED\x9F\xBF|");
    PIECES("a", "\xF0\x90\x8F\xBF", 4, 0, "\xF0\x90\x8F\xBF|");
    PIECES("a", "\xF4\x8F\xBE\xBF", 4, 0, "\xF4\x8F\xBE\xBF|");
    /* The prompt's beginning is not ours to give again. */
    PIECES("a\xC3", "\xA9z", 2, 0, "\xA9|z|");
}

static void test_a_nul_is_a_byte(void **state) {
    (void)state;
    unsigned char next[BYTES] = {[0] = 'x', ['x'] = 0, ['a'] = 0};
    minrnn_model *model = chain_model(next);
    minrnn_session *session;
    struct pieces pieces = {0};
    const minrnn_sampling greedy = {.size = sizeof greedy, .temperature = 0.0f};
    CHECK(minrnn_session_create(model, 1, 4, &session));
    CHECK(minrnn_generate(session, "a\0x\0", 4, 3, &greedy, take, &pieces));
    assert_int_equal(pieces.bytes, 6);
    assert_memory_equal(pieces.all, "x|\0|x|", 6);
    minrnn_session_destroy(session);
    minrnn_model_destroy(model);
}

/* Nothing is given once the caller has had enough. */
static void test_stopping(void **state) {
    (void)state;
    PIECES("a", "bc\xC3\xA9", 4, 1, "b|");
    PIECES("a",
           "\xE2\x82"
           "bc",
           4, 1,
           "\xE2\x82"
           "b|");
    PIECES("a", "b\xC3", 2, 1, "b|");
}

static void test_256_tokens_are_bytes_if_nothing_else_is_said(void **state) {
    (void)state;
    const unsigned char next[BYTES] = {0};
    minrnn_model *model = chain_model(next), *loaded;
    assert_int_equal(support_vocabulary_of(model, NULL, 0), SUPPORT_BYTES);
    const char *path = files_path("model"), *again = files_path("again");
    CHECK(minrnn_model_save(model, path));
    CHECK(minrnn_model_load(device, path, &loaded));
    assert_int_equal(support_vocabulary_of(loaded, NULL, 0), SUPPORT_BYTES);
    struct bytes file = files_get(path);
    assert_null(memmem(file.data, file.size, "vocabulary", 10));
    free(file.data);
    minrnn_model_destroy(loaded);

    /* 256 characters are characters, and may be bytes again. */
    char characters[2 * BYTES + 1];
    for (int i = 0; i < BYTES; i++) {
        characters[2 * i] = (char)(0xC4 + i / 64);
        characters[2 * i + 1] = (char)(0x80 + i % 64);
    }
    minrnn_vocabulary *vocabulary, *bytes;
    CHECK(minrnn_vocabulary_create(characters, 2 * BYTES, true, &vocabulary));
    CHECK(minrnn_vocabulary_bytes(&bytes));
    CHECK(minrnn_model_set_vocabulary(model, vocabulary));
    assert_int_equal(support_vocabulary_of(model, NULL, 0), SUPPORT_CHARACTERS);
    CHECK(minrnn_model_save(model, again));
    CHECK(minrnn_model_load(device, again, &loaded));
    assert_int_equal(support_vocabulary_of(loaded, NULL, 0), SUPPORT_CHARACTERS);
    CHECK(minrnn_model_set_vocabulary(loaded, bytes));
    assert_int_equal(support_vocabulary_of(loaded, NULL, 0), SUPPORT_BYTES);
    minrnn_model_destroy(loaded);

    /* A run goes on with what it had. */
    minrnn_trainer_config training;
    minrnn_trainer_config_defaults(&training);
    training.batch = training.time = 2;
    minrnn_trainer *trainer;
    const char *state_path = files_path("state");
    for (int i = 0; i < 2; i++) {
        CHECK(minrnn_model_set_vocabulary(model, i ? bytes : vocabulary));
        CHECK(minrnn_trainer_create(model, &training, &trainer));
        CHECK(minrnn_trainer_save(trainer, state_path));
        minrnn_trainer_destroy(trainer);
        CHECK(minrnn_trainer_resume(device, state_path, NULL, &loaded, &trainer));
        assert_int_equal(support_vocabulary_of(loaded, NULL, 0),
                         i ? SUPPORT_BYTES : SUPPORT_CHARACTERS);
        minrnn_trainer_destroy(trainer);
        minrnn_model_destroy(loaded);
    }
    minrnn_model_destroy(model);
    minrnn_vocabulary_destroy(vocabulary);

    minrnn_model_config config;
    minrnn_model_config_defaults(&config);
    config.vocab = BYTES + 1;
    config.width = 8;
    CHECK(minrnn_model_create(device, &config, 1, &model));
    assert_int_equal(support_vocabulary_of(model, NULL, 0), SUPPORT_NONE);
    expect_failure(minrnn_model_set_vocabulary(model, bytes), MINRNN_INVALID_ARGUMENT, "257");
    minrnn_model_destroy(model);
    minrnn_vocabulary_destroy(bytes);
}

/* What an empty prompt stands for, of a model of characters. */
static void test_an_empty_prompt(void **state) {
    (void)state;
    static const struct {
        const char *characters, *first;
    } cases[] = {{"a\n b", "\n"}, {"ab cd", " "}, {"xyz", "x"}, {"\xC3\xA9z", "\xC3\xA9"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        minrnn_vocabulary *vocabulary;
        minrnn_model_config config;
        minrnn_model *model;
        minrnn_session *session;
        CHECK(minrnn_vocabulary_create(cases[i].characters, strlen(cases[i].characters), true,
                                       &vocabulary));
        minrnn_model_config_defaults(&config);
        config.vocab = minrnn_vocabulary_size(vocabulary);
        config.width = 8;
        CHECK(minrnn_model_create(device, &config, 7, &model));
        CHECK(minrnn_model_set_vocabulary(model, vocabulary));
        CHECK(minrnn_session_create(model, 1, 1, &session));
        struct pieces given = {0}, empty = {0};
        minrnn_sampling sampling;
        minrnn_sampling_defaults(&sampling);
        CHECK(minrnn_generate(session, cases[i].first, strlen(cases[i].first), 15, &sampling, take,
                              &given));
        CHECK(minrnn_generate(session, NULL, 0, 15, &sampling, take, &empty));
        assert_int_equal(given.bytes, empty.bytes);
        assert_memory_equal(given.all, empty.all, sizeof given.all);
        minrnn_session_destroy(session);
        minrnn_model_destroy(model);
        minrnn_vocabulary_destroy(vocabulary);
    }
}

int main(void) {
    device = support_open_device();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_character_is_cut),
        cmocka_unit_test(test_what_is_no_character_comes_as_it_is),
        cmocka_unit_test(test_a_nul_is_a_byte),
        cmocka_unit_test(test_stopping),
        cmocka_unit_test(test_256_tokens_are_bytes_if_nothing_else_is_said),
        cmocka_unit_test(test_an_empty_prompt),
    };
    const int failed = cmocka_run_group_tests(tests, files_begin, files_end);
    minrnn_device_destroy(device);
    return failed ? 1 : 0;
}
