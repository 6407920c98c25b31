/* SPDX-License-Identifier: Apache-2.0 */
/* Reads limits from control groups, /proc and ulimits; the tightest one counts. */
#include "base/limits.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum { LINE_BYTES = 4096, PATH_BYTES = 4096 };

/* ---- small files, without allocation ---- */

/* The lines of a file; of one that is too long the rest is lost. */
struct lines {
    int fd;
    off_t offset; /* of the next line */
    char line[LINE_BYTES];
};

static bool lines_open(struct lines *lines, const char *root, const char *path) {
    char full[PATH_BYTES];
    if (snprintf(full, sizeof full, "%s%s", root, path) >= (int)sizeof full) {
        return false;
    }
    lines->offset = 0;
    lines->fd = open(full, O_RDONLY | O_CLOEXEC);
    return lines->fd >= 0;
}

static bool lines_next(struct lines *lines) {
    size_t used = 0;
    while (used < sizeof lines->line - 1) {
        const ssize_t got = pread(lines->fd, lines->line + used, sizeof lines->line - 1 - used,
                                  lines->offset + (off_t)used);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            break;
        }
        used += (size_t)got;
        if (memchr(lines->line, '\n', used)) {
            break;
        }
    }
    lines->line[used] = '\0';
    const size_t length = strcspn(lines->line, "\n");
    lines->line[length] = '\0';
    lines->offset += (off_t)length + 1;
    return used > 0;
}

/* The number after `key` at the beginning of a line; with "" that of the first line. A word ("max")
 * is no number. */
static bool number_in(const char *root, const char *path, const char *key, uint64_t *number) {
    struct lines lines;
    bool found = false;
    if (!lines_open(&lines, root, path)) {
        return false;
    }
    const size_t length = strlen(key);
    while (!found && lines_next(&lines)) {
        if (strncmp(lines.line, key, length) == 0) {
            char *end;
            *number = strtoull(lines.line + length, &end, 10);
            found = end != lines.line + length;
            break;
        }
    }
    close(lines.fd);
    return found;
}

/* ---- control groups ---- */

enum cgroup_version { CGROUP_V1, CGROUP_V2 };

/* The process's group of a controller, and the folder above which there is none. */
struct cgroup {
    char folder[PATH_BYTES];
    size_t top; /* characters of `folder` that are the mount point */
};

static bool has_item(const char *list, const char *item) {
    const size_t length = strlen(item);
    for (; list; list = strchr(list, ',') ? strchr(list, ',') + 1 : NULL) {
        if (strncmp(list, item, length) == 0 && (list[length] == ',' || list[length] == '\0')) {
            return true;
        }
    }
    return false;
}

/* "NUMBER:CONTROLLERS:PATH" in /proc/self/cgroup; version 2 has the number 0 and no controller. */
static bool cgroup_path(const char *root, enum cgroup_version version, const char *controller,
                        char path[PATH_BYTES]) {
    struct lines lines;
    bool found = false;
    if (!lines_open(&lines, root, "/proc/self/cgroup")) {
        return false;
    }
    while (!found && lines_next(&lines)) {
        char *controllers = strchr(lines.line, ':');
        char *group = controllers ? strchr(controllers + 1, ':') : NULL;
        if (!group) {
            continue;
        }
        *controllers++ = '\0';
        *group++ = '\0';
        found = version == CGROUP_V2 ? strcmp(lines.line, "0") == 0 && controllers[0] == '\0'
                                     : has_item(controllers, controller);
        snprintf(path, PATH_BYTES, "%s", group);
    }
    close(lines.fd);
    return found;
}

/* A space and the like is "\040" in mountinfo. */
static void unescape(char *text) {
    char *to = text;
    for (const char *from = text; *from; to++) {
        unsigned code;
        if (sscanf(from, "\\%3o", &code) == 1) {
            *to = (char)code;
            from += 4;
        } else {
            *to = *from++;
        }
    }
    *to = '\0';
}

/* Puts together the folder of group `path` below a mount of the groups from `mount_root` on. Seen
 * from a namespace that does not hold it, the group is the mount point itself. */
