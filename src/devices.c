/* SPDX-License-Identifier: Apache-2.0 */
/* The one place that names the backends: listing devices and choosing one. */
#include "base/alloc.h"
#include "base/sized.h"
#include "base/text.h"
#include "cpu/cpu.h"
#include "op/device.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#ifdef MINRNN_HAVE_OPENCL
#include "opencl/opencl.h"
#endif

enum { CPU_INDEX = 0, MAX_DEVICES = 64 };

static minrnn_status describe_cpu(minrnn_device_info *info) {
    minrnn_device *cpu;
    minrnn_status status = cpu_device_open(0, &cpu);
    if (!status) {
        status = minrnn_device_describe(cpu, info);
        minrnn_device_destroy(cpu);
    }
    return status;
}

/* The list of at most MAX_DEVICES, and in *left_out the status of what failed and is not in it. */
static minrnn_status list(minrnn_device_info *infos, int capacity, int *count,
                          minrnn_status *left_out) {
    int others = 0;
    const minrnn_status status = capacity > 0 ? describe_cpu(&infos[CPU_INDEX]) : MINRNN_OK;
    *left_out = MINRNN_OK;
#ifdef MINRNN_HAVE_OPENCL
    if (!status) {
        *left_out =
            opencl_list(capacity > 1 ? infos + 1 : NULL, capacity > 1 ? capacity - 1 : 0, &others);
    }
#endif
    *count = others < MAX_DEVICES ? 1 + others : MAX_DEVICES;
    return status;
}

/* The caller's array has entries of `size` bytes. */
static void give(const minrnn_device_info *own, int count, minrnn_device_info *infos, size_t size) {
    for (int i = 0; i < count; i++) {
        sized_give(&own[i], sizeof own[i], (char *)infos + (size_t)i * size, size);
    }
}

minrnn_status minrnn_device_list_sized(minrnn_device_info *infos, size_t size, int capacity,
                                       int *count) {
    if (!count || capacity < 0 || (!infos && capacity > 0)) {
        return fail(MINRNN_INVALID_ARGUMENT, "minrnn_device_list: an argument is NULL or negative");
    }
    minrnn_status left_out; /* without any OpenCL there is still the CPU */
    const int most = capacity < MAX_DEVICES ? capacity : MAX_DEVICES;
    minrnn_device_info *own = mem_alloc(MAX_DEVICES, sizeof *own);
    if (!own) {
        return MINRNN_OUT_OF_MEMORY;
    }
    const minrnn_status status = list(own, most, count, &left_out);
    if (!status) {
        give(own, most < *count ? most : *count, infos, size);
    }
    mem_free(own);
    return status;
}

void minrnn_device_absent(char *text, size_t capacity) {
    if (!text || capacity == 0) {
        return;
    }
    text[0] = '\0';
#ifdef MINRNN_HAVE_OPENCL
    opencl_absent(NULL, "\n", text, capacity);
#endif
}

/* ---- choosing ---- */

/* Higher is better; emulators are never taken unasked. */
static int preference(const minrnn_device_info *info) {
    if (info->is_emulator) {
        return -1;
    }
    return info->is_gpu ? 2 : info->is_accelerator ? 1 : 0;
}

/* The best OpenCL device of at least `least` preference, or -1. */
static int best_opencl(const minrnn_device_info *infos, int count, int least) {
    int best = -1;
    for (int i = CPU_INDEX + 1; i < count; i++) {
        const int value = preference(&infos[i]);
        if (value >= least && (best < 0 || value > preference(&infos[best]))) {
            best = i;
        }
    }
    return best;
}

static int by_name(const minrnn_device_info *infos, int count, const char *name) {
    for (int i = 0; i < count; i++) {
        if (text_contains(infos[i].name, name) || text_contains(infos[i].platform, name)) {
            return i;
        }
    }
    return -1;
}

/* Whether the whole name is a number, and which. */
static bool is_index(const char *name, long *index) {
    char *end;
    if (!isdigit((unsigned char)name[0])) {
        return false;
    }
    *index = strtol(name, &end, 10);
    return *end == '\0';
}

/* -1 if there is no such device. */
static int choose(const char *name, const minrnn_device_info *infos, int count) {
    long index;
    if (strcmp(name, "auto") == 0) {
        const int best = best_opencl(infos, count, 1);
        return best < 0 ? CPU_INDEX : best;
    }
    if (strcmp(name, "opencl") == 0) {
        return best_opencl(infos, count, 0);
    }
    if (is_index(name, &index)) {
        return index < count ? (int)index : -1;
    }
    return by_name(infos, count, name);
}

/* Why a device that was named is not there: without OpenCL that is the reason, or its platform has
 * none. */
static minrnn_status not_found(const char *name, int count) {
#ifdef MINRNN_HAVE_OPENCL
    minrnn_device *none;
    if (count == 1) {
        /* Opening one says what to install. */
        (void)opencl_device_open(0, &none);
        return fail_in(MINRNN_DEVICE_NOT_FOUND, "no device \"%s\"", name);
    }
    char absent[2048];
    opencl_absent(strcmp(name, "opencl") == 0 ? NULL : name, "; ", absent, sizeof absent);
    if (absent[0]) {
        return fail(MINRNN_DEVICE_NOT_FOUND, "no device \"%s\": %s", name, absent);
    }
#else
    if (strcmp(name, "opencl") == 0) {
        return fail(MINRNN_DEVICE_NOT_FOUND,
                    "no device \"opencl\": this library was built without OpenCL");
    }
#endif
    return fail(MINRNN_DEVICE_NOT_FOUND,
                "no device \"%s\" among the %d that `minrnn devices` lists", name, count);
}

static minrnn_status open_index(int index, minrnn_device **device) {
#ifdef MINRNN_HAVE_OPENCL
    if (index != CPU_INDEX) {
        return opencl_device_open(index - 1, device);
    }
#endif
    (void)index;
    return cpu_device_open(0, device);
}

minrnn_status minrnn_device_open(const char *name, minrnn_device **device) {
    if (!device) {
        return fail(MINRNN_INVALID_ARGUMENT, "minrnn_device_open: device is NULL");
    }
    *device = NULL;
    const char *environment = getenv("MINRNN_DEVICE");
    if (!name) {
        name = environment && environment[0] ? environment : "auto";
    }
    if (name[0] == '\0') {
        return fail(MINRNN_INVALID_ARGUMENT, "minrnn_device_open: the name is empty");
    }
    if (strcmp(name, "cpu") == 0) {
        return cpu_device_open(0, device);
    }
    minrnn_device_info *infos = mem_alloc(MAX_DEVICES, sizeof *infos);
    if (!infos) {
        return MINRNN_OUT_OF_MEMORY;
    }
    int count;
    minrnn_status left_out;
    minrnn_status status = list(infos, MAX_DEVICES, &count, &left_out);
    if (!status) {
        const int index = choose(name, infos, count);
        status = index >= 0 ? open_index(index, device)
                 : left_out ? fail_in(left_out, "no device \"%s\"", name)
                            : not_found(name, count);
    }
    mem_free(infos);
    return status;
}
