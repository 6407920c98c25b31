/* SPDX-License-Identifier: Apache-2.0 */
/* minrnn_tune: one constant after another, each with the values that are worth trying. */
#include <minrnn/tune.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/sized.h"
#include "bench/op.h"

#include <math.h>
#include <string.h>

enum { WARM_UP = 1, REPEATS = 5, MOST_BENCHES = 16 };

static const double LEAST_GAIN = 1.03;
static const double LONGEST_CALL = 0.03; /* s; a longer one has its sizes halved */

static const struct sized_type config_type =
    SIZED_TYPE(minrnn_tune_config, "minrnn_tune_config_defaults");

static const minrnn_tune_config standard = {.seconds = 150};

void minrnn_tune_config_init(minrnn_tune_config *config, size_t size) {
    if (config) {
        sized_give(&standard, sizeof standard, config, size);
    }
}

/* The calls by which the constants of some ops are judged. */
struct benches {
    const char *ops; /* NULL: none are there */
    struct op_bench *bench[MOST_BENCHES];
    int count;
};

static void benches_destroy(struct benches *benches) {
    for (int i = 0; i < benches->count; i++) {
        op_bench_destroy(benches->bench[i]);
    }
    *benches = (struct benches){0};
}

/* ---- the calls ---- */

/* Halves the largest of the sizes that a longer text or a larger batch would make larger; false if
 * none is large. */
static bool halve(const struct op_entry *entry, union op_args *args) {
    enum { LEAST = 512 };
    static const char *const sizes[] = {"rows", "m", "k", "count", "time", "batch"};
    const char *largest = NULL;
    double most = LEAST;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        const double size = entry->value(args, sizes[i]);
        if (size > most) {
            most = size;
            largest = sizes[i];
        }
    }
    return largest && entry->resize(args, largest, (int64_t)most / 2);
}

/* A timed case of an op, so small that a call of it does not take long on this device. */
static minrnn_status add_bench(struct benches *benches, minrnn_device *device,
                               const struct op_entry *entry, const struct check_case *timed) {
    struct check_case c = *timed;
    for (;;) {
        struct op_bench *bench = NULL;
        double seconds = 0;
        minrnn_status status = op_bench_create(device, entry, &c, &bench);
        status = status ? status : op_bench_time(bench, 1, 1, &seconds);
        if (!status && (seconds <= LONGEST_CALL || !halve(entry, &c.args))) {
            benches->bench[benches->count++] = bench;
            return MINRNN_OK;
        }
        op_bench_destroy(bench);
        if (status) {
            return status;
        }
        if (entry->check->resized) {
            entry->check->resized(&c.args);
        }
    }
}

static minrnn_status add_op(struct benches *benches, minrnn_device *device, const char *name,
                            size_t length) {
    for (int op = 0; op < CHECK_OPS; op++) {
        const struct op_entry *entry = op_entry_at((enum check_op)op);
        if (strncmp(entry->name, name, length) != 0 || entry->name[length]) {
            continue;
        }
        minrnn_status status = MINRNN_OK;
        for (int i = 0; !status && timed_case(entry, i) && benches->count < MOST_BENCHES; i++) {
            status = add_bench(benches, device, entry, timed_case(entry, i));
        }
        return status;
    }
    return fail(MINRNN_INVALID_ARGUMENT, "minrnn_tune: there is no op \"%.*s\"", (int)length, name);
}

/* Constants of the same ops follow each other, and share their calls. */
static minrnn_status benches_take(struct benches *benches, minrnn_device *device, const char *ops) {
    if (benches->ops && strcmp(benches->ops, ops) == 0) {
        return MINRNN_OK;
    }
    benches_destroy(benches);
    benches->ops = ops;
    minrnn_status status = MINRNN_OK;
    for (const char *op = ops; *op && !status; op += strspn(op, " ")) {
        const size_t length = strcspn(op, " ");
        status = add_op(benches, device, op, length);
        op += length;
    }
    return status;
}

static minrnn_status time_all(const struct benches *benches, double seconds[MOST_BENCHES]) {
    minrnn_status status = MINRNN_OK;
    for (int i = 0; i < benches->count && !status; i++) {
        status = op_bench_time(benches->bench[i], WARM_UP, REPEATS, &seconds[i]);
    }
    return status;
}

/* How many times faster the calls are with one value than with another: the geometric mean of the
 * ratios, so that a short call counts as much as a long one. */
static double gain_of(const struct benches *benches, const double *before, const double *after) {
    double sum = 0;
    for (int i = 0; i < benches->count; i++) {
        sum += log(before[i] / after[i]);
    }
    return benches->count ? exp(sum / benches->count) : 1;
}

/* ---- one constant ---- */

/* The gain of one value over another, both timed now. 0: it cannot run. */
static minrnn_status compare(const struct benches *benches, int *value, int old, int new,
                             double *gain) {
    double before[MOST_BENCHES], after[MOST_BENCHES];
    *gain = 0;
    *value = old;
    const minrnn_status status = time_all(benches, before);
    if (status) {
        return status;
    }
    *value = new;
    /* A device may be unable to run one, for want of registers, say: that is no failure. */
    if (!time_all(benches, after)) {
        *gain = gain_of(benches, before, after);
    }
    *value = old;
    return MINRNN_OK;
}

