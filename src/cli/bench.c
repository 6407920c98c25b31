/* SPDX-License-Identifier: Apache-2.0 */
/* minrnn bench: finds the subject, opens the devices, and goes through the points. */
#include "cli/bench.h"

#include <minrnn/check.h>

#include "cli/bench_report.h"
#include "cli/commands.h"
#include "cli/describe.h"
#include "cli/report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int run(int argc, char **argv);

const struct command command_bench = {
    .name = "bench",
    .summary = "how fast a device is",
    .notes = "",
    .options = (const struct option[]){{0}},
    .run = run,
};

/* ---- devices ---- */

static int add_device(struct bench_run *run, const char *name) {
    struct bench_device *device = &run->devices[run->device_count];
    if (run->device_count == DEVICES_MOST) {
        return report_wrong_use("--device: more than %d", DEVICES_MOST);
    }
    const int code = describe_find(name, &device->device, &device->info);
    if (!code) {
        snprintf(device->name, sizeof device->name, "%s", name ? name : "");
        run->device_count++;
    }
    return code;
}

/* Every one that "auto" could take, and the CPU. */
static int add_all_devices(struct bench_run *run) {
    minrnn_device_info infos[DEVICES_MOST];
    int count = 0;
    const minrnn_status status = minrnn_device_list(infos, DEVICES_MOST, &count);
    int code = status ? report_library(status) : 0;
    for (int i = 0; i < count && i < DEVICES_MOST && !code; i++) {
        char name[16];
        snprintf(name, sizeof name, "%d", i);
        code = infos[i].is_emulator ? 0 : add_device(run, name);
    }
    return code;
}

static int open_devices(struct bench_run *run, int argc, char **argv) {
    const struct command *command = &run->subject->command;
    const int given = arguments_given(command, argc, argv, "device", NULL);
    const char **names = calloc((size_t)given + 1, sizeof *names);
    if (!names) {
        return report_failure("out of memory");
    }
    (void)arguments_given(command, argc, argv, "device", names);
    int code = given ? 0 : add_device(run, NULL);
    for (int i = 0; i < given && !code; i++) {
        code = strcmp(names[i], "all") == 0 ? add_all_devices(run) : add_device(run, names[i]);
    }
    free(names);
    return code;
}

static void close_devices(struct bench_run *run) {
    for (int i = 0; i < run->device_count; i++) {
        minrnn_device_destroy(run->devices[i].device);
    }
}

/* ---- whether they compute right ---- */

/* For each op: every driver builds its programs anew for each case. */
enum { CHECK_SECONDS = 5 };

static bool is_checked(const struct bench_device *device, const char *op) {
    int i = 0;
    while (i < device->checked_count && strcmp(device->checked[i], op) != 0) {
        i++;
    }
    return i < device->checked_count;
}

/* A driver that compiles slowly takes a minute. NULL: the line goes away. */
static void show_check(const char *op) {
    if (isatty(STDERR_FILENO) != 1) {
        return;
    }
    if (op) {
        fprintf(stderr, "\rchecking %s ...\033[K", op);
    } else {
        fprintf(stderr, "\r\033[K");
    }
}

static void keep_failure(void *user, const minrnn_check_result *result) {
    char(*failure)[512] = user;
    if (result->failures > 0) {
        snprintf(*failure, sizeof *failure, "%s", result->failure);
    }
}

static int check_op(struct bench_device *device, const char *op) {
    minrnn_check_config config;
    char failure[512] = "";
    int failures = 0;
    minrnn_check_config_defaults(&config);
    config.op = op;
    config.small = true;
    config.seconds = CHECK_SECONDS;
    show_check(op);
    const minrnn_status status =
        minrnn_validate(device->device, &config, keep_failure, &failure, &failures);
    show_check(NULL);
    if (status) {
        return report_library(status);
    }
    if (failures > 0) {
        device->wrong = true;
        return report_failure("bench: %s computes %s wrongly, and is not timed: %s",
                              device->info.name, op, failure);
    }
    if (device->checked_count < OPS_MOST) {
        device->checked[device->checked_count++] = op;
    }
    return 0;
}

