/* SPDX-License-Identifier: Apache-2.0 */
/* A small list of keys and texts. */
#include "network/metadata.h"

#include "base/alloc.h"
#include "base/status.h"

#include <string.h>

/* Its place, or that of a new one. */
static int find(const struct metadata *metadata, const char *key) {
    int i = 0;
    while (i < metadata->count && strcmp(metadata->entries[i].key, key) != 0) {
        i++;
    }
    return i;
}

static void take_out(struct metadata *metadata, int i) {
    if (i < metadata->count) {
        mem_free(metadata->entries[i].key);
        mem_free(metadata->entries[i].value);
        metadata->entries[i] = metadata->entries[--metadata->count];
    }
}

minrnn_status metadata_set(struct metadata *metadata, const char *key, const char *value) {
    const int i = find(metadata, key);
    if (!value) {
        take_out(metadata, i);
        return MINRNN_OK;
    }
    if (i == METADATA_MAX_ENTRIES) {
        return fail(MINRNN_INVALID_ARGUMENT, "a model has at most %d entries of metadata",
                    METADATA_MAX_ENTRIES);
    }
    struct metadata_entry made = {.key = mem_strdup(key), .value = mem_strdup(value)};
    if (!made.key || !made.value) {
        mem_free(made.key);
        mem_free(made.value);
        return MINRNN_OUT_OF_MEMORY;
    }
    take_out(metadata, i);
    metadata->entries[metadata->count++] = made;
    return MINRNN_OK;
}

const char *metadata_get(const struct metadata *metadata, const char *key) {
    const int i = find(metadata, key);
    return i < metadata->count ? metadata->entries[i].value : NULL;
}

void metadata_destroy(struct metadata *metadata) {
    while (metadata->count > 0) {
        take_out(metadata, 0);
    }
}
