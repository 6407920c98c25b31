/* SPDX-License-Identifier: Apache-2.0 */
/* Reads a safetensors file: header, layout, checksum, then values. */
#include "base/alloc.h"
#include "base/checksum.h"
#include "base/file.h"
#include "base/recognise.h"
#include "base/utf8.h"
#include "store/floats.h"
#include "store/safetensors_format.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    MAX_VALUES = 1 << 20, /* in the header, so that parsing it takes bounded memory */
    PIECE = 1 << 18       /* bytes read at a time */
};

/* The largest integer up to which a double, cJSON's number, holds every integer. */
static const double max_integer = 0x1p53;

struct safetensors {
    struct file_reader *reader;
    char *header;
    uint64_t header_bytes;
    cJSON *json;
    const cJSON **metadata; /* [entries], sorted by key */
    size_t entries;
    struct safetensors_tensor *tensors;
    int count;
    size_t prefix; /* bytes dropped from every name */
};

static minrnn_status malformed(const struct safetensors *file, const char *what) {
    return fail(MINRNN_FORMAT_ERROR, "%s is not a valid safetensors file: %s",
                file_reader_path(file->reader), what);
}

static minrnn_status malformed_tensor(const struct safetensors *file, const char *name,
                                      const char *what) {
    return fail(MINRNN_FORMAT_ERROR, "%s is not a valid safetensors file: tensor %.80s: %s",
                file_reader_path(file->reader), name, what);
}

static bool as_integer(const cJSON *item, int64_t *value) {
    if (!cJSON_IsNumber(item) || !(item->valuedouble >= 0) || !(item->valuedouble <= max_integer) ||
        item->valuedouble != floor(item->valuedouble)) {
        return false;
    }
    *value = (int64_t)item->valuedouble;
    return true;
}

static minrnn_status read_header(struct safetensors *file) {
    const uint64_t file_bytes = file_reader_bytes(file->reader);
    uint8_t length[LENGTH_BYTES];
    if (file_bytes < LENGTH_BYTES) {
        return malformed(file, "shorter than 8 bytes");
    }
    minrnn_status status = file_reader_read(file->reader, 0, length, LENGTH_BYTES);
    if (status) {
        return status;
    }
    for (int i = 0; i < LENGTH_BYTES; i++) {
        file->header_bytes |= (uint64_t)length[i] << 8 * i;
    }
    if (file->header_bytes > MAX_HEADER) {
        return malformed(file, "its header is longer than 100 MB");
    }
    if (file->header_bytes > file_bytes - LENGTH_BYTES) {
        return malformed(file, "it ends before its header does, as if it was cut short");
    }
    file->header = mem_alloc(file->header_bytes + 1, 1);
    if (!file->header) {
        return MINRNN_OUT_OF_MEMORY;
    }
    return file_reader_read(file->reader, LENGTH_BYTES, file->header, file->header_bytes);
}

static minrnn_status parse_header(struct safetensors *file) {
    const char *text = file->header;
    if (text[0] != '{') {
        return malformed(file, "its header is not a JSON object");
    }
    /* Neither can be told from a string's end once cJSON has read it. */
    if (strlen(text) != file->header_bytes || strstr(text, "\\u0000")) {
        return malformed(file, "a zero byte in its header");
    }
    int values = 0;
    for (const char *next = text; (next = strchr(next, ',')); next++) {
        if (++values > MAX_VALUES) {
            return malformed(file, "its header has more than 2^20 values");
        }
    }
    const char *end = NULL;
    file->json = cJSON_ParseWithLengthOpts(text, file->header_bytes, &end, false);
    if (!file->json) {
        /* cJSON does not tell which. */
        return malformed(file, "its header is not JSON, or memory to read it ran out");
    }
    if (!cJSON_IsObject(file->json) || end[strspn(end, " ")] != 0) {
        return malformed(file, "its header is not one JSON object");
    }
    return MINRNN_OK;
}

static int compare_keys(const void *a, const void *b) {
    return strcmp((*(const cJSON *const *)a)->string, (*(const cJSON *const *)b)->string);
}

static minrnn_status parse_metadata(struct safetensors *file) {
    const cJSON *metadata = cJSON_GetObjectItemCaseSensitive(file->json, "__metadata__");
    if (!metadata || cJSON_IsNull(metadata)) {
        return MINRNN_OK;
    }
    if (!cJSON_IsObject(metadata)) {
        return malformed(file, "__metadata__ is not an object");
    }
    const size_t count = (size_t)cJSON_GetArraySize(metadata);
    file->metadata = mem_alloc(count, sizeof *file->metadata);
    if (!file->metadata) {
        return MINRNN_OUT_OF_MEMORY;
    }
    const cJSON *entry;
    cJSON_ArrayForEach(entry, metadata) {
        if (!cJSON_IsString(entry)) {
            return malformed(file, "a value in __metadata__ is not a string");
        }
        file->metadata[file->entries++] = entry;
    }
    qsort(file->metadata, count, sizeof *file->metadata, compare_keys);
    for (size_t i = 1; i < count; i++) {
        if (strcmp(file->metadata[i - 1]->string, file->metadata[i]->string) == 0) {
            return malformed(file, "a key appears twice in __metadata__");
        }
    }
    return MINRNN_OK;
}

