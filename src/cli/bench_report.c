/* SPDX-License-Identifier: Apache-2.0 */
/* minrnn bench report: validates a device and measures all that is asked of it, in a given time.
 * What it writes goes to people who do not know the machine: no path, no name of a user or a host.
 */
#include "cli/bench_report.h"

#include <minrnn/preset.h>

#include "cli/bench.h"
#include "cli/bench_compile.h"
#include "cli/bench_facts.h"
#include "cli/describe.h"
#include "cli/report.h"
#include "cli/task_source.h"
#include "cli/validate.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct report_arguments {
    const char *device, *out;
    float minutes;
    bool quick;
};

enum { MINUTES = 10, QUICK_MINUTES = 1 };

#define PLACE(field) offsetof(struct report_arguments, field)
static const struct option options[] = {
    TEXT("device", "D", device, "which: see minrnn devices"),
    TEXT("out", "FOLDER", out, "where to write; a new folder"),
    NUMBER("minutes", "M", minutes, 0, "when to be done; what no longer fits is left out"),
    FLAG("quick", quick, "small sizes and one minute, to see whether it works"),
    {0},
};

static int run(int argc, char **argv);

const struct command command_bench_report = {
    .name = "bench report",
    .summary = "all of this and a validation, in ten minutes: what to send of a device",
    .notes =
        "\nFOLDER/report.md is to be pasted into an issue, and is printed at the end, too. Beside\n"
        "it lies a CSV file for each part. Nothing in them tells of the user, the host or its\n"
        "folders. A device that computes wrongly is not timed. A part that fails says so, and the\n"
        "next goes on. bench/report.sh adds what was predicted, and draws Figure 1.\n",
    .options = options,
    .run = run,
};

struct report {
    const struct report_arguments *arguments;
    struct bench_device device;
    struct bench_pace pace;
    double begin, end; /* on clock_seconds */
    /* report.md, in memory, and the part of it that the file has. */
    FILE *markdown;
    char *text;
    size_t bytes, written;
    FILE *file;
    int failed; /* parts */
    bool lost;  /* a file cannot be written, which was said */
};

enum outcome {
    PART_DONE,
    PART_FAILED, /* the next goes on */
    PART_LAST    /* none goes on */
};

struct part {
    const char *name; /* of its file, too */
    const char *title;
    int weight; /* its share of the time */
    enum outcome (*run)(struct report *report, const struct part *part);
    const char *subject; /* of minrnn bench; NULL: none */
    void (*choose)(const struct report *report, struct bench_arguments *arguments); /* NULL */
};

/* ---- files ---- */

static void write_path(const struct report *report, const char *name, const char *ending,
                       char path[PATH_MAX]) {
    snprintf(path, PATH_MAX, "%s/%s%s", report->arguments->out, name, ending);
}

/* Says it of the first file alone: the next will have the same reason. */
static int fail_file(struct report *report, const char *name, const char *ending, int reason) {
    char path[PATH_MAX];
    if (!report->lost) {
        write_path(report, name, ending, path);
        report_line("cannot write %s: %s", path, strerror(reason));
    }
    report->lost = true;
    return EXIT_FAILED;
}

/* NULL after a report. */
static FILE *open_file(struct report *report, const char *name, const char *ending) {
    char path[PATH_MAX];
    write_path(report, name, ending, path);
    FILE *file = fopen(path, "wxe");
    if (!file) {
        (void)fail_file(report, name, ending, errno);
    }
    return file;
}

static int begin_rows(struct report *report, const struct part *part, struct rows *rows) {
    rows->format = ROWS_CSV;
    rows->file = open_file(report, part->name, ".csv");
    return rows->file ? 0 : EXIT_FAILED;
}

static int end_rows(struct report *report, const struct part *part, struct rows *rows) {
    errno = 0;
    if (fclose(rows->file) && !rows->lost) {
        rows->lost = errno ? errno : EIO;
    }
    return rows->lost ? fail_file(report, part->name, ".csv", rows->lost) : 0;
}

/* What is new of report.md goes to its file. */
static int save_markdown(struct report *report) {
    if (fflush(report->markdown)) {
        return report_failure("out of memory");
    }
    errno = 0;
    (void)fwrite(report->text + report->written, 1, report->bytes - report->written, report->file);
    report->written = report->bytes;
    return fflush(report->file) ? fail_file(report, "report", ".md", errno ? errno : EIO) : 0;
}

/* ---- what failed ---- */

/* Words that may be paths stay here. */
static void print_without_paths(FILE *file, const char *text) {
    while (*text && *text != '\n') {
        const size_t word = strcspn(text, " \n");
        const bool path = memchr(text, '/', word) || memchr(text, '\\', word);
        fprintf(file, "%.*s", path ? 3 : (int)word, path ? "..." : text);
        text += word;
        if (*text == ' ') {
            fputc(*text++, file);
        }
    }
}