/* A verdict on all ops says more than what is checked here. */
static void look_up(struct bench_device *device) {
    minrnn_verdict verdict;
    minrnn_verdict_find(&device->info, &verdict);
    device->trusted = verdict.ops > 0 && !verdict.outdated && verdict.failures == 0;
}

int bench_check_op(struct bench_run *run, struct bench_device *device, const char *op) {
    const bool known = run->arguments.no_validate || device->trusted || is_checked(device, op);
    return known ? 0 : check_op(device, op);
}

int bench_check(struct bench_run *run, struct bench_device *device, const minrnn_bench *bench) {
    int code = 0;
    const char *op;
    for (int i = 0; !code && (op = minrnn_bench_op(bench, i)); i++) {
        code = bench_check_op(run, device, op);
    }
    return code;
}

/* ---- what they reach at most ---- */

bool bench_has_roofline(const struct bench_run *run) {
    return (run->subject->measures >> MEASURE_ROOFLINE & 1) && !run->arguments.no_roofline;
}

/* What is given or known already, and the rest as it is measured. */
static int find_limits(struct bench_run *run, struct bench_device *device) {
    const double given[] = {1e9 * (double)run->arguments.bandwidth,
                            1e9 * (double)run->arguments.rate};
    int code = 0;
    device->bandwidth = given[0] > 0 ? given[0] : device->bandwidth;
    device->rate = given[1] > 0 ? given[1] : device->rate;
    double *bandwidth = device->bandwidth > 0 ? NULL : &device->bandwidth;
    double *rate = device->rate > 0 ? NULL : &device->rate;
    if (!bandwidth && !rate) {
        return 0;
    }
    if (bandwidth) {
        code = bench_check_op(run, device, "copy");
    }
    if (rate && !code) {
        code = bench_check_op(run, device, "gemm");
    }
    if (code) {
        return device->wrong ? 0 : code; /* and no row of it is measured */
    }
    const minrnn_status status = minrnn_bench_limits(device->device, bandwidth, rate);
    return status ? report_library(status) : 0;
}

static int find_all_limits(struct bench_run *run) {
    int code = 0;
    for (int i = 0; i < run->device_count && !code && bench_has_roofline(run); i++) {
        code = find_limits(run, &run->devices[i]);
    }
    return code;
}

/* ---- one subject ---- */

static unsigned measures_of(const struct bench_run *run) {
    const unsigned of_profile = 1u << MEASURE_OP | 1u << MEASURE_CALLS | 1u << MEASURE_MEDIAN |
                                1u << MEASURE_SHARE | 1u << MEASURE_SIZES;
    const unsigned of_roofline = 1u << MEASURE_ROOFLINE | 1u << MEASURE_TIMES_ROOFLINE |
                                 1u << MEASURE_BANDWIDTH | 1u << MEASURE_RATE;
    const bool paced = run->pace && !run->subject->measure && !run->products;
    const unsigned own = run->subject->measures;
    const unsigned plain = run->arguments.profile ? of_profile | (own & of_roofline)
                                                  : own | (paced ? 1u << MEASURE_RUNS : 0);
    return (plain | (run->products ? 1u << MEASURE_CALLS : 0)) &
           ~(bench_has_roofline(run) ? 0 : of_roofline);
}

int bench_measure(struct bench_run *run) {
    const struct bench_subject *subject = run->subject;
    int (*points)(struct bench_run * run) = bench_points;
    if (subject->points && run->arguments.presets.count > 0) {
        points = subject->points;
        run->products = true;
    }
    if (subject->complete && run->arguments.presets.count == 1) {
        subject->complete(&run->arguments);
    }
    if (subject->extend) {
        subject->extend(&run->arguments);
    }
    int code = find_all_limits(run);
    if (code) {
        return code;
    }
    run->measures = measures_of(run);
    bench_print_head(run);
    code = points(run);
    rows_end(&run->rows);
    for (int i = 0; i < run->device_count && !code; i++) {
        code = run->devices[i].wrong ? EXIT_FAILED : 0;
    }
    return code;
}