/* Tries every value that there is time for against the best so far; what wins has to win again. */
static minrnn_status tune_row(const struct benches *benches, const struct tunable *row,
                              double deadline, int *value, minrnn_tune_result *result) {
    const int before = *value, first = before ? before : row->standard;
    for (int i = 0; i < TUNABLE_MOST_VALUES && row->values[i] && clock_seconds() < deadline; i++) {
        const int best = *value ? *value : row->standard;
        double gain = 0, again = 0;
        if (row->values[i] == best || row->values[i] == first) {
            continue;
        }
        minrnn_status status = compare(benches, value, best, row->values[i], &gain);
        if (!status && gain >= LEAST_GAIN) {
            status = compare(benches, value, best, row->values[i], &again);
        }
        if (status) {
            *value = before;
            return status;
        }
        result->tried++;
        if (again >= LEAST_GAIN) {
            *value = row->values[i];
            result->gain *= sqrt(gain * again);
        }
    }
    *value = *value == row->standard ? 0 : *value;
    result->value = *value ? *value : row->standard;
    return MINRNN_OK;
}

/* ---- all of them ---- */

static minrnn_status check_tuner(const minrnn_device *device, const char *only) {
    const struct tuner *tuner = device->backend->tuner;
    if (!tuner) {
        return fail(MINRNN_UNSUPPORTED, "minrnn_tune: the native CPU has no constants to tune");
    }
    for (int i = 0; only && i < tuner->count; i++) {
        if (strcmp(tuner->rows[i].name, only) == 0) {
            return MINRNN_OK;
        }
    }
    return only ? fail(MINRNN_INVALID_ARGUMENT, "minrnn_tune: there is no constant \"%s\"", only)
                : MINRNN_OK;
}

static minrnn_status tune_all(minrnn_device *device, const minrnn_tune_config *config,
                              minrnn_on_tune on_result, void *user) {
    const struct tuner *tuner = device->backend->tuner;
    const double deadline = config->seconds > 0 ? clock_seconds() + config->seconds : INFINITY;
    struct benches benches = {0};
    minrnn_status status = MINRNN_OK;
    for (int i = 0; i < tuner->count && !status; i++) {
        const struct tunable *row = &tuner->rows[i];
        if (!tuner->matters(device, i) || (config->only && strcmp(config->only, row->name) != 0)) {
            continue;
        }
        int *value = &tuner->values(device)[i];
        minrnn_tune_result result = {.name = row->name,
                                     .ops = row->ops,
                                     .standard = row->standard,
                                     .value = *value ? *value : row->standard,
                                     .gain = 1};
        if (clock_seconds() < deadline) {
            status = benches_take(&benches, device, row->ops);
            status = status ? status : tune_row(&benches, row, deadline, value, &result);
        }
        if (!status && on_result) {
            on_result(user, &result);
        }
    }
    benches_destroy(&benches);
    return status;
}

static minrnn_status take_config(const minrnn_tune_config *given, minrnn_tune_config *config) {
    *config = standard;
    const minrnn_status status = sized_take(&config_type, given, config);
    return status || config->seconds >= 0
               ? status
               : fail(MINRNN_INVALID_ARGUMENT, "minrnn_tune: seconds %g: must be 0 or more",
                      config->seconds);
}

minrnn_status minrnn_tune(minrnn_device *device, const minrnn_tune_config *config,
                          minrnn_on_tune on_result, void *user) {
    if (!device || !config) {
        return fail(MINRNN_INVALID_ARGUMENT, "minrnn_tune: an argument is NULL");
    }
    minrnn_tune_config own;
    minrnn_status status = take_config(config, &own);
    status = status ? status : device_check(device);
    status = status ? status : check_tuner(device, own.only);
    if (status) {
        return status;
    }
    const struct tuner *tuner = device->backend->tuner;
    const size_t bytes = (size_t)tuner->count * sizeof(int);
    int *before = mem_alloc((uint64_t)tuner->count, sizeof *before);
    if (!before) {
        return MINRNN_OUT_OF_MEMORY;
    }
    memcpy(before, tuner->values(device), bytes);
    status = tune_all(device, &own, on_result, user);
    if (status || own.dry_run) {
        memcpy(tuner->values(device), before, bytes);
    } else if (memcmp(tuner->values(device), before, bytes) != 0) {
        status = tuner->keep(device);
    }
    mem_free(before);
    return status;
}

minrnn_status minrnn_tune_forget(minrnn_device *device) {
    if (!device) {
        return fail(MINRNN_INVALID_ARGUMENT, "minrnn_tune_forget: device is NULL");
    }
    const minrnn_status status = device_check(device);
    const struct tuner *tuner = device->backend->tuner;
    if (status || !tuner) {
        return status;
    }
    memset(tuner->values(device), 0, (size_t)tuner->count * sizeof(int));
    return tuner->keep(device);
}
