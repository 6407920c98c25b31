/* SPDX-License-Identifier: Apache-2.0 */
/* What base/limits.h reads of control groups, of both versions and seen from inside a container, of
 * free memory and of ulimits: from folders made here that stand for a machine. */
#define _XOPEN_SOURCE 700 /* nftw */

#include "base/alloc.h"
#include "base/limits.h"

#undef fail /* cmocka has another */
#include "support.h"

#include <ftw.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static char root[64];

static int remove_one(const char *path, const struct stat *info, int type, struct FTW *place) {
    (void)info;
    (void)type;
    (void)place;
    return remove(path);
}

static int make_root(void **unused) {
    (void)unused;
    snprintf(root, sizeof root, "/tmp/minrnn-test-XXXXXX");
    return mkdtemp(root) ? 0 : -1;
}

static int remove_root(void **unused) {
    (void)unused;
    return nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* Writes a file of the machine, with the folders above it. */
static void put(const char *path, const char *text) {
    char full[512];
    snprintf(full, sizeof full, "%s%s", root, path);
    for (char *slash = strchr(full + strlen(root) + 1, '/'); slash;
         slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        mkdir(full, 0700);
        *slash = '/';
    }
    FILE *file = fopen(full, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static const char V2_MOUNTS[] =
    "22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n"
    "31 22 0:28 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n";

static const char V1_MOUNTS[] =
    "31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755\n"
    "33 31 0:30 / /sys/fs/cgroup/cpuacct rw,relatime - cgroup cgroup rw,cpuacct\n"
    "32 31 0:29 / /sys/fs/cgroup/cpu\\040share rw,relatime master:3 - cgroup cgroup rw,cpuset,cpu\n"
    "35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory\n"
    "41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw\n";

/* ---- processors ---- */

static void expect_processors(int expected) {
    assert_int_equal(limits_processors(root), expected);
}

static void test_no_limit(void **unused) {
    (void)unused;
    struct memory_limit limit;
    expect_processors(0);
    limits_memory(root, &limit);
    assert_true(limit.bytes == UINT64_MAX);
    put("/proc/self/cgroup", "0::/a/b\n");
    expect_processors(0);
    put("/proc/self/mountinfo", V2_MOUNTS);
    expect_processors(0);
    put("/sys/fs/cgroup/a/b/cpu.max", "max 100000\n");
    expect_processors(0);
}

static void test_quota_v2(void **unused) {
    (void)unused;
    put("/proc/self/mountinfo", V2_MOUNTS);
    put("/proc/self/cgroup", "0::/a/b\n");
    put("/sys/fs/cgroup/a/b/cpu.max", "350000 100000\n");
    expect_processors(4);
    /* The least of all above: none at the top, 1.5 in between. */
    put("/sys/fs/cgroup/a/cpu.max", "75000 50000\n");
    expect_processors(2);
    put("/sys/fs/cgroup/a/b/cpu.max", "1000 100000\n");
    expect_processors(1);
    put("/sys/fs/cgroup/a/b/cpu.max", "max 100000\n");
    expect_processors(2);
    /* A neighbour's is not ours. */
    put("/sys/fs/cgroup/c/cpu.max", "100000 100000\n");
    expect_processors(2);
    put("/sys/fs/cgroup/a/cpu.max", "99999999999999 1\n");
    expect_processors(INT32_MAX);
    put("/sys/fs/cgroup/a/cpu.max", "nonsense\n");
    expect_processors(0);
    put("/sys/fs/cgroup/a/cpu.max", "0 0\n");
    expect_processors(0);
    put("/sys/fs/cgroup/cpu.max", "200000 100000\n");
    expect_processors(2);
}

static void test_quota_v1(void **unused) {
    (void)unused;
    put("/proc/self/mountinfo", V1_MOUNTS);
    put("/proc/self/cgroup", "9:name=systemd:/x\n4:memory:/m\n2:cpuset,cpu:/job:1/task\n0::/\n");
    put("/sys/fs/cgroup/cpu share/job:1/task/cpu.cfs_quota_us", "-1\n");
    put("/sys/fs/cgroup/cpu share/job:1/task/cpu.cfs_period_us", "100000\n");
    expect_processors(0);
    put("/sys/fs/cgroup/cpu share/job:1/cpu.cfs_quota_us", "250000\n");
    put("/sys/fs/cgroup/cpu share/job:1/cpu.cfs_period_us", "100000\n");
    expect_processors(3);
    put("/sys/fs/cgroup/cpu share/job:1/task/cpu.cfs_quota_us", "100000\n");
    expect_processors(1);
}

/* In a container the mount begins at the container's group; with a namespace of its own, or seen
 * from outside of it, the path says nothing. */
static void test_container(void **unused) {
    (void)unused;
    static const char *const paths[] = {"0::/docker/abc\n", "0::/\n", "0::/../../x\n",
                                        "0::/other\n", "0::/docker/abcdef\n"};
    put("/proc/self/mountinfo", "31 22 0:28 /docker/abc /sys/fs/cgroup ro - cgroup2 cgroup rw\n");
    put("/sys/fs/cgroup/cpu.max", "150000 100000\n");
    put("/sys/fs/cgroup/in/cpu.max", "50000 100000\n");
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        put("/proc/self/cgroup", paths[i]);
        expect_processors(2);
    }
    put("/proc/self/cgroup", "0::/docker/abc/in\n");
    expect_processors(1);
}

/* ---- memory ---- */

static void expect_left(uint64_t bytes, const char *what) {
    struct memory_limit limit;
    limits_memory(root, &limit);
    assert_int_equal(limit.bytes, bytes);
    if (!strstr(limit.what, what)) {
        fail_msg("\"%s\" does not say \"%s\"", limit.what, what);
    }
}

static void test_memory_v2(void **unused) {
    (void)unused;
    put("/proc/meminfo", "MemTotal:       1000000 kB\nMemFree:            1 kB\n"
                         "MemAvailable:     1000 kB\nSwapFree:            24 kB\n");
    expect_left(1024 * 1024, "free memory is 1.0 MiB");
    put("/proc/self/mountinfo", V2_MOUNTS);
    put("/proc/self/cgroup", "0::/a/b\n");
    put("/sys/fs/cgroup/a/b/memory.max", "max\n");
    put("/sys/fs/cgroup/a/b/memory.current", "1000\n");
    expect_left(1024 * 1024, "free memory");
    /* Without swap: 500000 - 400000, and what of the 400000 is a cache. */
    put("/sys/fs/cgroup/a/memory.max", "500000\n");
    put("/sys/fs/cgroup/a/memory.current", "400000\n");
    put("/sys/fs/cgroup/a/memory.swap.max", "0\n");
    put("/sys/fs/cgroup/a/memory.swap.current", "0\n");
    expect_left(100000, "/sys/fs/cgroup/a/memory.max is 488.3 KiB");
    put("/sys/fs/cgroup/a/memory.stat", "anon 5\nfile 9000\ninactive_file 2000\nactive_file 300\n");
    expect_left(102300, "/sys/fs/cgroup/a/memory.max");
    /* Swap that the group may use and that is there. */
    put("/sys/fs/cgroup/a/memory.swap.max", "1000\n");
    expect_left(103300, "/sys/fs/cgroup/a/memory.max");
    put("/sys/fs/cgroup/a/memory.swap.max", "max\n");
    expect_left(102300 + 24 * 1024, "/sys/fs/cgroup/a/memory.max");
    /* More in use than allowed: nothing is left. */
    put("/sys/fs/cgroup/a/b/memory.max", "900\n");
    put("/sys/fs/cgroup/a/b/memory.swap.max", "0\n");
    put("/sys/fs/cgroup/a/b/memory.swap.current", "0\n");
    expect_left(0, "/sys/fs/cgroup/a/b/memory.max is 900 B");
}

static void test_memory_v1(void **unused) {
    (void)unused;
    put("/proc/meminfo", "MemAvailable: 100000 kB\nSwapFree: 10 kB\n");
    put("/proc/self/mountinfo", V1_MOUNTS);
    put("/proc/self/cgroup", "4:memory:/m\n0::/\n");
    put("/sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
    put("/sys/fs/cgroup/memory/memory.usage_in_bytes", "5000000\n");
    put("/sys/fs/cgroup/memory/m/memory.limit_in_bytes", "3000000\n");
    put("/sys/fs/cgroup/memory/m/memory.usage_in_bytes", "1000000\n");
    put("/sys/fs/cgroup/memory/m/memory.stat",
        "inactive_file 7\ntotal_inactive_file 30000\ntotal_active_file 4000\n");
    expect_left(2034000 + 10240, "m/memory.limit_in_bytes is 2.9 MiB");
    put("/sys/fs/cgroup/memory/m/memory.memsw.limit_in_bytes", "3005000\n");
    put("/sys/fs/cgroup/memory/m/memory.memsw.usage_in_bytes", "1002000\n");
    expect_left(2034000 + 3000, "m/memory.limit_in_bytes");
}

static void test_ulimits(void **unused) {
    (void)unused;
    struct rlimit before, lowered;
    assert_int_equal(getrlimit(RLIMIT_DATA, &before), 0);
    put("/proc/self/status", "Name:\tx\nVmSize:\t   2000 kB\nVmData:\t     100 kB\n");
    lowered = (struct rlimit){.rlim_cur = 1 << 30, .rlim_max = before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_DATA, &lowered), 0);
    expect_left((1u << 30) - 102400, "ulimit -d is 1.0 GiB");
    assert_int_equal(setrlimit(RLIMIT_DATA, &before), 0);
}

/* This machine, whatever it is, has some memory, and says why no more. */
static void test_here(void **unused) {
    (void)unused;
    struct memory_limit limit;
    limits_memory("", &limit);
    assert_true(limit.bytes > 0);
    assert_true(limits_processors("") >= 0);
}

/* ---- sizes of 32 bits ---- */

static void test_narrow_sizes(void **unused) {
    (void)unused;
    uint64_t bytes;
    assert_true(mem_fits(1, UINT32_MAX, UINT32_MAX, &bytes) && bytes == UINT32_MAX);
    assert_false(mem_fits(1, (1ull << 32) + 64, UINT32_MAX, &bytes));
    assert_false(mem_fits(1u << 30, 4, UINT32_MAX, &bytes));
    assert_true(mem_fits((1u << 30) - 1, 4, UINT32_MAX, &bytes) && bytes == UINT32_MAX - 3);
    assert_false(mem_fits(1ull << 62, 4, UINT64_MAX, &bytes));
    assert_true(mem_fits(0, 4, UINT32_MAX, &bytes) && bytes == 0);
    assert_true(mem_fits(4, 0, UINT32_MAX, &bytes) && bytes == 0);
    assert_null(mem_alloc(1ull << 62, 8));
    assert_null(mem_alloc_aligned(UINT64_MAX));
}

#define IN_ROOT(test) cmocka_unit_test_setup_teardown(test, make_root, remove_root)

int main(void) {
    const struct CMUnitTest tests[] = {
        IN_ROOT(test_no_limit),  IN_ROOT(test_quota_v2),      IN_ROOT(test_quota_v1),
        IN_ROOT(test_container), IN_ROOT(test_memory_v2),     IN_ROOT(test_memory_v1),
        IN_ROOT(test_ulimits),   cmocka_unit_test(test_here), cmocka_unit_test(test_narrow_sizes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
