/* SPDX-License-Identifier: Apache-2.0 */
/* Where a step was when an op wrote a number that is not finite. */
#include "base/status.h"
#include "train/trainer.h"

#include <stdio.h>

/* The name of the parameter that an element of an argument is or belongs to; *of is what is said
 * before it. NULL if the argument holds something else. */
static const char *parameter_of(const minrnn_trainer *trainer, const struct op_argument *argument,
                                int64_t index, const char **of) {
    const struct model_layout *layout = &trainer->model->layout;
    const minrnn_buffer *buffer = argument->tensor.buffer;
    if (!buffer || (buffer != trainer->model->parameters && buffer != trainer->gradients &&
                    buffer != trainer->moments)) {
        return NULL;
    }
    /* First and second moments lie one after the other. */
    const int64_t element = (argument->tensor.offset + index) % layout->places.total;
    *of = buffer == trainer->gradients ? "gradient of "
          : buffer == trainer->moments ? "moment of "
                                       : "";
    const char *name = NULL;
    int64_t nearest = -1;
    for (int i = 0; i < layout->count; i++) {
        const minrnn_parameter_info *info = &layout->parameters[i].info;
        if (info->offset <= element && info->offset > nearest) {
            nearest = info->offset;
            name = info->name;
        }
    }
    return name;
}

/* " (NAME)": the parameter where the number was found, else the first that the op works with. */
static void name_parameter(const minrnn_trainer *trainer, char *text, size_t capacity) {
    const struct number_check *check = &trainer->numbers;
    const char *of = "";
    const int64_t index = check->index < 0 ? 0 : check->index;
    const char *name = parameter_of(trainer, &check->arguments[check->found], index, &of);
    for (int i = 0; i < check->argument_count && !name; i++) {
        name = parameter_of(trainer, &check->arguments[i], 0, &of);
    }
    text[0] = '\0';
    if (name) {
        snprintf(text, capacity, " (%s%s)", of, name);
    }
}

minrnn_status trainer_locate(const minrnn_trainer *trainer, const struct network_pass *pass,
                             int64_t step) {
    char layer[64] = "", parameter[128];
    if (pass->block >= 0) {
        snprintf(layer, sizeof layer, "layer %d of %lld, ", pass->block + 1,
                 (long long)pass->layout->config.layers);
    }
    name_parameter(trainer, parameter, sizeof parameter);
    return fail_in(MINRNN_NOT_FINITE, "step %lld, %s, %s%s%s", (long long)step, pass->phase, layer,
                   pass->part, parameter);
}
