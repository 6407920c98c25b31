/* SPDX-License-Identifier: Apache-2.0 */
/* Characters, text files as batches, and sampling. */
#include <minrnn/session.h>
#include <minrnn/text.h>

#include "base/alloc.h" /* before cmocka.h, which has a macro `fail` */
#include "base/utf8.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static void assert_status(minrnn_status status, minrnn_status expected) {
    if (status != expected) {
        print_error("%s: %s\n", minrnn_status_name(status), minrnn_error_text());
    }
    assert_int_equal(status, expected);
}

static void assert_error(minrnn_status status, minrnn_status expected, const char *part) {
    assert_status(status, expected);
    if (!strstr(minrnn_error_text(), part)) {
        fail_msg("'%s' does not say '%s'", minrnn_error_text(), part);
    }
    assert_null(strchr(minrnn_error_text(), '\n'));
}

static minrnn_vocabulary *vocabulary_of(const char *utf8, bool ordered) {
    minrnn_vocabulary *vocabulary = NULL;
    assert_status(minrnn_vocabulary_create(utf8, strlen(utf8), ordered, &vocabulary), MINRNN_OK);
    return vocabulary;
}

/* One character at each end of every UTF-8 length, out of order and repeated. */
static const char MIXED[] = "z\x7F\xC2\x80\xDF\xBF\x01\xE0\xA0\x80\xED\x9F\xBF\xEE\x80\x80\xEF\xBF"
                            "\xBF\xF0\x90\x80\x80\xF4\x8F\xBF\xBFzz\xC2\x80";
static const char MIXED_SORTED[] = "\x01z\x7F\xC2\x80\xDF\xBF\xE0\xA0\x80\xED\x9F\xBF\xEE\x80\x80"
                                   "\xEF\xBF\xBF\xF0\x90\x80\x80\xF4\x8F\xBF\xBF";

static void test_vocabulary_is_sorted_and_distinct(void **state) {
    (void)state;
    minrnn_vocabulary *vocabulary = vocabulary_of(MIXED, false);
    assert_int_equal(minrnn_vocabulary_size(vocabulary), 11);
    assert_string_equal(minrnn_vocabulary_characters(vocabulary), MIXED_SORTED);
    minrnn_vocabulary_destroy(vocabulary);
}

static void test_encode_and_decode_are_inverse(void **state) {
    (void)state;
    minrnn_vocabulary *vocabulary = vocabulary_of(MIXED, false);
    int64_t count = 0;
    assert_status(minrnn_vocabulary_encode(vocabulary, MIXED, strlen(MIXED), NULL, 0, &count),
                  MINRNN_OK);
    assert_int_equal(count, 14);
    int32_t tokens[15];
    tokens[3] = tokens[14] = -7;
    assert_status(minrnn_vocabulary_encode(vocabulary, MIXED, strlen(MIXED), tokens, 3, &count),
                  MINRNN_OK);
    assert_int_equal(count, 14);
    assert_int_equal(tokens[3], -7);
    assert_status(minrnn_vocabulary_encode(vocabulary, MIXED, strlen(MIXED), tokens, 14, &count),
                  MINRNN_OK);
    assert_int_equal(tokens[14], -7);
    char text[sizeof MIXED] = "", piece[8];
    for (int i = 0; i < 14; i++) {
        minrnn_vocabulary_decode(vocabulary, tokens[i], piece);
        strcat(text, piece);
    }
    assert_string_equal(text, MIXED);
    assert_status(minrnn_vocabulary_encode(vocabulary, NULL, 0, NULL, 0, &count), MINRNN_OK);
    assert_int_equal(count, 0);
    const int32_t outside[] = {-1, 11, INT32_MIN, INT32_MAX};
    for (int i = 0; i < 4; i++) {
        minrnn_vocabulary_decode(vocabulary, outside[i], piece);
        assert_string_equal(piece, "");
    }
    minrnn_vocabulary_destroy(vocabulary);
}

