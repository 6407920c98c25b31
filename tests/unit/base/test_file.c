/* SPDX-License-Identifier: Apache-2.0 */
/* Writing files: whatever goes wrong, the old content is whole and nothing is left beside it. */
#include "base/alloc.h"
#include "base/file.h"
#include "unit/files.h" /* after those: cmocka has a macro fail() */

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

static minrnn_status save(const char *path, const char *content) {
    struct file_writer *writer;
    minrnn_status status = file_writer_open(path, &writer);
    if (status) {
        return status;
    }
    status = file_writer_write(writer, content, strlen(content));
    if (status) {
        file_writer_abort(writer);
        return status;
    }
    return file_writer_commit(writer);
}

/* A file "old" alone in the directory. */
static const char *start(void) {
    const char *path = files_path("file");
    files_put(path, "old", 3);
    assert_int_equal(files_count(), 1);
    return path;
}

static void expect_old(const char *path) {
    files_expect(path, "old");
    assert_int_equal(files_count(), 1);
}

static void test_replaces(void **unused) {
    (void)unused;
    const char *path = start();
    assert_int_equal(chmod(path, 0600), 0);
    CHECK(save(path, "new and longer"));
    files_expect(path, "new and longer");
    struct stat info;
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600); /* what was private stays so */
    CHECK(save(path, ""));
    files_expect(path, "");
    assert_int_equal(files_count(), 1);
    unlink(path);
    CHECK(save(path, "first"));
    files_expect(path, "first");
}

static void test_relative_path(void **unused) {
    (void)unused;
    char before[4096];
    assert_non_null(getcwd(before, sizeof before));
    const char *path = start();
    assert_int_equal(chdir(files_directory), 0);
    CHECK(save("file", "new"));
    assert_int_equal(chdir(before), 0);
    files_expect(path, "new");
}

static void test_abort(void **unused) {
    (void)unused;
    const char *path = start();
    struct file_writer *writer;
    CHECK(file_writer_open(path, &writer));
    CHECK(file_writer_write(writer, "new", 3));
    assert_int_equal(files_count(), 2);
    files_expect(path, "old");
    file_writer_abort(writer);
    expect_old(path);
    file_writer_abort(NULL);
}

static void test_bad_targets(void **unused) {
    (void)unused;
    struct file_writer *writer;
    expect_failure(file_writer_open("/nowhere/at/all", &writer), MINRNN_IO_ERROR,
                   "/nowhere/at/all");
    assert_null(writer);
    expect_failure(save(files_directory, "new"), MINRNN_IO_ERROR, "Is a directory");
    expect_failure(save("", "new"), MINRNN_IO_ERROR, "No such file");
    char path[512] = "/tmp/";
    memset(path + 5, 'x', 300);
    expect_failure(save(path, "new"), MINRNN_IO_ERROR, "too long");
}

static void test_full_device(void **unused) {
    (void)unused;
    if (access("/dev/full", W_OK)) {
        skip();
    }
    expect_failure(save("/dev/full", "new"), MINRNN_IO_ERROR, "No space left");
    struct stat info;
    assert_int_equal(stat("/dev/full", &info), 0);
    assert_true(S_ISCHR(info.st_mode));
}

/* A file system that takes the first bytes and no more. */
static void test_full_disk(void **unused) {
    (void)unused;
    const char *path = start();
    enum { SIZE = 100000, ROOM = 70000 };
    char *content = support_alloc(SIZE + 1, 1);
    memset(content, 'x', SIZE);
    struct rlimit before;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    const struct rlimit limited = {ROOM, before.rlim_max};
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limited), 0);
    const minrnn_status status = save(path, content);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    signal(SIGXFSZ, SIG_DFL);
    expect_failure(status, MINRNN_IO_ERROR, "File too large");
    expect_old(path);
    free(content);
}

