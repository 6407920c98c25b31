/* SPDX-License-Identifier: Apache-2.0 */
/* CRC-64/XZ, eight bytes a round from eight tables. */
#include "base/checksum.h"

/* x^64 + ... of ECMA-182, lowest bit first. */
static const uint64_t polynomial = 0xC96C5795D7870F42u;

void checksum_start(struct checksum *checksum) {
    for (uint32_t byte = 0; byte < 256; byte++) {
        uint64_t remainder = byte;
        for (int bit = 0; bit < 8; bit++) {
            remainder = (remainder >> 1) ^ (remainder & 1 ? polynomial : 0);
        }
        checksum->table[0][byte] = remainder;
    }
    /* table[k][byte] is `byte` followed by k zero bytes, so that eight bytes go in one round. */
    for (uint32_t byte = 0; byte < 256; byte++) {
        for (int k = 1; k < 8; k++) {
            const uint64_t before = checksum->table[k - 1][byte];
            checksum->table[k][byte] = (before >> 8) ^ checksum->table[0][before & 255];
        }
    }
    checksum->state = ~(uint64_t)0;
}

void checksum_add(struct checksum *checksum, const void *data, uint64_t bytes) {
    const uint8_t *next = data;
    const uint64_t(*table)[256] = (const uint64_t(*)[256])checksum->table;
    uint64_t state = checksum->state;
    for (; bytes >= 8; bytes -= 8, next += 8) {
        uint64_t mixed = 0;
        for (int k = 0; k < 8; k++) {
            mixed ^= table[7 - k][(uint8_t)(state >> 8 * k) ^ next[k]];
        }
        state = mixed;
    }
    for (; bytes > 0; bytes--, next++) {
        state = (state >> 8) ^ table[0][(uint8_t)state ^ *next];
    }
    checksum->state = state;
}

uint64_t checksum_value(const struct checksum *checksum) {
    return ~checksum->state;
}
