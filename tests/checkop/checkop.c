/* SPDX-License-Identifier: Apache-2.0 */
/* Every op of a device against the oracle in double precision, then, with --bench, timed. */
#include <minrnn/check.h>

#include "base/clock.h"
#include "bench/op.h"
#include "rules.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EXIT_SKIP = 77 };

struct options {
    const char *device;
    const char *rules;
    minrnn_check_config check;
    bool bench;
    bool skip_missing;
    bool csv;
};

static const char usage[] =
    "usage: checkop [--device NAME] [--op OP] [--seed N] [--shape NAME=NUMBER,...] [--case N]\n"
    "               [--thorough | --small] [--seconds S] [--rules RULES] [--bench]\n"
    "               [--format table|csv] [--skip-missing]\n"
    "Checks ops against an oracle in double precision.\n"
    "  --shape   gives every case these sizes; with an option (run=2, transpose_a=1), only cases\n"
    "            that have it\n"
    "  --case    only the case of this number; a result names its case by it\n"
    "  --seconds cases beyond this time are skipped, and counted\n"
    "  --rules   treats an OpenCL device as another, so that every strategy can be checked on "
    "every\n"
    "            device: gpu or cpu, width=N (its vectors, in floats), units=N, alloc=SIZE (its\n"
    "            largest buffer: 256M, 1G), groups=N (the most of a launch along dimensions 1 and\n"
    "            2); or NAME=N, a constant of the rules\n"
    "            (src/opencl/tuning.def)\n"
    "  --bench   times the ops that passed\n"
    "Exits with 1 if an op failed or nothing ran; with --skip-missing, with 77 if there is no "
    "device.\n";

static bool parse_format(const char *text, bool *csv) {
    *csv = strcmp(text, "csv") == 0;
    return *csv || strcmp(text, "table") == 0;
}

/* An option with a value; false if there is none of that name, or the value makes no sense. */
static bool parse_value(const char *name, const char *value, struct options *options) {
    char *end = NULL;
    if (strcmp(name, "--device") == 0) {
        options->device = value;
    } else if (strcmp(name, "--op") == 0) {
        options->check.op = value;
    } else if (strcmp(name, "--shape") == 0) {
        options->check.shape = value;
    } else if (strcmp(name, "--rules") == 0) {
        options->rules = value;
    } else if (strcmp(name, "--format") == 0) {
        return parse_format(value, &options->csv);
    } else if (strcmp(name, "--case") == 0) {
        options->check.only_case = (int)strtol(value, &end, 10);
    } else if (strcmp(name, "--seconds") == 0) {
        options->check.seconds = strtod(value, &end);
    } else if (strcmp(name, "--seed") == 0) {
        options->check.seed = strtoull(value, &end, 10);
    } else {
        return false;
    }
    return !end || (*end == 0 && end != value);
}

/* Returns false if the arguments make no sense. */
static bool parse(int argc, char **argv, struct options *options) {
    minrnn_check_config_defaults(&options->check);
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--thorough") == 0) {
            options->check.thorough = true;
        } else if (strcmp(argv[i], "--small") == 0) {
            options->check.small = true;
        } else if (strcmp(argv[i], "--bench") == 0) {
            options->bench = true;
        } else if (strcmp(argv[i], "--skip-missing") == 0) {
            options->skip_missing = true;
        } else if (i + 1 == argc || !parse_value(argv[i], argv[i + 1], options)) {
            return false;
        } else {
            i++;
        }
    }
    return true;
}

struct report {
    minrnn_device *device;
    bool bench, csv;
    int ops, cases, left_out;
    bool bench_failed;
    double since; /* when the op that runs now began, s */
};

/* op,cases,failures,left out,worst error / bound,seconds,"worst case","failure": no text of ours
 * has a quotation mark, drivers' may. */
static void print_quoted(const char *text) {
    fputs(",\"", stdout);
    for (; *text; text++) {
        putchar(*text == '"' ? '\'' : *text == '\n' ? ' ' : *text);
    }
    putchar('"');
}

