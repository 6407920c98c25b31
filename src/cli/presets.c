#include "cli/presets.h"

#include <string.h>

const char *const preset_names[] = {"small", "shakespeare", NULL};

static const struct preset presets[] = {
    /* Learns a megabyte of text in minutes on two cores. */
    {
        .model = {.width = 128,
                  .layers = 2,
                  .mixer = {.name = "mingru", .expansion = 2.0f},
                  .conv = 4,
                  .feed_forward = MINRNN_FEED_FORWARD_GELU},
        .trainer = {.batch = 32,
                    .time = 128,
                    .accumulation = 1,
                    .steps = 1000,
                    .rate = 2e-3f,
                    .min_rate = 2e-4f,
                    .warmup = 50,
                    .schedule = MINRNN_SCHEDULE_COSINE,
                    .beta1 = 0.9f,
                    .beta2 = 0.99f,
                    .epsilon = 1e-8f,
                    .weight_decay = 0.1f,
                    .clip = 1.0f,
                    .seed = 1},
        .eval_every = 100,
        .save_every = 250,
    },
    /* The paper's Figure 2: its model; nanoGPT's character-level training with the paper's rate. */
    {
        .model = {.width = 384,
                  .layers = 3,
                  .mixer = {.name = "mingru", .expansion = 2.0f},
                  .conv = 4,
                  .feed_forward = MINRNN_FEED_FORWARD_GELU,
                  .dropout = 0.2f},
        .trainer = {.batch = 64,
                    .time = 256,
                    .accumulation = 1,
                    .steps = 5000,
                    .rate = 1e-3f,
                    .min_rate = 1e-4f,
                    .warmup = 100,
                    .schedule = MINRNN_SCHEDULE_COSINE,
                    .beta1 = 0.9f,
                    .beta2 = 0.99f,
                    .epsilon = 1e-8f,
                    .weight_decay = 0.1f,
                    .clip = 1.0f,
                    .seed = 1},
        .eval_every = 25,
        .save_every = 250,
    },
};

const struct preset *preset_find(const char *name) {
    int i = 0;
    while (preset_names[i] && strcmp(preset_names[i], name) != 0) {
        i++;
    }
    return preset_names[i] ? &presets[i] : NULL;
}
