/* SPDX-License-Identifier: Apache-2.0 */
/* Draws the line of progress, as wide as the terminal. */
#define _DEFAULT_SOURCE /* winsize */

#include "cli/progress.h"

#include "cli/describe.h"
#include "cli/report.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define REDRAW_SECONDS 0.1
#define LINE_SECONDS 2.0

void progress_start(struct progress *progress, int64_t first, int64_t last) {
    const double now = clock_seconds();
    *progress = (struct progress){.terminal = isatty(STDOUT_FILENO) == 1,
                                  .first = first,
                                  .last = last,
                                  .shown_step = first,
                                  .started = now,
                                  .shown = now};
}

static bool is_due(const struct progress *progress, int64_t step, double now) {
    const double since = now - progress->shown;
    if (progress->terminal) {
        return since >= REDRAW_SECONDS;
    }
    /* Lines grow rarer, so that a run of days does not fill a file. */
    return since >= LINE_SECONDS + (now - progress->started) / 50 ||
           (step - progress->shown_step) * 10 >= progress->last - progress->first;
}

/* The most characters of a line: one in the last column may wrap. The terminal may be resized at
 * any time; COLUMNS, which a shell does not always keep up to date, can only make it less. */
static int find_width(void) {
    struct winsize size;
    int columns = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
    const char *given = getenv("COLUMNS");
    const long most = given ? strtol(given, NULL, 10) : 0;
    if (most > 0 && (columns == 0 || most < columns)) {
        columns = most < INT_MAX ? (int)most : INT_MAX;
    }
    return (columns > 0 ? columns : 80) - 1;
}

/* The parts of a line in their order; the rank says which go first if there is no room for all. */
enum { PART_STEP, PART_LOSS, PART_VALIDATION, PART_SPEED, PART_LEFT, PARTS };
struct line {
    char parts[PARTS][64];
};
static const int ranks[PARTS] = {PART_STEP, PART_VALIDATION, PART_LOSS, PART_LEFT, PART_SPEED};

static void fill_line(struct line *line, const struct progress *progress,
                      const struct progress_point *point, double left) {
    enum { SIZE = sizeof line->parts[0] };
    char text[DESCRIBE_CAPACITY];
    *line = (struct line){0};
    snprintf(line->parts[PART_STEP], SIZE, "step %lld/%lld", (long long)point->step,
             (long long)progress->last);
    snprintf(line->parts[PART_LOSS], SIZE, "  loss %.4f", point->loss);
    if (point->by_accuracy && !isnan(point->validation)) {
        snprintf(line->parts[PART_VALIDATION], SIZE, "  validation %.2f %% right",
                 100 * point->validation);
    } else if (!isnan(point->validation)) {
        snprintf(line->parts[PART_VALIDATION], SIZE, "  validation %.4f", point->validation);
    }
    snprintf(line->parts[PART_SPEED], SIZE, "  %s tokens/s",
             describe_count((int64_t)point->tokens_per_second, text));
    snprintf(line->parts[PART_LEFT], SIZE, "  %s left", describe_seconds(left, text));
}

/* Leaves out what would make a line wrap, which could not be redrawn. */
static void fit_line(struct line *line, int width) {
    for (int i = 0; i < PARTS; i++) {
        char *part = line->parts[ranks[i]];
        if ((int)strlen(part) <= width) {
            width -= (int)strlen(part);
        } else {
            part[ranks[i] == PART_STEP ? width : 0] = '\0';
            width = ranks[i] == PART_STEP ? 0 : width;
        }
    }
}

void progress_show(struct progress *progress, const struct progress_point *point) {
    const double now = clock_seconds();
    const bool stays = !isnan(point->validation);
    if (point->step == progress->shown_step || (!stays && !is_due(progress, point->step, now))) {
        return;
    }
    progress->shown = now;
    progress->shown_step = point->step;
    const int64_t done = point->step - progress->first;
    const double left = (double)(progress->last - point->step) * (now - progress->started) /
                        (double)(done > 0 ? done : 1);
    struct line line;
    fill_line(&line, progress, point, left);
    if (progress->terminal) {
        fit_line(&line, find_width());
        putchar('\r');
    }
    for (int i = 0; i < PARTS; i++) {
        fputs(line.parts[i], stdout);
    }
    progress->open = progress->terminal && !stays;
    /* What an earlier, longer line left is cleared. */
    fputs(!progress->terminal ? "\n" : stays ? "\033[K\n" : "\033[K", stdout);
    report_flush();
}

void progress_end(struct progress *progress) {
    if (progress->open) {
        putchar('\n');
        progress->open = false;
    }
}
