#include <minrnn/text.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/philox.h"
#include "base/status.h"

#include <string.h>

/* Splits need two tokens each to hold one target: ten parts of at least that. */
enum { SHORTEST_TEXT = 11 };
#define LARGEST_FILE ((uint64_t)1 << 40)

struct minrnn_text {
    minrnn_vocabulary *vocabulary;
    int64_t count;
    int64_t train; /* tokens of the training split, which come first */
    int32_t *tokens;
};

static minrnn_status load(minrnn_text *text, const minrnn_vocabulary *vocabulary,
                          const char *content, uint64_t bytes) {
    if (bytes == 0) {
        return fail(MINRNN_FORMAT_ERROR, "the file is empty");
    }
    const char *known = vocabulary ? minrnn_vocabulary_characters(vocabulary) : content;
    const uint64_t known_bytes = vocabulary ? strlen(known) : bytes;
    minrnn_status status =
        minrnn_vocabulary_create(known, known_bytes, vocabulary != NULL, &text->vocabulary);
    if (status) {
        return status;
    }
    status = minrnn_vocabulary_encode(text->vocabulary, content, bytes, NULL, 0, &text->count);
    if (status) {
        return status;
    }
    if (text->count < SHORTEST_TEXT) {
        return fail(MINRNN_FORMAT_ERROR,
                    "%lld characters are too few to split into training and validation; it takes "
                    "%d or more",
                    (long long)text->count, SHORTEST_TEXT);
    }
    text->train = text->count / 10 * 9 + text->count % 10 * 9 / 10;
    text->tokens = mem_alloc((uint64_t)text->count, sizeof *text->tokens);
    return text->tokens ? minrnn_vocabulary_encode(text->vocabulary, content, bytes, text->tokens,
                                                   text->count, &text->count)
                        : MINRNN_OUT_OF_MEMORY;
}

minrnn_status minrnn_text_open(const char *path, const minrnn_vocabulary *vocabulary,
                               minrnn_text **text) {
    if (!path || !text) {
        return fail(MINRNN_INVALID_ARGUMENT, "minrnn_text_open: an argument is NULL");
    }
    *text = NULL;
    char *content = NULL;
    uint64_t bytes = 0;
    minrnn_status status = file_read(path, LARGEST_FILE, &content, &bytes);
    if (status) {
        return status;
    }
    minrnn_text *made = mem_alloc(1, sizeof *made);
    status = made ? load(made, vocabulary, content, bytes) : MINRNN_OUT_OF_MEMORY;
    mem_free(content);
    if (status) {
        minrnn_text_destroy(made);
        return fail_in(status, "%s", path);
    }
    *text = made;
    return MINRNN_OK;
}

void minrnn_text_destroy(minrnn_text *text) {
    if (text) {
        minrnn_vocabulary_destroy(text->vocabulary);
        mem_free(text->tokens);
        mem_free(text);
    }
}

const minrnn_vocabulary *minrnn_text_vocabulary(const minrnn_text *text) {
    return text ? text->vocabulary : NULL;
}

int64_t minrnn_text_length(const minrnn_text *text, minrnn_split split) {
    return !text ? 0 : split == MINRNN_SPLIT_TRAIN ? text->train : text->count - text->train;
}

static const int32_t *split_tokens(const minrnn_text *text, minrnn_split split) {
    return text->tokens + (split == MINRNN_SPLIT_TRAIN ? 0 : text->train);
}

static minrnn_status check_window(const char *call, const minrnn_text *text, minrnn_split split,
                                  int64_t batch, int64_t time, const void *tokens,
                                  const void *targets) {
    if (!text || !tokens || !targets) {
        return fail(MINRNN_INVALID_ARGUMENT, "%s: an argument is NULL", call);
    }
    if ((unsigned)split > MINRNN_SPLIT_VALIDATION || batch < 1 || time < 1) {
        return fail(MINRNN_INVALID_ARGUMENT, "%s: split %d, batch %lld, time %lld", call,
                    (int)split, (long long)batch, (long long)time);
    }
    return MINRNN_OK;
}

minrnn_status minrnn_text_batch(const minrnn_text *text, minrnn_split split, uint64_t seed,
                                uint64_t index, int64_t batch, int64_t time, int32_t *tokens,
                                int32_t *targets) {
    const minrnn_status status =
        check_window("minrnn_text_batch", text, split, batch, time, tokens, targets);
    if (status) {
        return status;
    }
    const int64_t places = minrnn_text_length(text, split) - time;
    if (places < 1) {
        return fail(MINRNN_INVALID_ARGUMENT,
                    "the %s split has %lld characters, fewer than the %lld of one window of %lld "
                    "and its last target",
                    split == MINRNN_SPLIT_TRAIN ? "training" : "validation",
                    (long long)minrnn_text_length(text, split), (long long)time + 1,
                    (long long)time);
    }
    const size_t bytes = (size_t)time * sizeof *tokens;
    for (int64_t row = 0; row < batch; row++) {
        const struct philox word = philox_block(seed, PHILOX_SITE_BATCH, (uint32_t)split,
                                                index * (uint64_t)batch + (uint64_t)row);
        const uint64_t draw = (uint64_t)word.word[1] << 32 | word.word[0];
        const int32_t *window = split_tokens(text, split) + draw % (uint64_t)places;
        memcpy(tokens + row * time, window, bytes);
        memcpy(targets + row * time, window + 1, bytes);
    }
    return MINRNN_OK;
}

minrnn_status minrnn_text_window(const minrnn_text *text, minrnn_split split, uint64_t index,
                                 int64_t batch, int64_t time, int32_t *tokens, int32_t *targets,
                                 int64_t *used) {
    const minrnn_status status =
        check_window("minrnn_text_window", text, split, batch, time, tokens, targets);
    if (status) {
        return status;
    }
    if (!used) {
        return fail(MINRNN_INVALID_ARGUMENT, "minrnn_text_window: used is NULL");
    }
    *used = 0;
    const int64_t last = minrnn_text_length(text, split) - 1; /* targets in the split */
    const int32_t *source = split_tokens(text, split);
    const uint64_t windows = (uint64_t)(last / time) + 1;
    for (int64_t row = 0; row < batch; row++) {
        /* Bounded before it is multiplied: any index is allowed. */
        const uint64_t window = index < windows ? index * (uint64_t)batch + (uint64_t)row : windows;
        const int64_t start = window < windows ? (int64_t)window * time : last;
        for (int64_t t = 0; t < time; t++) {
            const bool there = t < last - start;
            tokens[row * time + t] = there ? source[start + t] : 0;
            targets[row * time + t] = there ? source[start + t + 1] : -1;
            *used += there;
        }
    }
    return MINRNN_OK;
}