static void test_ordered_vocabulary_keeps_its_order(void **state) {
    (void)state;
    minrnn_vocabulary *vocabulary = vocabulary_of("cab\xC3\xA9", true);
    assert_string_equal(minrnn_vocabulary_characters(vocabulary), "cab\xC3\xA9");
    int32_t tokens[4];
    int64_t count = 0;
    assert_status(minrnn_vocabulary_encode(vocabulary,
                                           "b\xC3\xA9"
                                           "ac",
                                           5, tokens, 4, &count),
                  MINRNN_OK);
    const int32_t expected[] = {2, 3, 1, 0};
    assert_memory_equal(tokens, expected, sizeof expected);
    minrnn_vocabulary_destroy(vocabulary);
    assert_error(minrnn_vocabulary_create("abca", 4, true, &vocabulary), MINRNN_FORMAT_ERROR,
                 "U+0061 appears twice");
    assert_null(vocabulary);
}

static void test_invalid_utf8_names_its_byte(void **state) {
    (void)state;
    const char *const bad[] = {
        "\x80",             /* continuation alone */
        "\xBF",             /* the same */
        "\xC0\x80",         /* overlong NUL */
        "\xC1\xBF",         /* overlong */
        "\xE0\x9F\xBF",     /* overlong */
        "\xF0\x8F\xBF\xBF", /* overlong */
        "\xED\xA0\x80",     /* first surrogate */
        "\xED\xBF\xBF",     /* last surrogate */
        "\xF4\x90\x80\x80", /* past 10FFFF */
        "\xF5\x80\x80\x80", /* the same */
        "\xFE",             /* never used */
        "\xFF",             /* never used */
        "\xC2",             /* cut off */
        "\xE2\x82",         /* cut off */
        "\xF0\x9F\x98",     /* cut off */
        "\xE2(\xA1",        /* not a continuation */
        "\xC3\xC3",         /* not a continuation */
    };
    minrnn_vocabulary *ascii = vocabulary_of("ab", false);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char text[16];
        snprintf(text, sizeof text, "ab%s", bad[i]);
        minrnn_vocabulary *vocabulary = ascii;
        assert_error(minrnn_vocabulary_create(text, strlen(text), false, &vocabulary),
                     MINRNN_FORMAT_ERROR, "byte 2 (0x");
        assert_null(vocabulary);
        int64_t count = 1;
        assert_error(minrnn_vocabulary_encode(ascii, text, strlen(text), NULL, 0, &count),
                     MINRNN_FORMAT_ERROR, "byte 2 (0x");
        assert_int_equal(count, 0);
    }
    minrnn_vocabulary *vocabulary = NULL;
    assert_error(minrnn_vocabulary_create("a\0b", 3, false, &vocabulary), MINRNN_FORMAT_ERROR,
                 "byte 1 is a NUL");
    assert_error(minrnn_vocabulary_create("", 0, false, &vocabulary), MINRNN_FORMAT_ERROR, "empty");
    assert_status(minrnn_vocabulary_create(NULL, 1, false, &vocabulary), MINRNN_INVALID_ARGUMENT);
    /* Bytes past the given number are not looked at. */
    assert_error(minrnn_vocabulary_create("a\xC3\xA9", 2, false, &vocabulary), MINRNN_FORMAT_ERROR,
                 "byte 1 (0xC3)");
    minrnn_vocabulary_destroy(ascii);
    minrnn_vocabulary_destroy(NULL);
}

