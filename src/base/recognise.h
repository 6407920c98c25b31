/* SPDX-License-Identifier: Apache-2.0 */
/* What a file is that is not what it should be, and what to do about it. */
#ifndef BASE_RECOGNISE_H
#define BASE_RECOGNISE_H

#include <stdbool.h>
#include <stddef.h>

/* Bytes of a file's beginning that are looked at, if there are so many. */
enum { RECOGNISE_BYTES = 4096, REMEDY_CAPACITY = 1024 };

struct recognised {
    const char *what;   /* "a PyTorch checkpoint" */
    const char *remedy; /* '@' stands for the file's name; "" for none */
};

/* What was found instead of a safetensors file: anything that has a name. NULL if it has none. */
const struct recognised *recognise_not_model(const char *head, size_t bytes);

/* What was found instead of UTF-8: no kind of text. */
const struct recognised *recognise_not_text(const char *head, size_t bytes);

/* A pointer that a store of large files left in a file's place, which is text as well. */
const struct recognised *recognise_pointer(const char *head, size_t bytes);

/* Writes a remedy, with ": " before it, as one would give it to a shell. `path` is NULL if the file
 * has no name. */
void remedy_print(const struct recognised *recognised, const char *path,
                  char text[REMEDY_CAPACITY]);

/* The path as a shell takes it. */
void quote_path(const char *path, char *text, size_t capacity);

#endif
