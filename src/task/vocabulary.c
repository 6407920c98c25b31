/* SPDX-License-Identifier: Apache-2.0 */
/* Characters or bytes as tokens, and back. */
#include "task/vocabulary.h"

#include <minrnn/text.h>

#include "base/alloc.h"
#include "base/status.h"
#include "base/utf8.h"
#include "task/encoding.h"

#include <stdlib.h>
#include <string.h>

struct entry {
    uint32_t code;
    int32_t token;
};

/* Of bytes it has nothing but its size. */
struct minrnn_vocabulary {
    int size;
    bool is_bytes;
    uint32_t *codes;      /* [size], by token */
    struct entry *sorted; /* [size], by code: what encoding looks up */
    char *characters;     /* UTF-8, by token */
};

static minrnn_status fail_utf8(const char *text, uint64_t bytes, uint64_t at) {
    return text[at]
               ? fail(MINRNN_FORMAT_ERROR, "byte %llu (0x%02X) is not UTF-8; this looks like %s",
                      (unsigned long long)at, (unsigned)(unsigned char)text[at],
                      encoding_guess(text, bytes, at).name)
               : fail(MINRNN_FORMAT_ERROR, "byte %llu is a NUL, which text does not have",
                      (unsigned long long)at);
}

/* Collects the distinct codes in the order in which they first appear; `seen` has a bit a code. */
static minrnn_status collect(minrnn_vocabulary *vocabulary, const char *utf8, uint64_t bytes,
                             bool unique, unsigned char *seen) {
    for (uint64_t at = 0; at < bytes;) {
        uint32_t code = 0;
        const int length = utf8_decode(utf8 + at, bytes - at, &code);
        if (length == 0 || code == 0) {
            return fail_utf8(utf8, bytes, at);
        }
        const unsigned char bit = (unsigned char)(1u << (code & 7));
        if (!(seen[code >> 3] & bit)) {
            seen[code >> 3] |= bit;
            vocabulary->codes[vocabulary->size++] = code;
        } else if (unique) {
            return fail(MINRNN_FORMAT_ERROR, "vocabulary: U+%04X appears twice", (unsigned)code);
        }
        at += (uint64_t)length;
    }
    return MINRNN_OK;
}

