/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of results, printed one by one: as a table for people, as Markdown, CSV or JSON. */
#ifndef CLI_ROWS_H
#define CLI_ROWS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum rows_format { ROWS_TABLE, ROWS_MARKDOWN, ROWS_CSV, ROWS_JSON };
extern const char *const rows_formats[]; /* their names, NULL at the end */

enum column_kind { COLUMN_TEXT, COLUMN_WHOLE, COLUMN_REAL, COLUMN_BYTES };

/* Where a column is shown. */
enum column_place { COLUMN_EVERYWHERE, COLUMN_IN_FILES, COLUMN_FOR_PEOPLE };

struct column {
    const char *name;    /* in CSV and JSON */
    const char *heading; /* in tables; NULL: the name */
    enum column_kind kind;
    enum column_place place;
    int width; /* in tables; a heading that is wider counts */
};

/* A value of its column's kind. */
struct cell {
    bool there; /* else "-" in tables, nothing in CSV, null in JSON */
    const char *text;
    int64_t whole;
    double real;
};

static inline struct cell cell_text(const char *text) {
    return (struct cell){.there = true, .text = text};
}

static inline struct cell cell_whole(int64_t whole) {
    return (struct cell){.there = true, .whole = whole};
}

static inline struct cell cell_real(double real) {
    return (struct cell){.there = true, .real = real};
}

struct rows {
    FILE *file;
    enum rows_format format;
    const struct column *columns;
    int count;         /* of columns */
    int64_t printed;   /* rows */
    int lost;          /* errno of the first write that failed */
    struct rows *also; /* the same rows with a file and a format of its own; NULL: none */
};

/* Whether the format is a table that people read. */
static inline bool rows_for_people(enum rows_format format) {
    return format == ROWS_TABLE || format == ROWS_MARKDOWN;
}

/* A cell that is there, in words, as tables for people or for programs have it. */
enum { ROWS_CELL = 512 };
void rows_format(const struct column *column, const struct cell *cell, bool people,
                 char text[ROWS_CELL]);

/* What goes before the first row, a row's cells, and what goes after the last. */
void rows_begin(struct rows *rows);
void rows_add(struct rows *rows, const struct cell *cells);
void rows_end(struct rows *rows);

#endif
