/* SPDX-License-Identifier: Apache-2.0 */
/* Times the first run of a bench on a device that was just opened, with a cache folder of its own.
 */
#include "cli/bench_compile.h"

#include "cli/report.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char cache_variable[] = "MINRNN_CACHE";

/* What the user has set stays. */
void bench_compile_prepare(void) {
    setenv("CUDA_CACHE_DISABLE", "1", 0);           /* NVIDIA */
    setenv("MESA_SHADER_CACHE_DISABLE", "true", 0); /* Mesa */
    setenv("NEO_CACHE_PERSISTENT", "0", 0);         /* Intel */
    setenv("POCL_KERNEL_CACHE", "0", 0);
}

/* ---- the folder ---- */

struct folder {
    char path[PATH_MAX];
    char *before; /* what the variable was; NULL: not set */
};

static int make_folder(struct folder *folder) {
    const char *place = getenv("TMPDIR");
    const char *before = getenv(cache_variable);
    snprintf(folder->path, sizeof folder->path, "%s/minrnn-bench-XXXXXX",
             place && *place ? place : "/tmp");
    if (!mkdtemp(folder->path)) {
        return report_failure("cannot make %s: %s", folder->path, strerror(errno));
    }
    folder->before = before ? strdup(before) : NULL;
    setenv(cache_variable, folder->path, 1);
    return 0;
}

/* The library keeps plain files there. */
static void remove_folder(struct folder *folder) {
    DIR *entries = opendir(folder->path);
    for (struct dirent *entry; entries && (entry = readdir(entries));) {
        if (entry->d_name[0] != '.') {
            (void)unlinkat(dirfd(entries), entry->d_name, 0);
        }
    }
    if (entries) {
        closedir(entries);
    }
    (void)rmdir(folder->path);
    if (folder->before) {
        setenv(cache_variable, folder->before, 1);
    } else {
        unsetenv(cache_variable);
    }
    free(folder->before);
}

/* ---- the first run ---- */

enum { LATER_RUNS = 3, MAKINGS = 2, ALL_RUNS = MAKINGS * (1 + LATER_RUNS) };

static minrnn_status time_runs(minrnn_bench *bench, int repetitions, double *median) {
    minrnn_bench_config config;
    minrnn_timing timing;
    minrnn_bench_config_defaults(&config);
    config.warm_up = 0;
    config.repetitions = repetitions;
    const minrnn_status status = minrnn_bench_run(bench, &config, &timing);
    if (!status) {
        *median = timing.median;
    }
    return status;
}

/* What the first run took beside what a run takes. */
static minrnn_status time_first(const struct bench_subject *subject, struct bench_point *point,
                                minrnn_device *device, double *seconds) {
    minrnn_bench *bench = NULL;
    double first = 0, later = 0;
    minrnn_status status = subject->create(point, device, &bench);
    status = status ? status : time_runs(bench, 1, &first);
    status = status ? status : time_runs(bench, LATER_RUNS, &later);
    minrnn_bench_destroy(bench);
    *seconds = first > later ? first - later : 0;
    return status;
}

/* On a device of its own: what it keeps goes to the folder when it is closed, at the latest. */
static minrnn_status time_opened(const struct bench_subject *subject, struct bench_point *point,
                                 const char *name, double *seconds) {
    minrnn_device *device = NULL;
    minrnn_status status = minrnn_device_open(name, &device);
    status = status ? status : time_first(subject, point, device, seconds);
    minrnn_device_destroy(device);
    return status;
}

/* Whether the device computes right, and in time, is asked of a bench on the run's own. */
static int check(struct bench_run *run, struct bench_device *device, struct bench_point *point,
                 struct bench_result *result, bool *fits) {
    minrnn_bench *bench = NULL;
    if (run->subject->create(point, device->device, &bench)) {
        return 0; /* which shows again below */
    }
    const int code = bench_check(run, device, bench);
    *fits = bench_pace_fits(run, point, bench, MAKINGS, ALL_RUNS, result);
    minrnn_bench_destroy(bench);
    return code;
}

int bench_compile(struct bench_run *run, struct bench_device *device, struct bench_point *point,
                  struct bench_result *result) {
    const char *name = *device->name ? device->name : NULL;
    struct folder folder;
    double cold = 0, cached = 0;
    bool fits = true;
    int code = check(run, device, point, result, &fits);
    code = code || !fits ? code : make_folder(&folder);
    if (code || !fits) {
        return code;
    }
    minrnn_status status = time_opened(run->subject, point, name, &cold);
    status = status ? status : time_opened(run->subject, point, name, &cached);
    remove_folder(&folder);
    if (!status) {
        result->cells[MEASURE_COLD] = cell_real(cold);
        result->cells[MEASURE_CACHED] = cell_real(cached);
    }
    return bench_note(status, result);
}
