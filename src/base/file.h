/* SPDX-License-Identifier: Apache-2.0 */
/* Files: whole reads with a bound, and writes that replace a file or leave it alone. */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include "base/status.h"

/* One system call moves at most this much: Linux stops at 2 GiB - 4 KiB, others refuse more. */
enum { IO_PIECE = 1 << 30 };

/* A call that a signal may interrupt, until none does. Not for close: Linux has closed by then. */
#define RETRY(result, call)                                                                        \
    do {                                                                                           \
        (result) = (call);                                                                         \
    } while ((result) < 0 && errno == EINTR)

/* MINRNN_IO_ERROR: "cannot WHAT PATH: " and what errno means. */
minrnn_status fail_errno(const char *what, const char *path);

/* Reads a whole regular file of at most `limit` bytes. The caller frees *content (mem_free); a zero
 * byte follows the last. An empty file is OK with *bytes = 0. */
minrnn_status file_read(const char *path, uint64_t limit, char **content, uint64_t *bytes);

/* A regular file open for reading at any place. Reading past its end is MINRNN_IO_ERROR. */
struct file_reader;
minrnn_status file_reader_open(const char *path, struct file_reader **result);
uint64_t file_reader_bytes(const struct file_reader *reader);
const char *file_reader_path(const struct file_reader *reader);
minrnn_status file_reader_read(struct file_reader *reader, uint64_t offset, void *destination,
                               uint64_t bytes);
void file_reader_close(struct file_reader *reader); /* NULL is allowed */

/* A file being written beside its final place. file_writer_commit makes it durable (fsync), renames
 * it over `path` and syncs the directory; until then `path` is untouched. After a failed call, or
 * instead of the commit, file_writer_abort removes the temporary file. A path that is there but no
 * regular file (/dev/full, a pipe) is written in place. */
struct file_writer;
minrnn_status file_writer_open(const char *path, struct file_writer **result);
minrnn_status file_writer_write(struct file_writer *writer, const void *data, uint64_t bytes);
minrnn_status
file_writer_commit(struct file_writer *writer);     /* frees the writer, whatever happens */
void file_writer_abort(struct file_writer *writer); /* NULL is allowed */

#endif
