/* SPDX-License-Identifier: Apache-2.0 */
/* Philox blocks side by side in vector lanes of 64 bits, which is how its products come out. The
 * same numbers as base/philox.h. */
#ifndef CPU_PHILOX_LANES_H
#define CPU_PHILOX_LANES_H

#include "base/philox.h"
#include "cpu/ops.h"

#include <string.h>

/* Blocks drawn by one call. */
enum { PHILOX_DRAWN = 256 };

#if defined(__SSE2__)
#include <immintrin.h>

#if defined(__AVX512F__)
enum { PHILOX_LANES = 8 };
#elif defined(__AVX2__)
enum { PHILOX_LANES = 4 };
#else
enum { PHILOX_LANES = 2 };
#endif

typedef uint64_t lanes __attribute__((vector_size(PHILOX_LANES * sizeof(uint64_t))));

/* The product of the low halves. Compilers take a full 64-bit multiplication for it, three times
 * the work. */
ALWAYS_INLINE lanes multiply_low(lanes a, lanes b) {
#if defined(__AVX512F__)
    return (lanes)_mm512_mul_epu32((__m512i)a, (__m512i)b);
#elif defined(__AVX2__)
    return (lanes)_mm256_mul_epu32((__m256i)a, (__m256i)b);
#else
    return (lanes)_mm_mul_epu32((__m128i)a, (__m128i)b);
#endif
}

ALWAYS_INLINE lanes same(uint64_t value) {
    return (lanes){0} + value;
}

/* Words of blocks first .. first + PHILOX_DRAWN - 1 of a stream, in order; `first` is a multiple of
 * PHILOX_DRAWN, so that no counter's low half overflows on the way. */
static void philox_draw(uint64_t seed, uint32_t site, uint32_t step, uint64_t first,
                        uint32_t *restrict words) {
    uint64_t front[PHILOX_DRAWN], back[PHILOX_DRAWN]; /* words 0 and 1 of each block; 2 and 3 */
    lanes count;
    for (int lane = 0; lane < PHILOX_LANES; lane++) {
        count[lane] = (uint32_t)first + (uint64_t)lane;
    }
    for (int block = 0; block < PHILOX_DRAWN; block += PHILOX_LANES) {
        /* Only the low halves count; above them there may be anything. */
        lanes c0 = count + (uint64_t)block, c1 = same(first >> 32);
        lanes c2 = same(site), c3 = same(step);
        uint64_t k0 = (uint32_t)seed, k1 = seed >> 32;
        for (int round = 0; round < 10; round++) {
            const lanes p0 = multiply_low(c0, same(0xD2511F53u));
            const lanes p1 = multiply_low(c2, same(0xCD9E8D57u));
            c0 = (p1 >> 32) ^ c1 ^ same(k0);
            c2 = (p0 >> 32) ^ c3 ^ same(k1);
            c1 = p1;
            c3 = p0;
            k0 += 0x9E3779B9u;
            k1 += 0xBB67AE85u;
        }
        const lanes low = same(0xFFFFFFFFu);
        const lanes pairs[2] = {(c0 & low) | (c1 << 32), (c2 & low) | (c3 << 32)};
        memcpy(front + block, &pairs[0], sizeof pairs[0]);
        memcpy(back + block, &pairs[1], sizeof pairs[1]);
    }
    for (int block = 0; block < PHILOX_DRAWN; block++) {
        memcpy(&words[4 * block], &front[block], sizeof front[block]);
        memcpy(&words[4 * block + 2], &back[block], sizeof back[block]);
    }
}

#else

static void philox_draw(uint64_t seed, uint32_t site, uint32_t step, uint64_t first,
                        uint32_t *restrict words) {
    for (int block = 0; block < PHILOX_DRAWN; block++) {
        const struct philox drawn = philox_block(seed, site, step, first + (uint64_t)block);
        for (int i = 0; i < 4; i++) {
            words[4 * block + i] = drawn.word[i];
        }
    }
}

#endif

#endif
