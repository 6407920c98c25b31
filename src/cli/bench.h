/* SPDX-License-Identifier: Apache-2.0 */
/* minrnn bench: what is timed (a subject), at which sizes (axes), and what is said of it
 * (measures). */
#ifndef CLI_BENCH_H
#define CLI_BENCH_H

#include <minrnn/bench.h>

#include "cli/arguments.h"
#include "cli/bench_pace.h"
#include "cli/rows.h"

/* What any subject can be told; its table has what it heeds. */
struct bench_arguments {
    const char *device; /* the last given; struct bench_device has all */
    enum rows_format format;
    int64_t repetitions, warm_up;
    float bandwidth, rate;   /* GB/s, GFLOP/s; 0: to be measured */
    int64_t longest, common; /* lengths: of minX alone, and of all mixers; 0: no more */
    float limit;             /* seconds of a row; 0: any */
    bool time_is_given;
    bool no_validate, no_roofline, profile, quick;
    struct ranges bytes, launches, m, n, k, batch, time, width, layers, classes;
    struct names mixers, scans, presets, passes, transposes;
};

/* ---- what is varied ---- */

enum { AXES_MOST = 6, AXIS_NAME = 32 };

/* A list of the arguments. Points take each of its values; none: the preset's own. */
struct bench_axis {
    const char *name; /* NULL ends a table */
    size_t place;     /* of its list in the arguments */
    bool is_name;     /* it is a struct names, else a struct ranges */
};

/* A value for each axis. A size of 0, or a name of "", is the preset's own. */
struct bench_point {
    const struct bench_axis *axes;
    int64_t sizes[AXES_MOST];
    char names[AXES_MOST][AXIS_NAME];
    int64_t calls; /* of a product in a step; 0: not known */
};

/* The value of an axis that the subject has. */
int64_t *bench_size(struct bench_point *point, const char *axis);
char *bench_name(struct bench_point *point, const char *axis);

/* ---- what is said ---- */

enum bench_measure {
    MEASURE_CALLS,
    MEASURE_MEDIAN,
    MEASURE_P10,
    MEASURE_P90,
    MEASURE_RUNS, /* that count, if they are as many as there is time for */
    MEASURE_QUEUED,
    MEASURE_BYTES,      /* a second */
    MEASURE_OPERATIONS, /* a second */
    MEASURE_TOKENS,     /* a second */
    MEASURE_MEMORY,
    MEASURE_RESIDENT,
    MEASURE_PARAMETERS,
    MEASURE_WEIGHTS_1, /* with expansion 1, and so on: percent of what is simplified */
    MEASURE_WEIGHTS_2,
    MEASURE_WEIGHTS_3,
    MEASURE_WEIGHTS_4,
    MEASURE_SPEED_UP,
    MEASURE_ROOFLINE,
    MEASURE_TIMES_ROOFLINE,
    MEASURE_BANDWIDTH, /* the device's */
    MEASURE_RATE,      /* the device's */
    MEASURE_COLD,
    MEASURE_CACHED,
    MEASURE_SHARE,
    MEASURE_OP,
    MEASURE_SIZES,
    MEASURE_NOTE,
    MEASURES
};

struct bench_result {
    struct cell cells[MEASURES];
};

enum { COLUMNS_MOST = 8 + AXES_MOST + MEASURES };

/* ---- devices ---- */

enum { DEVICES_MOST = 64, OPS_MOST = 64 };

struct bench_device {
    char name[128]; /* that opens it */
    minrnn_device *device;
    minrnn_device_info info;
    const char *checked[OPS_MOST]; /* ops that compute right */
    int checked_count;
    double bandwidth, rate; /* bytes and operations a second that it reaches at most */
    bool trusted;           /* all ops do, as far as they are known */
    bool wrong;             /* an op computes wrongly: no number of it is printed */
};

/* ---- subjects ---- */

/* What a run of a point took. */
enum { TAKEN_MOST = 256 };
struct bench_taken {
    const struct bench_device *device;
    struct bench_point point;
    double seconds;
};

struct bench_run;

/* What was measured of a point on a device. */
struct bench_row {
    const struct bench_device *device;
    struct bench_point point;
    struct bench_result result;
};

struct bench_subject {
    struct command command;
    const struct bench_axis *axes;
    unsigned measures; /* 1 << MEASURE_... */
    void (*defaults)(struct bench_arguments *arguments);
    void (*prepare)(void); /* before any device is opened; NULL: nothing */
    /* What is not given becomes the preset's own, if there is one preset. NULL: nothing. */
    void (*complete)(struct bench_arguments *arguments);
    /* Adds what options say to the axes; NULL: nothing. Which points are wanted; NULL: all. */
    void (*extend)(struct bench_arguments *arguments);
    bool (*takes)(const struct bench_arguments *arguments, struct bench_point *point);
    /* Prepares a point, and puts the preset's own values into it. */
    minrnn_status (*create)(struct bench_point *point, minrnn_device *device, minrnn_bench **bench);
    /* In the place of timing a bench. Returns 0, or an exit code after a report. */
    int (*measure)(struct bench_run *run, struct bench_device *device, struct bench_point *point,
                   struct bench_result *result);
    /* In the place of every combination of the axes, if any preset is named. */
    int (*points)(struct bench_run *run);
    bool compares; /* the last axis are mixers: each is compared with the one that it simplifies */
};

/* One run of the command. */
struct bench_run {
    const struct bench_subject *subject;
    struct bench_arguments arguments;
    struct bench_device devices[DEVICES_MOST];
    int device_count;
    bool products;     /* of presets, by `points` */
    unsigned measures; /* those of the subject, or of its profile */
    struct column columns[COLUMNS_MOST];
    struct rows rows;
    struct bench_row *group; /* rows to be compared with each other before they are printed */
    int group_count;
    struct bench_taken taken[TAKEN_MOST];
    int taken_count;
    struct bench_pace *pace; /* NULL: there is time for everything */
};

extern const struct bench_subject *const bench_subjects[]; /* NULL at the end */

/* The subject with this name ("copy"); NULL: there is none. */
const struct bench_subject *bench_find(const char *name);

/* A run of the subject with its defaults and no device, which prints to standard output; freed with
 * free. NULL: no memory. */
struct bench_run *bench_create(const struct bench_subject *subject, bool quick);

/* Measures on the run's devices what its arguments say. Returns 0, or an exit code after a report.
 */
int bench_measure(struct bench_run *run);

/* Measures one point on every device, and prints it. Returns 0, or an exit code after a report. */
int bench_point(struct bench_run *run, const struct bench_point *point);

/* The same for every combination of the axes. */
int bench_points(struct bench_run *run);

/* What a status of preparing or timing a bench means: a note in the result ("does not fit") and 0,
 * or an exit code after a report. */
int bench_note(minrnn_status status, struct bench_result *result);

/* Checks the ops of a bench on their device, or one op, unless it is known; see
 * bench_device.wrong. */
int bench_check(struct bench_run *run, struct bench_device *device, const minrnn_bench *bench);
int bench_check_op(struct bench_run *run, struct bench_device *device, const char *op);

/* Whether rows say how near the roofline they are. */
bool bench_has_roofline(const struct bench_run *run);

/* Prints what comes before the first row. */
void bench_print_head(struct bench_run *run);

#endif
