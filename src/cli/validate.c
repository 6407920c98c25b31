/* SPDX-License-Identifier: Apache-2.0 */
/* minrnn validate: prints what each op did and keeps the verdict. */
#include "cli/validate.h"

#include "cli/commands.h"
#include "cli/describe.h"
#include "cli/report.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

struct validate_arguments {
    const char *device, *op, *shape;
    uint64_t seed;
    int64_t only_case;
    float seconds;
    bool thorough, small;
};

enum { SECONDS = 100 };

#define PLACE(field) offsetof(struct validate_arguments, field)
static const struct option options[] = {
    TEXT("device", "D", device, "where to compute: see minrnn devices"),
    TEXT("op", "NAME", op, "only this op"),
    TEXT("shape", "LIST", shape, "only this shape: time=7,width=33 and so on"),
    COUNT("case", "N", only_case, 0, "only case #N; 0: all"),
    SEED("seed", seed, "seeds the random inputs"),
    NUMBER("seconds", "S", seconds, 0, "time limit; cases beyond it are skipped; 0: no limit"),
    FLAG("thorough", thorough, "every combination of options; takes minutes"),
    FLAG("small", small, "only tiny shapes, for emulators"),
    {0},
};

static int run(int argc, char **argv);

const struct command command_validate = {
    .name = "validate",
    .summary = "every op of a device against an oracle in double precision",
    .notes =
        "\nThe error is relative to the op's bound: 1 or less passes. Paste the output into a bug "
        "report.\nThe longest call is there too: some drivers end a kernel that takes "
        "seconds.\nThe "
        "verdict on all ops is kept beside the compiled programs, for this version of "
        "the driver and\nthis build; minrnn devices shows it. A verdict of --small, or one cut "
        "short, does not replace\na more complete one, unless it fails.\n",
    .options = options,
    .run = run,
};

/* What is said after the last op. */
struct outcome {
    minrnn_verdict verdict;
    double longest; /* seconds of a call of an op */
    char longest_call[512];
};

void validate_note(minrnn_verdict *verdict, const minrnn_check_result *result) {
    verdict->ops++;
    verdict->cases += result->cases;
    verdict->left_out += result->left_out;
    if (result->failures) {
        const size_t used = strlen(verdict->failed);
        verdict->failures++;
        snprintf(verdict->failed + used, sizeof verdict->failed - used, "%s%s", used ? " " : "",
                 result->op);
    }
}

static void print_result(void *user, const minrnn_check_result *result) {
    struct outcome *outcome = user;
    validate_note(&outcome->verdict, result);
    printf("%-18s %6d  %8.3g  %-4s  %s\n", result->op, result->cases, result->worst,
           result->failures ? "FAIL" : "pass", result->worst_case);
    if (result->left_out) {
        printf("  %d cases skipped: no time left\n", result->left_out);
    }
    if (result->failures) {
        printf("  %d of %d cases fail; the first: %s\n", result->failures, result->cases,
               result->failure);
    }
    if (result->longest > outcome->longest) {
        outcome->longest = result->longest;
        snprintf(outcome->longest_call, sizeof outcome->longest_call, "%s %s", result->op,
                 result->longest_case);
    }
    fflush(stdout);
}

/* What a reader of the report has to know of the place. */
static int print_place(const minrnn_device *device, const minrnn_check_config *config,
                       minrnn_device_info *info) {
    char system[DESCRIBE_SYSTEM];
    const minrnn_status status = minrnn_device_describe(device, info);
    if (status) {
        return report_setup(status);
    }
    if (info->is_opencl) {
        printf("opencl   %s; platform %s\n", info->opencl, info->platform_version);
    }
    printf("system   %s\n", describe_system(system));
    printf("minrnn   %s, seed %" PRIu64 ", %s", minrnn_version(), config->seed,
           config->small      ? "small shapes"
           : config->thorough ? "thorough"
                              : "selection");
    if (config->seconds > 0) {
        printf(", %g s at most", config->seconds);
    }
    putchar('\n');
    return 0;
}

static void keep_verdict(const minrnn_device_info *info, const minrnn_verdict *verdict) {
    if (minrnn_verdict_keep(info, verdict)) {
        report_line("the verdict is not kept: %s", minrnn_error_text());
        return;
    }
    minrnn_verdict kept;
    minrnn_verdict_find(info, &kept);
    if (kept.small != verdict->small || kept.cases != verdict->cases ||
        kept.left_out != verdict->left_out || kept.failures != verdict->failures) {
        char text[DESCRIBE_VERDICT];
        printf("kept     the earlier verdict, which is more complete: %s\n",
               describe_verdict(info, text));
    }
}

static int validate(minrnn_device *device, const minrnn_check_config *config) {
    minrnn_device_info info;
    struct outcome outcome = {0};
    minrnn_verdict *const verdict = &outcome.verdict;
    int failures = 0;
    const int code = print_place(device, config, &info);
    if (code) {
        return code;
    }
    minrnn_verdict_defaults(verdict);
    printf("%-18s %6s  %8s  %-4s  %s\n", "op", "cases", "error", "", "worst case");
    verdict->small = config->small;
    const double begin = clock_seconds();
    const minrnn_status status = minrnn_validate(device, config, print_result, &outcome, &failures);
    if (status) {
        return report_setup(status);
    }
    if (verdict->cases == 0) {
        return report_failure("no case has that shape and number");
    }
    if (outcome.longest > 0) {
        printf("longest  %.3f ms: %s\n", outcome.longest * 1e3, outcome.longest_call);
    }
    char time[DESCRIBE_CAPACITY];
    printf("verdict  %s: %d of %d ops pass, %d cases in %s", failures ? "FAIL" : "pass",
           verdict->ops - failures, verdict->ops, verdict->cases,
           describe_seconds(clock_seconds() - begin, time));
    if (verdict->left_out > 0) {
        printf(", %d skipped: no time left", verdict->left_out);
    }
    putchar('\n');
    if (!config->op && !config->shape && !config->only_case) {
        keep_verdict(&info, verdict);
    }
    return failures ? report_failure("%d of %d ops compute wrongly on this device", failures,
                                     verdict->ops)
                    : 0;
}

static int run(int argc, char **argv) {
    minrnn_check_config config;
    minrnn_check_config_defaults(&config);
    struct validate_arguments arguments = {.seed = config.seed, .seconds = SECONDS};
    int code = 0;
    if (!arguments_parse(&command_validate, argc, argv, &arguments, &code)) {
        return code;
    }
    config.seed = arguments.seed;
    config.op = arguments.op;
    config.shape = arguments.shape;
    config.only_case = arguments.only_case < INT_MAX ? (int)arguments.only_case : INT_MAX;
    config.thorough = arguments.thorough;
    config.small = arguments.small;
    config.seconds = arguments.thorough ? 0 : (double)arguments.seconds;
    minrnn_device *device = NULL;
    code = describe_open(arguments.device, &device);
    if (!code) {
        code = validate(device, &config);
    }
    minrnn_device_destroy(device);
    return code;
}
