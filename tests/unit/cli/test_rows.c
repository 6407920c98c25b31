/* SPDX-License-Identifier: Apache-2.0 */
/* Rows in four formats, to the byte. */
#include "cli/rows.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static const struct column columns[] = {
    {"file_only", NULL, COLUMN_TEXT, COLUMN_IN_FILES, 0},
    {"name", NULL, COLUMN_TEXT, COLUMN_EVERYWHERE, 6},
    {"count", "n", COLUMN_WHOLE, COLUMN_EVERYWHERE, 3},
    {"median_ms", "ms", COLUMN_REAL, COLUMN_EVERYWHERE, 7},
    {"memory_bytes", "memory", COLUMN_BYTES, COLUMN_EVERYWHERE, 9},
    {"people_only", "last", COLUMN_TEXT, COLUMN_FOR_PEOPLE, 0},
};
enum { COLUMNS = sizeof columns / sizeof *columns, CAPACITY = 4096 };

static void print(enum rows_format format) {
    struct rows rows = {.file = stdout, .format = format, .columns = columns, .count = COLUMNS};
    const struct cell first[COLUMNS] = {cell_text("a,\"b\"\\\n"), cell_text("one"), cell_whole(-7),
                                        cell_real(0.0123456789),  cell_whole(1536), cell_text("")};
    const struct cell second[COLUMNS] = {cell_text("x"),     cell_text("two"), {0}, {0}, {0},
                                         cell_text("not it")};
    const struct cell third[COLUMNS] = {cell_text(""),     cell_text("longer than it"),
                                        cell_whole(12345), cell_real(12345.678),
                                        cell_whole(3),     cell_text("")};
    rows_begin(&rows);
    rows_add(&rows, first);
    rows_add(&rows, second);
    rows_add(&rows, third);
    rows_end(&rows);
}

/* What it prints to standard output, taken from a file in its place. */
static void expect(enum rows_format format, const char *expected) {
    char text[CAPACITY] = "";
    FILE *file = tmpfile();
    assert_non_null(file);
    fflush(stdout);
    const int kept = dup(STDOUT_FILENO);
    assert_true(kept >= 0 && dup2(fileno(file), STDOUT_FILENO) >= 0);
    print(format);
    fflush(stdout);
    assert_true(dup2(kept, STDOUT_FILENO) >= 0);
    close(kept);
    rewind(file);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    assert_string_equal(text, expected);
}

static void test_table(void **state) {
    (void)state;
    expect(ROWS_TABLE, "name      n       ms     memory  last\n"
                       "one      -7  0.01235    1.5 KiB\n"
                       "two       -        -          -  not it\n"
                       "longer than it  12345    12346        3 B\n");
}

static void test_markdown(void **state) {
    (void)state;
    expect(ROWS_MARKDOWN, "| name | n | ms | memory | last |\n"
                          "|---|--:|--:|--:|---|\n"
                          "| one | -7 | 0.01235 | 1.5 KiB |  |\n"
                          "| two | - | - | - | not it |\n"
                          "| longer than it | 12345 | 12346 | 3 B |  |\n");
}

static void test_csv(void **state) {
    (void)state;
    expect(ROWS_CSV, "file_only,name,count,median_ms,memory_bytes\n"
                     "\"a,\"\"b\"\"\\\n\",one,-7,0.0123456789,1536\n"
                     "x,two,,,\n"
                     ",longer than it,12345,12345.678,3\n");
}

static void test_json(void **state) {
    (void)state;
    expect(ROWS_JSON,
           "[\n {\"file_only\": \"a,\\\"b\\\"\\\\\\u000a\", \"name\": \"one\", \"count\": -7, "
           "\"median_ms\": 0.0123456789, \"memory_bytes\": 1536},\n"
           " {\"file_only\": \"x\", \"name\": \"two\", \"count\": null, \"median_ms\": null, "
           "\"memory_bytes\": null},\n"
           " {\"file_only\": \"\", \"name\": \"longer than it\", \"count\": 12345, "
           "\"median_ms\": 12345.678, \"memory_bytes\": 3}\n]\n");
}

static void test_two_formats_at_once(void **state) {
    (void)state;
    char csv[CAPACITY] = "", markdown[CAPACITY] = "";
    const struct cell cells[COLUMNS] = {cell_text("x"), cell_text("one"), cell_whole(1),
                                        cell_real(2),   cell_whole(3),    cell_text("y")};
    struct rows also = {.file = fmemopen(markdown, sizeof markdown, "w"), .format = ROWS_MARKDOWN};
    struct rows rows = {.file = fmemopen(csv, sizeof csv, "w"),
                        .format = ROWS_CSV,
                        .columns = columns,
                        .count = COLUMNS,
                        .also = &also};
    assert_true(rows.file && also.file);
    rows_begin(&rows);
    rows_add(&rows, cells);
    rows_end(&rows);
    fclose(rows.file);
    fclose(also.file);
    assert_string_equal(csv, "file_only,name,count,median_ms,memory_bytes\nx,one,1,2,3\n");
    assert_string_equal(markdown, "| name | n | ms | memory | last |\n|---|--:|--:|--:|---|\n"
                                  "| one | 1 | 2.000 | 3 B | y |\n");
    assert_true(rows.printed == 1 && also.printed == 1 && !rows.lost && !also.lost);
}

/* The first reason is kept. */
static void test_what_is_lost(void **state) {
    (void)state;
    struct rows rows = {
        .file = fopen("/dev/full", "w"), .format = ROWS_CSV, .columns = columns, .count = COLUMNS};
    if (!rows.file) {
        skip();
    }
    rows_begin(&rows);
    assert_int_equal(rows.lost, ENOSPC);
    rows_end(&rows);
    assert_int_equal(rows.lost, ENOSPC);
    fclose(rows.file);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_markdown),
        cmocka_unit_test(test_csv),
        cmocka_unit_test(test_json),
        cmocka_unit_test(test_two_formats_at_once),
        cmocka_unit_test(test_what_is_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