static void test_unknown_characters_are_shown(void **state) {
    (void)state;
    minrnn_vocabulary *vocabulary = vocabulary_of("ab", false);
    int64_t count = 0;
    assert_error(minrnn_vocabulary_encode(vocabulary, "ab\xC3\xA9", 4, NULL, 0, &count),
                 MINRNN_INVALID_ARGUMENT, "character 3 is '\xC3\xA9' (U+00E9)");
    assert_error(minrnn_vocabulary_encode(vocabulary, "a\n", 2, NULL, 0, &count),
                 MINRNN_INVALID_ARGUMENT, "character 2 is U+000A");
    assert_error(minrnn_vocabulary_encode(vocabulary, "\xE2\x80\xA8", 3, NULL, 0, &count),
                 MINRNN_INVALID_ARGUMENT, "character 1 is U+2028");
    /* The first and the last of those that would not show, and their neighbours. */
    static const struct {
        uint32_t code;
        bool shown;
    } cases[] = {{0x20, false},   {0x21, true},    {0x7E, true},    {0x7F, false},   {0xA0, false},
                 {0xA1, true},    {0x1FFF, true},  {0x2000, false}, {0x200F, false}, {0x2010, true},
                 {0x2027, true},  {0x2028, false}, {0x202F, false}, {0x2030, true},  {0xFEFE, true},
                 {0xFEFF, false}, {0xFF00, true}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[UTF8_MAX_BYTES + 1] = {0};
        const int bytes = utf8_encode(cases[i].code, text);
        assert_status(minrnn_vocabulary_encode(vocabulary, text, (uint64_t)bytes, NULL, 0, &count),
                      MINRNN_INVALID_ARGUMENT);
        assert_int_equal(strstr(minrnn_error_text(), "is '") != NULL, cases[i].shown);
    }
    minrnn_vocabulary_destroy(vocabulary);
}

static void test_plain_text_has_no_control_characters(void **state) {
    (void)state;
    static const struct {
        const char *text;
        bool plain;
    } cases[] = {
        {"", true},
        {"a", true},
        {"\x1F", false},
        {"\x20", true},
        {"\x7E", true},
        {"\x7F", false},
        {"\xC2\x80", false},
        {"\xC2\x9F", false},
        {"\xC2\xA0", true},
        {"a\nb", false},
        {"ab\xC3", false},
        {"\xE2\x82\xAC", true},
        {"ab\xC2\x9F", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        if (utf8_is_plain(cases[i].text) != cases[i].plain) {
            fail_msg("case %zu is not %s", i, cases[i].plain ? "plain" : "refused");
        }
    }
}

/* A text file in the working directory, opened, gone at once. */
static minrnn_status open_content(const void *content, size_t bytes,
                                  const minrnn_vocabulary *vocabulary, minrnn_text **text) {
    char path[] = "test_text_XXXXXX";
    const int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, content, bytes), bytes);
    close(fd);
    const minrnn_status status = minrnn_text_open(path, vocabulary, text);
    unlink(path);
    return status;
}

/* `count` characters, the i-th being a letter by i % 23: places can be told from their letters. */
static minrnn_text *letters(int count) {
    char *content = malloc((size_t)count);
    assert_non_null(content);
    for (int i = 0; i < count; i++) {
        content[i] = (char)('a' + i % 23);
    }
    minrnn_text *text = NULL;
    assert_status(open_content(content, (size_t)count, NULL, &text), MINRNN_OK);
    free(content);
    return text;
}

static void test_text_errors_are_told_apart(void **state) {
    (void)state;
    minrnn_text *text = NULL;
    assert_error(minrnn_text_open("no/such/file", NULL, &text), MINRNN_IO_ERROR, "no/such/file");
    assert_error(open_content("", 0, NULL, &text), MINRNN_FORMAT_ERROR, "is empty");
    assert_error(open_content("a\0b", 3, NULL, &text), MINRNN_FORMAT_ERROR, "byte 1 is a NUL");
    assert_error(open_content("abc\xFF", 4, NULL, &text), MINRNN_FORMAT_ERROR, "byte 3 (0xFF)");
    assert_error(open_content("\n", 1, NULL, &text), MINRNN_FORMAT_ERROR, "too short");
    assert_error(open_content("\xC3\xA9", 2, NULL, &text), MINRNN_FORMAT_ERROR, "too short");
    assert_null(text);
    minrnn_vocabulary *vocabulary = vocabulary_of("0123456789", true);
    assert_error(open_content("01234567890123456789x", 21, vocabulary, &text),
                 MINRNN_INVALID_ARGUMENT, "character 21 is 'x'");
    assert_null(text);
    minrnn_vocabulary_destroy(vocabulary);
    assert_status(minrnn_text_open(NULL, NULL, &text), MINRNN_INVALID_ARGUMENT);
    minrnn_text_destroy(NULL);
}

