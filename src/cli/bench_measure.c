/* SPDX-License-Identifier: Apache-2.0 */
/* Goes through the points of a subject, times each, and prints it. */
#include "cli/bench.h"
#include "cli/bench_figure1.h"
#include "cli/describe.h"
#include "cli/report.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- columns: the device's, the axes', the measures' ---- */

enum device_column { SHORT_DEVICE, DEVICE, PLATFORM, DRIVER, VERSION, BUILD, SUBJECT, ABOUT };
enum { SHORT_NAME = 20 };
enum { EXPANSIONS = MEASURE_WEIGHTS_4 - MEASURE_WEIGHTS_1 + 1 };

static const struct column about[ABOUT] = {
    [SHORT_DEVICE] = {.name = "device", .place = COLUMN_FOR_PEOPLE, .width = SHORT_NAME},
    [DEVICE] = {.name = "device", .place = COLUMN_IN_FILES},
    [PLATFORM] = {.name = "platform", .place = COLUMN_IN_FILES},
    [DRIVER] = {.name = "driver", .place = COLUMN_IN_FILES},
    [VERSION] = {.name = "version", .place = COLUMN_IN_FILES},
    [BUILD] = {.name = "build", .place = COLUMN_IN_FILES},
    [SUBJECT] = {.name = "subject", .place = COLUMN_IN_FILES},
};

static const struct column measures[MEASURES] = {
    [MEASURE_CALLS] = {"calls", NULL, COLUMN_WHOLE, COLUMN_EVERYWHERE, 5},
    [MEASURE_MEDIAN] = {"median_ms", "ms", COLUMN_REAL, COLUMN_EVERYWHERE, 7},
    [MEASURE_P10] = {"p10_ms", "p10", COLUMN_REAL, COLUMN_EVERYWHERE, 7},
    [MEASURE_P90] = {"p90_ms", "p90", COLUMN_REAL, COLUMN_EVERYWHERE, 7},
    [MEASURE_RUNS] = {"runs", NULL, COLUMN_WHOLE, COLUMN_EVERYWHERE, 4},
    [MEASURE_QUEUED] = {"queued_ms", "queued", COLUMN_REAL, COLUMN_EVERYWHERE, 7},
    [MEASURE_BYTES] = {"gb_s", "GB/s", COLUMN_REAL, COLUMN_EVERYWHERE, 7},
    [MEASURE_OPERATIONS] = {"gflop_s", "GFLOP/s", COLUMN_REAL, COLUMN_EVERYWHERE, 7},
    [MEASURE_TOKENS] = {"tokens_s", "tokens/s", COLUMN_REAL, COLUMN_EVERYWHERE, 8},
    [MEASURE_MEMORY] = {"memory_bytes", "memory", COLUMN_BYTES, COLUMN_EVERYWHERE, 10},
    [MEASURE_RESIDENT] = {"resident_bytes", "resident", COLUMN_BYTES, COLUMN_EVERYWHERE, 10},
    [MEASURE_WEIGHTS_1] = {"weights_percent_1", NULL, COLUMN_REAL, COLUMN_IN_FILES, 5},
    [MEASURE_WEIGHTS_2] = {"weights_percent_2", NULL, COLUMN_REAL, COLUMN_IN_FILES, 5},
    [MEASURE_WEIGHTS_3] = {"weights_percent_3", NULL, COLUMN_REAL, COLUMN_IN_FILES, 5},
    [MEASURE_WEIGHTS_4] = {"weights_percent_4", NULL, COLUMN_REAL, COLUMN_IN_FILES, 5},
    [MEASURE_PARAMETERS] = {"parameters", "params", COLUMN_WHOLE, COLUMN_EVERYWHERE, 8},
    [MEASURE_SPEED_UP] = {"speed_up", "speed-up", COLUMN_REAL, COLUMN_EVERYWHERE, 7},
    [MEASURE_ROOFLINE] = {"roofline_ms", NULL, COLUMN_REAL, COLUMN_IN_FILES, 7},
    [MEASURE_TIMES_ROOFLINE] = {"times_roofline", "x roof", COLUMN_REAL, COLUMN_EVERYWHERE, 6},
    [MEASURE_BANDWIDTH] = {"bandwidth_gb_s", NULL, COLUMN_REAL, COLUMN_IN_FILES, 7},
    [MEASURE_RATE] = {"rate_gflop_s", NULL, COLUMN_REAL, COLUMN_IN_FILES, 7},
    [MEASURE_COLD] = {"cold_s", NULL, COLUMN_REAL, COLUMN_EVERYWHERE, 7},
    [MEASURE_CACHED] = {"cached_s", NULL, COLUMN_REAL, COLUMN_EVERYWHERE, 7},
    [MEASURE_SHARE] = {"share", NULL, COLUMN_REAL, COLUMN_EVERYWHERE, 7},
    [MEASURE_OP] = {"op", NULL, COLUMN_TEXT, COLUMN_EVERYWHERE, 17},
    [MEASURE_SIZES] = {"sizes", NULL, COLUMN_TEXT, COLUMN_EVERYWHERE, 0},
    [MEASURE_NOTE] = {"note", NULL, COLUMN_TEXT, COLUMN_EVERYWHERE, 0},
};