/* `before`: the library's text before the part began. */
static enum outcome note_failure(struct report *report, const char *before) {
    const char *text = minrnn_error_text();
    fprintf(report->markdown, "\n**failed**: ");
    print_without_paths(report->markdown,
                        strcmp(text, before) != 0 ? text : "standard error says why");
    fprintf(report->markdown, "\n");
    return PART_FAILED;
}

/* ---- the device and the machine ---- */

static enum outcome describe(struct report *report, const struct part *part) {
    struct rows rows = {0};
    if (begin_rows(report, part, &rows)) {
        return PART_LAST;
    }
    bench_facts_write(&report->device.info, &rows, report->markdown);
    return end_rows(report, part, &rows) ? PART_LAST : PART_DONE;
}

/* ---- whether it computes right ---- */

static const struct column checks[] = {
    {.name = "op"},
    {.name = "pass"},
    {.name = "cases", .kind = COLUMN_WHOLE},
    {.name = "failures", .kind = COLUMN_WHOLE},
    {.name = "left_out", .kind = COLUMN_WHOLE},
    {.name = "worst", .kind = COLUMN_REAL},
    {.name = "worst_case"},
    {.name = "failure"},
};
enum { CHECKS = sizeof checks / sizeof *checks };

/* What is checked, one after the other as long as there is time: each op has some cases at the
 * least, and a driver may take seconds to build the programs of one. `longer`: how many times as
 * long as the one before it takes, about. */
static const struct pass {
    const char *name;
    int only_case, longer;
    bool small, quick;
} passes[] = {
    {"one tiny case each", 1, 1, true, true},
    {"tiny shapes", 0, 8, true, true},
    {"selection", 0, 4, false, false},
};
enum { PASSES = sizeof passes / sizeof *passes };

struct checking {
    struct report *report;
    struct rows rows;
    const struct pass *pass;
    minrnn_verdict verdict;
    double worst;
    char worst_op[64];
};

static void note_check(void *user, const minrnn_check_result *result) {
    struct checking *checking = user;
    const struct cell cells[CHECKS] = {
        cell_text(result->op),         cell_text(checking->pass->name), cell_whole(result->cases),
        cell_whole(result->failures),  cell_whole(result->left_out),    cell_real(result->worst),
        cell_text(result->worst_case), cell_text(result->failure),
    };
    rows_add(&checking->rows, cells);
    validate_note(&checking->verdict, result);
    if (result->failures > 0) {
        fprintf(checking->report->markdown, "- **%s is wrong**, %d of %d cases: %s\n", result->op,
                result->failures, result->cases, result->failure);
    } else if (result->worst >= checking->worst) {
        checking->worst = result->worst;
        snprintf(checking->worst_op, sizeof checking->worst_op, "%s", result->op);
    }
}

static void print_verdict(FILE *file, const struct checking *checking) {
    const minrnn_verdict *verdict = &checking->verdict;
    fprintf(file, "- %s: %s, %d of %d ops pass, %d cases", checking->pass->name,
            verdict->failures ? "FAIL" : "pass", verdict->ops - verdict->failures, verdict->ops,
            verdict->cases);
    if (verdict->left_out > 0) {
        fprintf(file, ", %d left out: no time left", verdict->left_out);
    }
    if (*checking->worst_op) {
        fprintf(file, "; the largest error of one that passes is %.2g of its bound (%s)",
                checking->worst, checking->worst_op);
    }
    fprintf(file, "\n");
}

/* The verdict, kept as that of minrnn validate is. */
static enum outcome judge(struct report *report, struct checking *checking) {
    const minrnn_verdict *verdict = &checking->verdict;
    print_verdict(report->markdown, checking);
    if (!checking->pass->only_case && minrnn_verdict_keep(&report->device.info, verdict)) {
        report_line("the verdict is not kept: %s", minrnn_error_text());
    }
    report->device.trusted = verdict->failures == 0;
    if (verdict->failures > 0) {
        report_line("report: %d of %d ops compute wrongly on this device, which is not timed: %s",
                    verdict->failures, verdict->ops, verdict->failed);
        report->failed++;
        return PART_LAST;
    }
    return PART_DONE;
}

static enum outcome check_pass(struct report *report, struct checking *checking) {
    const struct pass *pass = checking->pass;
    const double seconds = report->pace.deadline - clock_seconds();
    char before[1024];
    minrnn_check_config config;
    int failures = 0;
    minrnn_check_config_defaults(&config);
    minrnn_verdict_defaults(&checking->verdict);
    checking->worst = 0;
    config.seconds = seconds > 0 ? seconds : 1e-3; /* 0: no limit */
    config.only_case = pass->only_case;
    config.small = checking->verdict.small = pass->small;
    snprintf(before, sizeof before, "%s", minrnn_error_text());
    const minrnn_status status =
        minrnn_validate(report->device.device, &config, note_check, checking, &failures);
    if (status) {
        (void)report_library(status);
        return note_failure(report, before);
    }
    return judge(report, checking);
}

