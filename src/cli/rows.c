/* SPDX-License-Identifier: Apache-2.0 */
/* Prints rows in four formats. */
#include "cli/rows.h"

#include "cli/describe.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

const char *const rows_formats[] = {"table", "markdown", "csv", "json", NULL};

static bool is_shown(const struct rows *rows, const struct column *column) {
    const bool people = rows_for_people(rows->format);
    return column->place == COLUMN_EVERYWHERE || people == (column->place == COLUMN_FOR_PEOPLE);
}

static const char *heading_of(const struct column *column) {
    return column->heading ? column->heading : column->name;
}

static int width_of(const struct column *column) {
    const int heading = (int)strlen(heading_of(column));
    return heading > column->width ? heading : column->width;
}

/* Four digits that count, without an exponent as long as it is short. */
static void format_real(double real, bool people, char text[ROWS_CELL]) {
    if (!people) {
        snprintf(text, ROWS_CELL, "%.9g", real);
    } else if (fabs(real) >= 1000 || real == 0) {
        snprintf(text, ROWS_CELL, "%.0f", real);
    } else {
        const double digits = 3 - floor(log10(fabs(real)));
        snprintf(text, ROWS_CELL, "%.*f", digits > 6 ? 6 : (int)digits, real);
    }
}

void rows_format(const struct column *column, const struct cell *cell, bool people,
                 char text[ROWS_CELL]) {
    char bytes[DESCRIBE_CAPACITY];
    switch (column->kind) {
    case COLUMN_TEXT: snprintf(text, ROWS_CELL, "%s", cell->text); break;
    case COLUMN_REAL: format_real(cell->real, people, text); break;
    case COLUMN_WHOLE: snprintf(text, ROWS_CELL, "%" PRId64, cell->whole); break;
    case COLUMN_BYTES:
        if (people) {
            snprintf(text, ROWS_CELL, "%s", describe_bytes((uint64_t)cell->whole, bytes));
        } else {
            snprintf(text, ROWS_CELL, "%" PRId64, cell->whole);
        }
        break;
    }
}

/* ---- for people ---- */

/* Text to the left, numbers to the right; nothing behind the last column. */
static void print_padded(const struct rows *rows, const struct column *column, const char *text,
                         bool first, bool last) {
    const bool markdown = rows->format == ROWS_MARKDOWN;
    const int width = markdown ? 0 : width_of(column);
    if (last && !markdown && !*text) {
        return;
    }
    fprintf(rows->file, "%s", markdown ? (first ? "| " : " | ") : first ? "" : "  ");
    if (column->kind == COLUMN_TEXT) {
        fprintf(rows->file, "%-*s", last ? 0 : width, text);
    } else {
        fprintf(rows->file, "%*s", width, text);
    }
}

static int last_shown(const struct rows *rows) {
    int last = 0;
    for (int i = 0; i < rows->count; i++) {
        last = is_shown(rows, &rows->columns[i]) ? i : last;
    }
    return last;
}

/* The headings if there are no cells. */
static void print_line(const struct rows *rows, const struct cell *cells) {
    const int last = last_shown(rows);
    bool first = true;
    for (int i = 0; i < rows->count; i++) {
        const struct column *column = &rows->columns[i];
        char text[ROWS_CELL] = "-";
        if (!is_shown(rows, column)) {
            continue;
        }
        if (!cells) {
            snprintf(text, sizeof text, "%s", heading_of(column));
        } else if (cells[i].there) {
            rows_format(column, &cells[i], true, text);
        }
        print_padded(rows, column, text, first, i == last);
        first = false;
    }
    fprintf(rows->file, "%s\n", rows->format == ROWS_MARKDOWN ? " |" : "");
}

static void print_rule(const struct rows *rows) {
    for (int i = 0; i < rows->count; i++) {
        if (is_shown(rows, &rows->columns[i])) {
            fprintf(rows->file, "%s", rows->columns[i].kind == COLUMN_TEXT ? "|---" : "|--:");
        }
    }
    fprintf(rows->file, "|\n");
}

/* ---- for programs ---- */

static void print_csv(FILE *file, const char *text) {
    if (!strpbrk(text, ",\"\n\r")) {
        fprintf(file, "%s", text);
        return;
    }
    fputc('"', file);
    for (; *text; text++) {
        fprintf(file, "%s%c", *text == '"' ? "\"" : "", *text);
    }
    fputc('"', file);
}

static void print_json(FILE *file, const char *text) {
    fputc('"', file);
    for (; *text; text++) {
        if ((unsigned char)*text < ' ') {
            fprintf(file, "\\u%04x", (unsigned)*text);
        } else {
            fprintf(file, "%s%c", *text == '"' || *text == '\\' ? "\\" : "", *text);
        }
    }
    fputc('"', file);
}

static void print_value(const struct rows *rows, int i, const struct cell *cells) {
    const struct column *column = &rows->columns[i];
    const bool json = rows->format == ROWS_JSON;
    char text[ROWS_CELL] = "";
    if (cells[i].there) {
        rows_format(column, &cells[i], false, text);
    }
    if (!json) {
        print_csv(rows->file, text);
        return;
    }
    print_json(rows->file, column->name);
    fprintf(rows->file, ": ");
    if (cells[i].there && column->kind == COLUMN_TEXT) {
        print_json(rows->file, text);
    } else {
        fprintf(rows->file, "%s", cells[i].there ? text : "null");
    }
}

static void print_record(const struct rows *rows, const struct cell *cells) {
    const bool json = rows->format == ROWS_JSON;
    bool first = true;
    fprintf(rows->file, "%s", !json ? "" : rows->printed ? ",\n {" : "\n {");
    for (int i = 0; i < rows->count; i++) {
        if (!is_shown(rows, &rows->columns[i])) {
            continue;
        }
        fprintf(rows->file, "%s", first ? "" : json ? ", " : ",");
        if (cells) {
            print_value(rows, i, cells);
        } else {
            print_csv(rows->file, rows->columns[i].name);
        }
        first = false;
    }
    fprintf(rows->file, "%s", json ? "}" : "\n");
}

/* ---- either ---- */

/* Errors of a stream stay, but not their reason. */
static void flush(struct rows *rows) {
    errno = 0;
    if (fflush(rows->file) && !rows->lost) {
        rows->lost = errno ? errno : EIO;
    }
}

void rows_begin(struct rows *rows) {
    rows->printed = 0;
    switch (rows->format) {
    case ROWS_TABLE: print_line(rows, NULL); break;
    case ROWS_MARKDOWN:
        print_line(rows, NULL);
        print_rule(rows);
        break;
    case ROWS_CSV: print_record(rows, NULL); break;
    case ROWS_JSON: fprintf(rows->file, "["); break;
    }
    flush(rows);
    if (rows->also) {
        rows->also->columns = rows->columns;
        rows->also->count = rows->count;
        rows_begin(rows->also);
    }
}

void rows_add(struct rows *rows, const struct cell *cells) {
    if (rows_for_people(rows->format)) {
        print_line(rows, cells);
    } else {
        print_record(rows, cells);
    }
    rows->printed++;
    flush(rows);
    if (rows->also) {
        rows_add(rows->also, cells);
    }
}

void rows_end(struct rows *rows) {
    fprintf(rows->file, "%s", rows->format == ROWS_JSON ? "\n]\n" : "");
    flush(rows);
    if (rows->also) {
        rows_end(rows->also);
    }
}
