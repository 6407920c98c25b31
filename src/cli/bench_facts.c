/* SPDX-License-Identifier: Apache-2.0 */
/* What a report says of a device, the build and the machine: nothing of the user or the host. */
#include "cli/bench_facts.h"

#include "cli/commit.h"
#include "cli/describe.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const char *compiler(void) {
#if defined(__clang__)
    return "clang " __clang_version__;
#elif defined(__GNUC__)
    return "gcc " __VERSION__;
#else
    return "unknown";
#endif
}

/* As Linux has it on many machines. */
static void find_processor(char *text, size_t capacity) {
    char line[512];
    FILE *file = fopen("/proc/cpuinfo", "re");
    snprintf(text, capacity, "unknown");
    while (file && fgets(line, sizeof line, file)) {
        const char *value = strchr(line, ':');
        if (value && strncmp(line, "model name", strlen("model name")) == 0) {
            snprintf(text, capacity, "%.*s", (int)strcspn(value + 2, "\n"), value + 2);
            break;
        }
    }
    if (file) {
        fclose(file);
    }
}

enum fact {
    DEVICE,
    PLATFORM,
    DRIVER,
    OPENCL,
    PLATFORM_VERSION,
    KIND,
    UNITS,
    MEMORY,
    ALLOCATION,
    VERSION,
    COMMIT_OF,
    KERNELS,
    COMPILER,
    SYSTEM,
    PROCESSOR,
    CORES,
    DATE,
    FACTS
};

static const struct column facts[FACTS] = {
    [DEVICE] = {.name = "device"},
    [PLATFORM] = {.name = "platform"},
    [DRIVER] = {.name = "driver"},
    [OPENCL] = {.name = "opencl"},
    [PLATFORM_VERSION] = {.name = "platform_version"},
    [KIND] = {.name = "kind"},
    [UNITS] = {.name = "units", .kind = COLUMN_WHOLE},
    [MEMORY] = {.name = "memory_bytes", .heading = "memory", .kind = COLUMN_BYTES},
    [ALLOCATION] = {.name = "allocation_bytes",
                    .heading = "largest allocation",
                    .kind = COLUMN_BYTES},
    [VERSION] = {.name = "version"},
    [COMMIT_OF] = {.name = "commit"},
    [KERNELS] = {.name = "build"},
    [COMPILER] = {.name = "compiler"},
    [SYSTEM] = {.name = "system"},
    [PROCESSOR] = {.name = "processor"},
    [CORES] = {.name = "cores", .kind = COLUMN_WHOLE},
    [DATE] = {.name = "date"},
};

static void print_facts(FILE *file, const struct cell *cells) {
    for (int i = 0; i < FACTS; i++) {
        char text[ROWS_CELL];
        const char *name = facts[i].heading ? facts[i].heading : facts[i].name;
        rows_format(&facts[i], &cells[i], true, text);
        if (*text) {
            fprintf(file, "- %s: %s\n", name, text);
        }
    }
}

void bench_facts_write(const minrnn_device_info *info, struct rows *rows, FILE *markdown) {
    char kernels[24], system[DESCRIBE_SYSTEM], processor[256], date[32];
    const time_t now = time(NULL);
    struct tm utc;
    snprintf(kernels, sizeof kernels, "%016" PRIx64, info->kernels);
    find_processor(processor, sizeof processor);
    strftime(date, sizeof date, "%Y-%m-%d", gmtime_r(&now, &utc));
    const struct cell cells[FACTS] = {
        [DEVICE] = cell_text(info->name),
        [PLATFORM] = cell_text(info->platform),
        [DRIVER] = cell_text(info->driver),
        [OPENCL] = cell_text(info->opencl),
        [PLATFORM_VERSION] = cell_text(info->platform_version),
        [KIND] = cell_text(describe_kind(info)),
        [UNITS] = cell_whole(info->compute_units),
        [MEMORY] = cell_whole((int64_t)info->memory_bytes),
        [ALLOCATION] = cell_whole((int64_t)info->max_allocation_bytes),
        [VERSION] = cell_text(minrnn_version()),
        [COMMIT_OF] = cell_text(COMMIT),
        [KERNELS] = cell_text(kernels),
        [COMPILER] = cell_text(compiler()),
        [SYSTEM] = cell_text(describe_system(system)),
        [PROCESSOR] = cell_text(processor),
        [CORES] = cell_whole(sysconf(_SC_NPROCESSORS_ONLN)),
        [DATE] = cell_text(date),
    };
    rows->columns = facts;
    rows->count = FACTS;
    rows_begin(rows);
    rows_add(rows, cells);
    rows_end(rows);
    print_facts(markdown, cells);
}