static minrnn_status parse_tensor(const struct safetensors *file, const cJSON *entry,
                                  struct safetensors_tensor *tensor) {
    const char *name = entry->string;
    if (!utf8_is_plain(name)) {
        return malformed(file, "a tensor's name is not UTF-8 or has a control character");
    }
    tensor->name = name;
    /* Three members, each of which is found, leave no room for one that is there twice. */
    if (!cJSON_IsObject(entry) || cJSON_GetArraySize(entry) != 3) {
        return malformed_tensor(file, name, "not an object of dtype, shape and data_offsets");
    }
    const cJSON *type = cJSON_GetObjectItemCaseSensitive(entry, "dtype");
    if (!cJSON_IsString(type) || safetensors_type_bytes(type->valuestring) == 0) {
        return malformed_tensor(file, name, "its dtype is unknown");
    }
    tensor->type = type->valuestring;
    const cJSON *shape = cJSON_GetObjectItemCaseSensitive(entry, "shape");
    if (!cJSON_IsArray(shape) || cJSON_GetArraySize(shape) > SAFETENSORS_MAX_DIMENSIONS) {
        return malformed_tensor(file, name, "its shape is not an array of at most 8 sizes");
    }
    const cJSON *size;
    cJSON_ArrayForEach(size, shape) {
        if (!as_integer(size, &tensor->shape[tensor->dimensions++])) {
            return malformed_tensor(file, name,
                                    "a size in its shape is not an integer from 0 to 2^53");
        }
    }
    const cJSON *range = cJSON_GetObjectItemCaseSensitive(entry, "data_offsets");
    int64_t begin = 0, end = 0;
    if (!cJSON_IsArray(range) || cJSON_GetArraySize(range) != 2 ||
        !as_integer(cJSON_GetArrayItem(range, 0), &begin) ||
        !as_integer(cJSON_GetArrayItem(range, 1), &end) || begin > end) {
        return malformed_tensor(file, name, "its data_offsets are not a range");
    }
    uint64_t bytes = 0;
    if (!safetensors_shape_bytes(tensor, &bytes) || bytes != (uint64_t)(end - begin)) {
        return malformed_tensor(file, name, "its shape and its data_offsets disagree");
    }
    tensor->offset = LENGTH_BYTES + file->header_bytes + (uint64_t)begin;
    tensor->bytes = bytes;
    return MINRNN_OK;
}

static int compare_places(const void *a, const void *b) {
    const struct safetensors_tensor *x = a, *y = b;
    if (x->offset != y->offset) {
        return x->offset < y->offset ? -1 : 1;
    }
    return x->bytes < y->bytes ? -1 : x->bytes > y->bytes;
}

static int compare_names(const void *a, const void *b) {
    const struct safetensors_tensor *x = a, *y = b;
    return strcmp(x->name, y->name);
}

/* Every byte of the data belongs to exactly one tensor, and names are unique. */
static minrnn_status check_layout(struct safetensors *file) {
    const size_t count = (size_t)file->count;
    qsort(file->tensors, count, sizeof *file->tensors, compare_places);
    uint64_t end = LENGTH_BYTES + file->header_bytes;
    const uint64_t file_bytes = file_reader_bytes(file->reader);
    for (size_t i = 0; i < count; i++) {
        const struct safetensors_tensor *tensor = &file->tensors[i];
        if (tensor->offset != end) {
            return malformed_tensor(file, tensor->name,
                                    tensor->offset < end ? "its bytes overlap another's"
                                                         : "there is a gap before its bytes");
        }
        if (tensor->bytes > file_bytes - end) {
            return malformed_tensor(file, tensor->name,
                                    "its bytes pass the end of the file, as if it was cut short");
        }
        end += tensor->bytes;
    }
    if (end != file_bytes) {
        return malformed(file, "there are bytes that belong to no tensor");
    }
    qsort(file->tensors, count, sizeof *file->tensors, compare_names);
    for (size_t i = 1; i < count; i++) {
        if (strcmp(file->tensors[i - 1].name, file->tensors[i].name) == 0) {
            return malformed_tensor(file, file->tensors[i].name, "it appears twice");
        }
    }
    return MINRNN_OK;
}

