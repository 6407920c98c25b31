/* SPDX-License-Identifier: Apache-2.0 */
/* Model files: safetensors with a model's parameters, configuration and vocabulary. */
#include "base/alloc.h"
#include "network/model_config.h"
#include "store/checkpoint.h"
#include "store/public_names.h"
#include "store/settings_json.h"

minrnn_status minrnn_model_save(const minrnn_model *model, const char *path) {
    if (!model || !path) {
        return fail(MINRNN_INVALID_ARGUMENT, "minrnn_model_save: an argument is NULL");
    }
    const struct model_layout *layout = &model->layout;
    struct tensor_list list = {0};
    struct metadata_list metadata = {0};
    minrnn_status status = MINRNN_OUT_OF_MEMORY;
    char *config = settings_print(&model_settings, &layout->config);
    float *values = mem_alloc((uint64_t)layout->places.total, sizeof *values);
    if (!config || !values) {
        goto done;
    }
    status = minrnn_model_read(model, values);
    if (!status) {
        status = tensor_list_create(layout->count, &list);
    }
    status = status ? status : metadata_list_create(model, &metadata);
    if (status) {
        goto done;
    }
    tensor_list_add(&list, layout, &own_naming, values);
    status = tensor_list_check(&list, path);
    if (status) {
        goto done;
    }
    metadata_list_add(&metadata, KEY_VERSION, minrnn_version());
    metadata_list_add(&metadata, KEY_CONFIG, config);
    metadata_list_add_model(&metadata, model);
    status = safetensors_write(path, metadata.entries, metadata.count, list.tensors, list.count);
done:
    metadata_list_destroy(&metadata);
    tensor_list_destroy(&list);
    mem_free(values);
    mem_free(config);
    return status;
}

minrnn_status minrnn_model_load(minrnn_device *device, const char *path, minrnn_model **model) {
    if (!device || !path || !model) {
        return fail(MINRNN_INVALID_ARGUMENT, "minrnn_model_load: an argument is NULL");
    }
    *model = NULL;
    struct safetensors *file = NULL;
    struct naming naming = own_naming;
    minrnn_model_config config;
    minrnn_status status = safetensors_open(path, &file);
    if (status) {
        return status;
    }
    status = checkpoint_is_own(file) ? checkpoint_config(file, &config)
                                     : public_names_infer(file, &config, &naming);
    status = status ? status : checkpoint_tensors(file, &config, &naming);
    status = status ? status : checkpoint_model(device, file, &config, &naming, model);
    safetensors_close(file);
    return status;
}