static void test_nine_tenths_train(void **state) {
    (void)state;
    for (int count = 2; count < 45; count++) {
        minrnn_text *text = letters(count);
        const int64_t train = minrnn_text_length(text, MINRNN_SPLIT_TRAIN);
        assert_int_equal(train, count * 9 / 10);
        assert_int_equal(minrnn_text_length(text, MINRNN_SPLIT_VALIDATION), count - train);
        minrnn_text_destroy(text);
    }
}

static void test_text_keeps_a_given_vocabulary(void **state) {
    (void)state;
    minrnn_vocabulary *vocabulary = vocabulary_of("zyxba", true);
    minrnn_text *text = NULL;
    assert_status(open_content("abababababab", 12, vocabulary, &text), MINRNN_OK);
    minrnn_vocabulary_destroy(vocabulary);
    assert_string_equal(minrnn_vocabulary_characters(minrnn_text_vocabulary(text)), "zyxba");
    int32_t tokens[2], targets[2];
    int64_t used = 0;
    assert_status(
        minrnn_text_window(text, MINRNN_SPLIT_TRAIN, 0, 1, 2, tokens, targets, NULL, &used),
        MINRNN_OK);
    assert_int_equal(tokens[0], 4);
    assert_int_equal(tokens[1], 3);
    minrnn_text_destroy(text);
}

enum { BATCH = 64, TIME = 7, COUNT = 500, TRAIN = 450, PERIOD = 23 };

static void test_batches_are_windows_of_the_split(void **state) {
    (void)state;
    minrnn_text *text = letters(COUNT);
    int32_t tokens[BATCH * TIME], targets[BATCH * TIME];
    for (int split = 0; split < 2; split++) {
        assert_status(
            minrnn_text_batch(text, (minrnn_split)split, 1, 5, BATCH, TIME, tokens, targets, NULL),
            MINRNN_OK);
        for (int i = 0; i < BATCH * TIME; i++) {
            assert_int_equal(targets[i], (tokens[i] + 1) % PERIOD);
            if (i % TIME) {
                assert_int_equal(tokens[i], targets[i - 1]);
            }
        }
    }
    minrnn_text_destroy(text);
}

static void test_batches_are_the_seed_and_index(void **state) {
    (void)state;
    minrnn_text *text = letters(COUNT);
    int32_t first[BATCH * TIME], again[BATCH * TIME], targets[BATCH * TIME];
    assert_status(
        minrnn_text_batch(text, MINRNN_SPLIT_TRAIN, 3, 9, BATCH, TIME, first, targets, NULL),
        MINRNN_OK);
    assert_status(
        minrnn_text_batch(text, MINRNN_SPLIT_TRAIN, 3, 10, BATCH, TIME, again, targets, NULL),
        MINRNN_OK);
    assert_memory_not_equal(first, again, sizeof first);
    assert_status(
        minrnn_text_batch(text, MINRNN_SPLIT_TRAIN, 4, 9, BATCH, TIME, again, targets, NULL),
        MINRNN_OK);
    assert_memory_not_equal(first, again, sizeof first);
    assert_status(
        minrnn_text_batch(text, MINRNN_SPLIT_TRAIN, 3, 9, BATCH, TIME, again, targets, NULL),
        MINRNN_OK);
    assert_memory_equal(first, again, sizeof first);
    minrnn_text_destroy(text);
}

