/* Settings with a name: a model and how it is trained. */
#ifndef CLI_PRESETS_H
#define CLI_PRESETS_H

#include <minrnn/trainer.h>

struct preset {
    minrnn_model_config model; /* its vocabulary is the text's; a factor of 0 is the usual one */
    minrnn_trainer_config trainer;
    int64_t eval_every, save_every;
};

/* The names, NULL at the end; the first is the default. */
extern const char *const preset_names[];

/* The preset of one of those names. */
const struct preset *preset_find(const char *name);

#endif
