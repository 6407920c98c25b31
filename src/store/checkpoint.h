/* SPDX-License-Identifier: Apache-2.0 */
/* What model and state files share: a model's tensors, configuration and vocabulary in a
 * safetensors file. */
#ifndef STORE_CHECKPOINT_H
#define STORE_CHECKPOINT_H

#include "network/model.h"
#include "store/naming.h"
#include "store/safetensors.h"

/* Metadata keys. */
#define KEY_PREFIX "minrnn."
#define KEY_VERSION KEY_PREFIX "version"
#define KEY_CONFIG KEY_PREFIX "config"
#define KEY_TRAINER KEY_PREFIX "trainer" /* state files only */
#define KEY_STEP KEY_PREFIX "step"
enum { OWN_KEYS = 4 };

/* What is to be written: names are kept in `names`, which the tensors point to. */
struct tensor_list {
    struct safetensors_tensor *tensors;
    char (*names)[NAME_CAPACITY];
    int count;
};
minrnn_status tensor_list_create(int capacity, struct tensor_list *list);
void tensor_list_destroy(struct tensor_list *list);

/* Appends all parameters, their data lying in `values` (host, laid out as the layout says). */
void tensor_list_add(struct tensor_list *list, const struct model_layout *layout,
                     const struct naming *naming, const float *values);

/* The entries of __metadata__ that are to be written: up to OWN_KEYS of the file's, then the
 * model's under the prefix. */
struct metadata_list {
    struct safetensors_metadata *entries;
    char (*keys)[NAME_CAPACITY]; /* of the model's entries */
    int count;
};
minrnn_status metadata_list_create(const minrnn_model *model, struct metadata_list *list);
void metadata_list_add(struct metadata_list *list, const char *key, const char *value);
void metadata_list_add_model(struct metadata_list *list, const minrnn_model *model);
void metadata_list_destroy(struct metadata_list *list);

/* MINRNN_NOT_FINITE if a number to be written is NaN or infinite: such a file must not replace a
 * good one. */
minrnn_status tensor_list_check(const struct tensor_list *list, const char *path);

/* Whether this library wrote the file. */
bool checkpoint_is_own(const struct safetensors *file);

/* Sees that such a file is undamaged, and takes its configuration, whose values are not checked. */
minrnn_status checkpoint_config(struct safetensors *file, minrnn_model_config *config);

/* Checks the configuration, and that the file has exactly the tensors it needs, each with its
 * shape; the error names the first that is missing, wrong or too many. Nothing of a size that a
 * file claims is allocated before this has passed. */
minrnn_status checkpoint_tensors(const struct safetensors *file, const minrnn_model_config *config,
                                 const struct naming *naming);

/* Reads all parameters, checked before, to `values` (host, laid out as the layout says). */
minrnn_status checkpoint_read(struct safetensors *file, const struct model_layout *layout,
                              const struct naming *naming, float *values);

/* Makes the model of a file whose tensors were checked. */
minrnn_status checkpoint_model(minrnn_device *device, struct safetensors *file,
                               const minrnn_model_config *config, const struct naming *naming,
                               minrnn_model **model);

#endif