static int axis_count(const struct bench_axis *axes) {
    int count = 0;
    while (axes[count].name) {
        count++;
    }
    return count;
}

static int axis_index(const struct bench_point *point, const char *axis) {
    int i = 0;
    while (point->axes[i].name && strcmp(point->axes[i].name, axis) != 0) {
        i++;
    }
    return i;
}

int64_t *bench_size(struct bench_point *point, const char *axis) {
    return &point->sizes[axis_index(point, axis)];
}

char *bench_name(struct bench_point *point, const char *axis) {
    return point->names[axis_index(point, axis)];
}

static const struct names *names_of(const struct bench_arguments *arguments,
                                    const struct bench_axis *axis) {
    return (const struct names *)((const char *)arguments + axis->place);
}

static const struct ranges *ranges_of(const struct bench_arguments *arguments,
                                      const struct bench_axis *axis) {
    return (const struct ranges *)((const char *)arguments + axis->place);
}

static int axis_length(const struct bench_arguments *arguments, const struct bench_axis *axis) {
    return axis->is_name ? names_of(arguments, axis)->count : ranges_of(arguments, axis)->count;
}

/* What a column of names needs. */
static int axis_width(const struct bench_arguments *arguments, const struct bench_axis *axis) {
    int width = 5;
    for (int i = 0; axis->is_name && i < names_of(arguments, axis)->count; i++) {
        const int length = (int)strlen(names_of(arguments, axis)->at[i]);
        width = length > width ? length : width;
    }
    return width;
}

/* One value for all rows stands above a table, not in it. */
static bool is_constant(const struct bench_run *run, const struct bench_axis *axis) {
    return !run->products && axis_length(&run->arguments, axis) == 1;
}

static int build_columns(const struct bench_run *run, struct column *columns) {
    int count = 0;
    for (int i = 0; i < ABOUT; i++) {
        if (i != SHORT_DEVICE || run->device_count > 1) {
            columns[count++] = about[i];
        }
    }
    for (const struct bench_axis *axis = run->subject->axes; axis->name; axis++) {
        columns[count++] =
            (struct column){.name = axis->name,
                            .kind = axis->is_name ? COLUMN_TEXT : COLUMN_WHOLE,
                            .place = is_constant(run, axis) ? COLUMN_IN_FILES : COLUMN_EVERYWHERE,
                            .width = axis_width(&run->arguments, axis)};
    }
    for (int i = 0; i < MEASURES; i++) {
        if (run->measures >> i & 1) {
            columns[count++] = measures[i];
        }
    }
    return count;
}

/* ---- what comes before the rows ---- */

