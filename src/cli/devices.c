/* SPDX-License-Identifier: Apache-2.0 */
/* minrnn devices: the table of what can compute here. */
#include "cli/commands.h"
#include "cli/describe.h"
#include "cli/report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct option options[] = {{0}};

static int run(int argc, char **argv);

const struct command command_devices = {
    .name = "devices",
    .summary = "what can compute here",
    .notes =
        "\nA device is named by its index or by part of its name or platform; the one marked * "
        "is what\n\"auto\" takes. \"validated\" is the verdict of minrnn validate: \"small\" of "
        "--small, \"part\" if time\nran out, \"another version\" if the driver or minrnn has "
        "changed "
        "since.\n",
    .options = options,
    .run = run,
};

/* What "auto" takes; all zeros if it takes none. */
static minrnn_device_info automatic(void) {
    minrnn_device_info info = {0};
    minrnn_device *device = NULL;
    if (!minrnn_device_open("auto", &device)) {
        (void)minrnn_device_describe(device, &info);
        minrnn_device_destroy(device);
    }
    return info;
}

static int widest(const minrnn_device_info *infos, int count, const char *heading, bool platform) {
    size_t width = strlen(heading);
    for (int i = 0; i < count; i++) {
        const size_t length = strlen(platform ? infos[i].platform : infos[i].name);
        width = length > width ? length : width;
    }
    return (int)width;
}

static int widest_verdict(const minrnn_device_info *infos, int count) {
    size_t width = strlen("ok 2026-01-31");
    for (int i = 0; i < count; i++) {
        char text[DESCRIBE_VERDICT];
        const size_t length = strlen(describe_verdict(&infos[i], text));
        width = length > width ? length : width;
    }
    return (int)width;
}

static void print_table(const minrnn_device_info *infos, int count) {
    const minrnn_device_info taken = automatic();
    const int name = widest(infos, count, "name", false);
    const int platform = widest(infos, count, "platform", true);
    const int validated = widest_verdict(infos, count);
    bool marked = false;
    printf("  index  %-*s  %-*s  %-8s  %5s  %10s  %-*s  driver\n", name, "name", platform,
           "platform", "kind", "units", "memory", validated, "validated");
    for (int i = 0; i < count; i++) {
        const minrnn_device_info *info = &infos[i];
        const bool mark = !marked && strcmp(info->name, taken.name) == 0 &&
                          strcmp(info->platform, taken.platform) == 0;
        marked = marked || mark;
        char memory[DESCRIBE_CAPACITY], verdict[DESCRIBE_VERDICT];
        printf("%c %5d  %-*s  %-*s  %-8s  %5d  %10s  %-*s  %s\n", mark ? '*' : ' ', i, name,
               info->name, platform, info->platform, describe_kind(info), info->compute_units,
               describe_bytes(info->memory_bytes, memory), validated,
               describe_verdict(info, verdict), info->driver);
    }
}

static int run(int argc, char **argv) {
    int code = 0;
    if (!arguments_parse(&command_devices, argc, argv, NULL, &code)) {
        return code;
    }
    int count = 0;
    minrnn_status status = minrnn_device_list(NULL, 0, &count);
    if (status) {
        return report_library(status);
    }
    const int capacity = count;
    minrnn_device_info *infos = calloc((size_t)(capacity > 0 ? capacity : 1), sizeof *infos);
    if (!infos) {
        return report_failure("out of memory");
    }
    status = minrnn_device_list(infos, capacity, &count);
    if (!status) {
        char absent[4096];
        print_table(infos, count < capacity ? count : capacity);
        minrnn_device_absent(absent, sizeof absent);
        printf("%s%s", absent, absent[0] ? "\n" : "");
    }
    free(infos);
    return status ? report_library(status) : 0;
}
