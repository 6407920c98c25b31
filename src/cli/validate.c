#include "cli/commands.h"
#include "cli/describe.h"
#include "cli/report.h"

#include <minrnn/check.h>

#include <stdio.h>

struct validate_arguments {
    const char *device, *op;
    uint64_t seed;
    bool thorough, small;
};

#define PLACE(field) offsetof(struct validate_arguments, field)
static const struct option options[] = {
    {"device", "D", "where to compute: see minrnn devices", OPTION_TEXT, PLACE(device), 0, NULL},
    {"op", "NAME", "only this op", OPTION_TEXT, PLACE(op), 0, NULL},
    {"seed", "S", "of the random inputs", OPTION_SEED, PLACE(seed), 0, NULL},
    {"thorough", NULL, "every shape and option, for minutes", OPTION_FLAG, PLACE(thorough), 0,
     NULL},
    {"small", NULL, "only tiny shapes, for emulators", OPTION_FLAG, PLACE(small), 0, NULL},
    {0},
};

static int run(int argc, char **argv);

const struct command command_validate = {
    .name = "validate",
    .summary = "every op of a device against an oracle in double precision",
    .notes = "\nThe error is relative to the op's bound: 1 or less passes.\n",
    .options = options,
    .run = run,
};

struct tally {
    int ops, cases;
};

static void print_result(void *user, const minrnn_check_result *result) {
    struct tally *tally = user;
    tally->ops++;
    tally->cases += result->cases;
    printf("%-18s %6d  %8.3g  %-4s  %s\n", result->op, result->cases, result->worst,
           result->failures ? "FAIL" : "pass", result->worst_case);
    if (result->failures) {
        printf("  %d of %d cases fail; the first: %s\n", result->failures, result->cases,
               result->failure);
    }
    fflush(stdout);
}

static int validate(minrnn_device *device, const struct validate_arguments *arguments) {
    minrnn_check_config config;
    minrnn_check_config_defaults(&config);
    config.seed = arguments->seed;
    config.op = arguments->op;
    config.thorough = arguments->thorough;
    config.small = arguments->small;
    printf("%-18s %6s  %8s  %-4s  %s\n", "op", "cases", "error", "", "worst case");
    struct tally tally = {0};
    int failures = 0;
    const double begin = clock_seconds();
    const minrnn_status status = minrnn_validate(device, &config, print_result, &tally, &failures);
    if (status) {
        return report_setup(status);
    }
    if (tally.ops == 0) {
        return report_wrong_use("--op '%s': there is no such op", arguments->op);
    }
    char time[DESCRIBE_CAPACITY];
    printf("verdict  %s: %d of %d ops pass, %d cases in %s\n", failures ? "FAIL" : "pass",
           tally.ops - failures, tally.ops, tally.cases,
           describe_seconds(clock_seconds() - begin, time));
    return failures
               ? report_failure("%d of %d ops compute wrongly on this device", failures, tally.ops)
               : 0;
}

static int run(int argc, char **argv) {
    minrnn_check_config config;
    minrnn_check_config_defaults(&config);
    struct validate_arguments arguments = {.seed = config.seed};
    int code = 0;
    if (!arguments_parse(&command_validate, argc, argv, &arguments, &code)) {
        return code;
    }
    minrnn_device *device = NULL;
    code = describe_open(arguments.device, &device);
    if (!code) {
        code = validate(device, &arguments);
    }
    minrnn_device_destroy(device);
    return code;
}
