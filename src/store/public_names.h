/* SPDX-License-Identifier: Apache-2.0 */
/* Files of the public minGRU implementations. */
#ifndef STORE_PUBLIC_NAMES_H
#define STORE_PUBLIC_NAMES_H

#include "store/naming.h"
#include "store/safetensors.h"

/* The configuration and naming of such a file, from the names and shapes of its tensors. A prefix
 * that all names have is dropped from them. */
minrnn_status public_names_infer(struct safetensors *file, minrnn_model_config *config,
                                 struct naming *naming);

#endif
