/* SPDX-License-Identifier: Apache-2.0 */
/* Mutations that keep a safetensors file nearly whole. Bytes flipped anywhere stop at the header's
 * length, at JSON's grammar, at offsets that do not add up or at the checksum; so most mutations
 * change one thing behind those and put the rest right again, and some change bytes as they are. */
#include "base/checksum.h"
#include "harness.h"

#include <cjson/cJSON.h>
#include <string.h>

enum { LENGTH_BYTES = 8, MOST_NODES = 4096, MOST_TEXT = 256 };

static uint64_t random_state;

static uint64_t random_below(uint64_t bound) {
    random_state += 0x9E3779B97F4A7C15u;
    uint64_t z = random_state;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return (z ^ (z >> 31)) % bound;
}

/* ---- the header's tree ---- */

/* All nodes below `node`, which is left out. */
static int collect(cJSON *node, cJSON **nodes, int count) {
    for (cJSON *child = node->child; child && count < MOST_NODES; child = child->next) {
        nodes[count++] = child;
        count = collect(child, nodes, count);
    }
    return count;
}

static double other_number(double old) {
    static const double numbers[] = {0,         1,        2,       3,      -1,      0.5,
                                     0x1p31,    0x1p32,   0x1p53,  0x1p63, 1e308,   1e-40,
                                     INT32_MAX, 0x1.8p62, 1048576, 4096,   4194304, 64};
    switch (random_below(4)) {
    case 0: return old + 1;
    case 1: return old - 1;
    case 2: return 2 * old;
    default: return numbers[random_below(sizeof numbers / sizeof *numbers)];
    }
}

static void mutate_tree(cJSON *root);

static void mutate_string(cJSON *node, cJSON *const *nodes, int count) {
    const cJSON *other = nodes[random_below((uint64_t)count)];
    cJSON *inner = node->valuestring[0] == '{' ? cJSON_Parse(node->valuestring) : NULL;
    if (inner && random_below(8) > 0) {
        mutate_tree(inner);
        char *text = cJSON_PrintUnformatted(inner);
        if (text) {
            cJSON_SetValuestring(node, text);
        }
        cJSON_free(text);
    } else if (cJSON_IsString(other) && random_below(2)) {
        cJSON_SetValuestring(node, other->valuestring);
    } else {
        char text[MOST_TEXT + 1] = {0};
        snprintf(text, sizeof text, "%s", node->valuestring);
        const size_t size = LLVMFuzzerMutate((uint8_t *)text, strlen(text), MOST_TEXT);
        text[size] = '\0';
        cJSON_SetValuestring(node, text);
    }
    cJSON_Delete(inner);
}

static void mutate_children(cJSON *node) {
    const int count = cJSON_GetArraySize(node);
    if (count == 0) {
        return;
    }
    const int index = (int)random_below((uint64_t)count);
    if (random_below(2)) {
        cJSON_DeleteItemFromArray(node, index);
        return;
    }
    cJSON *copy = cJSON_Duplicate(cJSON_GetArrayItem(node, index), true);
    if (copy && copy->string && random_below(4) > 0) {
        /* Another name: a digit changed, as in the next layer's. */
        char *digit = strpbrk(copy->string, "0123456789");
        if (digit) {
            *digit = (char)('0' + random_below(10));
        }
    }
    cJSON_AddItemToArray(node, copy);
}

static void mutate_node(cJSON *node, cJSON *const *nodes, int count) {
    if (cJSON_IsNumber(node)) {
        cJSON_SetNumberValue(node, other_number(node->valuedouble));
    } else if (cJSON_IsString(node)) {
        mutate_string(node, nodes, count);
    } else if (cJSON_IsBool(node)) {
        node->type = cJSON_IsTrue(node) ? cJSON_False : cJSON_True;
    } else {
        mutate_children(node);
    }
}

/* Where a number is, so it is wherever the same one stands: a width is in many shapes. */
static void replace_number(cJSON *const *nodes, int count, double from, double to) {
    for (int i = 0; i < count; i++) {
        cJSON *inner = cJSON_IsString(nodes[i]) && nodes[i]->valuestring[0] == '{'
                           ? cJSON_Parse(nodes[i]->valuestring)
                           : NULL;
        if (cJSON_IsNumber(nodes[i]) && nodes[i]->valuedouble == from) {
            cJSON_SetNumberValue(nodes[i], to);
        }
        for (cJSON *field = inner ? inner->child : NULL; field; field = field->next) {
            if (cJSON_IsNumber(field) && field->valuedouble == from) {
                cJSON_SetNumberValue(field, to);
            }
        }
        char *text = inner ? cJSON_PrintUnformatted(inner) : NULL;
        if (text) {
            cJSON_SetValuestring(nodes[i], text);
        }
        cJSON_free(text);
        cJSON_Delete(inner);
    }
}

static void mutate_tree(cJSON *root) {
    static cJSON *all[MOST_NODES];
    cJSON *nodes[MOST_NODES / 8];
    int count = collect(root, all, 0);
    /* A copy, for the tree in a string uses the list again. */
    count = count < MOST_NODES / 8 ? count : MOST_NODES / 8;
    memcpy(nodes, all, (size_t)count * sizeof *nodes);
    if (count == 0) {
        return;
    }
    cJSON *node = nodes[random_below((uint64_t)count)];
    if (cJSON_IsNumber(node) && random_below(2)) {
        replace_number(nodes, count, node->valuedouble, other_number(node->valuedouble));
    } else {
        mutate_node(node, nodes, count);
    }
}