static bool place_cgroup(struct cgroup *group, const char *mount_point, const char *mount_root,
                         const char *path) {
    const size_t length = strcmp(mount_root, "/") == 0 ? 0 : strlen(mount_root);
    const bool inside = strncmp(path, mount_root, length) == 0 && !strstr(path, "/..") &&
                        (path[length] == '/' || path[length] == '\0');
    const char *below = inside && strcmp(path + length, "/") != 0 ? path + length : "";
    group->top = strlen(mount_point);
    return snprintf(group->folder, sizeof group->folder, "%s%s", mount_point, below) <
           (int)sizeof group->folder;
}

/* "ID PARENT DEVICE ROOT POINT OPTIONS ... - TYPE SOURCE OPTIONS" in /proc/self/mountinfo. */
static bool find_cgroup(const char *root, enum cgroup_version version, const char *controller,
                        struct cgroup *group) {
    char path[PATH_BYTES];
    struct lines lines;
    bool found = false;
    if (!cgroup_path(root, version, controller, path) ||
        !lines_open(&lines, root, "/proc/self/mountinfo")) {
        return false;
    }
    while (!found && lines_next(&lines)) {
        char mount_root[LINE_BYTES], point[LINE_BYTES], type[32], options[LINE_BYTES];
        const char *rest = strstr(lines.line, " - ");
        if (!rest || sscanf(lines.line, "%*s %*s %*s %4095s %4095s", mount_root, point) != 2 ||
            sscanf(rest, " - %31s %*s %4095s", type, options) != 2) {
            continue;
        }
        if (version == CGROUP_V2 ? strcmp(type, "cgroup2") == 0
                                 : strcmp(type, "cgroup") == 0 && has_item(options, controller)) {
            unescape(mount_root);
            unescape(point);
            found = place_cgroup(group, point, mount_root, path);
        }
    }
    close(lines.fd);
    return found;
}

/* From a group to the one above it; false at the top. */
static bool cgroup_up(struct cgroup *group) {
    char *last = strrchr(group->folder, '/');
    if (!last || (size_t)(last - group->folder) < group->top) {
        return false;
    }
    *last = '\0';
    return true;
}

static bool cgroup_number(const char *root, const struct cgroup *group, const char *file,
                          const char *key, uint64_t *number) {
    char path[PATH_BYTES];
    return snprintf(path, sizeof path, "%s/%s", group->folder, file) < (int)sizeof path &&
           number_in(root, path, key, number);
}

/* ---- processors ---- */

/* Quota and period of one group, in microseconds. */
static bool read_quota(const char *root, enum cgroup_version version, const struct cgroup *group,
                       uint64_t *quota, uint64_t *period) {
    if (version == CGROUP_V1) {
        return cgroup_number(root, group, "cpu.cfs_quota_us", "", quota) && *quota <= INT64_MAX &&
               cgroup_number(root, group, "cpu.cfs_period_us", "", period); /* -1: none */
    }
    char path[PATH_BYTES];
    struct lines lines;
    bool found = false;
    if (snprintf(path, sizeof path, "%s/cpu.max", group->folder) < (int)sizeof path &&
        lines_open(&lines, root, path)) {
        found =
            lines_next(&lines) && sscanf(lines.line, "%" SCNu64 " %" SCNu64, quota, period) == 2;
        close(lines.fd);
    }
    return found;
}

int limits_processors(const char *root) {
    int least = 0;
    for (enum cgroup_version version = CGROUP_V1; version <= CGROUP_V2; version++) {
        struct cgroup group;
        uint64_t quota, period;
        bool there = find_cgroup(root, version, "cpu", &group);
        for (; there; there = cgroup_up(&group)) {
            if (read_quota(root, version, &group, &quota, &period) && quota > 0 && period > 0) {
                const uint64_t whole = quota / period + (quota % period != 0);
                const int processors = whole < INT_MAX ? (int)whole : INT_MAX;
                least = least == 0 || processors < least ? processors : least;
            }
        }
    }
    return least;
}

/* ---- memory ---- */

const char *limits_bytes(uint64_t bytes, char text[BYTES_TEXT]) {
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    double size = (double)bytes;
    int unit = 0;
    for (; size >= 1024 && unit < 6; unit++) {
        size /= 1024;
    }
    snprintf(text, BYTES_TEXT, "%.*f %s", unit ? 1 : 0, size, units[unit]);
    return text;
}

static uint64_t minus(uint64_t a, uint64_t b) {
    return a > b ? a - b : 0;
}