static enum outcome check_all(struct report *report, struct checking *checking) {
    enum outcome outcome = PART_DONE;
    double took = 0;
    for (int i = 0; i < PASSES && outcome == PART_DONE; i++) {
        const double begin = clock_seconds();
        checking->pass = &passes[i];
        if (report->arguments->quick && !passes[i].quick) {
            break;
        }
        if (i > 0 && passes[i].longer * took > report->pace.deadline - begin) {
            fprintf(report->markdown, "- %s: left out, no time left\n", passes[i].name);
            break;
        }
        outcome = check_pass(report, checking);
        took = clock_seconds() - begin;
    }
    return outcome;
}

static enum outcome validate(struct report *report, const struct part *part) {
    struct checking checking = {.report = report, .rows = {.columns = checks, .count = CHECKS}};
    if (begin_rows(report, part, &checking.rows)) {
        return PART_LAST;
    }
    rows_begin(&checking.rows);
    const enum outcome outcome = check_all(report, &checking);
    rows_end(&checking.rows);
    return end_rows(report, part, &checking.rows) ? PART_LAST : outcome;
}

/* ---- a subject of minrnn bench ---- */

static void choose_copy(const struct report *report, struct bench_arguments *arguments) {
    if (report->arguments->quick) {
        (void)ranges_parse("64k,1M", 4, &arguments->bytes);
    }
}

/* The last fills a large device; by the first a slow one is foreseen. */
static void choose_gemm(const struct report *report, struct bench_arguments *arguments) {
    (void)ranges_parse(report->arguments->quick ? "128" : "128-8192*8", 1, &arguments->m);
}

/* Those of text, which are no more than there is time for. */
static void choose_presets(const struct report *report, struct bench_arguments *arguments) {
    struct names *presets = &arguments->presets;
    const int most = report->arguments->quick ? 1 : NAMES_MOST;
    const char *name;
    presets->count = 0;
    for (int i = 0; presets->count < most && (name = minrnn_preset_name(i)); i++) {
        minrnn_task_config task;
        if (!minrnn_preset_task(name, &task) && task_source_is_text(&task)) {
            presets->at[presets->count++] = name;
        }
    }
}

/* A few sequences are enough to see whether it works. */
static void choose_steps(const struct report *report, struct bench_arguments *arguments) {
    choose_presets(report, arguments);
    if (report->arguments->quick) {
        (void)ranges_parse("4", 1, &arguments->batch);
    }
}

static void choose_first_step(const struct report *report, struct bench_arguments *arguments) {
    choose_steps(report, arguments);
    arguments->presets.count = 1;
}

static void choose_profile(const struct report *report, struct bench_arguments *arguments) {
    choose_steps(report, arguments);
    arguments->profile = true;
}

static enum outcome end_subject(struct report *report, const struct bench_run *run, int code,
                                const char *before) {
    FILE *file = report->markdown;
    if (report->pace.skipped > 0) {
        fprintf(file, "\nleft out: %d, no time left\n", report->pace.skipped);
    }
    if (run->devices[0].wrong) {
        fprintf(file, "\n**failed**: an op computes wrongly\n");
        return PART_FAILED;
    }
    return code ? note_failure(report, before) : PART_DONE;
}

static enum outcome measure(struct report *report, const struct part *part) {
    struct rows markdown = {.file = report->markdown, .format = ROWS_MARKDOWN};
    struct bench_run *bench = bench_create(bench_find(part->subject), report->arguments->quick);
    char before[1024];
    if (!bench) {
        (void)report_failure("out of memory");
        return PART_LAST;
    }
    if (begin_rows(report, part, &bench->rows)) {
        free(bench);
        return PART_LAST;
    }
    bench->arguments.format = bench->rows.format;
    bench->rows.also = &markdown;
    bench->pace = &report->pace;
    bench->devices[bench->device_count++] = report->device;
    if (part->choose) {
        part->choose(report, &bench->arguments);
    }
    snprintf(before, sizeof before, "%s", minrnn_error_text());
    const int code = bench_measure(bench);
    report->device.bandwidth = bench->devices[0].bandwidth; /* which the next parts need not find */
    report->device.rate = bench->devices[0].rate;
    const enum outcome outcome = end_subject(report, bench, code, before);
    const int lost = end_rows(report, part, &bench->rows);
    free(bench);
    return lost ? PART_LAST : outcome;
}

/* ---- all parts ---- */

