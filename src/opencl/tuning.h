/* SPDX-License-Identifier: Apache-2.0 */
/* The constants of the device rules by name. A device may have others than the standard ones. */
#ifndef OPENCL_TUNING_H
#define OPENCL_TUNING_H

#define TUNING(name, ...) TUNE_##name,
enum tuning {
#include "opencl/tuning.def"
    TUNINGS
};

enum { TUNING_MOST_VALUES = 8 };

struct tuning_row {
    const char *name;
    int standard;
    int values[TUNING_MOST_VALUES]; /* worth trying; 0 behind the last */
};

extern const struct tuning_row tunings[TUNINGS];

#endif
