/* SPDX-License-Identifier: Apache-2.0 */
/* Philox4x32-10 (Salmon et al., "Parallel Random Numbers: As Easy as 1, 2, 3", SC 2011): a
 * counter-based generator, so that every backend draws the same numbers in any order. */
#ifndef BASE_PHILOX_H
#define BASE_PHILOX_H

#include <stdint.h>

struct philox {
    uint32_t word[4];
};

/* The ten rounds for one counter and key. */
static inline struct philox philox4x32(struct philox counter, uint64_t key) {
    uint32_t k0 = (uint32_t)key;
    uint32_t k1 = (uint32_t)(key >> 32);
    uint32_t c0 = counter.word[0], c1 = counter.word[1], c2 = counter.word[2], c3 = counter.word[3];
    for (int round = 0; round < 10; round++) {
        const uint64_t p0 = (uint64_t)0xD2511F53u * c0;
        const uint64_t p1 = (uint64_t)0xCD9E8D57u * c2;
        const uint32_t n0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0;
        const uint32_t n2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
        c1 = (uint32_t)p1;
        c3 = (uint32_t)p0;
        c0 = n0;
        c2 = n2;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    return (struct philox){{c0, c1, c2, c3}};
}

/* The stream a number belongs to: `site` says what it is for, `step` when. Word j of block i is
 * number 4 i + j of the stream; i takes counter words 0 and 1. */
static inline struct philox philox_block(uint64_t seed, uint32_t site, uint32_t step, uint64_t i) {
    return philox4x32((struct philox){{(uint32_t)i, (uint32_t)(i >> 32), site, step}}, seed);
}

/* Sites. Dropout sites count up from PHILOX_SITE_DROPOUT, parameters from PHILOX_SITE_PARAMETER. */
enum {
    PHILOX_SITE_BATCH = 0x10000000,
    PHILOX_SITE_TASK = 0x18000000, /* and a split */
    PHILOX_SITE_SAMPLE = 0x20000000,
    PHILOX_SITE_PARAMETER = 0x30000000,
    PHILOX_SITE_DROPOUT = 0x40000000
};

/* 24 random bits as a float in [0, 1). */
static inline float philox_unit(uint32_t word) {
    return (float)(word >> 8) * 0x1p-24f;
}

/* An element is dropped if its word is below this: probability in 24 bits, so that the scale
 * 1 / (1 - probability) and the rate agree on every backend. */
static inline uint32_t philox_threshold(float probability) {
    return (uint32_t)(probability * 0x1p24f) << 8;
}

#endif
