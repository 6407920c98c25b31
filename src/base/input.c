/* SPDX-License-Identifier: Apache-2.0 */
/* Reads files, pipes and standard input to their end, and lists the files of folders. */
#include "base/input.h"

#include "base/alloc.h"
#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The room that is made at least for more of what is read, and for a list. */
enum { PIECE = 1 << 16, FIRST_CAPACITY = 16 };

static bool is_standard_input(const char *path) {
    return strcmp(path, "-") == 0;
}

const char *input_name(const char *path) {
    return is_standard_input(path) ? "standard input" : path;
}

/* ---- lists ---- */

/* Takes `path`, which the list frees, even if it fails. */
static minrnn_status append(struct input_list *list, char *path, bool found) {
    if (list->count == list->capacity) {
        const size_t capacity = list->capacity ? 2 * list->capacity : FIRST_CAPACITY;
        struct input *inputs = mem_alloc(capacity, sizeof *inputs);
        if (!inputs) {
            mem_free(path);
            return MINRNN_OUT_OF_MEMORY;
        }
        if (list->count > 0) {
            memcpy(inputs, list->inputs, list->count * sizeof *inputs);
        }
        mem_free(list->inputs);
        list->inputs = inputs;
        list->capacity = capacity;
    }
    list->inputs[list->count++] = (struct input){path, found};
    return MINRNN_OK;
}

/* Appends a copy. */
static minrnn_status append_path(struct input_list *list, const char *path, bool found) {
    char *copy = mem_strdup(path);
    return copy ? append(list, copy, found) : MINRNN_OUT_OF_MEMORY;
}

static char *join(const char *folder, const char *name) {
    const size_t length = strlen(folder);
    const bool slash = length > 0 && folder[length - 1] != '/';
    const size_t bytes = length + slash + strlen(name) + 1;
    char *path = mem_alloc(bytes, 1);
    if (path) {
        snprintf(path, bytes, "%s%s%s", folder, slash ? "/" : "", name);
    }
    return path;
}

/* Puts an entry of a folder where it belongs: a file, a folder to be looked into, or neither. */
static minrnn_status sort_entry(const char *folder, const char *name, struct input_list *files,
                                struct input_list *folders) {
    char *path = join(folder, name);
    if (!path) {
        return MINRNN_OUT_OF_MEMORY;
    }
    struct stat info;
    bool failed = lstat(path, &info) != 0;
    const bool is_link = !failed && S_ISLNK(info.st_mode);
    failed = failed || (is_link && stat(path, &info) != 0);
    if (!failed && S_ISREG(info.st_mode)) {
        return append(files, path, true);
    }
    if (!failed && S_ISDIR(info.st_mode) && !is_link) {
        return append(folders, path, true);
    }
    const minrnn_status status = failed ? fail_errno("examine", path) : MINRNN_OK;
    mem_free(path);
    return status;
}

static minrnn_status read_folder(const char *folder, struct input_list *files,
                                 struct input_list *folders) {
    DIR *entries = opendir(folder);
    if (!entries) {
        return fail_errno("open", folder);
    }
    minrnn_status status = MINRNN_OK;
    while (!status) {
        errno = 0;
        const struct dirent *entry = readdir(entries);
        if (!entry) {
            status = errno ? fail_errno("read", folder) : MINRNN_OK;
            break;
        }
        if (entry->d_name[0] != '.') {
            status = sort_entry(folder, entry->d_name, files, folders);
        }
    }
    closedir(entries);
    return status;
}

static int compare_paths(const void *a, const void *b) {
    return strcmp(((const struct input *)a)->path, ((const struct input *)b)->path);
}

static minrnn_status add_folder(struct input_list *list, const char *path) {
    struct input_list folders = {0};
    const size_t first = list->count;
    minrnn_status status = append_path(&folders, path, true);
    for (size_t i = 0; !status && i < folders.count; i++) {
        status = read_folder(folders.inputs[i].path, list, &folders);
    }
    if (list->count > first) {
        qsort(list->inputs + first, list->count - first, sizeof *list->inputs, compare_paths);
    } else if (!status) {
        status = fail(MINRNN_FORMAT_ERROR, "%s is a folder without a file to read", path);
    }
    input_list_destroy(&folders);
    return status;
}

minrnn_status input_list_add(struct input_list *list, const char *path) {
    struct stat info;
    if (is_standard_input(path)) {
        return append_path(list, path, false);
    }
    if (stat(path, &info)) {
        return fail_errno("open", path);
    }
    return S_ISDIR(info.st_mode) ? add_folder(list, path) : append_path(list, path, false);
}

