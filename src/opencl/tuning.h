/* SPDX-License-Identifier: Apache-2.0 */
/* The constants of the device rules by name. A device may have others than the standard ones. */
#ifndef OPENCL_TUNING_H
#define OPENCL_TUNING_H

#include "op/tunable.h"

#define TUNING(name, ...) TUNE_##name,
enum tuning {
#include "opencl/tuning.def"
    TUNINGS
};

extern const struct tunable tunings[TUNINGS];
extern const struct tuner opencl_tuner;

#endif