static int compare_codes(const void *a, const void *b) {
    const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static int compare_entries(const void *a, const void *b) {
    return compare_codes(&((const struct entry *)a)->code, &((const struct entry *)b)->code);
}

static void index_codes(minrnn_vocabulary *vocabulary) {
    char *end = vocabulary->characters;
    for (int i = 0; i < vocabulary->size; i++) {
        vocabulary->sorted[i] = (struct entry){vocabulary->codes[i], i};
        end += utf8_encode(vocabulary->codes[i], end);
    }
    *end = '\0';
    qsort(vocabulary->sorted, (size_t)vocabulary->size, sizeof *vocabulary->sorted,
          compare_entries);
}

minrnn_status minrnn_vocabulary_create(const char *utf8, uint64_t bytes, bool ordered,
                                       minrnn_vocabulary **vocabulary) {
    if (!utf8 || !vocabulary) {
        return fail(MINRNN_INVALID_ARGUMENT, "minrnn_vocabulary_create: an argument is NULL");
    }
    *vocabulary = NULL;
    if (bytes == 0) {
        return fail(MINRNN_FORMAT_ERROR, "vocabulary: the text is empty");
    }
    const size_t most = bytes < UTF8_CODES ? (size_t)bytes : (size_t)UTF8_CODES;
    minrnn_status status = MINRNN_OUT_OF_MEMORY;
    unsigned char *seen = mem_alloc(UTF8_CODES / 8, 1);
    minrnn_vocabulary *made = mem_alloc(1, sizeof *made);
    if (!seen || !made || !(made->codes = mem_alloc(most, sizeof *made->codes))) {
        goto fail;
    }
    status = collect(made, utf8, bytes, ordered, seen);
    if (status) {
        goto fail;
    }
    if (!ordered) {
        qsort(made->codes, (size_t)made->size, sizeof *made->codes, compare_codes);
    }
    status = MINRNN_OUT_OF_MEMORY;
    if (!(made->sorted = mem_alloc((uint64_t)made->size, sizeof *made->sorted)) ||
        !(made->characters = mem_alloc((uint64_t)made->size * UTF8_MAX_BYTES + 1, 1))) {
        goto fail;
    }
    index_codes(made);
    mem_free(seen);
    *vocabulary = made;
    return MINRNN_OK;
fail:
    mem_free(seen);
    minrnn_vocabulary_destroy(made);
    return status;
}

minrnn_status minrnn_vocabulary_bytes(minrnn_vocabulary **vocabulary) {
    if (!vocabulary) {
        return fail(MINRNN_INVALID_ARGUMENT, "minrnn_vocabulary_bytes: an argument is NULL");
    }
    *vocabulary = mem_alloc(1, sizeof **vocabulary);
    if (!*vocabulary) {
        return MINRNN_OUT_OF_MEMORY;
    }
    (*vocabulary)->size = BYTE_TOKENS;
    (*vocabulary)->is_bytes = true;
    return MINRNN_OK;
}

bool minrnn_vocabulary_is_bytes(const minrnn_vocabulary *vocabulary) {
    return vocabulary && vocabulary->is_bytes;
}

minrnn_status vocabulary_copy(const minrnn_vocabulary *vocabulary, minrnn_vocabulary **copy) {
    if (vocabulary->is_bytes) {
        return minrnn_vocabulary_bytes(copy);
    }
    const char *characters = vocabulary->characters;
    return minrnn_vocabulary_create(characters, strlen(characters), true, copy);
}

void minrnn_vocabulary_destroy(minrnn_vocabulary *vocabulary) {
    if (vocabulary) {
        mem_free(vocabulary->codes);
        mem_free(vocabulary->sorted);
        mem_free(vocabulary->characters);
        mem_free(vocabulary);
    }
}

int minrnn_vocabulary_size(const minrnn_vocabulary *vocabulary) {
    return vocabulary ? vocabulary->size : 0;
}

const char *minrnn_vocabulary_characters(const minrnn_vocabulary *vocabulary) {
    return vocabulary && vocabulary->characters ? vocabulary->characters : "";
}

int32_t vocabulary_find(const minrnn_vocabulary *vocabulary, uint32_t code) {
    if (vocabulary->is_bytes) {
        return code < 0x80 ? (int32_t)code : -1;
    }
    int low = 0, high = vocabulary->size;
    while (low < high) {
        const int middle = low + (high - low) / 2;
        if (vocabulary->sorted[middle].code < code) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    const bool there = low < vocabulary->size && vocabulary->sorted[low].code == code;
    return there ? vocabulary->sorted[low].token : -1;
}

/* What would break the one line of an error text, or not show in it, is only named. */
static bool is_printable(uint32_t code) {
    return code > 0x20 && !(code >= 0x7F && code <= 0xA0) && !(code >= 0x2000 && code <= 0x200F) &&
           !(code >= 0x2028 && code <= 0x202F) && code != 0xFEFF;
}

static minrnn_status fail_unknown(uint32_t code, int64_t place) {
    char text[UTF8_MAX_BYTES + 1] = {0};
    utf8_encode(code, text);
    const bool shown = is_printable(code);
    return fail(MINRNN_INVALID_ARGUMENT,
                "character %lld is %s%s%sU+%04X%s, which the vocabulary does not have",
                (long long)place, shown ? "'" : "", shown ? text : "", shown ? "' (" : "",
                (unsigned)code, shown ? ")" : "");
}

static void encode_bytes(const char *text, uint64_t bytes, int32_t *tokens, int64_t capacity,
                         int64_t *count) {
    *count = (int64_t)bytes;
    for (int64_t i = 0; i < *count && i < capacity; i++) {
        tokens[i] = (unsigned char)text[i];
    }
}

minrnn_status minrnn_vocabulary_encode(const minrnn_vocabulary *vocabulary, const char *utf8,
                                       uint64_t bytes, int32_t *tokens, int64_t capacity,
                                       int64_t *count) {
    if (!vocabulary || (!utf8 && bytes > 0) || (!tokens && capacity > 0) || !count) {
        return fail(MINRNN_INVALID_ARGUMENT, "minrnn_vocabulary_encode: an argument is NULL");
    }
    if (vocabulary->is_bytes) {
        encode_bytes(utf8, bytes, tokens, capacity, count);
        return MINRNN_OK;
    }
    *count = 0;
    int64_t written = 0;
    for (uint64_t at = 0; at < bytes; written++) {
        uint32_t code = 0;
        const int length = utf8_decode(utf8 + at, bytes - at, &code);
        if (length == 0 || code == 0) {
            return fail_utf8(utf8, bytes, at);
        }
        const int32_t token = vocabulary_find(vocabulary, code);
        if (token < 0) {
            return fail_unknown(code, written + 1);
        }
        if (written < capacity) {
            tokens[written] = token;
        }
        at += (uint64_t)length;
    }
    *count = written;
    return MINRNN_OK;
}

int minrnn_vocabulary_decode(const minrnn_vocabulary *vocabulary, int32_t token, char text[8]) {
    int bytes = 0;
    if (vocabulary && token >= 0 && token < vocabulary->size) {
        text[0] = (char)token;
        bytes = vocabulary->is_bytes ? 1 : utf8_encode(vocabulary->codes[token], text);
    }
    text[bytes] = '\0';
    return bytes;
}

/* ---- of a model ---- */

static const char KEY[] = "vocabulary";

static int64_t tokens_of(const minrnn_model *model) {
    minrnn_model_config config = {0};
    (void)minrnn_model_get_config(model, &config);
    return config.vocab;
}

minrnn_status minrnn_model_set_vocabulary(minrnn_model *model,
                                          const minrnn_vocabulary *vocabulary) {
    if (!model || !vocabulary) {
        return fail(MINRNN_INVALID_ARGUMENT, "minrnn_model_set_vocabulary: an argument is NULL");
    }
    if (vocabulary->size != tokens_of(model)) {
        return fail(MINRNN_INVALID_ARGUMENT,
                    "minrnn_model_set_vocabulary: it has %d characters, the model %lld tokens",
                    vocabulary->size, (long long)tokens_of(model));
    }
    return minrnn_model_set_metadata(model, KEY,
                                     vocabulary->is_bytes ? NULL : vocabulary->characters);
}

minrnn_status minrnn_model_get_vocabulary(const minrnn_model *model,
                                          minrnn_vocabulary **vocabulary) {
    if (!model || !vocabulary) {
        return fail(MINRNN_INVALID_ARGUMENT, "minrnn_model_get_vocabulary: an argument is NULL");
    }
    *vocabulary = NULL;
    const char *characters = minrnn_model_metadata(model, KEY);
    if (!characters) {
        return tokens_of(model) == BYTE_TOKENS ? minrnn_vocabulary_bytes(vocabulary) : MINRNN_OK;
    }
    const minrnn_status status =
        minrnn_vocabulary_create(characters, strlen(characters), true, vocabulary);
    if (status == MINRNN_FORMAT_ERROR) {
        return fail_in(status, "the model's vocabulary");
    }
    if (!status && (*vocabulary)->size != tokens_of(model)) {
        const int size = (*vocabulary)->size;
        minrnn_vocabulary_destroy(*vocabulary);
        *vocabulary = NULL;
        return fail(MINRNN_FORMAT_ERROR,
                    "the model's vocabulary has %d characters, and it has %lld tokens", size,
                    (long long)tokens_of(model));
    }
    return status;
}