void input_list_destroy(struct input_list *list) {
    for (size_t i = 0; i < list->count; i++) {
        mem_free(list->inputs[i].path);
    }
    mem_free(list->inputs);
    *list = (struct input_list){0};
}

/* ---- reading ---- */

/* Makes room for `more` bytes and a zero byte after them. */
static minrnn_status reserve(struct input_bytes *bytes, uint64_t more) {
    const uint64_t need = bytes->count + more + 1;
    if (need <= bytes->capacity) {
        return MINRNN_OK;
    }
    const uint64_t doubled = 2 * bytes->capacity;
    const uint64_t capacity = need > doubled ? need : doubled;
    char *data = capacity > SIZE_MAX ? NULL : mem_alloc((uint64_t)capacity, 1);
    if (!data) {
        return capacity > SIZE_MAX ? fail(MINRNN_OUT_OF_MEMORY, "out of host memory: %llu bytes",
                                          (unsigned long long)capacity)
                                   : MINRNN_OUT_OF_MEMORY;
    }
    if (bytes->count > 0) {
        memcpy(data, bytes->data, (size_t)bytes->count);
    }
    mem_free(bytes->data);
    bytes->data = data;
    bytes->capacity = capacity;
    return MINRNN_OK;
}

/* A source of bytes. A file may be longer than it says, as those of /proc are. */
struct source {
    const char *name;
    int fd;
    uint64_t expected, limit;
    bool stops_at_nul;
};

static minrnn_status read_all(const struct source *source, struct input_bytes *bytes) {
    const uint64_t first = bytes->count;
    /* One byte more than is expected sees the end without more room. */
    minrnn_status status = reserve(bytes, source->expected + 1);
    while (!status) {
        ssize_t got;
        const uint64_t room = bytes->capacity - bytes->count - 1;
        char *to = bytes->data + bytes->count;
        RETRY(got, read(source->fd, to, (size_t)(room < IO_PIECE ? room : IO_PIECE)));
        if (got < 0) {
            return fail_errno("read", source->name);
        }
        bytes->count += (uint64_t)got;
        if (bytes->count - first > source->limit) {
            return fail(MINRNN_FORMAT_ERROR, "%s is too large: at most %llu bytes are read",
                        source->name, (unsigned long long)source->limit);
        }
        if (got == 0 || (source->stops_at_nul && memchr(to, 0, (size_t)got))) {
            bytes->data[bytes->count] = 0;
            return MINRNN_OK;
        }
        status = bytes->count + 1 < bytes->capacity ? MINRNN_OK : reserve(bytes, PIECE);
    }
    return status;
}

/* The most that is read of what does not say how long it is. Its bytes are held twice while they
 * move to a larger place, and four bytes a token come after them. */
static uint64_t stream_limit(void) {
    const long pages = sysconf(_SC_PHYS_PAGES), size = sysconf(_SC_PAGESIZE);
    return pages > 0 && size > 0 ? (uint64_t)pages * (uint64_t)size / 8 : UINT64_MAX;
}

static minrnn_status read_source(struct source *source, bool is_text, struct input_bytes *bytes) {
    struct stat info;
    if (fstat(source->fd, &info)) {
        return fail_errno("examine", source->name);
    }
    if (S_ISBLK(info.st_mode)) {
        return fail(MINRNN_IO_ERROR, "cannot read %s: a disk, not a file", source->name);
    }
    if (S_ISREG(info.st_mode)) {
        const uint64_t size = (uint64_t)info.st_size;
        source->expected = size < source->limit ? size : source->limit;
    } else {
        const uint64_t most = stream_limit();
        source->limit = most < source->limit ? most : source->limit;
        source->stops_at_nul = is_text;
        source->expected = PIECE - 1;
    }
    return read_all(source, bytes);
}

minrnn_status input_read(const char *path, uint64_t limit, bool is_text,
                         struct input_bytes *bytes) {
    struct source source = {.name = input_name(path), .fd = STDIN_FILENO, .limit = limit};
    if (is_standard_input(path)) {
        return read_source(&source, is_text, bytes);
    }
    /* Opening a named pipe waits for who writes it, as all do that read one. */
    RETRY(source.fd, open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY));
    if (source.fd < 0) {
        return fail_errno("open", source.name);
    }
    const minrnn_status status = read_source(&source, is_text, bytes);
    close(source.fd);
    return status;
}
