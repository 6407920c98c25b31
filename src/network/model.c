/* SPDX-License-Identifier: Apache-2.0 */
/* Models: parameters on a device, read and written, and text about them. */
#include "network/model.h"

#include "base/alloc.h"
#include "base/utf8.h"
#include "network/memory.h"
#include "network/model_config.h"

#include <string.h>

minrnn_status model_allocate(minrnn_device *device, const minrnn_model_config *config,
                             minrnn_model **model) {
    *model = NULL;
    minrnn_model *made = mem_alloc(1, sizeof *made);
    if (!made) {
        return MINRNN_OUT_OF_MEMORY;
    }
    made->device = device;
    minrnn_status status = layout_create(config, &made->layout);
    const uint64_t bytes = (uint64_t)made->layout.places.total * F32_BYTES;
    /* The caller's first values come from as many on the host. */
    minrnn_memory memory = {.parameters = bytes, .host = bytes};
    memory_sum(&memory);
    status = status ? status : memory_check(device, "the model", &memory, 0);
    status = status ? status : minrnn_buffer_create(device, bytes, &made->parameters);
    if (status) {
        goto failed;
    }
    *model = made;
    return MINRNN_OK;

failed:
    minrnn_model_destroy(made);
    return status;
}

minrnn_status minrnn_model_create(minrnn_device *device, const minrnn_model_config *config,
                                  uint64_t seed, minrnn_model **model) {
    if (!device || !config || !model) {
        return fail(MINRNN_INVALID_ARGUMENT, "minrnn_model_create: an argument is NULL");
    }
    minrnn_status status = model_allocate(device, config, model);
    if (status) {
        return status;
    }
    const struct model_layout *layout = &(*model)->layout;
    float *values = mem_alloc((uint64_t)layout->places.total, sizeof *values);
    if (values) {
        parameters_draw(layout->parameters, layout->count, seed, values);
        status = minrnn_model_write(*model, values);
    } else {
        status = MINRNN_OUT_OF_MEMORY;
    }
    mem_free(values);
    if (status) {
        minrnn_model_destroy(*model);
        *model = NULL;
    }
    return status;
}

void minrnn_model_destroy(minrnn_model *model) {
    if (!model) {
        return;
    }
    minrnn_buffer_destroy(model->parameters);
    metadata_destroy(&model->metadata);
    layout_destroy(&model->layout);
    mem_free(model);
}

minrnn_status minrnn_model_get_config_sized(const minrnn_model *model, minrnn_model_config *config,
                                            size_t size) {
    if (!model || !config) {
        return fail(MINRNN_INVALID_ARGUMENT, "minrnn_model_get_config: an argument is NULL");
    }
    settings_give(&model_settings, &model->layout.config, config, size);
    return MINRNN_OK;
}

minrnn_device *minrnn_model_device(const minrnn_model *model) {
    return model ? model->device : NULL;
}

int64_t minrnn_model_parameters(const minrnn_model *model) {
    return model ? model->layout.places.total : 0;
}

int minrnn_model_tensor_count(const minrnn_model *model) {
    return model ? model->layout.count : 0;
}

minrnn_status minrnn_model_parameter_sized(const minrnn_model *model, int index,
                                           minrnn_parameter_info *info, size_t size) {
    if (!model || !info || index < 0 || index >= model->layout.count) {
        return fail(MINRNN_INVALID_ARGUMENT, "minrnn_model_parameter: NULL, or no tensor %d",
                    index);
    }
    sized_give(&model->layout.parameters[index].info, sizeof *info, info, size);
    return MINRNN_OK;
}

minrnn_status minrnn_model_read(const minrnn_model *model, float *parameters) {
    if (!model || !parameters) {
        return fail(MINRNN_INVALID_ARGUMENT, "minrnn_model_read: an argument is NULL");
    }
    return tensor_read(tensor_f32(model->parameters, 0), parameters, model->layout.places.total,
                       true);
}

minrnn_status minrnn_model_write(minrnn_model *model, const float *parameters) {
    if (!model || !parameters) {
        return fail(MINRNN_INVALID_ARGUMENT, "minrnn_model_write: an argument is NULL");
    }
    return tensor_write(tensor_f32(model->parameters, 0), parameters, model->layout.places.total,
                        true);
}

/* They name what files say of themselves. */
static bool is_key(const char *key) {
    static const char *const reserved[] = {"version", "config", "trainer", "step", "checksum"};
    const size_t length = strlen(key);
    bool good =
        length > 0 && length < 64 && strspn(key, "abcdefghijklmnopqrstuvwxyz0123456789_") == length;
    for (size_t i = 0; i < sizeof reserved / sizeof *reserved; i++) {
        good = good && strcmp(key, reserved[i]) != 0;
    }
    return good;
}

minrnn_status minrnn_model_set_metadata(minrnn_model *model, const char *key, const char *value) {
    if (!model || !key) {
        return fail(MINRNN_INVALID_ARGUMENT, "minrnn_model_set_metadata: an argument is NULL");
    }
    if (!is_key(key)) {
        return fail(MINRNN_INVALID_ARGUMENT,
                    "minrnn_model_set_metadata: a key is 1 to 63 of a-z, 0-9 and _, and none of "
                    "version, config, trainer, step and checksum");
    }
    if (value && utf8_find_invalid(value, strlen(value)) < strlen(value)) {
        return fail(MINRNN_INVALID_ARGUMENT,
                    "minrnn_model_set_metadata: the value of %s is not UTF-8", key);
    }
    return metadata_set(&model->metadata, key, value);
}

const char *minrnn_model_metadata(const minrnn_model *model, const char *key) {
    return model && key ? metadata_get(&model->metadata, key) : NULL;
}
