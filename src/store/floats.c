/* SPDX-License-Identifier: Apache-2.0 */
/* 16-bit and 64-bit floating point of files, made float. */
#include "store/floats.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

/* 1 sign, 5 exponent, 10 fraction bits. */
static float float_of_half(uint16_t half) {
    const int exponent = half >> 10 & 31;
    const int fraction = half & 1023;
    const float magnitude = exponent == 31  ? (fraction ? NAN : INFINITY)
                            : exponent == 0 ? ldexpf((float)fraction, -24)
                                            : ldexpf((float)(1024 + fraction), exponent - 25);
    return half & 0x8000 ? -magnitude : magnitude;
}

/* The upper half of a float. */
static float float_of_bfloat(uint16_t bfloat) {
    const uint32_t bits = (uint32_t)bfloat << 16;
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

void floats_convert(const char *type, const char *source, uint64_t count, float *destination) {
    const bool wide = strcmp(type, "F64") == 0;
    const bool brain = strcmp(type, "BF16") == 0;
    for (uint64_t i = 0; i < count; i++) {
        if (wide) {
            double value;
            memcpy(&value, source + i * sizeof value, sizeof value);
            destination[i] = (float)value;
        } else {
            uint16_t bits;
            memcpy(&bits, source + i * sizeof bits, sizeof bits);
            destination[i] = brain ? float_of_bfloat(bits) : float_of_half(bits);
        }
    }
}
