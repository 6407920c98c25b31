/* SPDX-License-Identifier: Apache-2.0 */
/* Writes a safetensors file, with a checksum in its header. */
#include "base/alloc.h"
#include "base/checksum.h"
#include "base/file.h"
#include "store/safetensors_format.h"

#include <cjson/cJSON.h>
#include <string.h>

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
                cJSON_AddStringToObject(values, SAFETENSORS_CHECKSUM_KEY, SAFETENSORS_NO_CHECKSUM);
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
        if (!safetensors_shape_bytes(&sized[i], &sized[i].bytes)) {
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
    safetensors_put_length((uint8_t *)header, padded);
    memset(header + LENGTH_BYTES, ' ', padded);
    memcpy(header + LENGTH_BYTES, json, length);
    checksum_start(checksum);
    checksum_add(checksum, header, LENGTH_BYTES + padded);
    for (int i = 0; i < count; i++) {
        checksum_add(checksum, sized[i].data, sized[i].bytes);
    }
    safetensors_put_digits(safetensors_find_digits(header + LENGTH_BYTES),
                           checksum_value(checksum));
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
