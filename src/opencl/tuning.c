/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of tuning.def: names, standard values, and the values to try. */
#include "opencl/tuning.h"

#define TUNING(name, standard, ...) [TUNE_##name] = {#name, standard, {__VA_ARGS__}},
const struct tuning_row tunings[TUNINGS] = {
#include "opencl/tuning.def"
};
