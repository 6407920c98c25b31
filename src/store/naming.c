/* SPDX-License-Identifier: Apache-2.0 */
/* The names of parameters in files. */
#include "store/naming.h"

#include <stdio.h>
#include <string.h>

#define OWN_GATES "to_hidden_and_gate"
#define OWN_GAIN "weight"
#define OWN_FEED_OUT "2"
#define OWN_HEAD "to_logits"

#define OWN_NAMING(prefix)                                                                         \
    { prefix, OWN_GATES, OWN_GAIN, OWN_FEED_OUT, OWN_HEAD, 0.0f, NULL, NULL }
const struct naming own_naming = OWN_NAMING("");
const struct naming first_moment_naming = OWN_NAMING("adamw.m.");
const struct naming second_moment_naming = OWN_NAMING("adamw.v.");

/* Their layers are a norm and a mixer each. */
static void mamba_name(const struct naming *naming, const char *own, char name[NAME_CAPACITY]) {
    int layer, end = 0;
    const char *backbone = naming->backbone;
    if (sscanf(own, "layers.%d.2.%n", &layer, &end) == 1 && end > 0) {
        snprintf(name, NAME_CAPACITY, "%slayers.%d.mixer.%s", backbone, layer, own + end);
    } else if (sscanf(own, "layers.%d.1.%n", &layer, &end) == 1 && end > 0) {
        snprintf(name, NAME_CAPACITY, "%slayers.%d.norm.%s", backbone, layer, own + end);
    } else if (strcmp(own, OWN_HEAD ".weight") == 0) {
        snprintf(name, NAME_CAPACITY, "%s.weight", naming->head);
    } else {
        snprintf(name, NAME_CAPACITY, "%s%s.weight", backbone,
                 strcmp(own, "norm.weight") == 0 ? "norm_f" : "embedding");
    }
}

void naming_translate(const struct naming *naming, enum parameter_role role, const char *own,
                      char name[NAME_CAPACITY]) {
    int layer, end = 0;
    const char *prefix = naming->prefix;
    if (naming->backbone) {
        mamba_name(naming, own, name);
    } else if (role == PARAMETER_GAIN) {
        const int length = (int)(strrchr(own, '.') - own);
        snprintf(name, NAME_CAPACITY, "%s%.*s.%s", prefix, length, own, naming->gain);
    } else if (sscanf(own, "layers.%d.2." OWN_GATES "%n", &layer, &end) == 1 && end > 0) {
        snprintf(name, NAME_CAPACITY, "%slayers.%d.2.%s%s", prefix, layer, naming->gates,
                 own + end);
    } else if (sscanf(own, "layers.%d.4." OWN_FEED_OUT "%n", &layer, &end) == 1 && end > 0) {
        snprintf(name, NAME_CAPACITY, "%slayers.%d.4.%s%s", prefix, layer, naming->feed_out,
                 own + end);
    } else if (strcmp(own, OWN_HEAD ".weight") == 0) {
        snprintf(name, NAME_CAPACITY, "%s%s.weight", prefix, naming->head);
    } else {
        snprintf(name, NAME_CAPACITY, "%s%s", prefix, own);
    }
}
