/* SPDX-License-Identifier: Apache-2.0 */
/* The folder, files and device of a fuzz target. */
#define _DEFAULT_SOURCE /* mkdtemp */

#include "harness.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A small machine: what a hostile file makes the library ask for past that is refused, and the
 * library must say so; less is to be in proportion to the file. Weak symbols of the sanitizers. */
const char *__asan_default_options(void);
const char *__asan_default_options(void) {
    return "allocator_may_return_null=1:max_allocation_size_mb=64:quarantine_size_mb=8";
}

const char *__ubsan_default_options(void);
const char *__ubsan_default_options(void) {
    return "halt_on_error=1:print_stacktrace=1";
}

void fuzz_fail(const char *file, int line, const char *condition) {
    fprintf(stderr, "%s:%d: not so: %s (%s)\n", file, line, condition, minrnn_error_text());
    abort();
}

static minrnn_device *device;
static char folder[256];

static void clean_up(void) {
    minrnn_device_destroy(device);
    device = NULL;
    fuzz_clear_folder();
    rmdir(folder);
}

static void make_folder(void) {
    const char *parent = getenv("TMPDIR");
    const int length =
        snprintf(folder, sizeof folder, "%s/minrnn-fuzz-XXXXXX", parent ? parent : "/tmp");
    MUST(length > 0 && length < (int)sizeof folder && mkdtemp(folder));
    atexit(clean_up);
}

const char *fuzz_folder(void) {
    if (!*folder) {
        make_folder();
    }
    return folder;
}

minrnn_device *fuzz_device(void) {
    (void)fuzz_folder();
    if (!device) {
        MUST_WORK(minrnn_device_open("cpu", &device));
    }
    return device;
}

const char *fuzz_path(const char *name) {
    static char paths[16][512];
    static int next;
    char *path = paths[next++ % 16];
    const int length = snprintf(path, sizeof paths[0], "%s/%s", fuzz_folder(), name);
    MUST(length < (int)sizeof paths[0]);
    return path;
}

const char *fuzz_put(const char *name, const void *data, size_t size) {
    const char *path = fuzz_path(name);
    const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    MUST(fd >= 0);
    MUST(write(fd, data, size) == (ssize_t)size);
    close(fd);
    return path;
}

void fuzz_clear_folder(void) {
    DIR *entries = opendir(fuzz_folder());
    MUST(entries);
    for (struct dirent *entry; (entry = readdir(entries));) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
            MUST(unlinkat(dirfd(entries), entry->d_name, 0) == 0);
        }
    }
    closedir(entries);
}

struct fuzz_bytes fuzz_get(const char *path) {
    struct stat info;
    const int fd = open(path, O_RDONLY);
    MUST(fd >= 0 && fstat(fd, &info) == 0);
    struct fuzz_bytes bytes = {calloc((size_t)info.st_size + 1, 1), (size_t)info.st_size};
    MUST(bytes.data && read(fd, bytes.data, bytes.size) == (ssize_t)bytes.size);
    close(fd);
    return bytes;
}

void fuzz_must_equal(const char *path_a, const char *path_b) {
    struct fuzz_bytes a = fuzz_get(path_a), b = fuzz_get(path_b);
    MUST(a.size == b.size && memcmp(a.data, b.data, a.size) == 0);
    free(a.data);
    free(b.data);
}

void fuzz_check_failure(minrnn_status status) {
    const char *text = minrnn_error_text();
    MUST(status == MINRNN_OK || status == MINRNN_FORMAT_ERROR || status == MINRNN_OUT_OF_MEMORY);
    MUST(status == MINRNN_OK || *text);
    for (; status && *text; text++) {
        MUST((unsigned char)*text >= ' ' && *text != 0x7F);
    }
}

uint64_t fuzz_take(struct fuzz_input *input, int bytes) {
    uint64_t value = 0;
    for (int i = 0; i < bytes; i++) {
        value = value << 8 | (input->size > 0 ? *input->data : 0);
        input->data += input->size > 0;
        input->size -= input->size > 0;
    }
    return value;
}
