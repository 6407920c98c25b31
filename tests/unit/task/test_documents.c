/* SPDX-License-Identifier: Apache-2.0 */
/* Texts of bytes, of several files and folders, from pipes; what of them becomes a batch. */
#include "unit/files.h"

#include <fcntl.h>
#include <pthread.h>

enum { BATCH = 3, TIME = 5 };

static minrnn_text *open_all(const char *const *paths, int count,
                             const minrnn_vocabulary *vocabulary) {
    minrnn_text *text = NULL;
    CHECK(minrnn_text_open_files(paths, count, vocabulary, &text));
    return text;
}

static const char *put(const char *name, const char *content, size_t bytes) {
    const char *path = files_path(name);
    files_put(path, content, bytes);
    return path;
}

/* All tokens of a text as the text they stand for, documents apart by '|'. */
static void expect_text(const minrnn_text *text, const char *expected) {
    char got[256] = "";
    size_t bytes = 0;
    int64_t used = 1;
    for (uint64_t index = 0; used > 0; index++) {
        int32_t token, target, reset;
        CHECK(minrnn_text_window(text, MINRNN_SPLIT_ALL, index, 1, 1, &token, &target, &reset,
                                 &used));
        const bool is_last = used > 0 && (int64_t)index == minrnn_text_length(text, 2) - 2;
        for (int i = 0; used > 0 && i < 1 + is_last; i++) {
            char piece[8];
            const int32_t shown = i == 0 ? token : target;
            const int length = minrnn_vocabulary_decode(minrnn_text_vocabulary(text), shown, piece);
            if (i == 0 && reset && bytes > 0) {
                got[bytes++] = '|';
            }
            memcpy(got + bytes, piece, (size_t)length);
            bytes += (size_t)length;
        }
    }
    assert_int_equal(bytes, strlen(expected));
    assert_string_equal(got, expected);
}

static void test_bytes_are_read_as_they_are(void **state) {
    (void)state;
    static const char content[] = "\xEF\xBB\xBF\0\xFF\xC3 no UTF-8 \x80";
    const size_t bytes = sizeof content - 1;
    const char *path = put("bytes", content, bytes);
    minrnn_vocabulary *vocabulary;
    minrnn_text *text;
    CHECK(minrnn_vocabulary_bytes(&vocabulary));
    assert_true(minrnn_vocabulary_is_bytes(vocabulary));
    assert_false(minrnn_vocabulary_is_bytes(NULL));
    assert_int_equal(minrnn_vocabulary_size(vocabulary), 256);
    assert_string_equal(minrnn_vocabulary_characters(vocabulary), "");
    CHECK(minrnn_text_open(path, vocabulary, &text));
    assert_true(minrnn_vocabulary_is_bytes(minrnn_text_vocabulary(text)));
    assert_int_equal(minrnn_text_length(text, MINRNN_SPLIT_ALL), bytes);
    int32_t tokens[sizeof content], targets[sizeof content];
    int64_t used = 0, count = 0;
    CHECK(minrnn_text_window(text, MINRNN_SPLIT_ALL, 0, 1, (int64_t)bytes, tokens, targets, NULL,
                             &used));
    assert_int_equal(used, bytes - 1);
    for (size_t i = 0; i + 1 < bytes; i++) {
        char piece[8] = "xx";
        assert_int_equal(tokens[i], (unsigned char)content[i]);
        assert_int_equal(targets[i], (unsigned char)content[i + 1]);
        assert_int_equal(minrnn_vocabulary_decode(vocabulary, tokens[i], piece), 1);
        assert_memory_equal(piece, ((char[]){content[i], 0}), 2);
    }
    CHECK(minrnn_vocabulary_encode(vocabulary, content, bytes, tokens, 4, &count));
    assert_int_equal(count, bytes);
    assert_int_equal(tokens[3], 0);
    minrnn_text_destroy(text);
    minrnn_vocabulary_destroy(vocabulary);
    expect_failure(minrnn_text_open(path, NULL, &text), MINRNN_FORMAT_ERROR, "bytes");
}

