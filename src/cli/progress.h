/* SPDX-License-Identifier: Apache-2.0 */
/* How far training is: one line redrawn on a terminal, a line now and then elsewhere. */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
    bool terminal;
    bool open; /* a line without its end is on the terminal */
    int64_t first, last;
    int64_t shown_step;
    double started, shown; /* seconds */
};

struct progress_point {
    int64_t step;
    double loss;
    double validation; /* a loss or an accuracy; NAN if there is none; otherwise the line stays */
    bool by_accuracy;
    double tokens_per_second;
};

/* Steps first + 1 to last are to be done, from now on. */
void progress_start(struct progress *progress, int64_t first, int64_t last);
void progress_show(struct progress *progress, const struct progress_point *point);

/* Ends the line; before anything else is printed. */
void progress_end(struct progress *progress);

#endif
