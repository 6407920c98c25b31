/* SPDX-License-Identifier: Apache-2.0 */
/* CRC-64/XZ (ECMA-182, reflected): finds every single flipped bit and every burst up to 64 bits. */
#ifndef BASE_CHECKSUM_H
#define BASE_CHECKSUM_H

#include <stdint.h>

struct checksum {
    uint64_t table[8][256];
    uint64_t state;
};

void checksum_start(struct checksum *checksum);
void checksum_add(struct checksum *checksum, const void *data, uint64_t bytes);
uint64_t checksum_value(const struct checksum *checksum);

#endif
