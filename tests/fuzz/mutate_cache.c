/* SPDX-License-Identifier: Apache-2.0 */
/* Mutations of a program cache's file whose lengths and checksum hold, for most of them: bytes
 * changed at random stop there. */
#include "harness.h"

#include <string.h>

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed) {
    enum { MAGIC = 8, WORD = 8, HEADER = MAGIC + 3 * WORD };
    const size_t made = LLVMFuzzerMutate(data, size, max_size);
    uint64_t words[3], hash = 0xCBF29CE484222325u;
    if (made < HEADER || seed % 8 == 0) {
        return made;
    }
    memcpy(words, data + MAGIC, sizeof words);
    if (seed % 8 < 6) {
        words[0] = words[0] < made - HEADER ? words[0] : 3;
        words[1] = made - HEADER - words[0];
        memcpy(data + MAGIC, words, sizeof words);
    }
    for (size_t i = MAGIC; i < made; i++) {
        if (i < HEADER - WORD || i >= HEADER) {
            hash = (hash ^ data[i]) * 0x100000001B3u;
        }
    }
    memcpy(data + HEADER - WORD, &hash, sizeof hash);
    return made;
}