static void print_limits(const struct bench_device *device, const char *end) {
    if (device->bandwidth > 0 && device->rate > 0) {
        printf("limits   bandwidth %.4g GB/s, products %.4g GFLOP/s%s\n", 1e-9 * device->bandwidth,
               1e-9 * device->rate, end);
    }
}

/* How many of X's weights minX has, for each expansion. */
static void print_weights(const struct bench_run *run, const char *end) {
    const struct names *mixers = &run->arguments.mixers;
    const char *between = "weights  ", *other;
    for (int i = 0; i < mixers->count; i++) {
        if (!figure1_simplifies(mixers->at[i], &other)) {
            continue;
        }
        printf("%s%s", between, mixers->at[i]);
        between = "; ";
        for (int expansion = 1; expansion <= EXPANSIONS; expansion++) {
            printf("%s%.4g", expansion == 1 ? " " : ", ",
                   figure1_weights(run->devices[0].device, mixers->at[i], expansion));
        }
        printf(" %% of %s", other);
    }
    printf("%s", *between == ';' ? end : "");
}

/* The values that are the same in every row. */
static void print_sizes(const struct bench_run *run, FILE *file, const char *end) {
    const char *between = "sizes    ";
    for (const struct bench_axis *axis = run->subject->axes; axis->name; axis++) {
        if (!is_constant(run, axis)) {
            continue;
        }
        fprintf(file, "%s%s ", between, axis->name);
        between = ", ";
        if (axis->is_name) {
            fprintf(file, "%s", names_of(&run->arguments, axis)->at[0]);
        } else {
            fprintf(file, "%" PRId64, ranges_of(&run->arguments, axis)->values[0]);
        }
    }
    fprintf(file, "%s", *between == ',' ? end : "");
}

static void print_devices(const struct bench_run *run) {
    const char *end = run->arguments.format == ROWS_MARKDOWN ? "  " : ""; /* a line's end there */
    for (int i = 0; i < run->device_count; i++) {
        describe_device(&run->devices[i].info, end);
        print_limits(&run->devices[i], end);
    }
    printf("bench    %s; %" PRId64 " repetitions; minrnn %s%s\n",
           run->subject->command.name + strlen("bench "), run->arguments.repetitions,
           minrnn_version(), end);
    print_sizes(run, stdout, "\n");
    if (run->measures >> MEASURE_WEIGHTS_1 & 1) {
        print_weights(run, "\n");
    }
}

void bench_print_head(struct bench_run *run) {
    run->rows.format = run->arguments.format;
    run->rows.columns = run->columns;
    run->rows.count = build_columns(run, run->columns);
    if (rows_for_people(run->rows.format)) {
        print_devices(run);
        printf("%s", run->rows.format == ROWS_MARKDOWN ? "\n" : "");
    }
    if (run->rows.also) {
        print_sizes(run, run->rows.also->file, "\n\n");
    }
    rows_begin(&run->rows);
}

/* ---- a row ---- */

static int about_cells(const struct bench_run *run, const struct bench_device *device,
                       char build[24], char name[SHORT_NAME + 1], struct cell *cells) {
    const minrnn_device_info *info = &device->info;
    int count = 0;
    snprintf(build, 24, "%016" PRIx64, info->kernels);
    snprintf(name, SHORT_NAME + 1, "%.*s", SHORT_NAME, info->name);
    if (run->device_count > 1) {
        cells[count++] = cell_text(name);
    }
    cells[count++] = cell_text(info->name);
    cells[count++] = cell_text(info->platform);
    cells[count++] = cell_text(info->driver);
    cells[count++] = cell_text(minrnn_version());
    cells[count++] = cell_text(build);
    cells[count++] = cell_text(run->subject->command.name + strlen("bench "));
    return count;
}