static void test_batches_reach_every_place(void **state) {
    (void)state;
    minrnn_text *text = letters(20); /* 18 to train: 17 places of time 1 */
    int drawn[18] = {0};
    int32_t tokens[BATCH], targets[BATCH];
    for (uint64_t index = 0; index < 50; index++) {
        assert_status(
            minrnn_text_batch(text, MINRNN_SPLIT_TRAIN, 1, index, BATCH, 1, tokens, targets, NULL),
            MINRNN_OK);
        for (int i = 0; i < BATCH; i++) {
            assert_in_range(tokens[i], 0, 16);
            drawn[tokens[i]]++;
        }
    }
    /* 3200 draws, 188 expected each, 13 the standard deviation. */
    for (int place = 0; place < 17; place++) {
        assert_in_range(drawn[place], 120, 256);
    }
    assert_status(
        minrnn_text_batch(text, MINRNN_SPLIT_VALIDATION, 1, 0, BATCH, 1, tokens, targets, NULL),
        MINRNN_OK);
    for (int i = 0; i < BATCH; i++) { /* 2 to validate: one place */
        assert_int_equal(tokens[i], 18);
        assert_int_equal(targets[i], 19);
    }
    /* The longest window has one place, one longer none. */
    int32_t long_tokens[18], long_targets[18];
    assert_status(
        minrnn_text_batch(text, MINRNN_SPLIT_TRAIN, 1, 0, 1, 17, long_tokens, long_targets, NULL),
        MINRNN_OK);
    assert_int_equal(long_tokens[0], 0);
    assert_int_equal(long_targets[16], 17);
    assert_error(
        minrnn_text_batch(text, MINRNN_SPLIT_TRAIN, 1, 0, 1, 18, long_tokens, long_targets, NULL),
        MINRNN_INVALID_ARGUMENT, "the training split has 18");
    assert_error(minrnn_text_batch(text, MINRNN_SPLIT_VALIDATION, 1, 0, 1, 18, long_tokens,
                                   long_targets, NULL),
                 MINRNN_INVALID_ARGUMENT, "the validation split has 2");
    int32_t all_tokens[20], all_targets[20];
    assert_error(
        minrnn_text_batch(text, MINRNN_SPLIT_ALL, 1, 0, 1, 20, all_tokens, all_targets, NULL),
        MINRNN_INVALID_ARGUMENT, "the text has 20");
    assert_status(minrnn_text_batch(text, MINRNN_SPLIT_TRAIN, 1, 0, 0, 1, tokens, targets, NULL),
                  MINRNN_INVALID_ARGUMENT);
    minrnn_text_destroy(text);
}

static void test_windows_cover_a_split_once(void **state) {
    (void)state;
    minrnn_text *text = letters(COUNT);
    int32_t tokens[4 * TIME], targets[4 * TIME];
    int64_t place = 0, used = 1;
    for (uint64_t index = 0; used > 0; index++) {
        assert_status(minrnn_text_window(text, MINRNN_SPLIT_VALIDATION, index, 4, TIME, tokens,
                                         targets, NULL, &used),
                      MINRNN_OK);
        for (int64_t i = 0; i < 4 * TIME; i++) {
            if (i < used) {
                assert_int_equal(tokens[i], (TRAIN + place) % PERIOD);
                assert_int_equal(targets[i], (TRAIN + place + 1) % PERIOD);
                place++;
            } else {
                assert_int_equal(tokens[i], 0);
                assert_int_equal(targets[i], -1);
            }
        }
    }
    assert_int_equal(place, COUNT - TRAIN - 1);
    assert_status(minrnn_text_window(text, MINRNN_SPLIT_VALIDATION, UINT64_MAX, 4, TIME, tokens,
                                     targets, NULL, &used),
                  MINRNN_OK);
    assert_int_equal(used, 0);
    minrnn_text_destroy(text);
}

static int32_t draw(float temperature, int top_k, uint64_t seed, uint64_t index,
                    const float *logits, int64_t vocab) {
    const minrnn_sampling sampling = {sizeof sampling, temperature, top_k, seed};
    int32_t token = -1;
    assert_status(minrnn_sample(&sampling, logits, vocab, index, &token), MINRNN_OK);
    return token;
}

static void test_ties_go_to_the_lower_token(void **state) {
    (void)state;
    const float logits[] = {-1.0f, 2.0f, 0.5f, 2.0f, -0.0f, 0.0f};
    assert_int_equal(draw(0.0f, 0, 1, 0, logits, 6), 1);
    assert_int_equal(draw(0.0f, 3, 9, 7, logits, 6), 1);
    for (uint64_t index = 0; index < 200; index++) {
        assert_int_equal(draw(1.0f, 1, 1, index, logits, 6), 1);
        assert_int_not_equal(draw(100.0f, 4, 1, index, logits, 6), 5); /* -0 ties with 0 */
        assert_int_not_equal(draw(100.0f, 4, 1, index, logits, 6), 0);
    }
}

