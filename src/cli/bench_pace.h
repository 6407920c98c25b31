/* SPDX-License-Identifier: Apache-2.0 */
/* Benches that have to end in time: how often each is run, and which are left out. */
#ifndef CLI_BENCH_PACE_H
#define CLI_BENCH_PACE_H

#include <minrnn/bench.h>

struct bench_point;
struct bench_result;
struct bench_row;
struct bench_run;

enum { PACE_KNOWN = 64, PACE_KEY = 256 };

/* What a bench took. */
struct pace_known {
    char key[PACE_KEY]; /* what it is, by names */
    const char *kind;   /* the subject that prepares such */
    double work;        /* bytes or operations, to compare sizes of the same kind */
    double seconds;     /* a run */
    double making;      /* what preparing it and its first run took beside that */
};

struct bench_pace {
    double deadline; /* on clock_seconds: no row begins that would end later */
    double seconds;  /* to spend on a row's runs, of each kind */
    int skipped;     /* rows for which there was no time */
    double row_begin;
    struct pace_known known[PACE_KNOWN];
    int known_count;
};

/* Begins a row. Returns whether none is to begin any more; the result then says so. */
bool bench_pace_is_over(const struct bench_run *run, struct bench_result *result);

/* Whether a bench that was prepared could be run `runs` times in time, and made anew on other
 * devices `makings` times, by what is known of others of its kind; if not, the result says so. */
bool bench_pace_fits(const struct bench_run *run, const struct bench_point *point,
                     const minrnn_bench *bench, int makings, int runs, struct bench_result *result);

/* Whether a bench is to be timed or profiled. It is run twice, to see how many repetitions there is
 * time for: these become the run's. A failure is *code. */
bool bench_pace(struct bench_run *run, struct bench_row *row, minrnn_bench *bench, int *code);

#endif