static uint64_t plus(uint64_t a, uint64_t b) {
    return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

/* Notes a limit of which `left` is left, if none noted so far leaves less. */
static void note(struct memory_limit *limit, uint64_t left, const char *place, const char *name,
                 uint64_t whole) {
    if (left < limit->bytes) {
        char text[BYTES_TEXT];
        limit->bytes = left;
        snprintf(limit->what, sizeof limit->what, "%.400s%s is %s", place, name,
                 limits_bytes(whole, text));
    }
}

/* What both versions have, under their own names. */
struct cgroup_memory {
    const char *limit, *usage, *inactive, *active, *swap_limit, *swap_usage;
    bool swap_alone; /* else the swap's numbers are those of memory and swap together */
};

static const struct cgroup_memory cgroup_memories[] = {
    [CGROUP_V1] = {"memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file ",
                   "total_active_file ", "memory.memsw.limit_in_bytes",
                   "memory.memsw.usage_in_bytes", false},
    [CGROUP_V2] = {"memory.max", "memory.current", "inactive_file ", "active_file ",
                   "memory.swap.max", "memory.swap.current", true},
};

static void note_cgroup(const char *root, const struct cgroup_memory *names,
                        const struct cgroup *group, uint64_t swap_free,
                        struct memory_limit *limit) {
    uint64_t most, used, swap_most, swap_used, inactive = 0, active = 0;
    char place[PATH_BYTES];
    if (!cgroup_number(root, group, names->limit, "", &most) ||
        !cgroup_number(root, group, names->usage, "", &used)) {
        return;
    }
    (void)cgroup_number(root, group, "memory.stat", names->inactive, &inactive);
    (void)cgroup_number(root, group, "memory.stat", names->active, &active);
    uint64_t swap = swap_free;
    if (cgroup_number(root, group, names->swap_limit, "", &swap_most) &&
        cgroup_number(root, group, names->swap_usage, "", &swap_used)) {
        const uint64_t left = names->swap_alone
                                  ? minus(swap_most, swap_used)
                                  : minus(minus(swap_most, most), minus(swap_used, used));
        swap = left < swap ? left : swap;
    }
    snprintf(place, sizeof place, "the control group's limit %.*s/", PATH_BYTES - 32,
             group->folder);
    note(limit, plus(plus(minus(most, used), plus(inactive, active)), swap), place, names->limit,
         most);
}

static void note_ulimit(const char *root, int resource, const char *status_key, const char *name,
                        struct memory_limit *limit) {
    struct rlimit most;
    uint64_t used;
    if (getrlimit(resource, &most) == 0 && most.rlim_cur != RLIM_INFINITY &&
        number_in(root, "/proc/self/status", status_key, &used)) {
        note(limit, minus(most.rlim_cur, used * 1024), "ulimit ", name, most.rlim_cur);
    }
}

void limits_memory(const char *root, struct memory_limit *limit) {
    uint64_t available, swap = 0;
    *limit = (struct memory_limit){.bytes = UINT64_MAX};
    (void)number_in(root, "/proc/meminfo", "SwapFree:", &swap);
    if (number_in(root, "/proc/meminfo", "MemAvailable:", &available)) {
        note(limit, (available + swap) * 1024, "the machine's", " free memory",
             (available + swap) * 1024);
    }
    for (enum cgroup_version version = CGROUP_V1; version <= CGROUP_V2; version++) {
        struct cgroup group;
        bool there = find_cgroup(root, version, "memory", &group);
        for (; there; there = cgroup_up(&group)) {
            note_cgroup(root, &cgroup_memories[version], &group, swap * 1024, limit);
        }
    }
    note_ulimit(root, RLIMIT_AS, "VmSize:", "-v", limit);
    note_ulimit(root, RLIMIT_DATA, "VmData:", "-d", limit);
}

/* "BEGIN-END rw-p OFFSET DEVICE INODE NAME": the inode of what is no file is 0. */
uint64_t limits_mapped(const char *root, uint64_t least) {
    struct lines lines;
    uint64_t sum = 0;
    if (!lines_open(&lines, root, "/proc/self/maps")) {
        return 0;
    }
    while (lines_next(&lines)) {
        uint64_t begin, end;
        char access[8];
        unsigned long inode;
        if (sscanf(lines.line, "%" SCNx64 "-%" SCNx64 " %7s %*s %*s %lu", &begin, &end, access,
                   &inode) == 4 &&
            strncmp(access, "rw", 2) == 0 && inode == 0 && end - begin >= least) {
            sum += end - begin;
        }
    }
    close(lines.fd);
    return sum;
}
