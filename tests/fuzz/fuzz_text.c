/* SPDX-License-Identifier: Apache-2.0 */
/* Texts: the input's first 8 bytes choose the batch, the rest is the file. Any bytes are either a
 * text, which tokens give back byte by byte, or refused. */
#include "harness.h"

#include <string.h>

int LLVMFuzzerInitialize(int *argc, char ***argv) {
    (void)argc;
    (void)argv;
    (void)fuzz_folder();
    return 0;
}

/* Encodes and decodes again. */
static void must_round_trip(const minrnn_vocabulary *vocabulary, const char *text, size_t bytes) {
    int64_t count = 0, again = 0;
    MUST_WORK(minrnn_vocabulary_encode(vocabulary, text, bytes, NULL, 0, &count));
    MUST(count <= (int64_t)bytes);
    int32_t *tokens = calloc((size_t)count + 1, sizeof *tokens);
    MUST(tokens);
    tokens[count] = -7;
    MUST_WORK(minrnn_vocabulary_encode(vocabulary, text, bytes, tokens, count, &again));
    MUST(again == count && tokens[count] == -7);
    size_t at = 0;
    for (int64_t i = 0; i < count; i++) {
        char piece[8];
        MUST(tokens[i] >= 0 && tokens[i] < minrnn_vocabulary_size(vocabulary));
        const size_t length = (size_t)minrnn_vocabulary_decode(vocabulary, tokens[i], piece);
        MUST(length > 0 && length <= bytes - at && memcmp(piece, text + at, length) == 0);
        at += length;
    }
    MUST(at == bytes);
    free(tokens);
}

/* A vocabulary may have its characters in any order, here from last to first. */
static void must_turn_round(const minrnn_vocabulary *vocabulary) {
    const char *characters = minrnn_vocabulary_characters(vocabulary);
    const size_t bytes = strlen(characters);
    char *turned = calloc(bytes + 8, 1);
    minrnn_vocabulary *other = NULL;
    MUST(turned);
    char *end = turned;
    for (int token = minrnn_vocabulary_size(vocabulary); token-- > 0;) {
        minrnn_vocabulary_decode(vocabulary, token, end);
        end += strlen(end);
    }
    MUST_WORK(minrnn_vocabulary_create(turned, bytes, true, &other));
    MUST(strcmp(minrnn_vocabulary_characters(other), turned) == 0);
    must_round_trip(other, characters, bytes);
    minrnn_vocabulary_destroy(other);
    free(turned);
}

/* The characters, in their order, make the same vocabulary; and twice each, none. */
static void must_make_again(const minrnn_vocabulary *vocabulary) {
    const char *characters = minrnn_vocabulary_characters(vocabulary);
    const size_t bytes = strlen(characters);
    minrnn_vocabulary *again = NULL;
    must_round_trip(vocabulary, characters, bytes);
    MUST_WORK(minrnn_vocabulary_create(characters, bytes, true, &again));
    MUST(minrnn_vocabulary_size(again) == minrnn_vocabulary_size(vocabulary));
    MUST(strcmp(minrnn_vocabulary_characters(again), characters) == 0);
    minrnn_vocabulary_destroy(again);
    must_turn_round(vocabulary);
    char *twice = calloc(2 * bytes + 1, 1);
    MUST(twice);
    memcpy(twice, characters, bytes);
    memcpy(twice + bytes, characters, bytes);
    MUST(minrnn_vocabulary_create(twice, 2 * bytes, true, &again) == MINRNN_FORMAT_ERROR);
    free(twice);
}

struct batch {
    int64_t batch, time;
    int32_t *tokens, *targets, *reset;
};

static void check_tokens(const minrnn_text *text, const struct batch *batch) {
    const int size = minrnn_vocabulary_size(minrnn_text_vocabulary(text));
    for (int64_t i = 0; i < batch->batch * batch->time; i++) {
        MUST(batch->tokens[i] >= 0 && batch->tokens[i] < size);
        MUST(batch->targets[i] >= -1 && batch->targets[i] < size);
        MUST(batch->reset[i] == 0 || batch->reset[i] == 1);
    }
}

