/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the files of a text, and says what a file is if it is not text. */
#include "task/documents.h"

#include "base/alloc.h"
#include "base/recognise.h"
#include "base/utf8.h"
#include "task/encoding.h"

#include <stdio.h>
#include <string.h>

#define LARGEST_TEXT ((uint64_t)1 << 40)

/* The name that a command can be given; NULL for standard input. */
static const char *file_name(const char *path) {
    return strcmp(path, "-") == 0 ? NULL : path;
}

static minrnn_status fail_pointer(const char *path, const struct recognised *recognised) {
    char remedy[REMEDY_CAPACITY];
    remedy_print(recognised, file_name(path), remedy);
    return fail(MINRNN_FORMAT_ERROR, "%s is %s%s", input_name(path), recognised->what, remedy);
}

/* An empty file is an error if it was named, and is left out if it was found in a folder. */
static minrnn_status read_document(const struct input *input, struct documents *documents) {
    struct input_bytes *bytes = &documents->bytes;
    struct document document = {.path = input->path, .begin = bytes->count};
    const minrnn_status status =
        input_read(input->path, LARGEST_TEXT - bytes->count, documents->decoded, bytes);
    if (status) {
        return status;
    }
    char *content = bytes->data + document.begin;
    const uint64_t mark = utf8_mark(content, bytes->count - document.begin);
    if (documents->decoded && mark > 0) {
        bytes->count -= mark;
        memmove(content, content + mark, (size_t)(bytes->count - document.begin + 1));
        document.mark = mark;
    }
    document.end = bytes->count;
    const struct recognised *pointer =
        recognise_pointer(content, (size_t)(document.end - document.begin));
    if (pointer) {
        return fail_pointer(input->path, pointer);
    }
    if (document.end > document.begin) {
        documents->documents[documents->count++] = document;
    } else if (!input->found) {
        return fail(MINRNN_FORMAT_ERROR, "%s: the file is empty", input_name(input->path));
    }
    return MINRNN_OK;
}

minrnn_status documents_read(const char *const *paths, int count, bool decoded,
                             struct documents *documents) {
    *documents = (struct documents){.decoded = decoded};
    struct input_list *list = &documents->list;
    minrnn_status status = MINRNN_OK;
    for (int i = 0; !status && i < count; i++) {
        status = input_list_add(list, paths[i]);
    }
    if (!status) {
        documents->documents = mem_alloc(list->count, sizeof *documents->documents);
        status = documents->documents ? MINRNN_OK : MINRNN_OUT_OF_MEMORY;
    }
    for (size_t i = 0; !status && i < list->count; i++) {
        status = read_document(&list->inputs[i], documents);
    }
    return !status && documents->count == 0
               ? fail(MINRNN_FORMAT_ERROR, "%s: the file is empty%s", list->inputs[0].path,
                      list->count > 1 ? ", and so are all others" : "")
               : status;
}

void documents_destroy(struct documents *documents) {
    mem_free(documents->bytes.data);
    mem_free(documents->documents);
    input_list_destroy(&documents->list);
}

/* ---- what is not UTF-8 ---- */

static minrnn_status fail_encoding(const struct document *document, const char *text, uint64_t at,
                                   const char *or_bytes) {
    const uint64_t bytes = document->end - document->begin;
    const struct encoding encoding = encoding_guess(text, bytes, at);
    char quoted[REMEDY_CAPACITY / 2] = "", remedy[REMEDY_CAPACITY] = "", byte[64];
    unsigned long long line = 1;
    for (uint64_t i = 0; i < at; i++) {
        line += text[i] == '\n';
    }
    if (encoding.charset) {
        const char *name = file_name(document->path);
        if (name) {
            quote_path(name, quoted, sizeof quoted);
        }
        snprintf(remedy, sizeof remedy, ": iconv -%sf %s -t UTF-8%s%s%s",
                 strcmp(encoding.charset, "UTF-8") == 0 ? "c" : "", encoding.charset,
                 name ? " " : "", quoted, name ? " > utf8.txt" : "");
    }
    if (text[at]) {
        snprintf(byte, sizeof byte, "(0x%02X) is not UTF-8", (unsigned)(unsigned char)text[at]);
    } else {
        snprintf(byte, sizeof byte, "is a NUL, which UTF-8 text does not have");
    }
    return fail(MINRNN_FORMAT_ERROR, "%s, line %llu: byte %llu %s; this looks like %s%s%s",
                input_name(document->path), line, (unsigned long long)(at + document->mark), byte,
                encoding.name, remedy, or_bytes);
}

static minrnn_status fail_document(const struct document *document, const char *text, uint64_t at,
                                   const char *or_bytes) {
    const struct recognised *recognised =
        recognise_not_text(text, (size_t)(document->end - document->begin));
    if (!recognised) {
        return fail_encoding(document, text, at, or_bytes);
    }
    char remedy[REMEDY_CAPACITY];
    remedy_print(recognised, file_name(document->path), remedy);
    return fail(MINRNN_FORMAT_ERROR, "%s is %s, not text%s%s", input_name(document->path),
                recognised->what, remedy, or_bytes);
}

minrnn_status documents_explain(const struct documents *documents, minrnn_status status,
                                bool offers_bytes) {
    if (status != MINRNN_FORMAT_ERROR && status != MINRNN_INVALID_ARGUMENT) {
        return status;
    }
    for (size_t i = 0; documents->decoded && i < documents->count; i++) {
        const struct document *document = &documents->documents[i];
        const char *text = documents->bytes.data + document->begin;
        const uint64_t bytes = document->end - document->begin;
        const uint64_t at = utf8_find_invalid(text, bytes);
        if (at < bytes) {
            return fail_document(document, text, at,
                                 offers_bytes ? "; --tokens bytes takes it as it is" : "");
        }
    }
    return status;
}