static void test_a_mark_before_the_text_is_dropped(void **state) {
    (void)state;
    minrnn_text *text;
    CHECK(minrnn_text_open(put("mark", "\xEF\xBB\xBFzab", 6), NULL, &text));
    assert_string_equal(minrnn_vocabulary_characters(minrnn_text_vocabulary(text)), "abz");
    expect_text(text, "zab");
    minrnn_text_destroy(text);
    const char *const both[] = {put("first", "\xEF\xBB\xBFxy", 5),
                                put("second", "\xEF\xBB\xBFyz\xEF\xBB\xBF", 8)};
    text = open_all(both, 2, NULL);
    expect_text(text, "xy|yz\xEF\xBB\xBF");
    minrnn_text_destroy(text);
    expect_failure(minrnn_text_open(put("mark", "\xEF\xBB\xBF", 3), NULL, &text),
                   MINRNN_FORMAT_ERROR, "is empty");
}

static void test_documents_are_apart(void **state) {
    (void)state;
    const char *const paths[] = {put("a", "abcde", 5), put("b", "f", 1), put("c", "ghijkl", 6)};
    minrnn_text *text = open_all(paths, 3, NULL);
    assert_int_equal(minrnn_text_documents(text), 3);
    assert_int_equal(minrnn_text_documents(NULL), 0);
    assert_int_equal(minrnn_text_length(text, MINRNN_SPLIT_ALL), 12);
    int32_t tokens[10], targets[10], reset[10];
    int64_t used = 0;
    CHECK(minrnn_text_window(text, MINRNN_SPLIT_ALL, 0, 2, 5, tokens, targets, reset, &used));
    const int32_t all_tokens[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
    const int32_t all_targets[] = {1, 2, 3, 4, -1, -1, 7, 8, 9, 10};
    const int32_t all_resets[] = {1, 0, 0, 0, 0, 1, 1, 0, 0, 0};
    assert_memory_equal(tokens, all_tokens, sizeof tokens);
    assert_memory_equal(targets, all_targets, sizeof targets);
    assert_memory_equal(reset, all_resets, sizeof reset);
    assert_int_equal(used, 10);
    /* The last window: one position, and nothing after the text. */
    CHECK(minrnn_text_window(text, MINRNN_SPLIT_ALL, 1, 2, 5, tokens, targets, reset, &used));
    assert_int_equal(used, 1);
    assert_int_equal(tokens[0], 10);
    assert_int_equal(targets[0], 11);
    assert_int_equal(targets[1], -1);
    assert_int_equal(reset[1], 0);
    minrnn_text_destroy(text);
}

/* Every window that is drawn: resets and targets are those of its places. */
static void test_batches_have_resets(void **state) {
    (void)state;
    const char *const paths[] = {put("a", "abcde", 5), put("b", "fg", 2), put("c", "hijklmnop", 9),
                                 put("d", "qrstuvwxyz", 10)};
    minrnn_text *text = open_all(paths, 4, NULL);
    int resets = 0;
    for (uint64_t index = 0; index < 100; index++) {
        int32_t tokens[BATCH * TIME], targets[BATCH * TIME], reset[BATCH * TIME];
        int32_t plain[BATCH * TIME];
        CHECK(minrnn_text_batch(text, MINRNN_SPLIT_TRAIN, 7, index, BATCH, TIME, tokens, targets,
                                reset));
        CHECK(minrnn_text_batch(text, MINRNN_SPLIT_TRAIN, 7, index, BATCH, TIME, plain, targets,
                                NULL));
        assert_memory_equal(tokens, plain, sizeof tokens);
        for (int i = 0; i < BATCH * TIME; i++) {
            const int32_t token = tokens[i];
            const bool begins = token == 0 || token == 5 || token == 7 || token == 16;
            const bool ends = token == 4 || token == 6 || token == 15 || token == 25;
            assert_int_equal(reset[i], begins);
            assert_int_equal(targets[i], ends ? -1 : token + 1);
            resets += begins;
        }
    }
    assert_true(resets > 50);
    minrnn_text_destroy(text);
}

/* What is not hidden and regular, in order of the paths by bytes. */
static void test_folders(void **state) {
    (void)state;
    const char *top = files_path("folder"), *below = files_path("folder/b");
    assert_int_equal(mkdir(top, 0700), 0);
    assert_int_equal(mkdir(below, 0700), 0);
    assert_int_equal(mkdir(files_path("folder/.git"), 0700), 0);
    put("folder/b.txt", "2nd", 3); /* '.' is before '/' */
    put("folder/b/c", "4th", 3);
    put("folder/b/a\xC3\xA9", "3rd", 3);
    put("folder/\xC3\xA9", "5th", 3);
    put("folder/a", "1st", 3);
    put("folder/.hidden", "no", 2);
    put("folder/.git/config", "no", 2);
    put("folder/empty", "", 0);
    put("linked", "6th", 3);
    assert_int_equal(symlink("../linked", files_path("folder/\xFF")), 0);
    assert_int_equal(symlink(".", files_path("folder/loop")), 0);
    assert_int_equal(mkfifo(files_path("folder/pipe"), 0600), 0);
    minrnn_text *text;
    CHECK(minrnn_text_open(top, NULL, &text));
    expect_text(text, "1st|2nd|3rd|4th|5th|6th");
    assert_int_equal(minrnn_text_documents(text), 6);
    minrnn_text_destroy(text);
    const char *const mixed[] = {files_path("linked"), below};
    text = open_all(mixed, 2, NULL);
    expect_text(text, "6th|3rd|4th");
    minrnn_text_destroy(text);

    put("folder/b/bad", "ab\xFF", 3);
    expect_failure(minrnn_text_open(top, NULL, &text), MINRNN_FORMAT_ERROR,
                   "folder/b/bad, line 1: byte 2 (0xFF)");
    assert_null(text);
    unlink(files_path("folder/b/bad"));
    assert_int_equal(symlink("nothing", files_path("folder/b/gone")), 0);
    expect_failure(minrnn_text_open(top, NULL, &text), MINRNN_IO_ERROR, "folder/b/gone");
    expect_failure(minrnn_text_open(files_path("folder/.git/config/x"), NULL, &text),
                   MINRNN_IO_ERROR, "config/x");
    const char *hidden = files_path("hidden"), *empty = files_path("hidden/empty");
    assert_int_equal(mkdir(hidden, 0700), 0);
    expect_failure(minrnn_text_open(hidden, NULL, &text), MINRNN_FORMAT_ERROR,
                   "without a file to read");
    files_put(empty, "", 0);
    expect_failure(minrnn_text_open(hidden, NULL, &text), MINRNN_FORMAT_ERROR, "is empty");
    const char *const named[] = {files_path("linked"), empty};
    expect_failure(minrnn_text_open_files(named, 2, NULL, &text), MINRNN_FORMAT_ERROR,
                   "hidden/empty: the file is empty");
    assert_null(text);
}

struct writing {
    const char *path;
    const char *content;
    size_t bytes;
};

static void *write_pipe(void *argument) {
    const struct writing *writing = argument;
    const int fd = open(writing->path, O_WRONLY);
    size_t done = 0;
    while (done < writing->bytes) {
        const ssize_t wrote = write(fd, writing->content + done, writing->bytes - done);
        if (wrote <= 0) {
            break; /* the reader has had enough */
        }
        done += (size_t)wrote;
    }
    close(fd);
    return NULL;
}

static minrnn_status read_pipe(const char *content, size_t bytes, minrnn_text **text) {
    struct writing writing = {files_path("pipe"), content, bytes};
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, write_pipe, &writing), 0);
    const minrnn_status status = minrnn_text_open(writing.path, NULL, text);
    assert_int_equal(pthread_join(thread, NULL), 0);
    return status;
}