/* Offsets that follow from types and shapes; returns the data's bytes. */
static uint64_t lay_out(cJSON *root) {
    static const char *const wide[] = {"F64", "I64", "U64"}, *const half[] = {"F16", "BF16", "I16"};
    double end = 0;
    for (cJSON *entry = root->child; entry; entry = entry->next) {
        const char *type = cJSON_GetStringValue(cJSON_GetObjectItem(entry, "dtype"));
        cJSON *range = cJSON_GetObjectItem(entry, "data_offsets");
        const cJSON *size;
        double bytes = 4;
        for (int i = 0; type && i < 3; i++) {
            bytes = strcmp(type, wide[i]) == 0 ? 8 : strcmp(type, half[i]) == 0 ? 2 : bytes;
        }
        cJSON_ArrayForEach(size, cJSON_GetObjectItem(entry, "shape")) {
            bytes *= size->valuedouble;
        }
        if (cJSON_GetArraySize(range) == 2) {
            cJSON_SetNumberValue(range->child, end);
            end += bytes;
            cJSON_SetNumberValue(range->child->next, end);
        }
    }
    return end >= 0 && end <= 1e9 ? (uint64_t)end : 0;
}

/* ---- the file ---- */

static size_t header_bytes(const uint8_t *data, size_t size) {
    uint64_t length = 0;
    for (int i = 0; size >= LENGTH_BYTES && i < LENGTH_BYTES; i++) {
        length |= (uint64_t)data[i] << 8 * i;
    }
    return size >= LENGTH_BYTES && length <= size - LENGTH_BYTES ? (size_t)length : 0;
}

/* Puts length, header and `body` together; 0 if they are too large. */
static size_t assemble(uint8_t *data, size_t max_size, const char *header, size_t length,
                       const uint8_t *body, size_t body_bytes, size_t wanted) {
    if (length > max_size - LENGTH_BYTES || wanted > max_size - LENGTH_BYTES - length) {
        return 0;
    }
    for (int i = 0; i < LENGTH_BYTES; i++) {
        data[i] = (uint8_t)((uint64_t)length >> 8 * i);
    }
    memcpy(data + LENGTH_BYTES, header, length);
    uint8_t *to = data + LENGTH_BYTES + length;
    for (size_t i = 0; i < wanted; i++) {
        to[i] = i < body_bytes ? body[i] : 0;
    }
    return LENGTH_BYTES + length + wanted;
}

static size_t mutate_header(uint8_t *data, size_t max_size, const uint8_t *old, size_t old_size) {
    const size_t length = header_bytes(old, old_size);
    const uint8_t *body = old + LENGTH_BYTES + length;
    const size_t body_bytes = old_size - LENGTH_BYTES - length;
    cJSON *root = cJSON_ParseWithLength((const char *)old + LENGTH_BYTES, length);
    if (!cJSON_IsObject(root) || random_below(8) == 0) {
        char *text = malloc(max_size);
        MUST(text);
        memcpy(text, old + LENGTH_BYTES, length);
        const size_t mutated =
            LLVMFuzzerMutate((uint8_t *)text, length, max_size - LENGTH_BYTES - body_bytes);
        const size_t size = assemble(data, max_size, text, mutated, body, body_bytes, body_bytes);
        free(text);
        cJSON_Delete(root);
        return size;
    }
    size_t wanted = body_bytes;
    for (uint64_t more = 1 + random_below(3); more > 0; more--) {
        mutate_tree(root);
    }
    if (random_below(4) > 0) {
        wanted = (size_t)lay_out(root);
    }
    char *text = cJSON_PrintUnformatted(root);
    const size_t size =
        text ? assemble(data, max_size, text, strlen(text), body, body_bytes, wanted) : 0;
    cJSON_free(text);
    cJSON_Delete(root);
    return size;
}

static void put_checksum(uint8_t *data, size_t size) {
    static const char start[] = "\"minrnn.checksum\":\"";
    static struct checksum checksum;
    const size_t length = header_bytes(data, size);
    for (size_t i = LENGTH_BYTES; i + sizeof start + 16 < LENGTH_BYTES + length; i++) {
        if (memcmp(data + i, start, sizeof start - 1) == 0) {
            uint8_t *digits = data + i + sizeof start - 1;
            if (!memchr(digits, '"', 16)) {
                memset(digits, '0', 16);
                checksum_start(&checksum);
                checksum_add(&checksum, data, size);
                const uint64_t value = checksum_value(&checksum);
                for (int k = 0; k < 16; k++) {
                    digits[k] = (uint8_t) "0123456789abcdef"[value >> (60 - 4 * k) & 15];
                }
            }
            return;
        }
    }
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed) {
    random_state = seed;
    const size_t length = header_bytes(data, size);
    if (length == 0 || random_below(8) == 0) {
        return LLVMFuzzerMutate(data, size, max_size);
    }
    size_t made = 0;
    const size_t body = LENGTH_BYTES + length;
    if (size > body && random_below(4) == 0) {
        made = body + LLVMFuzzerMutate(data + body, size - body, size - body);
    } else {
        uint8_t *old = malloc(size);
        MUST(old);
        memcpy(old, data, size);
        made = mutate_header(data, max_size, old, size);
        if (made == 0) {
            memcpy(data, old, size);
            made = LLVMFuzzerMutate(data, size, max_size);
        }
        free(old);
    }
    if (random_below(8) > 0) {
        put_checksum(data, made);
    }
    return made;
}
