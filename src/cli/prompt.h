/* SPDX-License-Identifier: Apache-2.0 */
/* What is continued: a text given, or a file's. */
#ifndef CLI_PROMPT_H
#define CLI_PROMPT_H

#include <stddef.h>

struct prompt {
    char *text; /* NULL: none is given */
    size_t bytes;
};

/* Reads `path` ("-": standard input) to its end, without a byte order mark at the beginning.
 * Returns 0, or an exit code after a report. The caller frees prompt->text in both cases. */
int prompt_read(const char *path, struct prompt *prompt);

#endif
