/* SPDX-License-Identifier: Apache-2.0 */
/* Compiled programs on disk. Whatever goes wrong here is no error: the source is compiled again. */
#ifndef OPENCL_CACHE_H
#define OPENCL_CACHE_H

#include "base/folder.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Finds what was stored under exactly this key, any text. The binary is to be freed with mem_free;
 * a file that is damaged or another key's counts as not there. */
bool cache_load(const char *folder, const char *key, unsigned char **binary, size_t *bytes);

/* Stores a binary so that other processes see the whole file or none; returns whether it could. */
bool cache_store(const char *folder, const char *key, const unsigned char *binary, size_t bytes);

/* FNV-1a, over several pieces: begin with HASH_START. */
#define HASH_START 0xCBF29CE484222325u
uint64_t hash_bytes(uint64_t hash, const void *data, size_t bytes);

#endif