static void print_row(struct bench_run *run, const struct bench_row *row) {
    struct cell cells[COLUMNS_MOST];
    char build[24], name[SHORT_NAME + 1];
    int count = about_cells(run, row->device, build, name, cells);
    for (int i = 0; row->point.axes[i].name; i++) {
        cells[count++] = row->point.axes[i].is_name ? cell_text(row->point.names[i])
                         : row->point.sizes[i]      ? cell_whole(row->point.sizes[i])
                                                    : (struct cell){0}; /* never prepared */
    }
    for (int i = 0; i < MEASURES; i++) {
        if (run->measures >> i & 1) {
            cells[count++] = row->result.cells[i];
        }
    }
    rows_add(&run->rows, cells);
}

/* ---- comparing: minX with X ---- */

/* The row of the same device whose mixer has this name. */
static const struct bench_row *find_row(const struct bench_run *run,
                                        const struct bench_device *device, const char *mixer) {
    for (int i = 0; i < run->group_count; i++) {
        struct bench_row *row = &run->group[i];
        if (row->device == device && strcmp(bench_name(&row->point, "mixer"), mixer) == 0) {
            return row;
        }
    }
    return NULL;
}

static void compare(const struct bench_run *run, struct bench_row *row) {
    const char *of;
    const bool simplifies = figure1_simplifies(bench_name(&row->point, "mixer"), &of);
    const struct bench_row *other = simplifies ? find_row(run, row->device, of) : NULL;
    const struct cell *own = &row->result.cells[MEASURE_MEDIAN];
    if (other && own->there && other->result.cells[MEASURE_MEDIAN].there) {
        row->result.cells[MEASURE_SPEED_UP] =
            cell_real(other->result.cells[MEASURE_MEDIAN].real / own->real);
    }
}

static void print_group(struct bench_run *run) {
    for (int i = 0; i < run->group_count; i++) {
        compare(run, &run->group[i]);
        print_row(run, &run->group[i]);
    }
    run->group_count = 0;
}

static void take_row(struct bench_run *run, const struct bench_row *row) {
    if (!run->subject->compares || run->arguments.profile) {
        print_row(run, row);
        return;
    }
    run->group[run->group_count++] = *row;
}

/* ---- timing ---- */

int bench_note(minrnn_status status, struct bench_result *result) {
    if (status == MINRNN_OUT_OF_MEMORY || status == MINRNN_UNSUPPORTED) {
        result->cells[MEASURE_NOTE] =
            cell_text(status == MINRNN_UNSUPPORTED ? "this device cannot" : "does not fit");
        return 0;
    }
    return status ? report_setup(status) : 0;
}

static minrnn_bench_config config_of(const struct bench_run *run, bool queued) {
    minrnn_bench_config config;
    minrnn_bench_config_defaults(&config);
    config.warm_up = (int)run->arguments.warm_up;
    config.repetitions = (int)run->arguments.repetitions;
    config.queued = queued;
    return config;
}

static minrnn_status time_waited(struct bench_run *run, minrnn_bench *bench, struct cell *cells) {
    const minrnn_bench_config config = config_of(run, false);
    minrnn_bench_info info;
    minrnn_timing timing;
    minrnn_status status = minrnn_bench_describe(bench, &info);
    status = status ? status : minrnn_bench_run(bench, &config, &timing);
    if (!status) {
        cells[MEASURE_MEDIAN] = cell_real(1e3 * timing.median);
        cells[MEASURE_P10] = cell_real(1e3 * timing.p10);
        cells[MEASURE_P90] = cell_real(1e3 * timing.p90);
        cells[MEASURE_BYTES] = cell_real(1e-9 * info.bytes / timing.median);
        cells[MEASURE_OPERATIONS] = cell_real(1e-9 * info.operations / timing.median);
        cells[MEASURE_TOKENS] = cell_real((double)info.tokens / timing.median);
        cells[MEASURE_MEMORY] = cell_whole((int64_t)info.memory_bytes);
        cells[MEASURE_RESIDENT] = (struct cell){.whole = figure1_resident()};
        cells[MEASURE_RESIDENT].there = cells[MEASURE_RESIDENT].whole > 0;
        cells[MEASURE_PARAMETERS] = cell_whole(info.parameters);
    }
    return status;
}

