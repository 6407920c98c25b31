/* SPDX-License-Identifier: Apache-2.0 */
/* What writing and reading safetensors files share. */
#ifndef STORE_SAFETENSORS_FORMAT_H
#define STORE_SAFETENSORS_FORMAT_H

#include "store/safetensors.h"

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "safetensors files are little-endian, and so must the host be"
#endif

enum {
    LENGTH_BYTES = 8,
    MAX_HEADER = 100 * 1000 * 1000, /* the format's own limit */
    DIGITS = 16                     /* of the checksum */
};

#define SAFETENSORS_CHECKSUM_KEY "minrnn.checksum"
#define SAFETENSORS_NO_CHECKSUM "0000000000000000"

/* Bytes of one element; 0 for a type that the format does not have. */
uint64_t safetensors_type_bytes(const char *type);

/* The tensor's size from its shape; false if it is not below 2^63. */
bool safetensors_shape_bytes(const struct safetensors_tensor *tensor, uint64_t *bytes);

void safetensors_put_length(uint8_t out[LENGTH_BYTES], uint64_t length);
void safetensors_put_digits(char out[DIGITS], uint64_t value);

/* The checksum's digits in a header; NULL if they are not written as safetensors_write writes
 * them. */
char *safetensors_find_digits(char *header);

#endif
