/* SPDX-License-Identifier: Apache-2.0 */
/* How files name what a model has: this library's own names, and those of others. */
#ifndef STORE_NAMING_H
#define STORE_NAMING_H

#include <minrnn/model.h>

#include "layer/parameter.h"

enum { NAME_CAPACITY = 128 };

/* How a file names what a model has. The rest of every name is the same everywhere, but in models
 * of mamba_ssm, whose embedding, norms and layers are called otherwise. */
struct naming {
    const char *prefix;   /* before each name */
    const char *gates;    /* the mixer's gates: "to_hidden_and_gate" */
    const char *gain;     /* a norm's: "weight" */
    const char *feed_out; /* the feed-forward's second layer: "2" */
    const char *head;     /* "to_logits"; the embedding's, if they are one tensor */
    float gain_offset;    /* a norm's gain is what the file has plus this */
    /* Of mamba_ssm's models: what stands before all names but the head's. NULL: of others. */
    const char *backbone;
    /* Whether such files may have a tensor of this name that no model uses; NULL: never. */
    bool (*ignores)(const char *name, const minrnn_model_config *config,
                    const struct naming *naming);
};

/* This library's own, and the optimiser's moments in a state file. */
extern const struct naming own_naming, first_moment_naming, second_moment_naming;

/* The name that a parameter has in a file. */
void naming_translate(const struct naming *naming, enum parameter_role role, const char *own,
                      char name[NAME_CAPACITY]);

#endif