static minrnn_status time_queued(struct bench_run *run, minrnn_bench *bench, struct cell *cells) {
    const minrnn_bench_config config = config_of(run, true);
    minrnn_timing timing;
    const minrnn_status status = minrnn_bench_run(bench, &config, &timing);
    if (!status) {
        cells[MEASURE_QUEUED] = cell_real(1e3 * timing.median);
    }
    return status;
}

/* The least time of a row, in seconds, beside the median that is there. */
static void add_roofline(const struct bench_device *device, double least, struct cell *cells) {
    cells[MEASURE_ROOFLINE] = cell_real(1e3 * least);
    cells[MEASURE_TIMES_ROOFLINE] = cell_real(cells[MEASURE_MEDIAN].real / (1e3 * least));
    cells[MEASURE_BANDWIDTH] = cell_real(1e-9 * device->bandwidth);
    cells[MEASURE_RATE] = cell_real(1e-9 * device->rate);
}

static minrnn_status find_roofline(const struct bench_device *device, minrnn_bench *bench,
                                   struct cell *cells) {
    double least;
    const minrnn_status status =
        minrnn_bench_roofline(bench, device->bandwidth, device->rate, &least);
    if (!status) {
        add_roofline(device, least, cells);
    }
    return status;
}

static int time_bench(struct bench_run *run, const struct bench_device *device, minrnn_bench *bench,
                      struct bench_result *result) {
    minrnn_status status = time_waited(run, bench, result->cells);
    const bool hurried = run->pace && run->arguments.repetitions == 1;
    if (!status && (run->measures >> MEASURE_QUEUED & 1) && !hurried) {
        status = time_queued(run, bench, result->cells);
    }
    if (!status && bench_has_roofline(run)) {
        status = find_roofline(device, bench, result->cells);
    }
    return bench_note(status, result);
}

/* ---- a profile ---- */

/* What its rows are printed by. */
struct profiling {
    struct bench_run *run;
    struct bench_row *row;
};

static void print_profile(void *user, const minrnn_profile_row *found) {
    struct profiling *profiling = user;
    struct cell *cells = profiling->row->result.cells;
    cells[MEASURE_CALLS] = cell_whole(found->calls);
    cells[MEASURE_MEDIAN] = cell_real(1e3 * found->median);
    cells[MEASURE_SHARE] = cell_real(found->share);
    cells[MEASURE_OP] = cell_text(found->op);
    cells[MEASURE_SIZES] = cell_text(found->sizes);
    if (bench_has_roofline(profiling->run)) {
        const struct bench_device *device = profiling->row->device;
        add_roofline(
            device,
            minrnn_bench_least(found->bytes, found->operations, device->bandwidth, device->rate),
            cells);
    }
    print_row(profiling->run, profiling->row);
}

static int profile(struct bench_run *run, minrnn_bench *bench, struct bench_row *row) {
    const minrnn_bench_config config = config_of(run, false);
    struct profiling profiling = {run, row};
    const minrnn_status status = minrnn_bench_profile(bench, &config, print_profile, &profiling);
    return status ? report_library(status) : 0;
}

/* ---- a point on a device ---- */

static int measure_bench(struct bench_run *run, struct bench_device *device,
                         struct bench_row *row) {
    minrnn_bench *bench = NULL;
    if (run->arguments.limit > 0 && figure1_is_long(run, device, &row->point)) {
        row->result.cells[MEASURE_NOTE] = cell_text("would take too long");
        return 0;
    }
    const minrnn_status status = run->subject->create(&row->point, device->device, &bench);
    int code = bench_note(status, &row->result);
    if (!status) {
        code = bench_check(run, device, bench);
        if (!code && bench_pace(run, row, bench, &code)) {
            code = run->arguments.profile ? profile(run, bench, row)
                                          : time_bench(run, device, bench, &row->result);
        }
    }
    const struct cell *median = &row->result.cells[MEASURE_MEDIAN];
    if (run->arguments.limit > 0 && median->there) {
        figure1_note(run, device, &row->point, 1e-3 * median->real);
    }
    minrnn_bench_destroy(bench);
    return code;
}