static void test_draws_follow_the_softmax(void **state) {
    (void)state;
    enum { VOCAB = 5, DRAWS = 20000 };
    const float logits[VOCAB] = {-3.0f, 1.0f, 0.0f, 2.5f, -200.0f};
    const float temperature = 1.5f;
    for (int top_k = 0; top_k <= 3; top_k += 3) {
        double expected[VOCAB], total = 0;
        int drawn[VOCAB] = {0};
        for (int i = 0; i < VOCAB; i++) {
            const bool in = top_k == 0 || (i >= 1 && i <= 3);
            expected[i] = in ? exp(logits[i] / temperature) : 0;
            total += expected[i];
        }
        for (uint64_t index = 0; index < DRAWS; index++) {
            drawn[draw(temperature, top_k, 42, index, logits, VOCAB)]++;
        }
        for (int i = 0; i < VOCAB; i++) {
            const double p = expected[i] / total;
            const double deviation = sqrt(DRAWS * p * (1 - p));
            assert_true(fabs(drawn[i] - DRAWS * p) <= 4 * deviation);
        }
    }
    /* The same numbers give the same token; another seed other ones. */
    int differ = 0;
    for (uint64_t index = 0; index < 100; index++) {
        assert_int_equal(draw(1.0f, 0, 7, index, logits, VOCAB),
                         draw(1.0f, 0, 7, index, logits, VOCAB));
        differ += draw(1.0f, 0, 7, index, logits, VOCAB) != draw(1.0f, 0, 8, index, logits, VOCAB);
    }
    assert_true(differ > 10);
}

static void test_extreme_logits_and_temperatures(void **state) {
    (void)state;
    const float logits[] = {-3e38f, 3e38f, 2.9e38f};
    for (uint64_t index = 0; index < 50; index++) {
        assert_int_equal(draw(1.0f, 0, 1, index, logits, 3), 1);
        assert_int_equal(draw(1e-45f, 0, 1, index, logits, 3), 1);
        assert_int_equal(draw(1.0f, INT32_MAX, 1, index, logits, 3), 1);
        assert_in_range(draw(3e38f, 0, 1, index, logits, 3), 0, 2);
        assert_int_equal(draw(1.0f, 0, 1, index, logits, 1), 0);
    }
}

/* What is masked is never drawn, however few are left and however far the others are. */
static void test_masked_tokens_are_never_drawn(void **state) {
    (void)state;
    enum { VOCAB = 6, DRAWS = 4000 };
    const float logits[VOCAB] = {-INFINITY, 1.0f, -INFINITY, -3e38f, 0.5f, -INFINITY};
    const float temperatures[] = {0.0f, 1e-45f, 1.0f, 100.0f, 3e38f};
    for (size_t t = 0; t < sizeof temperatures / sizeof *temperatures; t++) {
        for (int top_k = 0; top_k <= VOCAB + 1; top_k++) {
            for (uint64_t index = 0; index < 100; index++) {
                const int32_t token = draw(temperatures[t], top_k, 3, index, logits, VOCAB);
                assert_true(token == 1 || token == 3 || token == 4);
            }
        }
    }
    /* The others have the shares they have without the masked ones. */
    int drawn[VOCAB] = {0};
    for (uint64_t index = 0; index < DRAWS; index++) {
        drawn[draw(1.0f, 0, 5, index, logits, VOCAB)]++;
    }
    const double p = 1 / (1 + exp(-0.5));
    assert_true(fabs(drawn[1] - DRAWS * p) <= 4 * sqrt(DRAWS * p * (1 - p)));
    assert_int_equal(drawn[1] + drawn[4], DRAWS);
    const float one[] = {-INFINITY, -INFINITY, -5.0f};
    assert_int_equal(draw(1.0f, 2, 1, 0, one, 3), 2);
    assert_int_equal(draw(0.0f, 0, 1, 0, one, 3), 2);
}

