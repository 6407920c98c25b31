/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a path can be written and what is there, found out before the work. */
#define _GNU_SOURCE /* realpath, statx */

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

/* Where `path`'s last part begins; `folder` receives what is before it. */
static const char *split_path(const char *path, char folder[PATH_MAX]) {
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;
    snprintf(folder, PATH_MAX, "%.*s", slash ? (int)(name - path) : 1, slash ? path : ".");
    return name;
}

static int fail_path(const char *path) {
    return report_failure("cannot write %s: %s", path, strerror(errno));
}

/* Makes `name` and removes it. A file of that name that is there shows as well that one can be
 * made. `resolves`: its absolute path is needed too, and may be too long. */
static bool try_name(const char *name, bool resolves) {
    const int file = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (file < 0) {
        return errno == EEXIST;
    }
    char *resolved = resolves ? realpath(name, NULL) : NULL;
    const int reason = errno;
    const bool works = !resolves || resolved;
    free(resolved);
    close(file);
    unlink(name);
    errno = reason;
    return works;
}

/* Permissions alone do not tell (root, read-only and virtual file systems): a file is made beside
 * `path` and removed. Its name is the longest that the library gives its own temporary files of
 * `path`. If this process is killed between the two, the next save sweeps it away. */
static int try_beside(const char *path) {
    const size_t capacity = strlen(path) + 64;
    char *name = malloc(capacity);
    if (!name) {
        return report_failure("out of memory");
    }
    snprintf(name, capacity, "%s.%ld-%u.tmp", path, (long)getpid(), UINT_MAX);
    const int code = try_name(name, true) ? 0 : fail_path(path);
    free(name);
    return code;
}

/* Whether a file is the root of a mount, as containers make them. */
static bool is_mount(const char *path) {
#ifdef STATX_ATTR_MOUNT_ROOT
    struct statx info;
    return statx(AT_FDCWD, path, 0, STATX_TYPE, &info) == 0 &&
           (info.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
#else
    (void)path;
    return false;
#endif
}

/* A file that may be written is not always one that may be replaced. `path` is no link. */
static int check_folder(const char *path, const struct stat *info) {
    char folder[PATH_MAX];
    struct stat around;
    (void)split_path(path, folder);
    if (stat(folder, &around)) {
        return fail_path(path);
    }
    const uid_t user = geteuid();
    errno = 0;
    if ((around.st_mode & S_ISVTX) && user != 0 && user != info->st_uid && user != around.st_uid) {
        errno = EPERM; /* another user's, in a folder like /tmp */
    } else if (is_mount(path)) {
        errno = EBUSY;
    }
    return errno ? fail_path(path) : 0;
}

static int check_replaceable(const char *path, const struct stat *info) {
    char *target = realpath(path, NULL);
    int code = target ? check_folder(target, info) : fail_path(path);
    if (!code) {
        code = try_beside(target);
    }
    free(target);
    return code;
}

int output_check(const char *path, bool replaced) {
    struct stat info;
    if (stat(path, &info)) {
        if (errno != ENOENT) {
            return fail_path(path);
        }
        return replaced ? try_beside(path) : try_name(path, false) ? 0 : fail_path(path);
    }
    if (S_ISDIR(info.st_mode)) {
        errno = EISDIR;
        return fail_path(path);
    }
    if (access(path, W_OK)) {
        return fail_path(path);
    }
    return replaced && S_ISREG(info.st_mode) ? check_replaceable(path, &info) : 0;
}

bool output_is_taken(const char *path) {
    struct stat info;
    return stat(path, &info) == 0 && S_ISREG(info.st_mode) && info.st_size > 0;
}

bool output_is_special(const char *path) {
    struct stat info;
    return stat(path, &info) == 0 && !S_ISREG(info.st_mode);
}

static bool is_same_file(const char *a, const char *b) {
    struct stat x, y;
    return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

bool output_is_same(const char *a, const char *b) {
    char folder_a[PATH_MAX], folder_b[PATH_MAX];
    const bool same_name = strcmp(split_path(a, folder_a), split_path(b, folder_b)) == 0;
    return is_same_file(a, b) || (same_name && is_same_file(folder_a, folder_b));
}

bool output_is_inside(const char *path, const char *folder) {
    struct stat info;
    char around[PATH_MAX];
    if (stat(folder, &info) || !S_ISDIR(info.st_mode)) {
        return false;
    }
    (void)split_path(path, around);
    char *place = realpath(around, NULL);
    char *outer = realpath(folder, NULL);
    bool inside = false;
    if (place && outer) {
        const size_t length = strlen(outer);
        inside = strncmp(place, outer, length) == 0 &&
                 (!place[length] || place[length] == '/' || outer[length - 1] == '/');
    }
    free(place);
    free(outer);
    return inside;
}
