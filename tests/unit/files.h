/* SPDX-License-Identifier: Apache-2.0 */
/* For the tests of files: a directory that is removed at the end, whole files as bytes. */
#ifndef TESTS_UNIT_FILES_H
#define TESTS_UNIT_FILES_H

#include "support.h"

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

struct bytes {
    char *data;
    size_t size;
};

static char files_directory[64];

/* Group set-up and tear-down. */
static inline int files_begin(void **state) {
    (void)state;
    snprintf(files_directory, sizeof files_directory, "/tmp/minrnn-test-XXXXXX");
    return mkdtemp(files_directory) ? 0 : -1;
}

static inline int files_end(void **state) {
    (void)state;
    DIR *entries = opendir(files_directory);
    for (struct dirent *entry; entries && (entry = readdir(entries));) {
        unlinkat(dirfd(entries), entry->d_name, 0);
    }
    closedir(entries);
    return rmdir(files_directory);
}

/* A path in the directory; the last 64 stay valid. */
static inline const char *files_path(const char *name) {
    static char paths[64][256];
    static int next;
    char *path = paths[next++ % 64];
    snprintf(path, sizeof paths[0], "%s/%s", files_directory, name);
    return path;
}

static inline int files_count(void) {
    int count = 0;
    DIR *entries = opendir(files_directory);
    for (struct dirent *entry; (entry = readdir(entries));) {
        count += entry->d_name[0] != '.';
    }
    closedir(entries);
    return count;
}

static inline void files_put(const char *path, const void *data, size_t size) {
    unlink(path); /* some file systems sync a file that is cut and written again */
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

/* The content, with a zero byte after it; to be freed. */
static inline struct bytes files_get(const char *path) {
    struct stat info;
    assert_int_equal(stat(path, &info), 0);
    struct bytes bytes = {support_alloc((size_t)info.st_size + 1, 1), (size_t)info.st_size};
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    assert_int_equal(fread(bytes.data, 1, bytes.size, file), bytes.size);
    fclose(file);
    return bytes;
}

static inline void files_expect(const char *path, const char *content) {
    struct bytes bytes = files_get(path);
    assert_string_equal(bytes.data, content);
    free(bytes.data);
}

/* The call failed as it must, and its text says `part`. */
static inline void expect_failure(minrnn_status status, minrnn_status expected, const char *part) {
    if (status != expected || !strstr(minrnn_error_text(), part)) {
        fail_msg("%s \"%s\", not %s with \"%s\"", minrnn_status_name(status), minrnn_error_text(),
                 minrnn_status_name(expected), part);
    }
}

#endif
