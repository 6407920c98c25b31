/* SPDX-License-Identifier: Apache-2.0 */
/* Where results go. It is looked at before the work, which would else be lost. */
#ifndef CLI_OUTPUT_H
#define CLI_OUTPUT_H

#include <stdbool.h>

/* Whether a file can be put at `path`; what is there stays as it is. `replaced`: it is written
 * beside its place and renamed, as the library does. Returns 0 or, having reported, an exit code.
 */
int output_check(const char *path, bool replaced);

/* Whether there is a file at `path` with something in it. */
bool output_is_taken(const char *path);

/* Whether `path` is there but no regular file: a device, a pipe. */
bool output_is_special(const char *path);

/* Whether both are the same file, one that is there or one that is not yet. */
bool output_is_same(const char *a, const char *b);

/* Whether `path` is, or would be, in the folder or in one below it. */
bool output_is_inside(const char *path, const char *folder);

#endif
