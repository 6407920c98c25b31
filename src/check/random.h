/* SPDX-License-Identifier: Apache-2.0 */
/* A stream of random numbers for tests, by Philox: the same from the same seed everywhere. */
#ifndef CHECK_RANDOM_H
#define CHECK_RANDOM_H

#include "base/philox.h"

#include <math.h>

struct check_random {
    uint64_t seed;
    uint32_t stream;
    uint64_t drawn;      /* words so far */
    struct philox block; /* block number `cached` - 1 of the stream; 0: none yet */
    uint64_t cached;
};

static inline uint32_t random_word(struct check_random *random) {
    const uint64_t i = random->drawn++;
    if (random->cached != i / 4 + 1) {
        random->block = philox_block(random->seed, random->stream, 0, i / 4);
        random->cached = i / 4 + 1;
    }
    return random->block.word[i % 4];
}

/* In 0 .. count - 1; the bias of a 32-bit remainder is of no matter here. */
static inline int64_t random_below(struct check_random *random, int64_t count) {
    return (int64_t)(random_word(random) % (uint64_t)count);
}

static inline bool random_chance(struct check_random *random, double probability) {
    return philox_unit(random_word(random)) < probability;
}

/* Standard normal, by Box and Muller. */
static inline float random_normal(struct check_random *random) {
    const double radius = sqrt(-2 * log(1 - (double)philox_unit(random_word(random))));
    return (float)(radius * cos(6.283185307179586 * philox_unit(random_word(random))));
}

#endif
