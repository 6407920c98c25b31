/* SPDX-License-Identifier: Apache-2.0 */
/* Sampling from logits, and text from a prompt. */
#include "unit/models.h"

static minrnn_device *device;

static void test_sampling(void **unused) {
    (void)unused;
    const float logits[5] = {0.5f, 2.0f, -1.0f, 2.0f, 1.0f};
    minrnn_sampling sampling;
    minrnn_sampling_defaults(&sampling);
    assert_true(sampling.temperature == 1.0f && sampling.top_k == 0 && sampling.seed == 1);
    int32_t token = -1;
    sampling.temperature = 0.0f;
    CHECK(minrnn_sample(&sampling, logits, 5, 3, &token));
    assert_int_equal(token, 1); /* ties go to the lower token */
    sampling.temperature = 1.0f;
    sampling.top_k = 1;
    CHECK(minrnn_sample(&sampling, logits, 5, 3, &token));
    assert_int_equal(token, 1);

    /* Frequencies: 4 standard deviations of a binomial around softmax. */
    enum { DRAWS = 20000 };
    for (int top_k = 0; top_k <= 3; top_k += 3) {
        sampling.top_k = top_k;
        sampling.temperature = 0.7f;
        double weight[5], total = 0.0;
        int counts[5] = {0};
        for (int i = 0; i < 5; i++) {
            const bool kept = top_k == 0 || i == 1 || i == 3 || i == 4;
            weight[i] = kept ? exp((double)logits[i] / 0.7) : 0.0;
            total += weight[i];
        }
        for (uint64_t i = 0; i < DRAWS; i++) {
            CHECK(minrnn_sample(&sampling, logits, 5, i, &token));
            assert_true(token >= 0 && token < 5);
            counts[token]++;
        }
        for (int i = 0; i < 5; i++) {
            const double p = weight[i] / total;
            const double spread = 4.0 * sqrt(DRAWS * p * (1.0 - p));
            assert_true(fabs((double)counts[i] - DRAWS * p) <= spread);
        }
    }
    int32_t again;
    CHECK(minrnn_sample(&sampling, logits, 5, 17, &token));
    CHECK(minrnn_sample(&sampling, logits, 5, 17, &again));
    assert_int_equal(token, again);
    assert_int_equal(minrnn_sample(&sampling, logits, 0, 0, &token), MINRNN_INVALID_ARGUMENT);
    assert_int_equal(minrnn_sample(&sampling, NULL, 5, 0, &token), MINRNN_INVALID_ARGUMENT);
    sampling.temperature = -1.0f;
    assert_int_equal(minrnn_sample(&sampling, logits, 5, 0, &token), MINRNN_INVALID_ARGUMENT);
}

struct written {
    char text[256];
    int calls, limit;
};

static bool append(void *user, const char *text, uint64_t bytes) {
    assert_int_equal(bytes, strlen(text));
    struct written *written = user;
    strncat(written->text, text, sizeof written->text - strlen(written->text) - 1);
    return ++written->calls < written->limit;
}

static void test_generate(void **unused) {
    (void)unused;
    const char *characters = "abcdefghijkl\xc3\xa9"; /* 13, the last of two bytes */
    minrnn_vocabulary *vocabulary;
    CHECK(minrnn_vocabulary_create(characters, strlen(characters), true, &vocabulary));
    const minrnn_model_config config = model_variant(1);
    minrnn_model *model = model_make(device, &config);
    minrnn_session *session;
    minrnn_sampling sampling;
    minrnn_sampling_defaults(&sampling);
    struct written first = {.limit = 1000}, second = {.limit = 1000}, stopped = {.limit = 3};
    CHECK(minrnn_session_create(model, 1, 4, &session));
    assert_int_equal(minrnn_generate(session, "abc", 3, 5, &sampling, append, &first),
                     MINRNN_INVALID_ARGUMENT); /* no vocabulary */
    CHECK(minrnn_model_set_vocabulary(model, vocabulary));
    char kept[64];
    assert_int_equal(support_vocabulary_of(model, kept, sizeof kept), SUPPORT_CHARACTERS);
    assert_string_equal(kept, characters);
    CHECK(minrnn_generate(session, "abcdefg\xc3\xa9", 9, 40, &sampling, append, &first));
    CHECK(minrnn_session_restart(session));
    CHECK(minrnn_generate(session, "abcdefg\xc3\xa9", 9, 40, &sampling, append, &second));
    int64_t count = 0;
    CHECK(minrnn_vocabulary_encode(vocabulary, first.text, strlen(first.text), NULL, 0, &count));
    assert_int_equal(count, 40);
    assert_string_equal(first.text, second.text);
    CHECK(minrnn_session_restart(session));
    CHECK(minrnn_generate(session, "a", 1, 40, &sampling, append, &stopped));
    assert_int_equal(stopped.calls, 3);
    CHECK(minrnn_session_restart(session));
    assert_int_equal(minrnn_generate(session, "xyz", 3, 5, &sampling, append, &first),
                     MINRNN_INVALID_ARGUMENT);
    assert_non_null(strstr(minrnn_error_text(), "x"));
    minrnn_session_destroy(session);
    minrnn_model_destroy(model);
    minrnn_vocabulary_destroy(vocabulary);
}

/* Prompts longer than a call, whole calls or not: the same text as fed at once. */
static void test_long_prompts(void **unused) {
    (void)unused;
    static const char prompt[] = "abcdefghijklm";
    minrnn_vocabulary *vocabulary;
    CHECK(minrnn_vocabulary_create(prompt, strlen(prompt), true, &vocabulary));
    const minrnn_model_config config = model_variant(1);
    minrnn_model *model = model_make(device, &config);
    CHECK(minrnn_model_set_vocabulary(model, vocabulary));
    minrnn_session *pieces, *whole;
    CHECK(minrnn_session_create(model, 1, 4, &pieces));
    CHECK(minrnn_session_create(model, 1, 16, &whole));
    minrnn_sampling sampling;
    minrnn_sampling_defaults(&sampling);
    for (size_t from = 0; from < strlen(prompt); from++) {
        struct written by_four = {.limit = 100}, at_once = {.limit = 100};
        CHECK(minrnn_session_restart(pieces));
        CHECK(minrnn_session_restart(whole));
        CHECK(minrnn_generate(pieces, prompt + from, strlen(prompt + from), 40, &sampling, append,
                              &by_four));
        CHECK(minrnn_generate(whole, prompt + from, strlen(prompt + from), 40, &sampling, append,
                              &at_once));
        assert_string_equal(by_four.text, at_once.text);
    }
    minrnn_session_destroy(pieces);
    minrnn_session_destroy(whole);
    minrnn_model_destroy(model);
    minrnn_vocabulary_destroy(vocabulary);
}

int main(void) {
    device = support_open_device();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sampling),
        cmocka_unit_test(test_generate),
        cmocka_unit_test(test_long_prompts),
    };
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    minrnn_device_destroy(device);
    return failed ? 1 : 0;
}