static minrnn_status parse_tensors(struct safetensors *file) {
    const int entries = cJSON_GetArraySize(file->json);
    file->tensors = mem_alloc((uint64_t)entries, sizeof *file->tensors);
    if (!file->tensors) {
        return MINRNN_OUT_OF_MEMORY;
    }
    const cJSON *metadata = cJSON_GetObjectItemCaseSensitive(file->json, "__metadata__");
    const cJSON *entry;
    cJSON_ArrayForEach(entry, file->json) {
        if (entry == metadata) {
            continue;
        }
        const minrnn_status status = parse_tensor(file, entry, &file->tensors[file->count++]);
        if (status) {
            return status;
        }
    }
    return check_layout(file);
}

/* After a header could not be read: says what the file is, if it has a name. */
static minrnn_status name_instead(const struct safetensors *file, minrnn_status status) {
    const char *path = file_reader_path(file->reader);
    const uint64_t size = file_reader_bytes(file->reader);
    const size_t bytes = size < RECOGNISE_BYTES ? (size_t)size : RECOGNISE_BYTES;
    char head[RECOGNISE_BYTES], remedy[REMEDY_CAPACITY];
    if (size == 0) {
        return fail(MINRNN_FORMAT_ERROR, "%s is empty: download or copy it again", path);
    }
    if (status != MINRNN_FORMAT_ERROR || file_reader_read(file->reader, 0, head, bytes)) {
        return status;
    }
    const struct recognised *recognised = recognise_not_model(head, bytes);
    if (!recognised) {
        return status;
    }
    remedy_print(recognised, path, remedy);
    return fail(MINRNN_FORMAT_ERROR, "%s is %s, not a safetensors file%s", path, recognised->what,
                remedy);
}

minrnn_status safetensors_open(const char *path, struct safetensors **result) {
    *result = NULL;
    struct safetensors *file = mem_alloc(1, sizeof *file);
    if (!file) {
        return MINRNN_OUT_OF_MEMORY;
    }
    minrnn_status status = file_reader_open(path, &file->reader);
    if (!status) {
        status = read_header(file);
        status = status ? status : parse_header(file);
        status = status ? name_instead(file, status) : MINRNN_OK;
    }
    if (!status) {
        status = parse_metadata(file);
    }
    if (!status) {
        status = parse_tensors(file);
    }
    if (status) {
        safetensors_close(file);
        return status;
    }
    *result = file;
    return MINRNN_OK;
}

void safetensors_close(struct safetensors *file) {
    if (!file) {
        return;
    }
    mem_free(file->tensors);
    mem_free(file->metadata);
    cJSON_Delete(file->json);
    mem_free(file->header);
    file_reader_close(file->reader);
    mem_free(file);
}

const char *safetensors_path(const struct safetensors *file) {
    return file_reader_path(file->reader);
}

int safetensors_count(const struct safetensors *file) {
    return file->count;
}

const struct safetensors_tensor *safetensors_tensor_at(const struct safetensors *file, int index) {
    return &file->tensors[index];
}

static const struct safetensors_tensor *find_own(const struct safetensors *file, const char *name) {
    const struct safetensors_tensor key = {.name = name};
    return bsearch(&key, file->tensors, (size_t)file->count, sizeof key, compare_names);
}

/* A key of __metadata__ in two parts. */
struct key {
    const char *prefix;
    size_t prefix_bytes;
    const char *name;
};

static int compare_key(const void *a, const void *b) {
    const struct key *key = a;
    const char *string = (*(const cJSON *const *)b)->string;
    const int order = strncmp(key->prefix, string, key->prefix_bytes);
    return order ? order : strcmp(key->name, string + key->prefix_bytes);
}

static const char *find_value(const struct safetensors *file, const struct key *key) {
    const cJSON **entry = file->entries > 0 ? bsearch(key, file->metadata, file->entries,
                                                      sizeof *file->metadata, compare_key)
                                            : NULL;
    return entry ? cJSON_GetStringValue(*entry) : NULL;
}

/* The name in __metadata__ of what holds `name`; NULL if there is none. */
static const char *find_holder(const struct safetensors *file, const char *name) {
    const char *prefix = file->count > 0 ? file->tensors[0].name - file->prefix : "";
    const char *holder = find_value(file, &(struct key){prefix, file->prefix, name});
    return holder && strncmp(holder, prefix, file->prefix) == 0 ? holder + file->prefix : NULL;
}

const struct safetensors_tensor *safetensors_find(const struct safetensors *file,
                                                  const char *name) {
    const struct safetensors_tensor *tensor = find_own(file, name);
    const char *holder = tensor ? NULL : find_holder(file, name);
    return holder ? find_own(file, holder) : tensor;
}

