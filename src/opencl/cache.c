/* SPDX-License-Identifier: Apache-2.0 */
/* Reads and writes the files of the program cache, each under a checksum. */
#include "opencl/cache.h"

#include "base/alloc.h"
#include "base/file.h"

#include <stdio.h>
#include <string.h>

/* A file is this header, the key without its zero, and the binary. Drivers may trust a binary
 * blindly (PoCL aborts the process over a truncated one), hence the checksum of everything. */
struct header {
    char magic[8];
    uint64_t key_bytes, binary_bytes;
    uint64_t checksum; /* of both lengths, the key and the binary */
};

static const char magic[8] = {'m', 'i', 'n', 'r', 'n', 'n', 'P', '1'};

uint64_t hash_bytes(uint64_t hash, const void *data, size_t bytes) {
    for (const unsigned char *p = data; bytes > 0; p++, bytes--) {
        hash = (hash ^ *p) * 0x100000001B3u;
    }
    return hash;
}

static uint64_t checksum_of(const struct header *header, const char *key,
                            const unsigned char *binary) {
    uint64_t hash = hash_bytes(HASH_START, &header->key_bytes, sizeof header->key_bytes);
    hash = hash_bytes(hash, &header->binary_bytes, sizeof header->binary_bytes);
    hash = hash_bytes(hash, key, (size_t)header->key_bytes);
    return hash_bytes(hash, binary, (size_t)header->binary_bytes);
}

/* The file's name is the key's hash; the key inside decides. */
static bool file_path(char path[CACHE_PATH_BYTES], const char *folder, const char *key) {
    const int length = snprintf(path, CACHE_PATH_BYTES, "%s/%016llx.bin", folder,
                                (unsigned long long)hash_bytes(HASH_START, key, strlen(key)));
    return length > 0 && length < CACHE_PATH_BYTES;
}

/* ---- loading ---- */

static bool header_fits(const struct header *header, const char *key, uint64_t file_bytes) {
    const uint64_t rest = file_bytes - sizeof *header;
    return memcmp(header->magic, magic, sizeof magic) == 0 && header->key_bytes == strlen(key) &&
           header->key_bytes <= rest && header->binary_bytes == rest - header->key_bytes &&
           header->binary_bytes > 0;
}

/* Checks key and checksum; hands the binary over. */
static bool load_open(struct file_reader *file, const char *key, unsigned char **binary,
                      size_t *bytes) {
    struct header header;
    if (file_reader_read(file, 0, &header, sizeof header) ||
        !header_fits(&header, key, file_reader_bytes(file))) {
        return false;
    }
    const uint64_t key_bytes = header.key_bytes, binary_bytes = header.binary_bytes;
    char *stored_key = mem_alloc((uint64_t)key_bytes, 1);
    unsigned char *content = mem_alloc((uint64_t)binary_bytes, 1);
    const bool good = stored_key && content &&
                      !file_reader_read(file, sizeof header, stored_key, key_bytes) &&
                      memcmp(stored_key, key, (size_t)key_bytes) == 0 &&
                      !file_reader_read(file, sizeof header + key_bytes, content, binary_bytes) &&
                      checksum_of(&header, key, content) == header.checksum;
    mem_free(stored_key);
    if (!good) {
        mem_free(content);
        return false;
    }
    *binary = content;
    *bytes = (size_t)binary_bytes;
    return true;
}

/* A file that cannot be read or written is no error of the call that needs a program: its text is
 * put back. */
static void keep_error_text(char text[ERROR_TEXT_CAPACITY]) {
    memcpy(text, minrnn_error_text(), strlen(minrnn_error_text()) + 1);
}

bool cache_load(const char *folder, const char *key, unsigned char **binary, size_t *bytes) {
    char path[CACHE_PATH_BYTES];
    char text[ERROR_TEXT_CAPACITY];
    struct file_reader *file = NULL;
    if (!file_path(path, folder, key)) {
        return false;
    }
    keep_error_text(text);
    const bool loaded = !file_reader_open(path, &file) && load_open(file, key, binary, bytes);
    file_reader_close(file);
    error_text_set("%s", text);
    return loaded;
}

/* ---- storing ---- */

static bool write_file(struct file_writer *file, const char *key, const unsigned char *binary,
                       size_t bytes) {
    struct header header = {.key_bytes = strlen(key), .binary_bytes = bytes};
    memcpy(header.magic, magic, sizeof magic);
    header.checksum = checksum_of(&header, key, binary);
    return !file_writer_write(file, &header, sizeof header) &&
           !file_writer_write(file, key, header.key_bytes) &&
           !file_writer_write(file, binary, bytes);
}

bool cache_store(const char *folder, const char *key, const unsigned char *binary, size_t bytes) {
    char path[CACHE_PATH_BYTES];
    char text[ERROR_TEXT_CAPACITY];
    bool stored = false;
    if (!file_path(path, folder, key)) {
        return false;
    }
    keep_error_text(text);
    cache_folder_make(folder);
    struct file_writer *file = NULL;
    if (!file_writer_open(path, &file) && write_file(file, key, binary, bytes)) {
        stored = file_writer_commit(file) == MINRNN_OK;
    } else {
        file_writer_abort(file);
    }
    error_text_set("%s", text);
    return stored;
}
