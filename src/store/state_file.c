/* SPDX-License-Identifier: Apache-2.0 */
/* Training state files: a model file with AdamW's moments, the step and the trainer's configuration
 * beside it. Dropout and batches are drawn from counters that follow from seed and step, so that
 * this is all a run needs to go on to the same bits. */
#include "base/alloc.h"
#include "network/model_config.h"
#include "store/checkpoint.h"
#include "store/settings_json.h"
#include "train/trainer.h"
#include "train/trainer_config.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Parameters, first moments, second moments: three times layout->places.total floats. */
static minrnn_status read_all(const minrnn_trainer *trainer, float *values) {
    const int64_t total = trainer->model->layout.places.total;
    const minrnn_status status = minrnn_model_read(trainer->model, values);
    return status ? status
                  : tensor_read(tensor_f32(trainer->moments, 0), values + total, 2 * total, true);
}

minrnn_status minrnn_trainer_save(const minrnn_trainer *trainer, const char *path) {
    if (!trainer || !path) {
        return fail(MINRNN_INVALID_ARGUMENT, "minrnn_trainer_save: an argument is NULL");
    }
    minrnn_status status = trainer_check_running(trainer);
    if (status) {
        return status;
    }
    const minrnn_model *model = trainer->model;
    const struct model_layout *layout = &model->layout;
    struct tensor_list list = {0};
    struct metadata_list metadata = {0};
    status = MINRNN_OUT_OF_MEMORY;
    char *model_config = settings_print(&model_settings, &layout->config);
    char *trainer_config = settings_print(&trainer_settings, &trainer->config);
    float *values = mem_alloc(3 * (uint64_t)layout->places.total, sizeof *values);
    if (!model_config || !trainer_config || !values) {
        goto done;
    }
    status = read_all(trainer, values); /* waits, so that every step is done */
    status = status ? status : trainer_check_steps(trainer);
    if (!status) {
        status = tensor_list_create(3 * layout->count, &list);
    }
    status = status ? status : metadata_list_create(model, &metadata);
    if (status) {
        goto done;
    }
    tensor_list_add(&list, layout, &own_naming, values);
    tensor_list_add(&list, layout, &first_moment_naming, values + layout->places.total);
    tensor_list_add(&list, layout, &second_moment_naming, values + 2 * layout->places.total);
    status = tensor_list_check(&list, path);
    if (status) {
        goto done;
    }
    char step[24];
    snprintf(step, sizeof step, "%" PRId64, trainer->step);
    metadata_list_add(&metadata, KEY_VERSION, minrnn_version());
    metadata_list_add(&metadata, KEY_CONFIG, model_config);
    metadata_list_add(&metadata, KEY_TRAINER, trainer_config);
    metadata_list_add(&metadata, KEY_STEP, step);
    metadata_list_add_model(&metadata, model);
    status = safetensors_write(path, metadata.entries, metadata.count, list.tensors, list.count);
done:
    metadata_list_destroy(&metadata);
    tensor_list_destroy(&list);
    mem_free(values);
    mem_free(trainer_config);
    mem_free(model_config);
    return status;
}

static minrnn_status parse_step(const struct safetensors *file, int64_t *step) {
    const char *digits = safetensors_value(file, KEY_STEP);
    const size_t length = digits ? strlen(digits) : 0;
    /* 18 digits are below 2^63. */
    if (length < 1 || length > 18 || strspn(digits, "0123456789") != length) {
        return fail(MINRNN_FORMAT_ERROR, "%s: " KEY_STEP " is missing or not a number",
                    safetensors_path(file));
    }
    *step = strtoll(digits, NULL, 10);
    return MINRNN_OK;
}

/* The file's trainer configuration, which `wanted` may change in nothing but what is a run's. */
static minrnn_status parse_config(const struct safetensors *file,
                                  const minrnn_trainer_config *wanted,
                                  minrnn_trainer_config *config) {
    const char *path = safetensors_path(file);
    const char *json = safetensors_value(file, KEY_TRAINER);
    if (!json) {
        return fail(MINRNN_FORMAT_ERROR, "%s is not a training state: it has no " KEY_TRAINER,
                    path);
    }
    minrnn_trainer_config own;
    minrnn_status status = settings_read(&trainer_settings, path, json, config);
    if (status) {
        return status;
    }
    if (trainer_config_check(config)) {
        return fail_in(MINRNN_FORMAT_ERROR, "%s", path);
    }
    if (wanted) {
        status = trainer_config_take(wanted, &own);
    }
    if (!status && wanted) {
        settings_renew(&trainer_settings, &own, config);
        status = settings_compare(&trainer_settings, path, config, &own);
    }
    return status;
}

static minrnn_status write_moments(struct safetensors *file, minrnn_trainer *trainer) {
    const struct model_layout *layout = &trainer->model->layout;
    float *values = mem_alloc(2 * (uint64_t)layout->places.total, sizeof *values);
    if (!values) {
        return MINRNN_OUT_OF_MEMORY;
    }
    minrnn_status status = checkpoint_read(file, layout, &first_moment_naming, values);
    if (!status) {
        status =
            checkpoint_read(file, layout, &second_moment_naming, values + layout->places.total);
    }
    if (!status) {
        status =
            tensor_write(tensor_f32(trainer->moments, 0), values, 2 * layout->places.total, true);
    }
    mem_free(values);
    return status;
}

minrnn_status minrnn_trainer_resume(minrnn_device *device, const char *path,
                                    const minrnn_trainer_config *config, minrnn_model **model,
                                    minrnn_trainer **trainer) {
    if (!device || !path || !model || !trainer) {
        return fail(MINRNN_INVALID_ARGUMENT, "minrnn_trainer_resume: an argument is NULL");
    }
    *model = NULL;
    *trainer = NULL;
    struct safetensors *file = NULL;
    minrnn_model_config model_config;
    minrnn_trainer_config trainer_config;
    int64_t step = 0;
    minrnn_status status = safetensors_open(path, &file);
    if (status) {
        return status;
    }
    status = checkpoint_config(file, &model_config);
    status = status ? status : parse_config(file, config, &trainer_config);
    status = status ? status : parse_step(file, &step);
    status = status ? status : checkpoint_tensors(file, &model_config, &own_naming);
    if (status) {
        goto done;
    }
    status = checkpoint_model(device, file, &model_config, &own_naming, model);
    status = status ? status : minrnn_trainer_create(*model, &trainer_config, trainer);
    status = status ? status : write_moments(file, *trainer);
    if (!status) {
        (*trainer)->step = step;
    }
done:
    safetensors_close(file);
    if (status) {
        minrnn_trainer_destroy(*trainer);
        minrnn_model_destroy(*model);
        *trainer = NULL;
        *model = NULL;
    }
    return status;
}
