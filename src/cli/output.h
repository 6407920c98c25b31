/* Where results go: looked at before the work, so that it is not in vain. */
#ifndef CLI_OUTPUT_H
#define CLI_OUTPUT_H

#include <stdbool.h>

/* Whether a file can be put at `path`; what is there stays as it is. Returns 0 or, having reported,
 * an exit code. */
int output_check(const char *path);

/* Whether `path` is there but no regular file: a device, a pipe. */
bool output_is_special(const char *path);

/* Whether both are the same file, one that is there or one that is not yet. */
bool output_is_same(const char *a, const char *b);

#endif