static int go(struct bench_run *run, int argc, char **argv) {
    if (run->subject->prepare) {
        run->subject->prepare();
    }
    const int code = open_devices(run, argc, argv);
    for (int i = 0; i < run->device_count; i++) {
        look_up(&run->devices[i]);
    }
    return code ? code : bench_measure(run);
}

struct bench_run *bench_create(const struct bench_subject *subject, bool quick) {
    struct bench_run *run = calloc(1, sizeof *run);
    if (!run) {
        return NULL;
    }
    minrnn_bench_config config;
    minrnn_bench_config_defaults(&config);
    run->subject = subject;
    run->rows.file = stdout;
    run->arguments.repetitions = config.repetitions;
    run->arguments.warm_up = config.warm_up;
    run->arguments.quick = quick;
    subject->defaults(&run->arguments);
    return run;
}

static int run_subject(const struct bench_subject *subject, int argc, char **argv) {
    struct bench_run *bench = bench_create(subject, false);
    int code = 0;
    if (!bench) {
        return report_failure("out of memory");
    }
    struct bench_arguments *arguments = &bench->arguments;
    if (arguments_look(&subject->command, argc, argv, arguments, &code)) {
        arguments->quick = arguments_given(&subject->command, argc, argv, "quick", NULL) > 0;
        arguments->time_is_given = arguments_given(&subject->command, argc, argv, "time", NULL) > 0;
        subject->defaults(arguments);
        code = arguments_store(&subject->command, argc, argv, arguments);
        code = code ? code : go(bench, argc, argv);
    }
    close_devices(bench);
    free(bench);
    return code;
}

/* ---- the command ---- */

static int print_usage(void) {
    printf("minrnn bench: %s\n\nusage: minrnn bench SUBJECT [OPTIONS]\n\n", command_bench.summary);
    for (int i = 0; bench_subjects[i]; i++) {
        const struct command *command = &bench_subjects[i]->command;
        printf("  %-9s  %s\n", command->name + strlen("bench "), command->summary);
    }
    printf("  %-9s  %s\n", command_bench_report.name + strlen("bench "),
           command_bench_report.summary);
    printf(
        "\n  --help     print this; after a subject, its options\n"
        "\nA LIST has commas; of sizes it may have ranges: 512-4096*2 doubles, 100-500+100 adds;\n"
        "k, M and G are 2^10, 2^20 and 2^30. Every combination is timed. Times are of whole runs,\n"
        "on the host's clock, waited for; queued ones have two runs in flight. A device is "
        "checked\n"
        "before it is timed, unless minrnn validate has done that: one that computes wrongly gets\n"
        "no number. A profile waits for each op, so that the sum is more than a run takes.\n");
    return 0;
}

const struct bench_subject *bench_find(const char *name) {
    const struct bench_subject *const *subject = bench_subjects;
    while (*subject && strcmp(name, (*subject)->command.name + strlen("bench ")) != 0) {
        subject++;
    }
    return *subject;
}

static int run(int argc, char **argv) {
    if (argc < 1) {
        return report_wrong_use("bench: what? minrnn bench --help lists it");
    }
    if (strcmp(argv[0], "--help") == 0 || strcmp(argv[0], "-h") == 0) {
        return print_usage();
    }
    if (strcmp(argv[0], command_bench_report.name + strlen("bench ")) == 0) {
        return command_bench_report.run(argc - 1, argv + 1);
    }
    const struct bench_subject *subject = bench_find(argv[0]);
    return subject ? run_subject(subject, argc - 1, argv + 1)
                   : report_wrong_use("bench: no subject '%s'; minrnn bench --help lists them",
                                      argv[0]);
}