/* More than a pipe holds at once, and more than is read at once. */
static void test_pipes(void **state) {
    (void)state;
    enum { BYTES = 300001 };
    static char content[BYTES];
    minrnn_text *piped, *plain;
    for (int i = 0; i < BYTES; i++) {
        content[i] = (char)('a' + i * 7 % 23);
    }
    assert_int_equal(mkfifo(files_path("pipe"), 0600), 0);
    CHECK(read_pipe(content, BYTES, &piped));
    CHECK(minrnn_text_open(put("plain", content, BYTES), NULL, &plain));
    assert_int_equal(minrnn_text_length(piped, MINRNN_SPLIT_ALL), BYTES);
    int32_t *tokens[2], *targets = support_alloc(BYTES, sizeof *targets);
    const minrnn_text *const texts[] = {piped, plain};
    for (int i = 0; i < 2; i++) {
        int64_t used = 0;
        tokens[i] = support_alloc(BYTES, sizeof *tokens[i]);
        CHECK(minrnn_text_window(texts[i], MINRNN_SPLIT_ALL, 0, 1, BYTES, tokens[i], targets, NULL,
                                 &used));
        assert_int_equal(used, BYTES - 1);
    }
    assert_memory_equal(tokens[0], tokens[1], BYTES * sizeof(int32_t));
    free(tokens[0]);
    free(tokens[1]);
    free(targets);
    minrnn_text_destroy(piped);
    minrnn_text_destroy(plain);
    expect_failure(read_pipe("", 0, &piped), MINRNN_FORMAT_ERROR, "is empty");
    expect_failure(read_pipe("ab\xFFzz", 5, &piped), MINRNN_FORMAT_ERROR, "byte 2");
    /* Devices that never end, and one that is at its end. */
    expect_failure(minrnn_text_open("/dev/zero", NULL, &piped), MINRNN_FORMAT_ERROR, "zeros");
    expect_failure(minrnn_text_open("/dev/null", NULL, &piped), MINRNN_FORMAT_ERROR, "is empty");
}

