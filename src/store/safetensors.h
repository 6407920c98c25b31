/* SPDX-License-Identifier: Apache-2.0 */
/* Safetensors files (https://github.com/huggingface/safetensors): eight bytes with the header's
 * length, little-endian; the header, JSON; the tensors' bytes, without gap or overlap. */
#ifndef STORE_SAFETENSORS_H
#define STORE_SAFETENSORS_H

#include "base/status.h"

enum { SAFETENSORS_MAX_DIMENSIONS = 8 };

struct safetensors_tensor {
    const char *name;
    const char *type; /* "F32", "I64", ... */
    int dimensions;
    int64_t shape[SAFETENSORS_MAX_DIMENSIONS]; /* row-major */
    const void *data;                          /* written from here; NULL in a file that is read */
    uint64_t offset, bytes;                    /* place in a file that is read */
};

struct safetensors_metadata {
    const char *key, *value;
};

/* Writes a file as file_writer does. Metadata receives two more entries, "format" ("pt") and
 * "minrnn.checksum", over the whole file. The same arguments give the same bytes. */
minrnn_status safetensors_write(const char *path, const struct safetensors_metadata *metadata,
                                int entries, const struct safetensors_tensor *tensors, int count);

/* A file open for reading, its header checked: whatever it says of its tensors is true of its
 * bytes. Tensors are sorted by name. What it returns lives until it is closed. */
struct safetensors;
minrnn_status safetensors_open(const char *path, struct safetensors **result);
void safetensors_close(struct safetensors *file); /* NULL is allowed */
const char *safetensors_path(const struct safetensors *file);

int safetensors_count(const struct safetensors *file);
const struct safetensors_tensor *safetensors_tensor_at(const struct safetensors *file, int index);

/* The tensor of a name, or the one that __metadata__ says holds it, under its name, as PyTorch's
 * save_model writes of tensors that are one; NULL if there is none. */
const struct safetensors_tensor *safetensors_find(const struct safetensors *file, const char *name);

/* The bytes of the longest beginning that all names have and that ends at a '.'; from then on all
 * names are those without their first `bytes`. */
size_t safetensors_common_prefix(const struct safetensors *file);
void safetensors_drop_prefix(struct safetensors *file, size_t bytes);

/* The entries of __metadata__ by number, sorted by key; NULL past the last. */
const char *safetensors_key_at(const struct safetensors *file, int index);

/* A value of __metadata__, NULL if it has none; whether any of its keys begins with `prefix`. */
const char *safetensors_value(const struct safetensors *file, const char *key);
bool safetensors_has_prefix(const struct safetensors *file, const char *prefix);

/* Reads the whole file once and compares it with its "minrnn.checksum", which must be there; a
 * program that changes a file may put "none". */
minrnn_status safetensors_verify(struct safetensors *file);

/* Reads a tensor of floating-point numbers (F32, F64, F16, BF16) as float. */
minrnn_status safetensors_read(struct safetensors *file, const struct safetensors_tensor *tensor,
                               float *destination);

#endif
