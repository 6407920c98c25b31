#include "cli/progress.h"

#include "cli/describe.h"

#include <math.h>
#include <stdio.h>
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
    char count[DESCRIBE_CAPACITY], time[DESCRIBE_CAPACITY];
    printf("%sstep %lld/%lld  loss %.4f", progress->terminal ? "\r" : "", (long long)point->step,
           (long long)progress->last, point->loss);
    if (stays) {
        printf("  validation %.4f", point->validation);
    }
    printf("  %s tokens/s  %s left", describe_count((int64_t)point->tokens_per_second, count),
           describe_seconds(left, time));
    progress->open = progress->terminal && !stays;
    /* What an earlier, longer line left is cleared. */
    fputs(!progress->terminal ? "\n" : stays ? "\033[K\n" : "\033[K", stdout);
    fflush(stdout);
}

void progress_end(struct progress *progress) {
    if (progress->open) {
        putchar('\n');
        progress->open = false;
    }
}
