/* SPDX-License-Identifier: Apache-2.0 */
/* Foresees how long a row takes from the rows before it. */
#include "cli/bench_pace.h"

#include "cli/bench.h"
#include "cli/describe.h"

#include <stdio.h>
#include <string.h>

/* Of two in flight, a device that computes at once ends the last with the one before it: the median
 * is of three at least. A row is a first run, one more, the waited ones, and one more than these.
 */
enum { LEAST_REPETITIONS = 3, MOST_REPETITIONS = 100, WARM_UP_SHARE = 10 };
enum { LEAST_RUNS = 2 + LEAST_REPETITIONS + LEAST_REPETITIONS + 1 };

static bool skip(struct bench_pace *pace, struct bench_result *result) {
    result->cells[MEASURE_NOTE] = cell_text("no time left");
    pace->skipped++;
    return true;
}

bool bench_pace_is_over(const struct bench_run *run, struct bench_result *result) {
    if (!run->pace) {
        return false;
    }
    run->pace->row_begin = clock_seconds();
    return run->pace->row_begin >= run->pace->deadline && skip(run->pace, result);
}

/* ---- what is known ---- */

/* The names of a point; its sizes are in the work. */
static void write_key(const struct bench_point *point, char key[PACE_KEY]) {
    size_t length = 0;
    key[0] = '\0';
    for (int i = 0; point->axes[i].name && length < PACE_KEY; i++) {
        if (point->axes[i].is_name) {
            length += (size_t)snprintf(key + length, PACE_KEY - length, "%s ", point->names[i]);
        }
    }
}

/* Steps of presets are prepared alike, whatever is measured of them. */
static const char *kind_of(const struct bench_subject *subject) {
    const struct bench_subject *const *first = bench_subjects;
    while (*first && (*first)->create != subject->create) {
        first++;
    }
    return *first ? (*first)->command.name : subject->command.name;
}

/* A parameter takes a multiply-add forward and two backward for each token. */
enum { PARAMETER_OPERATIONS = 6 };

/* Operations, or bytes, or whatever the sizes count. */
static double work_of(const struct bench_point *point, const minrnn_bench *bench) {
    minrnn_bench_info info = {0};
    double work = 1;
    (void)minrnn_bench_describe(bench, &info);
    for (int i = 0; point->axes[i].name; i++) {
        work *= point->axes[i].is_name || !point->sizes[i] ? 1 : (double)point->sizes[i];
    }
    return info.operations > 0 ? info.operations
           : info.parameters > 0
               ? PARAMETER_OPERATIONS * (double)info.parameters * (double)info.tokens
           : info.bytes > 0 ? info.bytes
                            : work;
}

static bool is_model(const minrnn_bench *bench) {
    minrnn_bench_info info = {0};
    (void)minrnn_bench_describe(bench, &info);
    return info.parameters > 0;
}

/* The last of the same names, else the last of the same kind; NULL: nothing is known. */
static const struct pace_known *find(const struct bench_pace *pace, const char *kind,
                                     const char *key) {
    const struct pace_known *found = NULL;
    for (int i = 0; i < pace->known_count; i++) {
        const struct pace_known *known = &pace->known[i];
        const bool same = strcmp(known->key, key) == 0;
        const bool was_same = found && strcmp(found->key, key) == 0;
        if (known->kind == kind && (same || !was_same)) {
            found = known;
        }
    }
    return found;
}

/* The same names' place, or a new one; the last one if there are too many. */
static struct pace_known *place_of(struct bench_pace *pace, const char *kind, const char *key) {
    int i = 0;
    while (i < pace->known_count &&
           (pace->known[i].kind != kind || strcmp(pace->known[i].key, key) != 0)) {
        i++;
    }
    i = i < PACE_KNOWN ? i : PACE_KNOWN - 1;
    pace->known_count = i < pace->known_count ? pace->known_count : i + 1;
    return &pace->known[i];
}

static void remember(struct bench_pace *pace, const char *kind, const char *key, double work,
                     double making, double seconds) {
    struct pace_known *known = place_of(pace, kind, key);
    *known = (struct pace_known){.kind = kind, .work = work, .seconds = seconds, .making = making};
    snprintf(known->key, sizeof known->key, "%s", key);
}

/* Never less than a smaller one took: nothing is known of what does not grow. What has run before
 * has been made. */
static double foresee(const struct pace_known *known, const char *key, double work, int makings,
                      int runs) {
    if (!known) {
        return 0;
    }
    const double growth = work > known->work ? work / known->work : 1;
    const bool is_made = strcmp(known->key, key) == 0 && known->work == work;
    return (makings + !is_made) * known->making + runs * growth * known->seconds;
}

bool bench_pace_fits(const struct bench_run *run, const struct bench_point *point,
                     const minrnn_bench *bench, int makings, int runs,
                     struct bench_result *result) {
    char key[PACE_KEY];
    if (!run->pace) {
        return true;
    }
    write_key(point, key);
    const struct pace_known *known = find(run->pace, kind_of(run->subject), key);
    if (!known && is_model(bench)) { /* mostly products */
        known = find(run->pace, bench_find("gemm")->command.name, "");
    }
    const double needed = foresee(known, key, work_of(point, bench), makings, runs);
    return clock_seconds() + needed <= run->pace->deadline || !skip(run->pace, result);
}

/* ---- how often ---- */

static minrnn_status time_once(minrnn_bench *bench, double *seconds) {
    minrnn_bench_config config;
    minrnn_timing timing;
    minrnn_bench_config_defaults(&config);
    config.warm_up = 0;
    config.repetitions = 1;
    const minrnn_status status = minrnn_bench_run(bench, &config, &timing);
    *seconds = status ? 0 : timing.median;
    return status;
}

/* One, if not even the fewest others would end in time: nothing was known of it. */
static int repetitions_of(const struct bench_pace *pace, double seconds) {
    const double fit = seconds > 0 ? pace->seconds / seconds : MOST_REPETITIONS;
    if (clock_seconds() + (LEAST_RUNS - 2) * seconds > pace->deadline) {
        return 1;
    }
    return fit < LEAST_REPETITIONS  ? LEAST_REPETITIONS
           : fit < MOST_REPETITIONS ? (int)fit
                                    : MOST_REPETITIONS;
}

static void choose(struct bench_run *run, struct bench_row *row, double seconds) {
    const int repetitions = repetitions_of(run->pace, seconds);
    run->arguments.repetitions = repetitions;
    run->arguments.warm_up = repetitions / WARM_UP_SHARE;
    row->result.cells[MEASURE_RUNS] = cell_whole(repetitions);
}

bool bench_pace(struct bench_run *run, struct bench_row *row, minrnn_bench *bench, int *code) {
    double first = 0, later = 0;
    char key[PACE_KEY];
    if (!run->pace) {
        return true;
    }
    if (!bench_pace_fits(run, &row->point, bench, 0, LEAST_RUNS, &row->result)) {
        return false;
    }
    minrnn_status status = time_once(bench, &first);
    const double made = clock_seconds() - run->pace->row_begin;
    status = status ? status : time_once(bench, &later);
    if (status) {
        *code = bench_note(status, &row->result);
        return false;
    }
    write_key(&row->point, key);
    remember(run->pace, kind_of(run->subject), key, work_of(&row->point, bench),
             made > later ? made - later : 0, later);
    choose(run, row, later);
    return true;
}
