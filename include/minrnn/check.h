/* SPDX-License-Identifier: Apache-2.0 */
/* Validation: whether a device computes right, said on the spot. */
#ifndef MINRNN_CHECK_H
#define MINRNN_CHECK_H

#include <minrnn/device.h>

MINRNN_BEGIN_DECLS

/* One op's result: the worst error over its cases, relative to its bound (passes at <= 1; a NaN
 * fails). The library's own, there until the callback returns; later versions may add members at
 * the end. */
typedef struct minrnn_check_result {
    const char *op;
    int cases;
    int failures;
    int left_out;         /* cases for which there was no time */
    double worst;         /* worst error / bound over all cases and outputs */
    char worst_case[256]; /* the case that gave it: its number, sizes and options */
    char failure[512];    /* what failed first, "" where nothing did */
} minrnn_check_result;

/* What is checked. What an older program does not have is as minrnn_check_config_defaults sets it.
 */
typedef struct minrnn_check_config {
    size_t size; /* of this struct: minrnn_check_config_defaults sets it */
    uint64_t seed;
    const char *op; /* only this op; NULL: all */
    /* "time=7,width=33,run=2": every case gets these sizes, and of the options (the op list's
     * values; enumerations by number) only such cases are run; NULL: all, as drawn. Names that an
     * op has not are passed over. */
    const char *shape;
    int only_case;  /* the number of the one case of each op to run; 0: all */
    double seconds; /* time to spend; cases beyond it are left out and counted; 0: no limit */
    bool thorough;  /* every combination of options, for minutes; else a selection */
    bool small;     /* only tiny shapes, for emulators */
} minrnn_check_config;

typedef void (*minrnn_on_check)(void *user, const minrnn_check_result *result);

/* Seed 1, all ops, the selection, no limit of time. */
MINRNN_API void minrnn_check_config_init(minrnn_check_config *config, size_t size);
static inline void minrnn_check_config_defaults(minrnn_check_config *config) {
    minrnn_check_config_init(config, sizeof *config);
}

/* Runs ops of the device against an oracle in double precision, calling `on_result` after each op,
 * and sets *failures to the number of ops that failed. An op that fails is no error of the call. */
MINRNN_API minrnn_status minrnn_validate(minrnn_device *device, const minrnn_check_config *config,
                                         minrnn_on_check on_result, void *user, int *failures);

/* What is known of a device from an earlier validation, kept in the folder of the program cache for
 * each driver. An older program is given the members that it has; kept, the others are zero. */
typedef struct minrnn_verdict {
    size_t size; /* of this struct: minrnn_verdict_defaults and minrnn_verdict_find set it */
    int ops;     /* ops checked; 0: nothing is known */
    int cases;
    int left_out;     /* cases for which there was no time */
    bool small;       /* only tiny shapes (minrnn_check_config) */
    int failures;     /* ops that failed, ... */
    char failed[256]; /* ... their names, separated by spaces */
    char date[32];    /* of the validation, UTC: "2026-01-31 23:59" */
    bool outdated;    /* it was another version of the driver, the platform or this library, or
                       * another build of it */
} minrnn_verdict;

/* All zero but `size`. */
MINRNN_API void minrnn_verdict_init(minrnn_verdict *verdict, size_t size);
static inline void minrnn_verdict_defaults(minrnn_verdict *verdict) {
    minrnn_verdict_init(verdict, sizeof *verdict);
}

/* Keeps a verdict on all ops of a device; its date is set here. A validation of tiny shapes says
 * less than one that was cut short, and that less than a whole one: what is kept of the same
 * device, driver and build is replaced only by what says as much, or by a failure after a pass.
 * Otherwise nothing changes, which is no error. MINRNN_IO_ERROR where it cannot be written or there
 * is no cache folder. */
MINRNN_API minrnn_status minrnn_verdict_keep(const minrnn_device_info *info,
                                             const minrnn_verdict *verdict);

/* Finds what is known of a device; all zero but `size` where nothing is. */
MINRNN_API void minrnn_verdict_find_sized(const minrnn_device_info *info, minrnn_verdict *verdict,
                                          size_t size);
static inline void minrnn_verdict_find(const minrnn_device_info *info, minrnn_verdict *verdict) {
    minrnn_verdict_find_sized(info, verdict, sizeof *verdict);
}

MINRNN_END_DECLS

#endif
