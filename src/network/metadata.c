/* SPDX-License-Identifier: Apache-2.0 */
/* A small list of keys and texts. */
#include "network/metadata.h"

#include "base/alloc.h"
#include "base/status.h"

#include <string.h>

/* Its place, or that of a new one: they are sorted by key, so that files with the same entries are
 * the same. */
static int find(const struct metadata *metadata, const char *key) {
    int i = 0;
    while (i < metadata->count && strcmp(metadata->entries[i].key, key) < 0) {
        i++;
    }
    return i;
}

static bool is_at(const struct metadata *metadata, int i, const char *key) {
    return i < metadata->count && strcmp(metadata->entries[i].key, key) == 0;
}

static void take_out(struct metadata *metadata, int i) {
    struct metadata_entry *entry = &metadata->entries[i];
    mem_free(entry->key);
    mem_free(entry->value);
    metadata->count--;
    memmove(entry, entry + 1, (size_t)(metadata->count - i) * sizeof *entry);
}

static void put_in(struct metadata *metadata, int i, struct metadata_entry made) {
    struct metadata_entry *entry = &metadata->entries[i];
    memmove(entry + 1, entry, (size_t)(metadata->count - i) * sizeof *entry);
    metadata->count++;
    *entry = made;
}

minrnn_status metadata_set(struct metadata *metadata, const char *key, const char *value) {
    const int i = find(metadata, key);
    const bool is_there = is_at(metadata, i, key);
    if (!value) {
        if (is_there) {
            take_out(metadata, i);
        }
        return MINRNN_OK;
    }
    if (!is_there && metadata->count == METADATA_MAX_ENTRIES) {
        return fail(MINRNN_INVALID_ARGUMENT, "a model has at most %d entries of metadata",
                    METADATA_MAX_ENTRIES);
    }
    struct metadata_entry made = {.key = mem_strdup(key), .value = mem_strdup(value)};
    if (!made.key || !made.value) {
        mem_free(made.key);
        mem_free(made.value);
        return MINRNN_OUT_OF_MEMORY;
    }
    if (is_there) {
        take_out(metadata, i);
    }
    put_in(metadata, i, made);
    return MINRNN_OK;
}

const char *metadata_get(const struct metadata *metadata, const char *key) {
    const int i = find(metadata, key);
    return is_at(metadata, i, key) ? metadata->entries[i].value : NULL;
}

void metadata_destroy(struct metadata *metadata) {
    while (metadata->count > 0) {
        take_out(metadata, 0);
    }
}
