/* SPDX-License-Identifier: Apache-2.0 */
/* The native CPU backend: plain C, OpenMP and CBLAS. */
#ifndef CPU_CPU_H
#define CPU_CPU_H

#include "op/device.h"

/* The instruction levels that the hot loops are built for; the later, the wider the vectors. */
enum cpu_level {
    CPU_LEVEL_BASELINE,  /* what every processor of the architecture has */
    CPU_LEVEL_X86_64_V3, /* AVX2 and FMA */
    CPU_LEVEL_X86_64_V4, /* AVX-512 */
    CPU_LEVEL_COUNT
};

/* Opens the CPU at the highest level that it and this build have. `threads` 0 means OpenMP's
 * default; results do not depend on it, nor on how many of them there can be. */
minrnn_status cpu_device_open(int threads, minrnn_device **device);

/* The same at one level, for tests: MINRNN_UNSUPPORTED if the CPU or this build lacks it. */
minrnn_status cpu_device_open_at(enum cpu_level level, int threads, minrnn_device **device);

#endif
