/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Tuning: which constants of the rules for OpenCL devices are the fastest on this one. */
#ifndef MINRNN_TUNE_H
#define MINRNN_TUNE_H

#include <minrnn/device.h>

MINRNN_BEGIN_DECLS

/** What came of one constant. The struct is the library's own, there until the callback returns;
 * later versions may add members at the end. */
typedef struct minrnn_tune_result {
    const char *name; /**< the constant's */
    const char *ops;  /**< the ops whose time it decides, separated by spaces */
    int standard;     /**< its value on a device that was not tuned */
    int value;        /**< its value from now on */
    double gain;      /**< time with the value before / time with the new one; 1 if it stays */
    int tried;        /**< other values that were tried; 0: there was no time left */
} minrnn_tune_result;

/** What is tuned. A member that an older program lacks is as minrnn_tune_config_defaults sets it.
 */
typedef struct minrnn_tune_config {
    size_t size;      /**< of this struct: minrnn_tune_config_defaults sets it */
    double seconds;   /**< no constant and no value is begun after this time; 0: no limit */
    const char *only; /**< this constant alone; NULL: all that matter to the device */
    bool dry_run;     /**< the device and what is kept for it stay as they were */
} minrnn_tune_config;

/** Called after each constant with what came of it and the `user` that minrnn_tune was given. */
typedef void (*minrnn_on_tune)(void *user, const minrnn_tune_result *result);

/** minrnn_tune_config_defaults for a struct of `size` bytes, for programs in other languages. */
MINRNN_API void minrnn_tune_config_init(minrnn_tune_config *config, size_t size);

/** 150 seconds, all constants. NULL is allowed. */
static inline void minrnn_tune_config_defaults(minrnn_tune_config *config) {
    minrnn_tune_config_init(config, sizeof *config);
}

/** Times the ops at the sizes of real models, smaller on a slow device, with each value of each
 * constant that is worth trying, one constant after another. A value is taken if the ops are
 * at least 3 % faster with it, twice. The values are kept beside the compiled programs, for this
 * device, driver and version, and whoever opens the device next has them.
 *
 * Another value may sum in another order, so that results differ in their last digits from those
 * before. Nothing else may use the device meanwhile, and models, trainers and sessions on it must
 * be made afterwards.
 *
 * It calls `on_result` (NULL: none) after each constant. The native CPU has no constants: that is
 * MINRNN_UNSUPPORTED. An unknown constant is MINRNN_INVALID_ARGUMENT. If the values cannot be kept,
 * that is MINRNN_IO_ERROR, and the device has them until it is destroyed. */
MINRNN_API minrnn_status minrnn_tune(minrnn_device *device, const minrnn_tune_config *config,
                                     minrnn_on_tune on_result, void *user);

/** Gives the device its standard values again, and forgets those that were kept for it. */
MINRNN_API minrnn_status minrnn_tune_forget(minrnn_device *device);

MINRNN_END_DECLS

#endif
