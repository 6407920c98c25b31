#include "model/safetensors.h"

#include "base/alloc.h"
#include "base/checksum.h"
#include "base/file.h"
#include "model/floats.h"
#include "model/utf8.h"

#include <cjson/cJSON.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "safetensors files are little-endian, and so must the host be"
#endif

enum {
    LENGTH_BYTES = 8,
    MAX_HEADER = 100 * 1000 * 1000, /* the format's own limit */
    MAX_VALUES = 1 << 20,           /* in the header, so that parsing it takes bounded memory */
    PIECE = 1 << 18,                /* bytes read at a time */
    DIGITS = 16                     /* of the checksum */
};

/* The largest integer up to which a double, cJSON's number, holds every integer. */
static const double max_integer = 0x1p53;

static const char checksum_key[] = "minrnn.checksum";
static const char checksum_start_text[] = "\"minrnn.checksum\":\"";
static const char no_checksum[] = "0000000000000000";

struct safetensors {
    struct file_reader *reader;
    char *header;
    uint64_t header_bytes;
    cJSON *json;
    struct safetensors_tensor *tensors;
    int count;
};

/* Bytes of one element; 0 for a type that the format does not have. */
static uint64_t type_bytes(const char *type) {
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

/* The tensor's size from its shape; false where it is not below 2^63. */
static bool shape_bytes(const struct safetensors_tensor *tensor, uint64_t *bytes) {
    uint64_t product = type_bytes(tensor->type);
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

/* Writing. */

/* What cJSON cannot add stays the caller's. */
static bool add_number(cJSON *array, double value) {
    cJSON *number = cJSON_CreateNumber(value);
    const bool added = cJSON_AddItemToArray(array, number);
    if (!added) {
        cJSON_Delete(number);
    }
    return added;
}

static bool add_tensor(cJSON *root, const struct safetensors_tensor *tensor, uint64_t begin,
                       uint64_t end) {
    cJSON *entry = cJSON_AddObjectToObject(root, tensor->name);
    if (!entry || !cJSON_AddStringToObject(entry, "dtype", tensor->type)) {
        return false;
    }
    cJSON *shape = cJSON_AddArrayToObject(entry, "shape");
    for (int i = 0; i < tensor->dimensions; i++) {
        if (!add_number(shape, (double)tensor->shape[i])) {
            return false;
        }
    }
    cJSON *range = cJSON_AddArrayToObject(entry, "data_offsets");
    return add_number(range, (double)begin) && add_number(range, (double)end);
}

/* The header's text with no checksum in it, to be freed with cJSON_free; NULL without memory. */
static char *make_header(const struct safetensors_metadata *metadata, int entries,
                         const struct safetensors_tensor *tensors, int count) {
    char *text = NULL;
    cJSON *root = cJSON_CreateObject();
    cJSON *values = cJSON_AddObjectToObject(root, "__metadata__");
    bool done = cJSON_AddStringToObject(values, "format", "pt") &&
                cJSON_AddStringToObject(values, checksum_key, no_checksum);
    for (int i = 0; done && i < entries; i++) {
        done = cJSON_AddStringToObject(values, metadata[i].key, metadata[i].value) != NULL;
    }
    uint64_t offset = 0;
    for (int i = 0; done && i < count; i++) {
        done = add_tensor(root, &tensors[i], offset, offset + tensors[i].bytes);
        offset += tensors[i].bytes;
    }
    if (done) {
        text = cJSON_PrintUnformatted(root);
    }
    cJSON_Delete(root);
    return text;
}

static void put_length(uint8_t out[LENGTH_BYTES], uint64_t length) {
    for (int i = 0; i < LENGTH_BYTES; i++) {
        out[i] = (uint8_t)(length >> 8 * i);
    }
}

static void put_digits(char out[DIGITS], uint64_t value) {
    for (int i = 0; i < DIGITS; i++) {
        out[i] = "0123456789abcdef"[value >> (60 - 4 * i) & 15];
    }
}

/* The checksum's digits in a header; NULL where they are not written as this file writes them. */
static char *find_digits(char *header) {
    char *found = strstr(header, checksum_start_text);
    if (!found) {
        return NULL;
    }
    found += sizeof checksum_start_text - 1;
    return strspn(found, "0123456789abcdef") == DIGITS ? found : NULL;
}

minrnn_status safetensors_write(const char *path, const struct safetensors_metadata *metadata,
                                int entries, const struct safetensors_tensor *tensors, int count) {
    struct safetensors_tensor *sized = mem_alloc((uint64_t)count, sizeof *sized);
    struct checksum *checksum = mem_alloc(1, sizeof *checksum);
    char *json = NULL, *header = NULL;
    struct file_writer *writer = NULL;
    minrnn_status status = MINRNN_OUT_OF_MEMORY;
    if (!sized || !checksum) {
        goto done;
    }
    for (int i = 0; i < count; i++) {
        sized[i] = tensors[i];
        if (!shape_bytes(&sized[i], &sized[i].bytes)) {
            status = fail(MINRNN_INVALID_ARGUMENT, "%s: tensor %s is too large to be saved", path,
                          tensors[i].name);
            goto done;
        }
    }
    json = make_header(metadata, entries, sized, count);
    if (!json) {
        error_text_set("%s: out of host memory for the header", path);
        goto done;
    }
    /* Spaces at its end, which the format allows, align the data. */
    const size_t length = strlen(json);
    const size_t padded = (length + 7) / 8 * 8;
    if (padded > MAX_HEADER) {
        status = fail(MINRNN_INVALID_ARGUMENT, "%s: a header of %zu bytes cannot be saved", path,
                      padded);
        goto done;
    }
    header = mem_alloc(LENGTH_BYTES + padded + 1, 1);
    if (!header) {
        goto done;
    }
    put_length((uint8_t *)header, padded);
    memset(header + LENGTH_BYTES, ' ', padded);
    memcpy(header + LENGTH_BYTES, json, length);
    checksum_start(checksum);
    checksum_add(checksum, header, LENGTH_BYTES + padded);
    for (int i = 0; i < count; i++) {
        checksum_add(checksum, sized[i].data, sized[i].bytes);
    }
    put_digits(find_digits(header + LENGTH_BYTES), checksum_value(checksum));
    status = file_writer_open(path, &writer);
    if (!status) {
        status = file_writer_write(writer, header, LENGTH_BYTES + padded);
    }
    for (int i = 0; !status && i < count; i++) {
        status = file_writer_write(writer, sized[i].data, sized[i].bytes);
    }
    if (!status) {
        status = file_writer_commit(writer);
        writer = NULL;
    }
done:
    file_writer_abort(writer);
    mem_free(header);
    cJSON_free(json);
    mem_free(checksum);
    mem_free(sized);
    return status;
}

/* Reading. */

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
        return malformed(file, "it ends before its header does");
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

static int compare_strings(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static minrnn_status check_metadata(const struct safetensors *file) {
    const cJSON *metadata = cJSON_GetObjectItemCaseSensitive(file->json, "__metadata__");
    if (!metadata) {
        return MINRNN_OK;
    }
    if (!cJSON_IsObject(metadata)) {
        return malformed(file, "__metadata__ is not an object");
    }
    const size_t count = (size_t)cJSON_GetArraySize(metadata);
    const char **keys = mem_alloc(count, sizeof *keys);
    if (!keys) {
        return MINRNN_OUT_OF_MEMORY;
    }
    minrnn_status status = MINRNN_OK;
    size_t used = 0;
    const cJSON *entry;
    cJSON_ArrayForEach(entry, metadata) {
        if (!cJSON_IsString(entry)) {
            status = malformed(file, "a value in __metadata__ is not a string");
        }
        keys[used++] = entry->string;
    }
    qsort(keys, count, sizeof *keys, compare_strings);
    for (size_t i = 1; i < count; i++) {
        if (strcmp(keys[i - 1], keys[i]) == 0) {
            status = malformed(file, "a key is twice in __metadata__");
        }
    }
    mem_free(keys);
    return status;
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
    if (!cJSON_IsString(type) || type_bytes(type->valuestring) == 0) {
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
            return malformed_tensor(file, name, "a size in its shape is no integer from 0 to 2^53");
        }
    }
    const cJSON *range = cJSON_GetObjectItemCaseSensitive(entry, "data_offsets");
    int64_t begin = 0, end = 0;
    if (!cJSON_IsArray(range) || cJSON_GetArraySize(range) != 2 ||
        !as_integer(cJSON_GetArrayItem(range, 0), &begin) ||
        !as_integer(cJSON_GetArrayItem(range, 1), &end) || begin > end) {
        return malformed_tensor(file, name, "its data_offsets are no range");
    }
    uint64_t bytes = 0;
    if (!shape_bytes(tensor, &bytes) || bytes != (uint64_t)(end - begin)) {
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
            return malformed_tensor(file, tensor->name, "its bytes pass the end of the file");
        }
        end += tensor->bytes;
    }
    if (end != file_bytes) {
        return malformed(file, "there are bytes that belong to no tensor");
    }
    qsort(file->tensors, count, sizeof *file->tensors, compare_names);
    for (size_t i = 1; i < count; i++) {
        if (strcmp(file->tensors[i - 1].name, file->tensors[i].name) == 0) {
            return malformed_tensor(file, file->tensors[i].name, "it is there twice");
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

minrnn_status safetensors_open(const char *path, struct safetensors **result) {
    *result = NULL;
    struct safetensors *file = mem_alloc(1, sizeof *file);
    if (!file) {
        return MINRNN_OUT_OF_MEMORY;
    }
    minrnn_status status = file_reader_open(path, &file->reader);
    if (!status) {
        status = read_header(file);
    }
    if (!status) {
        status = parse_header(file);
    }
    if (!status) {
        status = check_metadata(file);
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

const struct safetensors_tensor *safetensors_find(const struct safetensors *file,
                                                  const char *name) {
    const struct safetensors_tensor key = {.name = name};
    return bsearch(&key, file->tensors, (size_t)file->count, sizeof key, compare_names);
}

const char *safetensors_value(const struct safetensors *file, const char *key) {
    const cJSON *metadata = cJSON_GetObjectItemCaseSensitive(file->json, "__metadata__");
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(metadata, key));
}

bool safetensors_has_prefix(const struct safetensors *file, const char *prefix) {
    const cJSON *metadata = cJSON_GetObjectItemCaseSensitive(file->json, "__metadata__");
    const cJSON *entry;
    cJSON_ArrayForEach(entry, metadata) {
        if (strncmp(entry->string, prefix, strlen(prefix)) == 0) {
            return true;
        }
    }
    return false;
}

minrnn_status safetensors_verify(struct safetensors *file) {
    const char *path = file_reader_path(file->reader);
    const char *value = safetensors_value(file, checksum_key);
    if (!value) {
        return fail(MINRNN_FORMAT_ERROR,
                    "%s has no %s: damaged, or changed by a program that did not put \"none\" "
                    "there",
                    path, checksum_key);
    }
    if (strcmp(value, "none") == 0) {
        return MINRNN_OK;
    }
    char *digits = find_digits(file->header);
    if (!digits) {
        return fail(MINRNN_FORMAT_ERROR, "%s: %s is not as it was written", path, checksum_key);
    }
    minrnn_status status = MINRNN_OUT_OF_MEMORY;
    char expected[DIGITS], found[DIGITS];
    char *piece = mem_alloc(PIECE, 1);
    struct checksum *checksum = mem_alloc(1, sizeof *checksum);
    if (!piece || !checksum) {
        goto done;
    }
    uint8_t length[LENGTH_BYTES];
    put_length(length, file->header_bytes);
    memcpy(expected, digits, DIGITS);
    memcpy(digits, no_checksum, DIGITS);
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
    put_digits(found, checksum_value(checksum));
    status = memcmp(found, expected, DIGITS) == 0
                 ? MINRNN_OK
                 : fail(MINRNN_FORMAT_ERROR,
                        "%s is damaged, or was changed by a program that left its %s: its bytes "
                        "have %.16s, not %.16s",
                        path, checksum_key, found, expected);
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
            const uint64_t count = bytes / type_bytes(type);
            floats_convert(type, piece, count, destination);
            destination += count;
            done += bytes;
        }
    }
    mem_free(piece);
    return status;
}
