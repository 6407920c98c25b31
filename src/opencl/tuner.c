/* SPDX-License-Identifier: Apache-2.0 */
/* A device's own values of the constants, kept beside its compiled programs as lines "name value".
 */
#include "base/alloc.h"
#include "opencl/backend.h"
#include "opencl/tuning.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- devices to which a constant matters ---- */

enum devices { ANY, CPUS, GPUS };

#define TUNING(name, devices, ...) [TUNE_##name] = devices,
static const enum devices devices_of[TUNINGS] = {
#include "opencl/tuning.def"
};

static bool matters(const minrnn_device *device, int row) {
    const struct cl_traits *traits = &((const struct cl_device *)device)->traits;
    return devices_of[row] == ANY || (devices_of[row] == CPUS) == (traits->is_cpu != 0);
}

static int *values(minrnn_device *device) {
    return ((struct cl_device *)device)->traits.tuned;
}

/* ---- on disk ---- */

static const char KEY[] = "tuning";

/* Only what this version would try itself. */
static bool is_worth_trying(const struct tunable *row, int value) {
    for (int i = 0; i < TUNABLE_MOST_VALUES && row->values[i]; i++) {
        if (row->values[i] == value) {
            return true;
        }
    }
    return false;
}

static void take_line(const char *line, int tuned[TUNINGS]) {
    for (int i = 0; i < TUNINGS; i++) {
        const size_t length = strlen(tunings[i].name);
        if (strncmp(line, tunings[i].name, length) == 0 && line[length] == ' ') {
            const long value = strtol(line + length, NULL, 10);
            tuned[i] =
                value <= INT32_MAX && is_worth_trying(&tunings[i], (int)value) ? (int)value : 0;
        }
    }
}

void tuning_load(struct cl_device *device) {
    size_t bytes = 0;
    char *text = program_cache_find(device->programs, KEY, &bytes);
    for (char *line = text; line && line < text + bytes;) {
        char *end = memchr(line, '\n', (size_t)(text + bytes - line));
        if (!end) {
            break;
        }
        *end = 0;
        take_line(line, device->traits.tuned);
        line = end + 1;
    }
    mem_free(text);
}

static bool is_kept(const struct program_cache *programs) {
    size_t bytes = 0;
    char *text = program_cache_find(programs, KEY, &bytes);
    mem_free(text);
    return text != NULL;
}

static minrnn_status keep(minrnn_device *device) {
    const struct program_cache *programs = ((struct cl_device *)device)->programs;
    const int *tuned = values(device);
    char text[TUNINGS * 64] = "\n"; /* a text, even if all is standard */
    size_t used = 1;
    for (int i = 0; i < TUNINGS; i++) {
        if (tuned[i]) {
            used += (size_t)snprintf(text + used, sizeof text - used, "%s %d\n", tunings[i].name,
                                     tuned[i]);
        }
    }
    if (used == 1 && !is_kept(programs)) {
        return MINRNN_OK; /* nothing to forget */
    }
    return program_cache_keep(programs, KEY, text, used)
               ? MINRNN_OK
               : fail(MINRNN_IO_ERROR,
                      "the tuning is not kept: there is no folder for compiled programs, or it "
                      "cannot be written");
}

const struct tuner opencl_tuner = {
    .rows = tunings, .count = TUNINGS, .matters = matters, .values = values, .keep = keep};