size_t safetensors_common_prefix(const struct safetensors *file) {
    /* Of sorted names the first and the last have least in common. */
    const char *first = file->count > 0 ? file->tensors[0].name : "";
    const char *last = file->count > 0 ? file->tensors[file->count - 1].name : "";
    size_t bytes = 0;
    for (size_t i = 0; first[i] && first[i] == last[i]; i++) {
        bytes = first[i] == '.' ? i + 1 : bytes;
    }
    return bytes;
}

void safetensors_drop_prefix(struct safetensors *file, size_t bytes) {
    for (int i = 0; i < file->count; i++) {
        file->tensors[i].name += bytes;
    }
    file->prefix += bytes;
}

const char *safetensors_value(const struct safetensors *file, const char *key) {
    return find_value(file, &(struct key){"", 0, key});
}

const char *safetensors_key_at(const struct safetensors *file, int index) {
    return (size_t)index < file->entries ? file->metadata[index]->string : NULL;
}

bool safetensors_has_prefix(const struct safetensors *file, const char *prefix) {
    bool found = false;
    for (size_t i = 0; i < file->entries; i++) {
        found = found || strncmp(file->metadata[i]->string, prefix, strlen(prefix)) == 0;
    }
    return found;
}

minrnn_status safetensors_verify(struct safetensors *file) {
    const char *path = file_reader_path(file->reader);
    const char *value = safetensors_value(file, SAFETENSORS_CHECKSUM_KEY);
    if (!value) {
        return fail(MINRNN_FORMAT_ERROR,
                    "%s has no %s: damaged, or changed by a program that did not put \"none\" "
                    "there",
                    path, SAFETENSORS_CHECKSUM_KEY);
    }
    if (strcmp(value, "none") == 0) {
        return MINRNN_OK;
    }
    char *digits = safetensors_find_digits(file->header);
    if (!digits) {
        return fail(MINRNN_FORMAT_ERROR, "%s: %s is not as it was written", path,
                    SAFETENSORS_CHECKSUM_KEY);
    }
    minrnn_status status = MINRNN_OUT_OF_MEMORY;
    char expected[DIGITS], found[DIGITS];
    char *piece = mem_alloc(PIECE, 1);
    struct checksum *checksum = mem_alloc(1, sizeof *checksum);
    if (!piece || !checksum) {
        goto done;
    }
    uint8_t length[LENGTH_BYTES];
    safetensors_put_length(length, file->header_bytes);
    memcpy(expected, digits, DIGITS);
    memcpy(digits, SAFETENSORS_NO_CHECKSUM, DIGITS);
    checksum_start(checksum);
    checksum_add(checksum, length, LENGTH_BYTES);
    checksum_add(checksum, file->header, file->header_bytes);
    memcpy(digits, expected, DIGITS);
    uint64_t offset = LENGTH_BYTES + file->header_bytes;
    const uint64_t end = file_reader_bytes(file->reader);
    while (offset < end) {
        const uint64_t bytes = end - offset < PIECE ? end - offset : PIECE;
        status = file_reader_read(file->reader, offset, piece, bytes);
        if (status) {
            goto done;
        }
        checksum_add(checksum, piece, bytes);
        offset += bytes;
    }
    safetensors_put_digits(found, checksum_value(checksum));
    status = memcmp(found, expected, DIGITS) == 0
                 ? MINRNN_OK
                 : fail(MINRNN_FORMAT_ERROR,
                        "%s is damaged, or was changed by a program that left its %s: its bytes "
                        "have %.16s, not %.16s",
                        path, SAFETENSORS_CHECKSUM_KEY, found, expected);
done:
    mem_free(checksum);
    mem_free(piece);
    return status;
}

minrnn_status safetensors_read(struct safetensors *file, const struct safetensors_tensor *tensor,
                               float *destination) {
    const char *type = tensor->type;
    if (strcmp(type, "F32") == 0) {
        return file_reader_read(file->reader, tensor->offset, destination, tensor->bytes);
    }
    if (strcmp(type, "F64") != 0 && strcmp(type, "F16") != 0 && strcmp(type, "BF16") != 0) {
        return fail(MINRNN_FORMAT_ERROR, "%s: tensor %.80s has dtype %s, not F32, F64, F16 or BF16",
                    file_reader_path(file->reader), tensor->name, type);
    }
    char *piece = mem_alloc(PIECE, 1);
    if (!piece) {
        return MINRNN_OUT_OF_MEMORY;
    }
    minrnn_status status = MINRNN_OK;
    for (uint64_t done = 0; !status && done < tensor->bytes;) {
        const uint64_t bytes = tensor->bytes - done < PIECE ? tensor->bytes - done : PIECE;
        status = file_reader_read(file->reader, tensor->offset + done, piece, bytes);
        if (!status) {
            const uint64_t count = bytes / safetensors_type_bytes(type);
            floats_convert(type, piece, count, destination);
            destination += count;
            done += bytes;
        }
    }
    mem_free(piece);
    return status;
}
