/* SPDX-License-Identifier: Apache-2.0 */
/* The library's calls on files and memory, as the linker's --wrap redirects them: each asks
 * inject.h whether to fail. What is counted as live there is counted here. */
#define _GNU_SOURCE

#include "wrap.h"

#include "inject.h"

#include <cjson/cJSON.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* Takes the fault, if there is one: errno is set, and what fails returns. */
static bool fails(enum fault_call call) {
    const int code = fault_take(call);
    if (code) {
        errno = code;
    }
    return code != 0;
}

/* Bytes to move: half of them for a short transfer, none if the call fails. */
static size_t taken(enum fault_call call, size_t bytes, bool *failed) {
    const int code = fault_take(call);
    *failed = code != 0 && code != FAULT_SHORT;
    if (*failed) {
        errno = code;
    }
    return code == FAULT_SHORT && bytes > 1 ? bytes / 2 : bytes;
}

/* ---- files ---- */

static mode_t mode_of(int flags, va_list arguments) {
    return flags & O_CREAT ? (mode_t)va_arg(arguments, unsigned) : 0;
}

int __real_open64(const char *path, int flags, ...);
int __wrap_open64(const char *path, int flags, ...);
int __wrap_open64(const char *path, int flags, ...) {
    va_list arguments;
    va_start(arguments, flags);
    const mode_t mode = mode_of(flags, arguments);
    va_end(arguments);
    const int fd = fails(FAULT_open) ? -1 : __real_open64(path, flags, mode);
    fault_count(FAULT_DESCRIPTOR, fd >= 0);
    return fd;
}

int __real_openat64(int directory, const char *path, int flags, ...);
int __wrap_openat64(int directory, const char *path, int flags, ...);
int __wrap_openat64(int directory, const char *path, int flags, ...) {
    va_list arguments;
    va_start(arguments, flags);
    const mode_t mode = mode_of(flags, arguments);
    va_end(arguments);
    const int fd = fails(FAULT_openat) ? -1 : __real_openat64(directory, path, flags, mode);
    fault_count(FAULT_DESCRIPTOR, fd >= 0);
    return fd;
}

/* A close that fails has closed. */
int __real_close(int fd);
int __wrap_close(int fd);
int __wrap_close(int fd) {
    const bool failed = fails(FAULT_close);
    const int code = errno;
    const int result = __real_close(fd);
    fault_count(FAULT_DESCRIPTOR, result == 0 ? -1 : 0);
    errno = failed ? code : errno;
    return failed ? -1 : result;
}

ssize_t __real_pread64(int fd, void *to, size_t bytes, off64_t offset);
ssize_t __wrap_pread64(int fd, void *to, size_t bytes, off64_t offset);
ssize_t __wrap_pread64(int fd, void *to, size_t bytes, off64_t offset) {
    bool failed;
    const size_t moved = taken(FAULT_pread, bytes, &failed);
    return failed ? -1 : __real_pread64(fd, to, moved, offset);
}

ssize_t __real_read(int fd, void *to, size_t bytes);
ssize_t __wrap_read(int fd, void *to, size_t bytes);
ssize_t __wrap_read(int fd, void *to, size_t bytes) {
    bool failed;
    const size_t moved = taken(FAULT_read, bytes, &failed);
    return failed ? -1 : __real_read(fd, to, moved);
}

ssize_t __real_write(int fd, const void *from, size_t bytes);
ssize_t __wrap_write(int fd, const void *from, size_t bytes);
ssize_t __wrap_write(int fd, const void *from, size_t bytes) {
    bool failed;
    const size_t moved = taken(FAULT_write, bytes, &failed);
    return failed ? -1 : __real_write(fd, from, moved);
}

/* Calls that return 0, or -1 and do nothing. */
#define WRAP(name, symbol, parameters, arguments)                                                  \
    int __real_##symbol parameters;                                                                \
    int __wrap_##symbol parameters;                                                                \
    int __wrap_##symbol parameters {                                                               \
        return fails(FAULT_##name) ? -1 : __real_##symbol arguments;                               \
    }