static void test_sampling_refuses_what_it_cannot_draw_from(void **state) {
    (void)state;
    const float bad_temperatures[] = {-1.0f, NAN, INFINITY};
    const float logits[] = {0.0f, 1.0f};
    int32_t token = 0;
    minrnn_sampling sampling;
    for (int i = 0; i < 3; i++) {
        minrnn_sampling_defaults(&sampling);
        sampling.temperature = bad_temperatures[i];
        assert_error(minrnn_sample(&sampling, logits, 2, 0, &token), MINRNN_INVALID_ARGUMENT,
                     "temperature");
    }
    minrnn_sampling_defaults(&sampling);
    assert_true(sampling.temperature == 1.0f && sampling.top_k == 0 && sampling.seed == 1);
    sampling.top_k = -1;
    assert_error(minrnn_sample(&sampling, logits, 2, 0, &token), MINRNN_INVALID_ARGUMENT, "top_k");
    const float not_finite[] = {NAN, INFINITY};
    for (int i = 0; i < 2; i++) {
        const float broken[] = {0.0f, not_finite[i]};
        minrnn_sampling_defaults(&sampling);
        assert_error(minrnn_sample(&sampling, broken, 2, 0, &token), MINRNN_NOT_FINITE, "token 1");
        sampling.temperature = 0.0f;
        assert_error(minrnn_sample(&sampling, broken, 2, 0, &token), MINRNN_NOT_FINITE, "token 1");
    }
    const float masked[] = {-INFINITY, -INFINITY};
    assert_error(minrnn_sample(&sampling, masked, 2, 0, &token), MINRNN_INVALID_ARGUMENT,
                 "all 2 tokens are masked");
    assert_status(minrnn_sample(&sampling, logits, 0, 0, &token), MINRNN_INVALID_ARGUMENT);
    assert_status(minrnn_sample(NULL, logits, 2, 0, &token), MINRNN_INVALID_ARGUMENT);
}

/* Every allocation in turn fails: an error each time, nothing leaked or left half-made. */
static void test_allocations_may_fail(void **state) {
    (void)state;
    minrnn_text *text = NULL;
    long n = 0;
    minrnn_status status = MINRNN_OUT_OF_MEMORY;
    while (status == MINRNN_OUT_OF_MEMORY) {
        mem_fail_at(++n);
        status = open_content("hello, hello, hello", 19, NULL, &text);
        assert_true((status == MINRNN_OK) == (text != NULL));
    }
    mem_fail_at(0);
    assert_status(status, MINRNN_OK);
    assert_in_range(n, 5, 20);
    minrnn_text_destroy(text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vocabulary_is_sorted_and_distinct),
        cmocka_unit_test(test_encode_and_decode_are_inverse),
        cmocka_unit_test(test_ordered_vocabulary_keeps_its_order),
        cmocka_unit_test(test_invalid_utf8_names_its_byte),
        cmocka_unit_test(test_unknown_characters_are_shown),
        cmocka_unit_test(test_plain_text_has_no_control_characters),
        cmocka_unit_test(test_text_errors_are_told_apart),
        cmocka_unit_test(test_nine_tenths_train),
        cmocka_unit_test(test_text_keeps_a_given_vocabulary),
        cmocka_unit_test(test_batches_are_windows_of_the_split),
        cmocka_unit_test(test_batches_are_the_seed_and_index),
        cmocka_unit_test(test_batches_reach_every_place),
        cmocka_unit_test(test_windows_cover_a_split_once),
        cmocka_unit_test(test_ties_go_to_the_lower_token),
        cmocka_unit_test(test_draws_follow_the_softmax),
        cmocka_unit_test(test_extreme_logits_and_temperatures),
        cmocka_unit_test(test_masked_tokens_are_never_drawn),
        cmocka_unit_test(test_sampling_refuses_what_it_cannot_draw_from),
        cmocka_unit_test(test_allocations_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
