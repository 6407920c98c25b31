/* SPDX-License-Identifier: Apache-2.0 */
/* What is read to its end: files, pipes, standard input, and folders of files. */
#ifndef BASE_INPUT_H
#define BASE_INPUT_H

#include "base/status.h"

struct input {
    char *path;
    bool found; /* in a folder, not named by the caller */
};

struct input_list {
    struct input *inputs;
    size_t count, capacity;
};

/* Appends `path`. Of a folder these are all regular files in it and in the folders below, in order
 * of their paths by bytes. Hidden ones are left out, and links to folders are not followed. */
minrnn_status input_list_add(struct input_list *list, const char *path);
void input_list_destroy(struct input_list *list);

struct input_bytes {
    char *data;
    uint64_t count, capacity;
};

/* Appends all there is to read from `path` ("-": standard input), at most `limit` bytes, and of
 * what is no file no more than memory can bear. With `is_text` a device or pipe is read no further
 * than a NUL, which no text has: some never end. The caller frees bytes->data (mem_free), whatever
 * happens.
 */
minrnn_status input_read(const char *path, uint64_t limit, bool is_text, struct input_bytes *bytes);

/* How an error text calls it. */
const char *input_name(const char *path);

#endif
