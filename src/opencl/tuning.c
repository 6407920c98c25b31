/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of tuning.def. */
#include "opencl/tuning.h"

#define TUNING(name, devices, ops, standard, ...)                                                  \
    [TUNE_##name] = {#name, ops, standard, {__VA_ARGS__}},
const struct tunable tunings[TUNINGS] = {
#include "opencl/tuning.def"
};
