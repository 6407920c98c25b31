/* SPDX-License-Identifier: Apache-2.0 */
/* Floating-point types of files, as float. */
#ifndef STORE_FLOATS_H
#define STORE_FLOATS_H

#include <stdint.h>

/* Converts `count` elements of type "F64", "F16" or "BF16", little-endian, at any alignment. */
void floats_convert(const char *type, const char *source, uint64_t count, float *destination);

#endif
