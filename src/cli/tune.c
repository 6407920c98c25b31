/* SPDX-License-Identifier: Apache-2.0 */
/* minrnn tune: prints what each constant gained. */
#include <minrnn/tune.h>

#include "cli/commands.h"
#include "cli/describe.h"
#include "cli/report.h"

#include <stdio.h>

struct tune_arguments {
    const char *device, *only;
    float seconds;
    bool dry_run, forget;
};

#define PLACE(field) offsetof(struct tune_arguments, field)
static const struct option options[] = {
    TEXT("device", "D", device, "where to compute: see minrnn devices"),
    TEXT("only", "NAME", only, "only this constant"),
    NUMBER("seconds", "S", seconds, 0, "time limit; constants beyond it stay; 0: no limit"),
    FLAG("dry-run", dry_run, "say what would be gained, and keep nothing"),
    FLAG("forget", forget, "back to the standard values"),
    {0},
};

static int run(int argc, char **argv);

const struct command command_tune = {
    .name = "tune",
    .summary = "finds the fastest constants of the rules for an OpenCL device",
    .notes =
        "\nThe ops are timed at the sizes of real models, with each value of a constant that is "
        "worth trying.\nA value is taken if they are at least 3 % faster with it, twice. Nothing "
        "else should run meanwhile.\nWhat was found is kept beside the compiled programs, for this "
        "device, driver and version, and is\nused from then on. Results may then differ in their "
        "last digits from those before.\n",
    .options = options,
    .run = run,
};

struct totals {
    int constants, changed, left_out;
};

static void print_result(void *user, const minrnn_tune_result *result) {
    struct totals *totals = user;
    if (totals->constants++ == 0) {
        printf("%-24s %9s %9s\n", "constant", "standard", "now");
    }
    totals->left_out += result->tried == 0;
    totals->changed += result->value != result->standard;
    printf("%-24s %9d %9d  ", result->name, result->standard, result->value);
    if (result->tried == 0) {
        printf("not tried: no time left\n");
    } else if (result->gain > 1) {
        printf("%.2f times faster: %s\n", result->gain, result->ops);
    } else {
        printf("stays\n");
    }
    fflush(stdout);
}

static int tune(minrnn_device *device, const struct tune_arguments *arguments) {
    minrnn_tune_config config;
    struct totals totals = {0};
    minrnn_tune_config_defaults(&config);
    config.only = arguments->only;
    config.seconds = (double)arguments->seconds;
    config.dry_run = arguments->dry_run;
    const minrnn_status status = minrnn_tune(device, &config, print_result, &totals);
    if (status) {
        return report_setup(status);
    }
    printf("tuned    %d of %d constants are not the standard ones", totals.changed,
           totals.constants);
    if (totals.left_out > 0) {
        printf(", %d had no time", totals.left_out);
    }
    printf(config.dry_run ? "; nothing is kept\n" : "\n");
    return 0;
}

static int forget(minrnn_device *device) {
    const minrnn_status status = minrnn_tune_forget(device);
    return status ? report_setup(status) : 0;
}

static int run(int argc, char **argv) {
    minrnn_tune_config config;
    minrnn_tune_config_defaults(&config);
    struct tune_arguments arguments = {.seconds = (float)config.seconds};
    int code = 0;
    if (!arguments_parse(&command_tune, argc, argv, &arguments, &code)) {
        return code;
    }
    minrnn_device *device = NULL;
    code = describe_open(arguments.device, &device);
    if (!code) {
        code = arguments.forget ? forget(device) : tune(device, &arguments);
    }
    minrnn_device_destroy(device);
    return code;
}
