/* Every op of a device against the oracle in double precision, then, with --bench, timed. */
#include <minrnn/check.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "check/bench.h"

enum { EXIT_SKIP = 77 };

struct options {
    const char *device;
    minrnn_check_config check;
    bool bench;
    bool skip_missing;
};

static const char usage[] =
    "usage: checkop [--device NAME] [--op OP] [--seed N] [--thorough | --small] [--bench]\n"
    "               [--skip-missing]\n"
    "Checks ops against an oracle in double precision. --bench then times those that passed.\n"
    "Exits with 1 where an op failed or nothing ran; with --skip-missing, 77 without the device.\n";

/* Returns false where the arguments make no sense. */
static bool parse(int argc, char **argv, struct options *options) {
    minrnn_check_config_defaults(&options->check);
    for (int i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : NULL;
        char *end = NULL;
        if (strcmp(argv[i], "--thorough") == 0) {
            options->check.thorough = true;
        } else if (strcmp(argv[i], "--small") == 0) {
            options->check.small = true;
        } else if (strcmp(argv[i], "--bench") == 0) {
            options->bench = true;
        } else if (strcmp(argv[i], "--skip-missing") == 0) {
            options->skip_missing = true;
        } else if (!value) {
            return false;
        } else if (strcmp(argv[i], "--device") == 0) {
            options->device = argv[++i];
        } else if (strcmp(argv[i], "--op") == 0) {
            options->check.op = argv[++i];
        } else if (strcmp(argv[i], "--seed") == 0) {
            options->check.seed = strtoull(argv[++i], &end, 10);
            if (*end || end == value) {
                return false;
            }
        } else {
            return false;
        }
    }
    return true;
}

struct report {
    minrnn_device *device;
    bool bench;
    int ops, cases;
    bool bench_failed;
    double since; /* when the op that runs now began, s */
};

static double seconds_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static void print_result(void *user, const minrnn_check_result *result) {
    struct report *report = user;
    report->ops++;
    report->cases += result->cases;
    const bool failed = result->failures > 0;
    printf("%-18s %5d  %6.1f  %9.3g  %-6s  %s\n", result->op, result->cases,
           seconds_now() - report->since, result->worst, failed ? "FAILED" : "ok",
           result->worst_case);
    if (failed) {
        printf("  %d of %d cases failed, the first: %s\n", result->failures, result->cases,
               result->failure);
    } else if (report->bench && check_bench(report->device, result->op, stdout)) {
        printf("  not timed: %s\n", minrnn_error_text());
        report->bench_failed = true;
    }
    fflush(stdout);
    report->since = seconds_now();
}

static int run(minrnn_device *device, const struct options *options) {
    minrnn_device_info info;
    if (minrnn_device_describe(device, &info)) {
        fprintf(stderr, "checkop: %s\n", minrnn_error_text());
        return EXIT_FAILURE;
    }
    printf("device %s, %s, %s; seed %llu\n", info.name, info.platform, info.driver,
           (unsigned long long)options->check.seed);
    printf("%-18s %5s  %6s  %9s  %-6s  %s\n", "op", "cases", "s", "err/bound", "", "worst case");
    struct report report = {.device = device, .bench = options->bench, .since = seconds_now()};
    int failures = 0;
    if (minrnn_validate(device, &options->check, print_result, &report, &failures)) {
        fprintf(stderr, "checkop: %s\n", minrnn_error_text());
        return EXIT_FAILURE;
    }
    printf("%d ops, %d cases, %d ops failed\n", report.ops, report.cases, failures);
    return failures == 0 && report.cases > 0 && !report.bench_failed ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int argc, char **argv) {
    struct options options = {0};
    if (!parse(argc, argv, &options)) {
        fputs(usage, stderr);
        return 2;
    }
    minrnn_device *device = NULL;
    const minrnn_status status = minrnn_device_open(options.device, &device);
    if (status) {
        fprintf(stderr, "checkop: %s\n", minrnn_error_text());
        return status == MINRNN_DEVICE_NOT_FOUND && options.skip_missing ? EXIT_SKIP : EXIT_FAILURE;
    }
    const int result = run(device, &options);
    minrnn_device_destroy(device);
    return result;
}
