/* SPDX-License-Identifier: Apache-2.0 */
/* Files of the program cache. Anything may lie in the place of a key's file: nothing is handed out
 * but what a sound file of this very key holds. */
#include "base/alloc.h"
#include "harness.h"
#include "opencl/cache.h"

#include <string.h>

static const char key[] = "key";

/* Where the cache looks for the key's file. */
static const char *key_path(void) {
    static char path[CACHE_PATH_BYTES];
    if (!*path) {
        snprintf(path, sizeof path, "%s/%016llx.bin", fuzz_folder(),
                 (unsigned long long)hash_bytes(HASH_START, key, strlen(key)));
    }
    return path;
}

int LLVMFuzzerInitialize(int *argc, char ***argv) {
    static const unsigned char program[] = {1};
    unsigned char *binary = NULL;
    size_t bytes = 0;
    (void)argc;
    (void)argv;
    /* The path is right: what the cache stores is there, and found. */
    cache_store(fuzz_folder(), key, program, sizeof program);
    free(fuzz_get(key_path()).data);
    MUST(cache_load(fuzz_folder(), key, &binary, &bytes));
    mem_free(binary);
    return 0;
}

/* Written from what cache.c says of its files, not with its code: magic, lengths of key and binary,
 * FNV-1a of both lengths, the key and the binary; integers as the host has them. */
static size_t sound_binary(const uint8_t *data, size_t size) {
    enum { MAGIC = 8, WORD = 8, HEADER = MAGIC + 3 * WORD };
    const size_t key_bytes = strlen(key);
    uint64_t words[3], hash = 0xCBF29CE484222325u;
    if (size <= HEADER + key_bytes || memcmp(data, "minrnnP1", MAGIC) != 0) {
        return 0;
    }
    memcpy(words, data + MAGIC, sizeof words);
    const size_t binary_bytes = size - HEADER - key_bytes;
    for (size_t i = MAGIC; i < size; i++) {
        if (i < HEADER - WORD || i >= HEADER) {
            hash = (hash ^ data[i]) * 0x100000001B3u;
        }
    }
    const bool sound = words[0] == key_bytes && words[1] == binary_bytes && words[2] == hash &&
                       memcmp(data + HEADER, key, key_bytes) == 0;
    return sound ? binary_bytes : 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    (void)fuzz_put(strrchr(key_path(), '/') + 1, data, size);
    const size_t expected = sound_binary(data, size);
    unsigned char *binary = NULL;
    size_t bytes = 0;
    const bool loaded = cache_load(fuzz_folder(), key, &binary, &bytes);
    MUST(loaded == (expected > 0));
    if (loaded) {
        MUST(bytes == expected && memcmp(binary, data + size - bytes, bytes) == 0);
        mem_free(binary);
        return 0;
    }
    MUST(!binary);
    /* What was there does not stand in the way of a good one. */
    static const unsigned char program[] = {7, 0, 7};
    cache_store(fuzz_folder(), key, program, sizeof program);
    MUST(cache_load(fuzz_folder(), key, &binary, &bytes));
    MUST(bytes == sizeof program && memcmp(binary, program, bytes) == 0);
    mem_free(binary);
    return 0;
}
