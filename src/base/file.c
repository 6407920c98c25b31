/* SPDX-License-Identifier: Apache-2.0 */
/* Reading whole files, and writing them: beside the old one, then in its place by a rename. */
#define _DEFAULT_SOURCE /* flock */

#include "base/file.h"

#include "base/alloc.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static size_t piece_of(uint64_t bytes) {
    return bytes < IO_PIECE ? (size_t)bytes : (size_t)IO_PIECE;
}

struct file_reader {
    char *path;
    uint64_t bytes;
    int fd;
};

struct file_writer {
    char *path;      /* where it goes, symbolic links followed */
    char *directory; /* of `path` */
    char *temporary; /* beside it; NULL if `path` is written in place */
    int fd;
};

minrnn_status fail_errno(const char *what, const char *path) {
    return fail(MINRNN_IO_ERROR, "cannot %s %s: %s", what, path, strerror(errno));
}

minrnn_status file_reader_open(const char *path, struct file_reader **result) {
    *result = NULL;
    struct file_reader *reader = mem_alloc(1, sizeof *reader);
    if (!reader) {
        return MINRNN_OUT_OF_MEMORY;
    }
    minrnn_status status = MINRNN_OUT_OF_MEMORY;
    reader->fd = -1;
    reader->path = mem_strdup(path);
    if (!reader->path) {
        goto failed;
    }
    /* Without O_NONBLOCK opening a pipe would wait for its other end. */
    RETRY(reader->fd, open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (reader->fd < 0) {
        status = fail_errno("open", path);
        goto failed;
    }
    struct stat info;
    if (fstat(reader->fd, &info)) {
        status = fail_errno("examine", path);
        goto failed;
    }
    if (!S_ISREG(info.st_mode)) {
        status = S_ISDIR(info.st_mode)
                     ? fail(MINRNN_IO_ERROR, "cannot read %s: a folder; name the file in it", path)
                     : fail(MINRNN_IO_ERROR, "cannot read %s: not a regular file", path);
        goto failed;
    }
    reader->bytes = (uint64_t)info.st_size;
    *result = reader;
    return MINRNN_OK;
failed:
    file_reader_close(reader);
    return status;
}

uint64_t file_reader_bytes(const struct file_reader *reader) {
    return reader->bytes;
}

const char *file_reader_path(const struct file_reader *reader) {
    return reader->path;
}

minrnn_status file_reader_read(struct file_reader *reader, uint64_t offset, void *destination,
                               uint64_t bytes) {
    if (offset > reader->bytes || bytes > reader->bytes - offset) {
        return fail(MINRNN_IO_ERROR, "cannot read %s: %llu bytes at %llu are past its end",
                    reader->path, (unsigned long long)bytes, (unsigned long long)offset);
    }
    char *to = destination;
    while (bytes > 0) {
        ssize_t got;
        RETRY(got, pread(reader->fd, to, piece_of(bytes), (off_t)offset));
        if (got < 0) {
            return fail_errno("read", reader->path);
        }
        if (got == 0) {
            return fail(MINRNN_IO_ERROR, "cannot read %s: it has become shorter", reader->path);
        }
        to += got;
        offset += (uint64_t)got;
        bytes -= (uint64_t)got;
    }
    return MINRNN_OK;
}

void file_reader_close(struct file_reader *reader) {
    if (!reader) {
        return;
    }
    if (reader->fd >= 0) {
        close(reader->fd);
    }
    mem_free(reader->path);
    mem_free(reader);
}

minrnn_status file_read(const char *path, uint64_t limit, char **content, uint64_t *bytes) {
    *content = NULL;
    *bytes = 0;
    struct file_reader *reader = NULL;
    minrnn_status status = file_reader_open(path, &reader);
    if (status) {
        return status;
    }
    char *memory = NULL;
    if (reader->bytes > limit || reader->bytes >= SIZE_MAX) {
        status = fail(MINRNN_FORMAT_ERROR, "%s is too large: %llu bytes, at most %llu are read",
                      path, (unsigned long long)reader->bytes, (unsigned long long)limit);
        goto done;
    }
    memory = mem_alloc(reader->bytes + 1, 1);
    if (!memory) {
        status = MINRNN_OUT_OF_MEMORY;
        goto done;
    }
    status = file_reader_read(reader, 0, memory, reader->bytes);
    if (status) {
        goto done;
    }
    *content = memory;
    *bytes = reader->bytes;
    memory = NULL;
done:
    mem_free(memory);
    file_reader_close(reader);
    return status;
}

/* The directory of `path`, to be freed; NULL if there is no memory. */
static char *directory_of(const char *path) {
    const char *slash = strrchr(path, '/');
    if (!slash) {
        return mem_strdup(".");
    }
    char *directory = mem_strdup(path);
    if (directory) {
        directory[slash == path ? 1 : slash - path] = 0;
    }
    return directory;
}

static const char *name_of(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* Temporary files of `name` are name.PROCESS-NUMBER.tmp. */
static bool is_temporary_of(const char *entry, const char *name) {
    const size_t length = strlen(name);
    if (strncmp(entry, name, length) != 0 || entry[length] != '.') {
        return false;
    }
    const char *rest = entry + length + 1;
    const size_t process = strspn(rest, "0123456789");
    if (process == 0 || rest[process] != '-') {
        return false;
    }
    rest += process + 1;
    const size_t number = strspn(rest, "0123456789");
    return number > 0 && strcmp(rest + number, ".tmp") == 0;
}

/* Removes what killed processes left. A writer holds a lock on its temporary file until it is done,
 * so one that can be locked has nobody. Best effort: if it fails, only space is lost. */
static void remove_leftovers(const char *directory, const char *name) {
    DIR *entries = opendir(directory);
    if (!entries) {
        return;
    }
    for (struct dirent *entry; (entry = readdir(entries));) {
        if (!is_temporary_of(entry->d_name, name)) {
            continue;
        }
        const int fd =
            openat(dirfd(entries), entry->d_name, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
        if (fd < 0) {
            continue;
        }
        if (!flock(fd, LOCK_EX | LOCK_NB)) {
            unlinkat(dirfd(entries), entry->d_name, 0);
        }
        close(fd);
    }
    closedir(entries);
}

/* Creates and locks a temporary file. Between the two a concurrent save may take it for a leftover
 * and remove it; then it has no name any more, and another one is made. */
static minrnn_status create_temporary(struct file_writer *writer, mode_t mode) {
    static atomic_uint counter;
    const size_t capacity = strlen(writer->path) + 64;
    char *name = mem_alloc(capacity, 1);
    if (!name) {
        return MINRNN_OUT_OF_MEMORY;
    }
    for (;;) {
        snprintf(name, capacity, "%s.%ld-%u.tmp", writer->path, (long)getpid(),
                 atomic_fetch_add(&counter, 1));
        RETRY(writer->fd, open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode));
        if (writer->fd < 0 && errno == EEXIST) {
            continue;
        }
        if (writer->fd < 0) {
            const minrnn_status status = fail_errno("create", name);
            mem_free(name);
            return status;
        }
        writer->temporary = name; /* from here on the writer's to remove */
        int locked;
        RETRY(locked, flock(writer->fd, LOCK_EX));
        (void)locked; /* not every file system can */
        struct stat info;
        if (fstat(writer->fd, &info)) {
            return fail_errno("examine", name);
        }
        if (info.st_nlink > 0) {
            return MINRNN_OK;
        }
        writer->temporary = NULL;
        close(writer->fd);
    }
}

minrnn_status file_writer_open(const char *path, struct file_writer **result) {
    *result = NULL;
    struct file_writer *writer = mem_alloc(1, sizeof *writer);
    if (!writer) {
        return MINRNN_OUT_OF_MEMORY;
    }
    writer->fd = -1;
    minrnn_status status = MINRNN_OUT_OF_MEMORY;
    /* A link stays a link: what it points to is replaced. */
    char *resolved = realpath(path, NULL);
    if (!resolved && errno != ENOENT) {
        status = fail_errno("resolve", path);
        goto failed;
    }
    writer->path = mem_strdup(resolved ? resolved : path);
    free(resolved);
    writer->directory = writer->path ? directory_of(writer->path) : NULL;
    if (!writer->directory) {
        goto failed;
    }
    struct stat info;
    const bool exists = stat(writer->path, &info) == 0;
    if (!exists && errno != ENOENT) {
        status = fail_errno("examine", path);
        goto failed;
    }
    if (exists && S_ISDIR(info.st_mode)) {
        errno = EISDIR;
        status = fail_errno("write", path);
        goto failed;
    }
    if (exists && faccessat(AT_FDCWD, writer->path, W_OK, AT_EACCESS)) {
        status = fail_errno("write", path);
        goto failed;
    }
    if (exists && !S_ISREG(info.st_mode)) {
        RETRY(writer->fd, open(writer->path, O_WRONLY | O_CLOEXEC));
        status = writer->fd < 0 ? fail_errno("open", path) : MINRNN_OK;
    } else {
        remove_leftovers(writer->directory, name_of(writer->path));
        status = create_temporary(writer, exists ? info.st_mode & 0777 : 0666);
    }
    if (status) {
        goto failed;
    }
    *result = writer;
    return MINRNN_OK;
failed:
    file_writer_abort(writer);
    return status;
}

minrnn_status file_writer_write(struct file_writer *writer, const void *data, uint64_t bytes) {
    const char *from = data;
    while (bytes > 0) {
        ssize_t written;
        RETRY(written, write(writer->fd, from, piece_of(bytes)));
        if (written <= 0) {
            errno = written ? errno : EIO;
            return fail_errno("write", writer->path);
        }
        from += written;
        bytes -= (uint64_t)written;
    }
    return MINRNN_OK;
}

/* Makes a rename in a directory durable. Not every file system can sync one, and one may be
 * writable but not readable. */
static minrnn_status sync_directory(const char *directory) {
    minrnn_status status = MINRNN_OK;
    int fd, synced = 0;
    RETRY(fd, open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (fd >= 0) {
        RETRY(synced, fsync(fd));
    }
    if (synced < 0 && errno == EIO) {
        status = fail_errno("sync", directory);
    }
    if (fd >= 0) {
        close(fd);
    }
    return status;
}

minrnn_status file_writer_commit(struct file_writer *writer) {
    minrnn_status status = MINRNN_OK;
    if (!writer->temporary) {
        /* A pipe or a device has nothing to sync or rename; its last error may come from close. */
        const int fd = writer->fd;
        writer->fd = -1;
        status = close(fd) ? fail_errno("close", writer->path) : MINRNN_OK;
        goto done;
    }
    int synced;
    RETRY(synced, fsync(writer->fd));
    if (synced < 0) {
        status = fail_errno("sync", writer->temporary);
        goto done;
    }
    if (rename(writer->temporary, writer->path)) {
        status = fail_errno("replace", writer->path);
        goto done;
    }
    mem_free(writer->temporary);
    writer->temporary = NULL;
    status = sync_directory(writer->directory);
done:
    file_writer_abort(writer);
    return status;
}

void file_writer_abort(struct file_writer *writer) {
    if (!writer) {
        return;
    }
    /* Removed before it is unlocked, so that nobody sees it without its lock. */
    if (writer->temporary) {
        unlink(writer->temporary);
    }
    if (writer->fd >= 0) {
        close(writer->fd);
    }
    mem_free(writer->temporary);
    mem_free(writer->directory);
    mem_free(writer->path);
    mem_free(writer);
}