/* Nothing here outlives the test, so that its files need not reach the disk. */
int __real_fsync(int fd);
int __wrap_fsync(int fd);
int __wrap_fsync(int fd) {
    (void)fd;
    return fails(FAULT_fsync) ? -1 : 0;
}
WRAP(flock, flock, (int fd, int operation), (fd, operation))
WRAP(fstat, fstat64, (int fd, struct stat64 *info), (fd, info))
WRAP(stat, stat64, (const char *path, struct stat64 *info), (path, info))
WRAP(lstat, lstat64, (const char *path, struct stat64 *info), (path, info))
WRAP(faccessat, faccessat, (int directory, const char *path, int mode, int flags),
     (directory, path, mode, flags))
WRAP(rename, rename, (const char *from, const char *to), (from, to))
WRAP(unlink, unlink, (const char *path), (path))
WRAP(unlinkat, unlinkat, (int directory, const char *path, int flags), (directory, path, flags))
WRAP(mkdir, mkdir, (const char *path, mode_t mode), (path, mode))

char *__real_realpath(const char *path, char *to);
char *__wrap_realpath(const char *path, char *to);
char *__wrap_realpath(const char *path, char *to) {
    char *resolved = fails(FAULT_realpath) ? NULL : __real_realpath(path, to);
    fault_count(FAULT_BLOCK, resolved && !to);
    return resolved;
}

DIR *__real_opendir(const char *path);
DIR *__wrap_opendir(const char *path);
DIR *__wrap_opendir(const char *path) {
    DIR *entries = fails(FAULT_opendir) ? NULL : __real_opendir(path);
    fault_count(FAULT_DIRECTORY, entries != NULL);
    return entries;
}

struct dirent64 *__real_readdir64(DIR *entries);
struct dirent64 *__wrap_readdir64(DIR *entries);
struct dirent64 *__wrap_readdir64(DIR *entries) {
    return fails(FAULT_readdir) ? NULL : __real_readdir64(entries);
}

int __real_closedir(DIR *entries);
int __wrap_closedir(DIR *entries);
int __wrap_closedir(DIR *entries) {
    const bool failed = fails(FAULT_closedir);
    fault_count(FAULT_DIRECTORY, -1);
    const int result = __real_closedir(entries);
    return failed ? -1 : result;
}

/* ---- memory ---- */

/* Address space alone: what is mapped is unmapped at once. */
void *__real_mmap64(void *at, size_t bytes, int access, int flags, int fd, off64_t offset);
void *__wrap_mmap64(void *at, size_t bytes, int access, int flags, int fd, off64_t offset);
void *__wrap_mmap64(void *at, size_t bytes, int access, int flags, int fd, off64_t offset) {
    return fails(FAULT_mmap) ? MAP_FAILED : __real_mmap64(at, bytes, access, flags, fd, offset);
}

int __real_munmap(void *at, size_t bytes);
int __wrap_munmap(void *at, size_t bytes);
int __wrap_munmap(void *at, size_t bytes) {
    const int result = __real_munmap(at, bytes);
    return fails(FAULT_munmap) ? -1 : result;
}

void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size) {
    void *memory = fails(FAULT_calloc) ? NULL : __real_calloc(count, size);
    fault_count(FAULT_BLOCK, memory != NULL);
    return memory;
}

void *__real_aligned_alloc(size_t alignment, size_t bytes);
void *__wrap_aligned_alloc(size_t alignment, size_t bytes);
void *__wrap_aligned_alloc(size_t alignment, size_t bytes) {
    void *memory = fails(FAULT_aligned_alloc) ? NULL : __real_aligned_alloc(alignment, bytes);
    fault_count(FAULT_BLOCK, memory != NULL);
    return memory;
}

void __real_free(void *memory);
void __wrap_free(void *memory);
void __wrap_free(void *memory) {
    fault_count(FAULT_BLOCK, memory ? -1 : 0);
    __real_free(memory);
}

static void *json_malloc(size_t bytes) {
    void *memory = fails(FAULT_cJSON) ? NULL : malloc(bytes);
    fault_count(FAULT_BLOCK, memory != NULL);
    return memory;
}

void wrap_start(void) {
    cJSON_Hooks hooks = {json_malloc, __wrap_free};
    cJSON_InitHooks(&hooks);
}