/* In place of a test's own standard input. */
static void test_standard_input(void **state) {
    (void)state;
    const int before = dup(STDIN_FILENO), file = open(put("plain", "to be", 5), O_RDONLY);
    minrnn_text *text;
    assert_true(before >= 0 && file >= 0 && dup2(file, STDIN_FILENO) == STDIN_FILENO);
    CHECK(minrnn_text_open("-", NULL, &text));
    expect_text(text, "to be");
    minrnn_text_destroy(text);
    expect_failure(minrnn_text_open("-", NULL, &text), MINRNN_FORMAT_ERROR,
                   "standard input: the file is empty");
    const int folder = open("/", O_RDONLY);
    assert_true(folder >= 0 && dup2(folder, STDIN_FILENO) == STDIN_FILENO);
    expect_failure(minrnn_text_open("-", NULL, &text), MINRNN_IO_ERROR, "read standard input");
    assert_int_equal(dup2(before, STDIN_FILENO), STDIN_FILENO);
    close(before);
    close(file);
    close(folder);
}

static void test_wrong_calls(void **state) {
    (void)state;
    const char *const none[] = {NULL};
    minrnn_text *text;
    expect_failure(minrnn_text_open_files(NULL, 1, NULL, &text), MINRNN_INVALID_ARGUMENT, "NULL");
    expect_failure(minrnn_text_open_files(none, 1, NULL, &text), MINRNN_INVALID_ARGUMENT, "NULL");
    expect_failure(minrnn_text_open_files(none, 0, NULL, &text), MINRNN_INVALID_ARGUMENT, "path");
    expect_failure(minrnn_text_open_files(none, 1, NULL, NULL), MINRNN_INVALID_ARGUMENT, "NULL");
    expect_failure(minrnn_vocabulary_bytes(NULL), MINRNN_INVALID_ARGUMENT, "NULL");
    assert_int_equal(minrnn_text_length(NULL, MINRNN_SPLIT_ALL), 0);
    const char *const alone[] = {put("a", "x", 1), put("b", "y", 1)};
    expect_failure(minrnn_text_open_files(alone, 2, NULL, &text), MINRNN_FORMAT_ERROR, "too short");
}

/* Removes what is below the folder too. */
static int end(void **state) {
    static const char *const folders[] = {"folder/.git", "folder/b", "folder", "hidden"};
    (void)state;
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        const char *path = files_path(folders[i]);
        DIR *entries = opendir(path);
        for (struct dirent *entry; entries && (entry = readdir(entries));) {
            unlinkat(dirfd(entries), entry->d_name, 0);
        }
        closedir(entries);
        rmdir(path);
    }
    return files_end(state);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bytes_are_read_as_they_are),
        cmocka_unit_test(test_a_mark_before_the_text_is_dropped),
        cmocka_unit_test(test_documents_are_apart),
        cmocka_unit_test(test_batches_have_resets),
        cmocka_unit_test(test_folders),
        cmocka_unit_test(test_pipes),
        cmocka_unit_test(test_standard_input),
        cmocka_unit_test(test_wrong_calls),
    };
    return cmocka_run_group_tests(tests, files_begin, end);
}