static void print_csv(const minrnn_check_result *result, double seconds) {
    printf("%s,%d,%d,%d,%.4g,%.1f", result->op, result->cases, result->failures, result->left_out,
           result->worst, seconds);
    print_quoted(result->worst_case);
    print_quoted(result->failure);
    putchar('\n');
}

static void print_row(const minrnn_check_result *result, double seconds) {
    printf("%-18s %5d  %6.1f  %9.3g  %-6s  %s\n", result->op, result->cases, seconds, result->worst,
           result->failures > 0 ? "FAILED" : "ok", result->worst_case);
    if (result->failures > 0) {
        printf("  %d of %d cases failed, the first: %s\n", result->failures, result->cases,
               result->failure);
    }
    if (result->left_out > 0) {
        printf("  %d cases skipped: no time left\n", result->left_out);
    }
}

/* A line for each size: the median time of a call, and its rate. */
static void print_times(struct report *report, const char *op) {
    struct op_timing timings[CHECK_TIMED];
    int count = 0;
    const minrnn_status status = bench_op(report->device, op, timings, &count);
    for (int i = 0; i < count; i++) {
        const struct op_timing *t = &timings[i];
        printf("  %9.3f ms  %8.1f G%s/s  %s\n", t->seconds * 1e3, t->work / t->seconds * 1e-9,
               t->unit, t->shape);
    }
    if (status) {
        printf("  not timed: %s\n", minrnn_error_text());
        report->bench_failed = true;
    }
}

static void print_result(void *user, const minrnn_check_result *result) {
    struct report *report = user;
    report->ops++;
    report->cases += result->cases;
    report->left_out += result->left_out;
    (report->csv ? print_csv : print_row)(result, clock_seconds() - report->since);
    if (report->bench && result->failures == 0) {
        print_times(report, result->op);
    }
    fflush(stdout);
    report->since = clock_seconds();
}

static int run(minrnn_device *device, const struct options *options) {
    minrnn_device_info info;
    if (minrnn_device_describe(device, &info)) {
        fprintf(stderr, "checkop: %s\n", minrnn_error_text());
        return EXIT_FAILURE;
    }
    if (options->csv) {
        puts("op,cases,failures,left_out,worst,seconds,worst_case,failure");
    } else {
        printf("device %s, %s, %s%s%s; seed %llu\n", info.name, info.platform, info.driver,
               options->rules ? ", treated as " : "", options->rules ? options->rules : "",
               (unsigned long long)options->check.seed);
        printf("%-18s %5s  %6s  %9s  %-6s  %s\n", "op", "cases", "s", "err/bound", "",
               "worst case");
    }
    struct report report = {
        .device = device, .bench = options->bench, .csv = options->csv, .since = clock_seconds()};
    int failures = 0;
    if (minrnn_validate(device, &options->check, print_result, &report, &failures)) {
        fprintf(stderr, "checkop: %s\n", minrnn_error_text());
        return EXIT_FAILURE;
    }
    if (!options->csv) {
        printf("%d ops, %d cases, %d left out, %d ops failed\n", report.ops, report.cases,
               report.left_out, failures);
    }
    return failures == 0 && report.cases > 0 && !report.bench_failed ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int argc, char **argv) {
    struct options options = {0};
    if (!parse(argc, argv, &options) || (options.bench && options.csv)) {
        fputs(usage, stderr);
        return 2;
    }
    minrnn_device *device = NULL;
    const minrnn_status status = minrnn_device_open(options.device, &device);
    if (status) {
        fprintf(stderr, "checkop: %s\n", minrnn_error_text());
        return status == MINRNN_DEVICE_NOT_FOUND && options.skip_missing ? EXIT_SKIP : EXIT_FAILURE;
    }
    int result = 2;
    if (options.rules && !rules_force(device, options.rules)) {
        fprintf(stderr, "checkop: --rules %s: not on this device, or not understood\n",
                options.rules);
    } else {
        result = run(device, &options);
    }
    minrnn_device_destroy(device);
    return result;
}
