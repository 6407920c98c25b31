/* SPDX-License-Identifier: Apache-2.0 */
/* Sets an OpenCL device's traits and tuning from text. */
#include "rules.h"

#ifdef MINRNN_HAVE_OPENCL
#include "opencl/launch.h"

#include <stdlib.h>
#include <string.h>

/* Reads one rule into the traits; returns what follows it, NULL if it is none. */
static const char *read_rule(struct cl_traits *traits, const char *rule) {
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
    struct cl_traits *traits = &((struct cl_device *)device)->traits;
    while (rules && *rules) {
        rules = read_rule(traits, rules);
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
