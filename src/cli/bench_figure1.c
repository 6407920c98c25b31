/* SPDX-License-Identifier: Apache-2.0 */
/* The lengths of Figure 1, and what is said of it beside the times. */
#include "cli/bench_figure1.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

bool figure1_simplifies(const char *mixer, const char **other) {
    minrnn_mixer_config config;
    *other = mixer + strlen("min");
    return strncmp(mixer, "min", strlen("min")) == 0 &&
           minrnn_mixer_config_defaults(*other, &config) == MINRNN_OK;
}

/* ---- lengths ---- */

void figure1_extend(struct bench_arguments *arguments) {
    struct ranges *time = &arguments->time;
    arguments->common = 0;
    for (int i = 0; i < time->count; i++) {
        arguments->common =
            time->values[i] > arguments->common ? time->values[i] : arguments->common;
    }
    for (int64_t next = arguments->common;
         next <= arguments->longest / 2 && time->count < RANGES_MOST;) {
        next *= 2;
        time->values[time->count++] = next;
    }
}

bool figure1_takes(const struct bench_arguments *arguments, struct bench_point *point) {
    const char *other;
    return *bench_size(point, "time") <= arguments->common ||
           figure1_simplifies(bench_name(point, "mixer"), &other);
}

/* ---- how long a row takes ---- */

/* Whether both are the same but for the length. */
static bool is_same(const struct bench_point *a, const struct bench_point *b) {
    bool same = true;
    for (int i = 0; a->axes[i].name; i++) {
        const bool is_time = strcmp(a->axes[i].name, "time") == 0;
        same = same && (is_time || a->sizes[i] == b->sizes[i]) &&
               strcmp(a->names[i], b->names[i]) == 0;
    }
    return same;
}

static const struct bench_taken *find(const struct bench_run *run,
                                      const struct bench_device *device,
                                      const struct bench_point *point) {
    const struct bench_taken *taken = run->taken;
    const struct bench_taken *end = taken + run->taken_count;
    while (taken < end && (taken->device != device || !is_same(&taken->point, point))) {
        taken++;
    }
    return taken < end ? taken : NULL;
}

bool figure1_is_long(const struct bench_run *run, const struct bench_device *device,
                     struct bench_point *point) {
    const struct bench_arguments *arguments = &run->arguments;
    const struct bench_taken *before = find(run, device, point);
    /* Waited for, and queued. */
    const double runs = (double)(2 * (arguments->warm_up + arguments->repetitions));
    if (!before) {
        return false;
    }
    struct bench_point other = before->point;
    const double longer = (double)*bench_size(point, "time") / (double)*bench_size(&other, "time");
    return before->seconds * longer * runs > (double)arguments->limit;
}

void figure1_note(struct bench_run *run, const struct bench_device *device,
                  const struct bench_point *point, double seconds) {
    const struct bench_taken *before = find(run, device, point);
    const int place = before ? (int)(before - run->taken) : run->taken_count;
    if (place < TAKEN_MOST) {
        run->taken[place] = (struct bench_taken){device, *point, seconds};
        run->taken_count += before ? 0 : 1;
    }
}

/* ---- memory and parameters ---- */

int64_t figure1_resident(void) {
    long long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r"); /* all pages, then those that are resident */
    if (file && fscanf(file, "%*s %lld", &pages) != 1) {
        pages = 0;
    }
    if (file) {
        fclose(file);
    }
    return (int64_t)pages * sysconf(_SC_PAGESIZE);
}

static int64_t elements_of(const minrnn_parameter_info *info) {
    int64_t elements = 1;
    for (int i = 0; i < info->dimensions; i++) {
        elements *= info->shape[i];
    }
    return elements;
}

static minrnn_status count_weights(const minrnn_mixer *mixer, int64_t *count) {
    minrnn_status status = MINRNN_OK;
    *count = 0;
    for (int i = 0; i < minrnn_mixer_tensor_count(mixer) && !status; i++) {
        minrnn_parameter_info info;
        status = minrnn_mixer_parameter(mixer, i, &info);
        if (!status && info.dimensions > 1 && strncmp(info.name, "to_out", 6) != 0) {
            *count += elements_of(&info);
        }
    }
    return status;
}

/* 0 after a failure. */
static int64_t weights_of(minrnn_device *device, const char *name, int expansion) {
    enum { WIDTH = 64 }; /* the share is the same for all */
    minrnn_mixer *mixer = NULL;
    minrnn_mixer_config config;
    char text[16];
    int64_t count = 0;
    minrnn_status status = minrnn_mixer_config_defaults(name, &config);
    snprintf(text, sizeof text, "%d", expansion);
    config.width = WIDTH;
    status = status ? status : minrnn_mixer_set(&config, "expansion", text);
    status = status ? status : minrnn_mixer_create(device, &config, &mixer);
    status = status ? status : count_weights(mixer, &count);
    minrnn_mixer_destroy(mixer);
    return status ? 0 : count;
}

double figure1_weights(minrnn_device *device, const char *mixer, int expansion) {
    const char *other;
    if (!figure1_simplifies(mixer, &other)) {
        return 0;
    }
    const int64_t own = weights_of(device, mixer, expansion);
    const int64_t full = weights_of(device, other, expansion);
    return full ? 100.0 * (double)own / (double)full : 0;
}
