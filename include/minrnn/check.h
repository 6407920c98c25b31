/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Validation: whether a device computes right, said on the spot. */
#ifndef MINRNN_CHECK_H
#define MINRNN_CHECK_H

#include <minrnn/device.h>

MINRNN_BEGIN_DECLS

/** One op's result: the worst error over its cases, relative to its bound. It passes at 1 or less,
 * and a NaN fails. The struct is the library's own, there until the callback returns; later
 * versions may add members at the end. */
typedef struct minrnn_check_result {
    const char *op;         /**< the op's name */
    int cases;              /**< cases that were run */
    int failures;           /**< those of them that failed */
    int left_out;           /**< cases for which there was no time */
    double worst;           /**< worst error / bound over all cases and outputs */
    char worst_case[256];   /**< the first case that failed, else the one that gave `worst`: its
                             * number, sizes and options */
    char failure[512];      /**< what failed first; "" if nothing did */
    double longest;         /**< seconds of the longest call, begun and waited for. Some drivers end
                             * kernels that take seconds. */
    char longest_case[256]; /**< that call's case */
} minrnn_check_result;

/** What is checked. A member that an older program lacks is as minrnn_check_config_defaults sets
 * it. */
typedef struct minrnn_check_config {
    size_t size;    /**< of this struct: minrnn_check_config_defaults sets it */
    uint64_t seed;  /**< of the cases and their inputs */
    const char *op; /**< only this op; NULL: all */
    /** Sizes and options, such as "time=7,width=33,run=2"; NULL: as drawn. Every case gets these
     * sizes. Only cases with these options are run. Options are values of the op list, enumerations
     * by number. Names that an op lacks are passed over. */
    const char *shape;
    int only_case; /**< the number of the one case of each op to run, from 1; 0: all */
    /** Time to spend; 0: no limit. Cases beyond it are left out and counted, but each op gets 8
     * cases, or all if it has fewer. */
    double seconds;
    bool thorough; /**< every combination of options, for minutes; else a selection */
    bool small;    /**< only tiny shapes, for emulators; `thorough` then counts for nothing */
} minrnn_check_config;

/** Called after each op with its result and the `user` that minrnn_validate was given. */
typedef void (*minrnn_on_check)(void *user, const minrnn_check_result *result);

/** minrnn_check_config_defaults for a struct of `size` bytes, for programs in other languages. */
MINRNN_API void minrnn_check_config_init(minrnn_check_config *config, size_t size);

/** Seed 1, all ops, the selection, no limit of time. NULL is allowed. */
static inline void minrnn_check_config_defaults(minrnn_check_config *config) {
    minrnn_check_config_init(config, sizeof *config);
}

/** Runs ops of the device against an oracle in double precision. It calls `on_result` (NULL: none)
 * after each op, and sets *failures to the number of ops that failed. An op that fails is no error
 * of the call. An unknown op, or a shape that cannot be, is MINRNN_INVALID_ARGUMENT. */
MINRNN_API minrnn_status minrnn_validate(minrnn_device *device, const minrnn_check_config *config,
                                         minrnn_on_check on_result, void *user, int *failures);

/** What is known of a device from an earlier validation. The folder of the program cache keeps one
 * for each device; that of a new driver replaces that of the old one. If one is found, an older
 * program is given the members that it has; if one is kept, the members that it lacks are zero. */
typedef struct minrnn_verdict {
    size_t size;      /**< of this struct: minrnn_verdict_defaults and minrnn_verdict_find set it */
    int ops;          /**< ops checked; 0: nothing is known */
    int cases;        /**< cases run, of all ops */
    int left_out;     /**< cases for which there was no time */
    bool small;       /**< only tiny shapes (minrnn_check_config) */
    int failures;     /**< ops that failed */
    char failed[256]; /**< their names, separated by spaces */
    char date[32];    /**< of the validation, UTC: "2026-01-31 23:59" */
    bool outdated;    /**< it was another version of the driver, the platform or this library, or
                       * another build of it */
} minrnn_verdict;

/** minrnn_verdict_defaults for a struct of `size` bytes, for programs in other languages. */
MINRNN_API void minrnn_verdict_init(minrnn_verdict *verdict, size_t size);

/** Sets all to zero but `size`. NULL is allowed. */
static inline void minrnn_verdict_defaults(minrnn_verdict *verdict) {
    minrnn_verdict_init(verdict, sizeof *verdict);
}

/** Keeps a verdict on all ops of a device; its date is set here. A validation of tiny shapes says
 * less than one that was cut short, and that one says less than a whole one. A kept verdict on the
 * same device, driver and build is replaced only by one that says as much, or by a failure after a
 * pass. Otherwise nothing changes, which is no error. A verdict without ops is
 * MINRNN_INVALID_ARGUMENT. If it cannot be written, or there is no cache folder, that is
 * MINRNN_IO_ERROR. */
MINRNN_API minrnn_status minrnn_verdict_keep(const minrnn_device_info *info,
                                             const minrnn_verdict *verdict);

/** minrnn_verdict_find for a struct of `size` bytes, for programs in other languages. */
MINRNN_API void minrnn_verdict_find_sized(const minrnn_device_info *info, minrnn_verdict *verdict,
                                          size_t size);

/** Finds what is known of a device. If nothing is, all is zero but `size`. */
static inline void minrnn_verdict_find(const minrnn_device_info *info, minrnn_verdict *verdict) {
    minrnn_verdict_find_sized(info, verdict, sizeof *verdict);
}

MINRNN_END_DECLS

#endif
