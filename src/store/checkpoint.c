/* SPDX-License-Identifier: Apache-2.0 */
/* Tensors, configuration and vocabulary: to a file, and back. */
#include "store/checkpoint.h"

#include "base/alloc.h"
#include "network/model_config.h"
#include "store/safetensors_format.h"
#include "store/settings_json.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* Writing. */

minrnn_status tensor_list_create(int capacity, struct tensor_list *list) {
    *list = (struct tensor_list){0};
    list->tensors = mem_alloc((uint64_t)capacity, sizeof *list->tensors);
    list->names = mem_alloc((uint64_t)capacity, sizeof *list->names);
    if (!list->tensors || !list->names) {
        tensor_list_destroy(list);
        return MINRNN_OUT_OF_MEMORY;
    }
    return MINRNN_OK;
}

void tensor_list_destroy(struct tensor_list *list) {
    mem_free(list->tensors);
    mem_free(list->names);
    *list = (struct tensor_list){0};
}

void tensor_list_add(struct tensor_list *list, const struct model_layout *layout,
                     const struct naming *naming, const float *values) {
    for (int i = 0; i < layout->count; i++) {
        const minrnn_parameter_info *info = &layout->parameters[i].info;
        struct safetensors_tensor *tensor = &list->tensors[list->count];
        naming_translate(naming, layout->parameters[i].role, info->name, list->names[list->count]);
        tensor->name = list->names[list->count++];
        tensor->type = "F32";
        tensor->dimensions = info->dimensions;
        memcpy(tensor->shape, info->shape, sizeof info->shape);
        tensor->data = values + info->offset;
    }
}

minrnn_status tensor_list_check(const struct tensor_list *list, const char *path) {
    for (int t = 0; t < list->count; t++) {
        const struct safetensors_tensor *tensor = &list->tensors[t];
        const float *values = tensor->data;
        int64_t count = 1;
        for (int i = 0; i < tensor->dimensions; i++) {
            count *= tensor->shape[i];
        }
        for (int64_t i = 0; i < count; i++) {
            if (!isfinite(values[i])) {
                return fail(MINRNN_NOT_FINITE, "%s is left as it was: %s[%lld] is %g", path,
                            tensor->name, (long long)i, (double)values[i]);
            }
        }
    }
    return MINRNN_OK;
}

minrnn_status metadata_list_create(const minrnn_model *model, struct metadata_list *list) {
    const uint64_t count = (uint64_t)model->metadata.count;
    *list = (struct metadata_list){0};
    list->entries = mem_alloc(count + OWN_KEYS, sizeof *list->entries);
    list->keys = mem_alloc(count + 1, sizeof *list->keys);
    if (!list->entries || !list->keys) {
        metadata_list_destroy(list);
        return MINRNN_OUT_OF_MEMORY;
    }
    return MINRNN_OK;
}

void metadata_list_add(struct metadata_list *list, const char *key, const char *value) {
    list->entries[list->count++] = (struct safetensors_metadata){key, value};
}

void metadata_list_add_model(struct metadata_list *list, const minrnn_model *model) {
    for (int i = 0; i < model->metadata.count; i++) {
        const struct metadata_entry *entry = &model->metadata.entries[i];
        snprintf(list->keys[i], sizeof *list->keys, KEY_PREFIX "%s", entry->key);
        metadata_list_add(list, list->keys[i], entry->value);
    }
}

void metadata_list_destroy(struct metadata_list *list) {
    mem_free(list->entries);
    mem_free(list->keys);
    *list = (struct metadata_list){0};
}

/* Reading. */

static bool is_own_key(const char *key) {
    static const char *const own[OWN_KEYS + 1] = {KEY_VERSION, KEY_CONFIG, KEY_TRAINER, KEY_STEP,
                                                  SAFETENSORS_CHECKSUM_KEY};
    for (size_t i = 0; i < sizeof own / sizeof *own; i++) {
        if (strcmp(key, own[i]) == 0) {
            return true;
        }
    }
    return false;
}

bool checkpoint_is_own(const struct safetensors *file) {
    return safetensors_has_prefix(file, "minrnn.");
}

minrnn_status checkpoint_config(struct safetensors *file, minrnn_model_config *config) {
    const minrnn_status status = safetensors_verify(file);
    if (status) {
        return status;
    }
    const char *path = safetensors_path(file);
    const char *json = safetensors_value(file, KEY_CONFIG);
    if (!json) {
        return fail(MINRNN_FORMAT_ERROR, "%s has no " KEY_CONFIG, path);
    }
    return settings_read(&model_settings, path, json, config);
}

static void print_shape(const int64_t *shape, int dimensions, char *text, size_t capacity) {
    size_t used = (size_t)snprintf(text, capacity, "[");
    for (int i = 0; i < dimensions && used < capacity; i++) {
        used +=
            (size_t)snprintf(text + used, capacity - used, "%s%" PRId64, i ? ", " : "", shape[i]);
    }
    if (used < capacity) {
        snprintf(text + used, capacity - used, "]");
    }
}

static minrnn_status check_shape(const struct safetensors *file, const char *name,
                                 const struct safetensors_tensor *tensor,
                                 const minrnn_parameter_info *info) {
    const size_t bytes = (size_t)info->dimensions * sizeof *info->shape;
    if (tensor->dimensions == info->dimensions && memcmp(tensor->shape, info->shape, bytes) == 0) {
        return MINRNN_OK;
    }
    char is[128], must_be[128];
    print_shape(tensor->shape, tensor->dimensions, is, sizeof is);
    print_shape(info->shape, info->dimensions, must_be, sizeof must_be);
    return fail(MINRNN_FORMAT_ERROR, "%s: tensor %s is %s, must be %s", safetensors_path(file),
                name, is, must_be);
}

