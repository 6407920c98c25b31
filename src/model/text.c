#include <minrnn/text.h>

#include "base/alloc.h"
#include "base/input.h"
#include "base/philox.h"
#include "base/status.h"
#include "model/vocabulary.h"

#include <string.h>

#define LARGEST_FILE ((uint64_t)1 << 40)

struct minrnn_text {
    minrnn_vocabulary *vocabulary;
    int64_t count;
    int64_t train; /* tokens of the training split, which come first */
    int32_t *tokens;
    int64_t documents;
    int64_t *begins; /* [documents]: the first token of each */
};

/* ---- opening ---- */

/* What was read of a text: its documents one after the other. */
struct documents {
    struct input_bytes bytes;
    struct document {
        const char *name; /* the list's */
        uint64_t begin, end;
    } * documents; /* [count] */
    size_t count;
};

static void documents_destroy(struct documents *read) {
    mem_free(read->bytes.data);
    mem_free(read->documents);
}

/* An empty file is an error if it was named, and is left out if it was found in a folder. */
static minrnn_status read_document(const struct input *input, bool decoded,
                                   struct documents *read) {
    static const char mark[] = "\xEF\xBB\xBF"; /* U+FEFF, which some editors put first */
    const uint64_t mark_bytes = sizeof mark - 1;
    struct input_bytes *bytes = &read->bytes;
    const uint64_t begin = bytes->count;
    const minrnn_status status = input_read(input->path, LARGEST_FILE - begin, decoded, bytes);
    if (status) {
        return status;
    }
    if (decoded && bytes->count - begin >= mark_bytes &&
        memcmp(bytes->data + begin, mark, mark_bytes) == 0) {
        bytes->count -= mark_bytes;
        memmove(bytes->data + begin, bytes->data + begin + mark_bytes, bytes->count - begin + 1);
    }
    if (bytes->count > begin) {
        read->documents[read->count++] =
            (struct document){input_name(input->path), begin, bytes->count};
    } else if (!input->found) {
        return fail(MINRNN_FORMAT_ERROR, "%s: the file is empty", input_name(input->path));
    }
    return MINRNN_OK;
}

static minrnn_status read_documents(const struct input_list *list, bool decoded,
                                    struct documents *read) {
    read->documents = mem_alloc(list->count, sizeof *read->documents);
    minrnn_status status = read->documents ? MINRNN_OK : MINRNN_OUT_OF_MEMORY;
    for (size_t i = 0; !status && i < list->count; i++) {
        status = read_document(&list->inputs[i], decoded, read);
    }
    return !status && read->count == 0
               ? fail(MINRNN_FORMAT_ERROR, "%s: the file is empty%s", list->inputs[0].path,
                      list->count > 1 ? ", and so are all others" : "")
               : status;
}

/* Turns a document into tokens, or with `tokens` NULL counts them. */
static minrnn_status encode(const minrnn_text *text, const struct documents *read, size_t index,
                            int32_t *tokens, int64_t capacity, int64_t *count) {
    const struct document *document = &read->documents[index];
    const minrnn_status status =
        minrnn_vocabulary_encode(text->vocabulary, read->bytes.data + document->begin,
                                 document->end - document->begin, tokens, capacity, count);
    return status ? fail_in(status, "%s", document->name) : MINRNN_OK;
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
    text->tokens = mem_alloc((size_t)text->count, sizeof *text->tokens);
    minrnn_status status = text->tokens ? MINRNN_OK : MINRNN_OUT_OF_MEMORY;
    for (size_t i = 0; !status && i < read->count; i++) {
        status = encode(text, read, i, text->tokens + written, text->count - written, &count);
        written += count;
    }
    return status;
}

static minrnn_status make_vocabulary(minrnn_text *text, const minrnn_vocabulary *vocabulary,
                                     const struct documents *read) {
    if (vocabulary) {
        return vocabulary_copy(vocabulary, &text->vocabulary);
    }
    minrnn_status status =
        minrnn_vocabulary_create(read->bytes.data, read->bytes.count, false, &text->vocabulary);
    /* Which document it was that has none. */
    for (size_t i = 0; status == MINRNN_FORMAT_ERROR && i < read->count; i++) {
        const struct document *document = &read->documents[i];
        minrnn_vocabulary *own = NULL;
        if (minrnn_vocabulary_create(read->bytes.data + document->begin,
                                     document->end - document->begin, false, &own)) {
            return fail_in(status, "%s", document->name);
        }
        minrnn_vocabulary_destroy(own);
    }
    return status;
}

static minrnn_status load(minrnn_text *text, const minrnn_vocabulary *vocabulary,
                          const struct documents *read) {
    text->documents = (int64_t)read->count;
    text->begins = mem_alloc(read->count, sizeof *text->begins);
    minrnn_status status = text->begins ? MINRNN_OK : MINRNN_OUT_OF_MEMORY;
    status = status ? status : make_vocabulary(text, vocabulary, read);
    status = status ? status : encode_all(text, read);
    if (status) {
        return status;
    }
    text->train = text->count / 10 * 9 + text->count % 10 * 9 / 10;
    return text->count > text->documents
               ? MINRNN_OK
               : fail(MINRNN_FORMAT_ERROR, "%s is too short: one character, which none follows%s",
                      read->documents[0].name,
                      text->documents > 1 ? "; all others are as short" : "");
}

minrnn_status minrnn_text_open_files(const char *const *paths, int count,
                                     const minrnn_vocabulary *vocabulary, minrnn_text **text) {
    if (!paths || !text || count < 1) {
        return fail(MINRNN_INVALID_ARGUMENT,
                    "minrnn_text_open_files: an argument is NULL, or there is no path");
    }
    *text = NULL;
    struct input_list list = {0};
    struct documents read = {0};
    minrnn_text *made = NULL;
    minrnn_status status = MINRNN_OK;
    for (int i = 0; !status && i < count; i++) {
        status = paths[i]
                     ? input_list_add(&list, paths[i])
                     : fail(MINRNN_INVALID_ARGUMENT, "minrnn_text_open_files: path %d is NULL", i);
    }
    status =
        status ? status : read_documents(&list, !minrnn_vocabulary_is_bytes(vocabulary), &read);
    if (!status) {
        made = mem_alloc(1, sizeof *made);
        status = made ? load(made, vocabulary, &read) : MINRNN_OUT_OF_MEMORY;
    }
    if (status) {
        minrnn_text_destroy(made);
        made = NULL;
    }
    documents_destroy(&read);
    input_list_destroy(&list);
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
    case MINRNN_SPLIT_ALL: break;
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

/* `time` tokens from `start` on and those that follow each; where a document begins, nothing
 * follows the token before, and reset (NULL allowed) is 1. */
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
                    "%s has %lld characters, fewer than the %lld of one window of %lld and its "
                    "last target",
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
