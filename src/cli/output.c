#define _DEFAULT_SOURCE /* realpath */

#include "cli/output.h"

#include "cli/report.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int fail_path(const char *path) {
    return report_failure("cannot write %s: %s", path, strerror(errno));
}

/* Permissions alone do not tell (root, read-only and virtual file systems): a file is made beside
 * `path` and removed. Its name is one that the library gives its own temporary files, so that the
 * next save sweeps it away should this process be killed between the two. */
static int try_beside(const char *path) {
    char *resolved = realpath(path, NULL);
    const char *target = resolved ? resolved : path;
    const size_t capacity = strlen(target) + 64;
    int code = 0;
    char *name = malloc(capacity);
    if (!name) {
        code = report_failure("out of memory");
        goto done;
    }
    snprintf(name, capacity, "%s.%ld-0.tmp", target, (long)getpid());
    const int file = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    /* A file of that name that is there shows as well that one can be made. */
    if (file < 0 && errno != EEXIST) {
        code = fail_path(path);
        goto done;
    }
    if (file >= 0) {
        close(file);
        unlink(name);
    }
done:
    free(name);
    free(resolved);
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

static bool is_same_file(const char *a, const char *b) {
    struct stat x, y;
    return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

/* Where `path`'s last part begins; `folder` receives what is before it. */
static const char *split_path(const char *path, char folder[PATH_MAX]) {
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;
    snprintf(folder, PATH_MAX, "%.*s", slash ? (int)(name - path) : 1, slash ? path : ".");
    return name;
}

bool output_is_same(const char *a, const char *b) {
    char folder_a[PATH_MAX], folder_b[PATH_MAX];
    const bool same_name = strcmp(split_path(a, folder_a), split_path(b, folder_b)) == 0;
    return is_same_file(a, b) || (same_name && is_same_file(folder_a, folder_b));
}
