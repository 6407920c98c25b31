/* SPDX-License-Identifier: Apache-2.0 */
/* Which build of the CPU backend this is. */
#ifndef CPU_BUILD_H
#define CPU_BUILD_H

#include <stdint.h>

/* In a section of its own, which who compares machine code can leave out. */
#ifdef __ELF__
#define CPU_BUILD_SECTION __attribute__((section(".minrnn_build")))
#else
#define CPU_BUILD_SECTION
#endif

/* A hash of compiler, flags and sources (build_hash.py). */
extern const uint64_t cpu_build;

#endif