static const struct part parts[] = {
    {"device", "what it is, and where", 0, describe, NULL, NULL},
    {"validate", "whether it computes right", 20, validate, NULL, NULL},
    {"copy", "memory bandwidth", 3, measure, "copy", choose_copy},
    {"gemm", "matrix products", 3, measure, "gemm", choose_gemm},
    {"launch", "the smallest op, one after another", 2, measure, "launch", NULL},
    {"figure1", "a mixer, a head and the loss: forward, loss, backward", 30, measure, "figure1",
     NULL},
    {"step", "a trainer's step of each preset", 17, measure, "step", choose_steps},
    {"generate", "a token after the other", 5, measure, "generate", choose_presets},
    {"compile", "seconds to build the programs of a step", 10, measure, "compile",
     choose_first_step},
    {"profile", "each op of a step, waited for", 10, measure, "step", choose_profile},
};
enum { PARTS = sizeof parts / sizeof *parts };

/* A share of what is left; what one part leaves is the next ones'. */
static double deadline_of(const struct report *report, int part) {
    const double now = clock_seconds(), left = report->end - now;
    int weights = 0;
    for (int i = part; i < PARTS; i++) {
        weights += parts[i].weight;
    }
    return now + left * parts[part].weight / weights;
}

static enum outcome run_part(struct report *report, int index) {
    const struct part *part = &parts[index];
    char time[DESCRIBE_CAPACITY];
    fprintf(stderr, "minrnn: report: %s, part %d of %d, after %s\n", part->name, index + 1, PARTS,
            describe_seconds(clock_seconds() - report->begin, time));
    report->pace.deadline = deadline_of(report, index);
    report->pace.skipped = 0;
    fprintf(report->markdown, "\n#### %s: %s\n\n", part->name, part->title);
    const enum outcome outcome = part->run(report, part);
    report->failed += outcome == PART_FAILED;
    return save_markdown(report) ? PART_LAST : outcome;
}

/* Returns whether all went on to the end. */
static bool run_parts(struct report *report) {
    enum outcome outcome = PART_DONE;
    fprintf(report->markdown, "### minrnn report: %s\n", report->device.info.name);
    for (int i = 0; i < PARTS && outcome != PART_LAST; i++) {
        outcome = run_part(report, i);
    }
    return outcome != PART_LAST;
}

/* ---- the command ---- */

/* Some of the time is for what is foreseen wrongly. The runs of a row, waited for or queued, have
 * this share of it, or so many seconds. */
static const double FORESEEN = 0.9, ROW_SHARE = 1.0 / 300, QUICK_ROW = 0.05;

static int write_report(struct report *report) {
    report->file = open_file(report, "report", ".md");
    if (!report->file) {
        return EXIT_FAILED;
    }
    report->markdown = open_memstream(&report->text, &report->bytes);
    if (!report->markdown) {
        fclose(report->file);
        return report_failure("out of memory");
    }
    const bool whole = run_parts(report);
    fclose(report->markdown);
    fclose(report->file);
    printf("%s", report->text);
    free(report->text);
    if (report->failed > 0 && whole) {
        report_line("report: %d of %d parts failed", report->failed, PARTS);
    }
    if (whole) {
        report_line("report: %s/report.md is what to send", report->arguments->out);
    }
    return report->failed > 0 || !whole ? EXIT_FAILED : 0;
}

static int make_folder(const char *path) {
    if (mkdir(path, 0777) == 0) {
        return 0;
    }
    return errno == EEXIST ? report_failure("%s is there already: --out names another", path)
                           : report_failure("cannot make %s: %s", path, strerror(errno));
}

static int report_device(const struct report_arguments *arguments) {
    struct report *report = calloc(1, sizeof *report);
    if (!report) {
        return report_failure("out of memory");
    }
    struct bench_device *device = &report->device;
    const double seconds = 60 * (double)arguments->minutes;
    report->arguments = arguments;
    report->begin = clock_seconds();
    report->end = report->begin + FORESEEN * seconds;
    report->pace.seconds = arguments->quick ? QUICK_ROW : ROW_SHARE * seconds;
    snprintf(device->name, sizeof device->name, "%s", arguments->device ? arguments->device : "");
    bench_compile_prepare();
    int code = describe_find(arguments->device, &device->device, &device->info);
    code = code ? code : make_folder(arguments->out);
    code = code ? code : write_report(report);
    minrnn_device_destroy(device->device);
    free(report);
    return code;
}

static int run(int argc, char **argv) {
    struct report_arguments arguments = {.out = "minrnn-report", .minutes = MINUTES};
    int code = 0;
    if (!arguments_parse(&command_bench_report, argc, argv, &arguments, &code)) {
        return code;
    }
    if (arguments.quick && !arguments_last(&command_bench_report, argc, argv, "minutes")) {
        arguments.minutes = QUICK_MINUTES;
    }
    return report_device(&arguments);
}
