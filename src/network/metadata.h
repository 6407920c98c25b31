/* SPDX-License-Identifier: Apache-2.0 */
/* Text about a model, by key. */
#ifndef NETWORK_METADATA_H
#define NETWORK_METADATA_H

#include <minrnn/status.h>

enum { METADATA_MAX_ENTRIES = 64 };

struct metadata {
    struct metadata_entry {
        char *key, *value;
    } entries[METADATA_MAX_ENTRIES];
    int count;
};

/* Copies an entry in, in place of an earlier one; `value` NULL takes it out. */
minrnn_status metadata_set(struct metadata *metadata, const char *key, const char *value);

/* NULL if there is none. */
const char *metadata_get(const struct metadata *metadata, const char *key);

void metadata_destroy(struct metadata *metadata);

#endif
