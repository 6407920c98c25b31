/* SPDX-License-Identifier: Apache-2.0 */
/* Sets an OpenCL device's traits, tuning and largest buffer from text. */
#include "rules.h"

#ifdef MINRNN_HAVE_OPENCL
#include "opencl/launch.h"

#include <stdlib.h>
#include <string.h>

/* Bytes: a number with M (MiB) or G (GiB) after it, or without; 0 if it is none of these. */
static uint64_t read_bytes(const char *text, const char *end) {
    char *unit = NULL;
    const uint64_t number = strtoull(text, &unit, 10);
    const int shift = *unit == 'M' ? 20 : *unit == 'G' ? 30 : 0;
    return unit + (shift > 0) == end && number <= UINT64_MAX >> shift ? number << shift : 0;
}

/* Reads one rule into the device; returns what follows it, NULL if it is none. */
static const char *read_rule(struct cl_device *device, const char *rule) {
    struct cl_traits *traits = &device->traits;
    const size_t length = strcspn(rule, ",");
    const char *next = rule[length] ? rule + length + 1 : rule + length;
    const char *equals = strchr(rule, '=');
    char *end = NULL;
    const int number = equals ? (int)strtol(equals + 1, &end, 10) : 0;
    if (length == 3 && (strncmp(rule, "gpu", length) == 0 || strncmp(rule, "cpu", length) == 0)) {
        traits->is_gpu = rule[0] == 'g';
        traits->is_cpu = rule[0] == 'c';
        return next;
    }
    if (strncmp(rule, "alloc=", strlen("alloc=")) == 0) {
        device->base.largest = read_bytes(equals + 1, rule + length);
        return device->base.largest > 0 ? next : NULL;
    }
    if (!equals || end != rule + length || number < 1) {
        return NULL;
    }
    if (strncmp(rule, "width=", strlen("width=")) == 0 && number <= 16 &&
        (number & (number - 1)) == 0) {
        traits->float_width = number;
        return next;
    }
    if (strncmp(rule, "units=", strlen("units=")) == 0) {
        traits->compute_units = number;
        return next;
    }
    if (strncmp(rule, "groups=", strlen("groups=")) == 0) {
        traits->most_groups = number;
        return next;
    }
    for (int i = 0; i < TUNINGS; i++) {
        const size_t name = strlen(tunings[i].name);
        if (strncmp(rule, tunings[i].name, name) == 0 && rule[name] == '=') {
            traits->tuned[i] = number;
            return next;
        }
    }
    return NULL;
}

bool rules_force(minrnn_device *device, const char *rules) {
    minrnn_device_info info;
    if (minrnn_device_describe(device, &info) || !info.is_opencl) {
        return false;
    }
    while (rules && *rules) {
        rules = read_rule((struct cl_device *)device, rules);
    }
    return rules != NULL;
}
#else
bool rules_force(minrnn_device *device, const char *rules) {
    (void)device;
    (void)rules;
    return false;
}
#endif