/* All windows together hold each target of the split once; one past them, and any index, none. */
static void check_windows(const minrnn_text *text, minrnn_split split, uint64_t any,
                          const struct batch *batch) {
    int64_t used = 1, total = 0;
    const int64_t last = minrnn_text_length(text, split) - 1;
    const int64_t rows = (last + batch->time - 1) / batch->time;
    const int64_t batches = (rows + batch->batch - 1) / batch->batch;
    for (int64_t index = 0; index <= batches; index++) {
        MUST_WORK(minrnn_text_window(text, split, (uint64_t)index, batch->batch, batch->time,
                                     batch->tokens, batch->targets, batch->reset, &used));
        check_tokens(text, batch);
        total += used;
    }
    MUST(used == 0 && total == last);
    MUST_WORK(minrnn_text_window(text, split, any, batch->batch, batch->time, batch->tokens,
                                 batch->targets, batch->reset, &used));
    MUST(used == 0 || any < (uint64_t)batches);
}

static void check_batch(const minrnn_text *text, minrnn_split split, uint64_t any,
                        const struct batch *batch) {
    const bool fits = minrnn_text_length(text, split) > batch->time;
    const minrnn_status status =
        minrnn_text_batch(text, split, any, ~any, batch->batch, batch->time, batch->tokens,
                          batch->targets, batch->reset);
    MUST(status == (fits ? MINRNN_OK : MINRNN_INVALID_ARGUMENT));
    if (fits) {
        check_tokens(text, batch);
    }
}

static void check_text(const minrnn_text *text, struct fuzz_input *options) {
    const int64_t batch = 1 + (int64_t)fuzz_take(options, 1) % 5;
    const int64_t time = 1 + (int64_t)fuzz_take(options, 1) % 67;
    const uint64_t any = fuzz_take(options, 6) << (fuzz_take(options, 1) & 16);
    const size_t count = (size_t)(batch * time);
    struct batch room = {batch, time, malloc(count * sizeof(int32_t)),
                         malloc(count * sizeof(int32_t)), malloc(count * sizeof(int32_t))};
    MUST(room.tokens && room.targets && room.reset);
    for (int split = MINRNN_SPLIT_TRAIN; split <= MINRNN_SPLIT_ALL; split++) {
        MUST(minrnn_text_length(text, (minrnn_split)split) >= 1);
        check_windows(text, (minrnn_split)split, any, &room);
        check_batch(text, (minrnn_split)split, any, &room);
    }
    free(room.tokens);
    free(room.targets);
    free(room.reset);
}

/* With a vocabulary given, the text is the same or has a character that is not in it. */
static void check_given(const char *path, const char *text, size_t bytes) {
    minrnn_vocabulary *half = NULL;
    minrnn_text *opened = NULL;
    int64_t count = 0;
    if (minrnn_vocabulary_create(text, bytes / 2, false, &half)) {
        return;
    }
    const minrnn_status status = minrnn_text_open(path, half, &opened);
    MUST(status == minrnn_vocabulary_encode(half, text, bytes, NULL, 0, &count));
    minrnn_text_destroy(opened);
    minrnn_vocabulary_destroy(half);
}

/* As bytes, it is what it is. */
static void check_bytes(const char *path, const char *content, size_t bytes) {
    minrnn_vocabulary *all = NULL;
    minrnn_text *text = NULL;
    MUST_WORK(minrnn_vocabulary_bytes(&all));
    must_round_trip(all, content, bytes);
    MUST_WORK(minrnn_text_open(path, all, &text));
    MUST(minrnn_text_length(text, MINRNN_SPLIT_ALL) == (int64_t)bytes);
    MUST(minrnn_text_documents(text) == 1);
    minrnn_text_destroy(text);
    minrnn_vocabulary_destroy(all);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct fuzz_input options = {data, size < 9 ? size : 9};
    const char *content = (const char *)data + options.size;
    const size_t bytes = size - options.size;
    const char *path = fuzz_put("input", content, bytes);
    minrnn_text *text = NULL;
    const minrnn_status status = minrnn_text_open(path, NULL, &text);
    fuzz_check_failure(status);
    if (status) {
        MUST(!text);
        return 0;
    }
    const minrnn_vocabulary *vocabulary = minrnn_text_vocabulary(text);
    const size_t mark = bytes >= 3 && memcmp(content, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
    must_round_trip(vocabulary, content + mark, bytes - mark);
    must_make_again(vocabulary);
    check_text(text, &options);
    check_given(path, content + mark, bytes - mark);
    check_bytes(path, content, bytes);
    minrnn_text_destroy(text);
    return 0;
}
