/* SPDX-License-Identifier: Apache-2.0 */
/* Trying what other libraries would take without asking: they end the process, or try for ever,
 * when they cannot have it. */
#ifndef BASE_PROBE_H
#define BASE_PROBE_H

#include <stdbool.h>
#include <stdint.h>

/* How many of `wanted` threads the process can have beside those it has, each with a stack of at
 * least `stack` bytes (0: the usual size). They were all there at once, and are gone again. */
int probe_threads(int wanted, uint64_t stack);

/* Whether `bytes` of address space are free, in one piece. */
bool probe_room(uint64_t bytes);

#endif
