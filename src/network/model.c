#include "network/model.h"

#include "base/alloc.h"
#include "network/model_config.h"
#include "op/room.h"
#include "task/vocabulary.h"

minrnn_status model_allocate(minrnn_device *device, const minrnn_model_config *config,
                             minrnn_model **model) {
    *model = NULL;
    minrnn_model *made = mem_alloc(1, sizeof *made);
    if (!made) {
        return MINRNN_OUT_OF_MEMORY;
    }
    made->device = device;
    minrnn_status status = layout_create(config, &made->layout);
    const uint64_t bytes = (uint64_t)made->layout.total * TENSOR_ELEMENT_BYTES;
    /* The caller's first values come from as many on the host. */
    status = status ? status : device_check_room(device, "the model", bytes, bytes);
    status = status ? status : minrnn_buffer_create(device, bytes, &made->parameters);
    if (!status && made->layout.config.vocab == BYTE_TOKENS) {
        status = minrnn_vocabulary_bytes(&made->vocabulary);
    }
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
    float *values = mem_alloc((uint64_t)layout->total, sizeof *values);
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
    minrnn_vocabulary_destroy(model->vocabulary);
    layout_destroy(&model->layout);
    mem_free(model);
}

minrnn_status minrnn_model_copy_config(const minrnn_model *model, minrnn_model_config *config,
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
    return model ? model->layout.total : 0;
}

int minrnn_model_tensor_count(const minrnn_model *model) {
    return model ? model->layout.count : 0;
}

minrnn_status minrnn_model_parameter(const minrnn_model *model, int index,
                                     minrnn_parameter_info *info) {
    if (!model || !info || index < 0 || index >= model->layout.count) {
        return fail(MINRNN_INVALID_ARGUMENT, "minrnn_model_parameter: NULL, or no tensor %d",
                    index);
    }
    *info = model->layout.parameters[index].info;
    return MINRNN_OK;
}

minrnn_status minrnn_model_read(const minrnn_model *model, float *parameters) {
    if (!model || !parameters) {
        return fail(MINRNN_INVALID_ARGUMENT, "minrnn_model_read: an argument is NULL");
    }
    return tensor_read(tensor_f32(model->parameters, 0), parameters, model->layout.total, true);
}

minrnn_status minrnn_model_write(minrnn_model *model, const float *parameters) {
    if (!model || !parameters) {
        return fail(MINRNN_INVALID_ARGUMENT, "minrnn_model_write: an argument is NULL");
    }
    return tensor_write(tensor_f32(model->parameters, 0), parameters, model->layout.total, true);
}

minrnn_status minrnn_model_set_vocabulary(minrnn_model *model,
                                          const minrnn_vocabulary *vocabulary) {
    if (!model || !vocabulary) {
        return fail(MINRNN_INVALID_ARGUMENT, "minrnn_model_set_vocabulary: an argument is NULL");
    }
    const int size = minrnn_vocabulary_size(vocabulary);
    if (size != model->layout.config.vocab) {
        return fail(MINRNN_INVALID_ARGUMENT,
                    "minrnn_model_set_vocabulary: it has %d characters, the model %lld tokens",
                    size, (long long)model->layout.config.vocab);
    }
    minrnn_vocabulary *copy;
    const minrnn_status status = vocabulary_copy(vocabulary, &copy);
    if (status) {
        return status;
    }
    minrnn_vocabulary_destroy(model->vocabulary);
    model->vocabulary = copy;
    return MINRNN_OK;
}

const minrnn_vocabulary *minrnn_model_vocabulary(const minrnn_model *model) {
    return model ? model->vocabulary : NULL;
}

minrnn_status check_tokens(const char *call, const int32_t *tokens, int64_t count, int64_t vocab,
                           bool negative_allowed) {
    for (int64_t i = 0; i < count; i++) {
        if (tokens[i] >= vocab || (tokens[i] < 0 && !negative_allowed)) {
            return fail(MINRNN_INVALID_ARGUMENT,
                        "%s: token number %lld is %d, the vocabulary has %lld", call, (long long)i,
                        (int)tokens[i], (long long)vocab);
        }
    }
    return MINRNN_OK;
}

minrnn_status minrnn_memory_check(const minrnn_device *device, const minrnn_memory *memory) {
    if (!device || !memory) {
        return fail(MINRNN_INVALID_ARGUMENT, "minrnn_memory_check: an argument is NULL");
    }
    return device_check_room(device, "this", memory->total, memory->host);
}
