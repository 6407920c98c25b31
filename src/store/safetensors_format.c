/* SPDX-License-Identifier: Apache-2.0 */
/* Types and sizes of tensors, and the bytes of lengths and checksums. */
#include "store/safetensors_format.h"

#include <string.h>

uint64_t safetensors_type_bytes(const char *type) {
    static const struct {
        const char *name;
        uint64_t bytes;
    } types[] = {{"BOOL", 1}, {"U8", 1},  {"I8", 1},  {"F8_E5M2", 1}, {"F8_E4M3", 1},
                 {"U16", 2},  {"I16", 2}, {"F16", 2}, {"BF16", 2},    {"U32", 4},
                 {"I32", 4},  {"F32", 4}, {"U64", 8}, {"I64", 8},     {"F64", 8}};
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        if (strcmp(type, types[i].name) == 0) {
            return types[i].bytes;
        }
    }
    return 0;
}

bool safetensors_shape_bytes(const struct safetensors_tensor *tensor, uint64_t *bytes) {
    uint64_t product = safetensors_type_bytes(tensor->type);
    for (int i = 0; i < tensor->dimensions; i++) {
        const uint64_t size = (uint64_t)tensor->shape[i];
        if (size > 0 && product > INT64_MAX / size) {
            return false;
        }
        product *= size;
    }
    *bytes = product;
    return true;
}

void safetensors_put_length(uint8_t out[LENGTH_BYTES], uint64_t length) {
    for (int i = 0; i < LENGTH_BYTES; i++) {
        out[i] = (uint8_t)(length >> 8 * i);
    }
}

void safetensors_put_digits(char out[DIGITS], uint64_t value) {
    for (int i = 0; i < DIGITS; i++) {
        out[i] = "0123456789abcdef"[value >> (60 - 4 * i) & 15];
    }
}

char *safetensors_find_digits(char *header) {
    static const char before[] = "\"" SAFETENSORS_CHECKSUM_KEY "\":\"";
    char *found = strstr(header, before);
    if (!found) {
        return NULL;
    }
    found += sizeof before - 1;
    return strspn(found, "0123456789abcdef") == DIGITS ? found : NULL;
}
