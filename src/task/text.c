/* SPDX-License-Identifier: Apache-2.0 */
/* A text as tokens: splits, windows and batches. */
#include <minrnn/text.h>

#include "base/alloc.h"
#include "base/philox.h"
#include "base/status.h"
#include "task/documents.h"
#include "task/vocabulary.h"

#include <string.h>

struct minrnn_text {
    minrnn_vocabulary *vocabulary;
    int64_t count;
    int64_t train; /* tokens of the training split, which come first */
    int32_t *tokens;
    int64_t documents;
    int64_t *begins; /* [documents]: the first token of each */
};

/* ---- opening ---- */

/* Turns a document into tokens, or with `tokens` NULL counts them. */
static minrnn_status encode(const minrnn_text *text, const struct documents *read, size_t index,
                            int32_t *tokens, int64_t capacity, int64_t *count) {
    const struct document *document = &read->documents[index];
    const minrnn_status status =
        minrnn_vocabulary_encode(text->vocabulary, read->bytes.data + document->begin,
                                 document->end - document->begin, tokens, capacity, count);
    return status ? fail_in(status, "%s", input_name(document->path)) : MINRNN_OK;
}

static minrnn_status encode_all(minrnn_text *text, const struct documents *read) {
    int64_t written = 0, count = 0;
    for (size_t i = 0; i < read->count; i++) {
        const minrnn_status status = encode(text, read, i, NULL, 0, &count);
        if (status) {
            return status;
        }
        text->begins[i] = text->count;
        text->count += count;
    }
    text->tokens = mem_alloc((uint64_t)text->count, sizeof *text->tokens);
    minrnn_status status = text->tokens ? MINRNN_OK : MINRNN_OUT_OF_MEMORY;
    for (size_t i = 0; !status && i < read->count; i++) {
        status = encode(text, read, i, text->tokens + written, text->count - written, &count);
        written += count;
    }
    return status;
}

static minrnn_status load(minrnn_text *text, const minrnn_vocabulary *vocabulary,
                          const struct documents *read) {
    text->documents = (int64_t)read->count;
    text->begins = mem_alloc(read->count, sizeof *text->begins);
    minrnn_status status = text->begins ? MINRNN_OK : MINRNN_OUT_OF_MEMORY;
    if (!status) {
        status = vocabulary ? vocabulary_copy(vocabulary, &text->vocabulary)
                            : minrnn_vocabulary_create(read->bytes.data, read->bytes.count, false,
                                                       &text->vocabulary);
    }
    status = status ? status : encode_all(text, read);
    if (status) {
        return documents_explain(read, status, !vocabulary);
    }
    text->train = text->count / 10 * 9 + text->count % 10 * 9 / 10;
    return text->count > text->documents
               ? MINRNN_OK
               : fail(MINRNN_FORMAT_ERROR, "%s is too short: it has a single character%s",
                      input_name(read->documents[0].path),
                      text->documents > 1 ? ", as do all others" : "");
}

minrnn_status minrnn_text_open_files(const char *const *paths, int count,
                                     const minrnn_vocabulary *vocabulary, minrnn_text **text) {
    bool missing = !paths || !text || count < 1;
    for (int i = 0; !missing && i < count; i++) {
        missing = !paths[i];
    }
    if (missing) {
        return fail(MINRNN_INVALID_ARGUMENT,
                    "minrnn_text_open_files: an argument is NULL, or there is no path");
    }
    *text = NULL;
    struct documents read;
    minrnn_text *made = NULL;
    minrnn_status status =
        documents_read(paths, count, !minrnn_vocabulary_is_bytes(vocabulary), &read);
    if (!status) {
        made = mem_alloc(1, sizeof *made);
        status = made ? load(made, vocabulary, &read) : MINRNN_OUT_OF_MEMORY;
    }
    if (status) {
        minrnn_text_destroy(made);
        made = NULL;
    }
    documents_destroy(&read);
    *text = made;
    return status;
}

minrnn_status minrnn_text_open(const char *path, const minrnn_vocabulary *vocabulary,
                               minrnn_text **text) {
    return minrnn_text_open_files(&path, 1, vocabulary, text);
}

void minrnn_text_destroy(minrnn_text *text) {
    if (text) {
        minrnn_vocabulary_destroy(text->vocabulary);
        mem_free(text->tokens);
        mem_free(text->begins);
        mem_free(text);
    }
}

const minrnn_vocabulary *minrnn_text_vocabulary(const minrnn_text *text) {
    return text ? text->vocabulary : NULL;
}

int64_t minrnn_text_documents(const minrnn_text *text) {
    return text ? text->documents : 0;
}

/* ---- batches ---- */

/* The tokens of a split: `length` from `begin` on. */
struct span {
    int64_t begin, length;
};

static struct span split_span(const minrnn_text *text, minrnn_split split) {
    switch (split) {
    case MINRNN_SPLIT_TRAIN: return (struct span){0, text->train};
    case MINRNN_SPLIT_VALIDATION: return (struct span){text->train, text->count - text->train};
    case MINRNN_SPLIT_ALL:
    case MINRNN_SPLIT_TEST: break; /* a text has none */
    }
    return (struct span){0, text->count};
}

