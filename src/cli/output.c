#include "cli/output.h"

#include "cli/report.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int fail_path(const char *path) {
    return report_failure("cannot write %s: %s", path, strerror(errno));
}

/* Permissions alone do not tell (root, read-only and virtual file systems): a file is made beside
 * `path` and removed. */
static int try_beside(const char *path) {
    const size_t length = strlen(path);
    char *name = malloc(length + sizeof ".XXXXXX");
    if (!name) {
        return report_failure("out of memory");
    }
    memcpy(name, path, length);
    memcpy(name + length, ".XXXXXX", sizeof ".XXXXXX");
    const int file = mkstemp(name);
    const int code = file < 0 ? fail_path(path) : 0;
    if (file >= 0) {
        close(file);
        unlink(name);
    }
    free(name);
    return code;
}

int output_check(const char *path) {
    struct stat info;
    const bool there = stat(path, &info) == 0;
    if (there && S_ISDIR(info.st_mode)) {
        errno = EISDIR;
        return fail_path(path);
    }
    if (there && access(path, W_OK)) {
        return fail_path(path);
    }
    return there && !S_ISREG(info.st_mode) ? 0 : try_beside(path);
}

bool output_is_special(const char *path) {
    struct stat info;
    return stat(path, &info) == 0 && !S_ISREG(info.st_mode);
}

bool output_is_same(const char *a, const char *b) {
    struct stat x, y;
    return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}