/* Runs as a user who may write nothing here; the exit code is what the call returned. */
static minrnn_status save_as_nobody(const char *path) {
    const pid_t child = fork();
    if (child == 0) {
        const bool changed = geteuid() != 0 || setuid(65534) == 0;
        _exit(changed ? (int)save(path, "new") : 99);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return (minrnn_status)WEXITSTATUS(status);
}

static void test_no_permission(void **unused) {
    (void)unused;
    const char *path = start();
    assert_int_equal(chmod(files_directory, 0555), 0);
    assert_int_equal(save_as_nobody(path), MINRNN_IO_ERROR);
    assert_int_equal(chmod(files_directory, 0777), 0);
    assert_int_equal(chmod(path, 0444), 0);
    assert_int_equal(save_as_nobody(path), MINRNN_IO_ERROR);
    expect_old(path);
    assert_int_equal(chmod(path, 0666), 0);
    assert_int_equal(save_as_nobody(path), MINRNN_OK);
    files_expect(path, "new");
    assert_int_equal(chmod(files_directory, 0700), 0);
}

static void test_pipe(void **unused) {
    (void)unused;
    const char *path = files_path("pipe");
    assert_int_equal(mkfifo(path, 0600), 0);
    const pid_t child = fork();
    if (child == 0) {
        _exit((int)save(path, "through"));
    }
    files_expect("/dev/null", "");
    char content[16] = {0};
    const int fd = open(path, O_RDONLY);
    assert_int_equal(read(fd, content, sizeof content), 7);
    close(fd);
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_string_equal(content, "through");
    struct stat info;
    assert_int_equal(stat(path, &info), 0);
    assert_true(S_ISFIFO(info.st_mode));
    unlink(path);
}

static void test_link(void **unused) {
    (void)unused;
    const char *path = start();
    const char *link = files_path("link");
    assert_int_equal(symlink("file", link), 0);
    CHECK(save(link, "new"));
    files_expect(path, "new");
    struct stat info;
    assert_int_equal(lstat(link, &info), 0);
    assert_true(S_ISLNK(info.st_mode));
    unlink(link);
}

/* Files of killed runs go, those of others and of writers at work stay. */
static void test_leftovers(void **unused) {
    (void)unused;
    const char *path = start();
    const char *names[] = {"file.tmp",       "file.1-2.tmpx",  "file.1-.tmp", "file.-2.tmp",
                           "file.1.tmp",     "files.1-2.tmp",  "fil.1-2.tmp", "file.1-2.tmp",
                           "file.99-00.tmp", "file.12a-2.tmp", NULL};
    for (int i = 0; names[i]; i++) {
        files_put(files_path(names[i]), "x", 1);
    }
    struct file_writer *first, *second;
    CHECK(file_writer_open(path, &first));
    CHECK(file_writer_open(path, &second));
    assert_int_equal(files_count(), 1 + 10 - 2 + 2);
    assert_int_not_equal(access(files_path("file.1-2.tmp"), F_OK), 0);
    assert_int_not_equal(access(files_path("file.99-00.tmp"), F_OK), 0);
    CHECK(file_writer_write(first, "first", 5));
    CHECK(file_writer_write(second, "second", 6));
    CHECK(file_writer_commit(second));
    files_expect(path, "second");
    CHECK(file_writer_commit(first));
    files_expect(path, "first");
    for (int i = 0; names[i]; i++) {
        unlink(files_path(names[i]));
    }
    assert_int_equal(files_count(), 1);
}

static void test_killed(void **unused) {
    (void)unused;
    const char *path = start();
    const pid_t child = fork();
    if (child == 0) {
        struct file_writer *writer;
        if (!file_writer_open(path, &writer) && !file_writer_write(writer, "ne", 2)) {
            raise(SIGKILL);
        }
        _exit(1);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    files_expect(path, "old");
    assert_int_equal(files_count(), 2);
    CHECK(save(path, "new"));
    files_expect(path, "new");
    assert_int_equal(files_count(), 1);
}

static void test_no_memory(void **unused) {
    (void)unused;
    const char *path = start();
    int failures = 0;
    for (long n = 1;; n++) {
        mem_fail_at(n);
        const minrnn_status status = save(path, "new");
        mem_fail_at(0);
        if (!status) {
            break;
        }
        assert_int_equal(status, MINRNN_OUT_OF_MEMORY);
        failures++;
        assert_int_equal(files_count(), 1);
    }
    assert_int_equal(failures, 4); /* writer, path, directory, temporary */
    files_expect(path, "new");
}

static void test_reads(void **unused) {
    (void)unused;
    const char *path = start();
    char *content;
    uint64_t size;
    CHECK(file_read(path, 3, &content, &size));
    assert_int_equal(size, 3);
    assert_string_equal(content, "old");
    mem_free(content);
    expect_failure(file_read(path, 2, &content, &size), MINRNN_FORMAT_ERROR, "too large");
    assert_null(content);
    expect_failure(file_read(files_path("none"), 9, &content, &size), MINRNN_IO_ERROR,
                   "No such file");
    expect_failure(file_read(files_directory, 9, &content, &size), MINRNN_IO_ERROR, "a folder");
    const char *pipe = files_path("pipe");
    assert_int_equal(mkfifo(pipe, 0600), 0);
    expect_failure(file_read(pipe, 9, &content, &size), MINRNN_IO_ERROR, "not a regular file");
    unlink(pipe);
    files_put(path, "", 0);
    CHECK(file_read(path, 0, &content, &size));
    assert_int_equal(size, 0);
    assert_string_equal(content, "");
    mem_free(content);
}

static void test_reads_in_place(void **unused) {
    (void)unused;
    const char *path = start();
    struct file_reader *reader;
    char two[3] = {0};
    CHECK(file_reader_open(path, &reader));
    assert_int_equal(file_reader_bytes(reader), 3);
    CHECK(file_reader_read(reader, 1, two, 2));
    assert_string_equal(two, "ld");
    CHECK(file_reader_read(reader, 3, two, 0));
    expect_failure(file_reader_read(reader, 2, two, 2), MINRNN_IO_ERROR, "past its end");
    expect_failure(file_reader_read(reader, UINT64_MAX, two, 2), MINRNN_IO_ERROR, "past its end");
    assert_int_equal(truncate(path, 1), 0);
    expect_failure(file_reader_read(reader, 0, two, 2), MINRNN_IO_ERROR, "shorter");
    file_reader_close(reader);
    file_reader_close(NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_replaces),      cmocka_unit_test(test_relative_path),
        cmocka_unit_test(test_abort),         cmocka_unit_test(test_bad_targets),
        cmocka_unit_test(test_full_device),   cmocka_unit_test(test_full_disk),
        cmocka_unit_test(test_no_permission), cmocka_unit_test(test_pipe),
        cmocka_unit_test(test_link),          cmocka_unit_test(test_leftovers),
        cmocka_unit_test(test_killed),        cmocka_unit_test(test_no_memory),
        cmocka_unit_test(test_reads),         cmocka_unit_test(test_reads_in_place),
    };
    return cmocka_run_group_tests(tests, files_begin, files_end);
}