static void add_weights(struct bench_row *row) {
    const char *mixer = bench_name(&row->point, "mixer");
    for (int i = 0; i < EXPANSIONS; i++) {
        const double percent = figure1_weights(row->device->device, mixer, i + 1);
        if (percent > 0) {
            row->result.cells[MEASURE_WEIGHTS_1 + i] = cell_real(percent);
        }
    }
}

static int measure(struct bench_run *run, struct bench_device *device,
                   const struct bench_point *point) {
    struct bench_row row = {.device = device, .point = *point};
    if (run->subject->takes && !run->subject->takes(&run->arguments, &row.point)) {
        return 0;
    }
    row.result.cells[MEASURE_NOTE] = cell_text("");
    if (run->measures >> MEASURE_WEIGHTS_1 & 1) {
        add_weights(&row);
    }
    if (point->calls) {
        row.result.cells[MEASURE_CALLS] = cell_whole(point->calls);
    }
    const int code = bench_pace_is_over(run, &row.result) ? 0
                     : run->subject->measure
                         ? run->subject->measure(run, device, &row.point, &row.result)
                         : measure_bench(run, device, &row);
    if (!code && !run->arguments.profile) {
        take_row(run, &row);
    }
    return code;
}

/* A device that computes wrongly is left out; the others go on. */
int bench_point(struct bench_run *run, const struct bench_point *point) {
    int code = 0;
    for (int i = 0; i < run->device_count && !code; i++) {
        struct bench_device *device = &run->devices[i];
        code = device->wrong ? 0 : measure(run, device, point);
        code = device->wrong ? 0 : code;
    }
    return code;
}

/* ---- every combination ---- */

static void set_axis(const struct bench_run *run, struct bench_point *point, int axis, int i) {
    const struct bench_arguments *arguments = &run->arguments;
    const struct bench_axis *of = &point->axes[axis];
    if (i >= axis_length(arguments, of)) {
        return; /* the preset's own */
    }
    if (of->is_name) {
        snprintf(point->names[axis], AXIS_NAME, "%s", names_of(arguments, of)->at[i]);
    } else {
        point->sizes[axis] = ranges_of(arguments, of)->values[i];
    }
}

/* The next combination, the last axis first; false past the last one. */
static bool next(const struct bench_run *run, int *at, int count) {
    for (int axis = count - 1; axis >= 0; axis--) {
        if (++at[axis] < axis_length(&run->arguments, &run->subject->axes[axis])) {
            return true;
        }
        at[axis] = 0;
    }
    return false;
}

static int take_all(struct bench_run *run) {
    const int count = axis_count(run->subject->axes);
    int at[AXES_MOST] = {0};
    int code;
    do {
        struct bench_point point = {.axes = run->subject->axes};
        for (int axis = 0; axis < count; axis++) {
            set_axis(run, &point, axis, at[axis]);
        }
        code = bench_point(run, &point);
        if (at[count - 1] + 1 >= axis_length(&run->arguments, &run->subject->axes[count - 1])) {
            print_group(run);
        }
    } while (!code && next(run, at, count));
    return code;
}

int bench_points(struct bench_run *run) {
    const size_t rows = (size_t)run->arguments.mixers.count * (size_t)run->device_count;
    run->group = calloc(rows + 1, sizeof *run->group);
    if (!run->group) {
        return report_failure("out of memory");
    }
    run->group_count = 0;
    const int code = take_all(run);
    print_group(run);
    free(run->group);
    run->group = NULL;
    return code;
}
