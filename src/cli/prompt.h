/* What is continued: a text given, or a file's. */
#ifndef CLI_PROMPT_H
#define CLI_PROMPT_H

#include <stddef.h>

struct prompt {
    char *text; /* NULL: none is given */
    size_t bytes;
};

/* Reads `path` ("-": standard input) to its end, a byte order mark at the beginning left out.
 * Returns 0 or, having reported, an exit code. The caller frees prompt->text, whatever happens. */
int prompt_read(const char *path, struct prompt *prompt);

#endif