static const char *split_name(minrnn_split split) {
    return split == MINRNN_SPLIT_TRAIN        ? "the training split"
           : split == MINRNN_SPLIT_VALIDATION ? "the validation split"
                                              : "the text";
}

int64_t minrnn_text_length(const minrnn_text *text, minrnn_split split) {
    return text && (unsigned)split <= MINRNN_SPLIT_ALL ? split_span(text, split).length : 0;
}

static minrnn_status check_window(const char *call, const minrnn_text *text, minrnn_split split,
                                  int64_t batch, int64_t time, const void *tokens,
                                  const void *targets) {
    if (!text || !tokens || !targets) {
        return fail(MINRNN_INVALID_ARGUMENT, "%s: an argument is NULL", call);
    }
    if ((unsigned)split > MINRNN_SPLIT_ALL || batch < 1 || time < 1) {
        return fail(MINRNN_INVALID_ARGUMENT, "%s: split %d, batch %lld, time %lld", call,
                    (int)split, (long long)batch, (long long)time);
    }
    return MINRNN_OK;
}

/* The first document that begins at token `place` or later. */
static int64_t document_from(const minrnn_text *text, int64_t place) {
    int64_t low = 0, high = text->documents;
    while (low < high) {
        const int64_t middle = low + (high - low) / 2;
        if (text->begins[middle] < place) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

/* `time` tokens from `start` on, and the token that follows each. At the beginning of a document
 * reset (NULL allowed) is 1, and nothing follows the token before. */
static void copy_window(const minrnn_text *text, int64_t start, int64_t time, int32_t *tokens,
                        int32_t *targets, int32_t *reset) {
    const size_t bytes = (size_t)time * sizeof *tokens;
    memcpy(tokens, text->tokens + start, bytes);
    memcpy(targets, text->tokens + start + 1, bytes);
    if (reset) {
        memset(reset, 0, bytes);
    }
    for (int64_t i = document_from(text, start); i < text->documents; i++) {
        const int64_t place = text->begins[i] - start;
        if (place > time) {
            break;
        }
        if (place > 0) {
            targets[place - 1] = -1;
        }
        if (reset && place < time) {
            reset[place] = 1;
        }
    }
}

minrnn_status minrnn_text_batch(const minrnn_text *text, minrnn_split split, uint64_t seed,
                                uint64_t index, int64_t batch, int64_t time, int32_t *tokens,
                                int32_t *targets, int32_t *reset) {
    const minrnn_status status =
        check_window("minrnn_text_batch", text, split, batch, time, tokens, targets);
    if (status) {
        return status;
    }
    const struct span span = split_span(text, split);
    const int64_t places = span.length - time;
    if (places < 1) {
        return fail(MINRNN_INVALID_ARGUMENT,
                    "%s has %lld characters, fewer than the %lld that a window of %lld and its "
                    "last target take",
                    split_name(split), (long long)span.length, (long long)time + 1,
                    (long long)time);
    }
    for (int64_t row = 0; row < batch; row++) {
        const struct philox word = philox_block(seed, PHILOX_SITE_BATCH, (uint32_t)split,
                                                index * (uint64_t)batch + (uint64_t)row);
        const uint64_t draw = (uint64_t)word.word[1] << 32 | word.word[0];
        const int64_t start = span.begin + (int64_t)(draw % (uint64_t)places);
        const int64_t at = row * time;
        copy_window(text, start, time, tokens + at, targets + at, reset ? reset + at : NULL);
    }
    return MINRNN_OK;
}

minrnn_status minrnn_text_window(const minrnn_text *text, minrnn_split split, uint64_t index,
                                 int64_t batch, int64_t time, int32_t *tokens, int32_t *targets,
                                 int32_t *reset, int64_t *used) {
    const minrnn_status status =
        check_window("minrnn_text_window", text, split, batch, time, tokens, targets);
    if (status) {
        return status;
    }
    if (!used) {
        return fail(MINRNN_INVALID_ARGUMENT, "minrnn_text_window: used is NULL");
    }
    *used = 0;
    const struct span span = split_span(text, split);
    const int64_t last = span.length > 0 ? span.length - 1 : 0; /* positions with a next one */
    const uint64_t windows = (uint64_t)(last / time) + 1;
    for (int64_t row = 0; row < batch; row++) {
        /* Bounded before it is multiplied: any index is allowed. */
        const uint64_t window = index < windows ? index * (uint64_t)batch + (uint64_t)row : windows;
        const int64_t start = window < windows ? (int64_t)window * time : last;
        const int64_t there = last - start < time ? last - start : time;
        const int64_t at = row * time;
        copy_window(text, span.begin + start, there, tokens + at, targets + at,
                    reset ? reset + at : NULL);
        for (int64_t t = at + there; t < at + time; t++) {
            tokens[t] = 0;
            targets[t] = -1;
            if (reset) {
                reset[t] = 0;
            }
        }
        *used += there;
    }
    return MINRNN_OK;
}