/* A tensor may stand for several parameters, but not for so many that a small file makes a model
 * that no memory holds. */
enum { MOST_SHARED = 64 };

/* Checks that all parameters are there and counts their uses, by index in the file. */
static minrnn_status use_all(const struct safetensors *file, const struct model_layout *layout,
                             const struct naming *naming, unsigned char *used) {
    for (int i = 0; i < layout->count; i++) {
        const minrnn_parameter_info *info = &layout->parameters[i].info;
        char name[NAME_CAPACITY];
        naming_translate(naming, layout->parameters[i].role, info->name, name);
        const struct safetensors_tensor *tensor = safetensors_find(file, name);
        if (!tensor) {
            return fail(MINRNN_FORMAT_ERROR, "%s has no tensor %s", safetensors_path(file), name);
        }
        unsigned char *uses = &used[tensor - safetensors_tensor_at(file, 0)];
        if (++*uses > MOST_SHARED) {
            return fail(MINRNN_FORMAT_ERROR, "%s: tensor %.80s stands for more than %d others",
                        safetensors_path(file), tensor->name, MOST_SHARED);
        }
        const minrnn_status status = check_shape(file, name, tensor, info);
        if (status) {
            return status;
        }
    }
    return MINRNN_OK;
}

static minrnn_status refuse_unused(const struct safetensors *file,
                                   const minrnn_model_config *config, const struct naming *naming,
                                   const unsigned char *used) {
    for (int i = 0; i < safetensors_count(file); i++) {
        const char *name = safetensors_tensor_at(file, i)->name;
        if (!used[i] && !(naming->ignores && naming->ignores(name, config, naming))) {
            return fail(MINRNN_FORMAT_ERROR, "%s has a tensor %.80s that its model does not have",
                        safetensors_path(file), name);
        }
    }
    return MINRNN_OK;
}

minrnn_status checkpoint_tensors(const struct safetensors *file, const minrnn_model_config *config,
                                 const struct naming *naming) {
    struct model_layout layout = {0};
    minrnn_status status = MINRNN_OK;
    unsigned char *used = mem_alloc((uint64_t)safetensors_count(file), sizeof *used);
    if (!used) {
        return MINRNN_OUT_OF_MEMORY;
    }
    status = layout_create(config, &layout);
    if (status) {
        status = status == MINRNN_INVALID_ARGUMENT
                     ? fail_in(MINRNN_FORMAT_ERROR, "%s", safetensors_path(file))
                     : status;
        goto done;
    }
    status = use_all(file, &layout, naming, used);
    if (!status && safetensors_value(file, KEY_TRAINER)) {
        status = use_all(file, &layout, &first_moment_naming, used);
        status = status ? status : use_all(file, &layout, &second_moment_naming, used);
    }
    status = status ? status : refuse_unused(file, config, naming, used);
done:
    layout_destroy(&layout);
    mem_free(used);
    return status;
}

minrnn_status checkpoint_read(struct safetensors *file, const struct model_layout *layout,
                              const struct naming *naming, float *values) {
    for (int i = 0; i < layout->count; i++) {
        const minrnn_parameter_info *info = &layout->parameters[i].info;
        char name[NAME_CAPACITY];
        naming_translate(naming, layout->parameters[i].role, info->name, name);
        float *to = values + info->offset;
        const minrnn_status status = safetensors_read(file, safetensors_find(file, name), to);
        if (status) {
            return status;
        }
        if (naming->gain_offset != 0.0f && layout->parameters[i].role == PARAMETER_GAIN) {
            for (int64_t j = 0; j < info->shape[0]; j++) {
                to[j] += naming->gain_offset;
            }
        }
    }
    return MINRNN_OK;
}

/* The model's own entries; what the file says of itself is none of them. */
static minrnn_status take_metadata(const struct safetensors *file, minrnn_model *model) {
    const char *key;
    minrnn_status status = MINRNN_OK;
    for (int i = 0; !status && (key = safetensors_key_at(file, i)); i++) {
        if (strncmp(key, KEY_PREFIX, strlen(KEY_PREFIX)) != 0 || is_own_key(key)) {
            continue;
        }
        status = minrnn_model_set_metadata(model, key + strlen(KEY_PREFIX),
                                           safetensors_value(file, key));
    }
    return status == MINRNN_INVALID_ARGUMENT
               ? fail_in(MINRNN_FORMAT_ERROR, "%s: its metadata", safetensors_path(file))
               : status;
}

minrnn_status checkpoint_model(minrnn_device *device, struct safetensors *file,
                               const minrnn_model_config *config, const struct naming *naming,
                               minrnn_model **model) {
    float *values = NULL;
    minrnn_status status = model_allocate(device, config, model);
    if (status) {
        return status;
    }
    const struct model_layout *layout = &(*model)->layout;
    values = mem_alloc((uint64_t)layout->places.total, sizeof *values);
    status = values ? checkpoint_read(file, layout, naming, values) : MINRNN_OUT_OF_MEMORY;
    if (!status) {
        status = minrnn_model_write(*model, values);
    }
    if (!status) {
        status = take_metadata(file, *model);
    }
    mem_free(values);
    if (status) {
        minrnn_model_destroy(*model);
        *model = NULL;
    }
    return status;
}
