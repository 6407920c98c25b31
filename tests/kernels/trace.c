/* SPDX-License-Identifier: Apache-2.0 */
/* What a training step launches on a device that need not be there, for bench/predict.py:
 *   trace DEVICE UNITS preset NAME BATCH          a step of the trainer, on text
 *   trace DEVICE UNITS layer MIXER WIDTH TIME BATCH CLASSES
 *                                   a mixer, a head and the loss, forward and backward
 * UNITS and BATCH may be 0: the described device's own, and the preset's.
 *
 * Prints, between tabs, a line for each op: "op", its name, its sizes, bytes read, bytes written,
 * floating-point operations, or what functions take like them; and after it one for each launch:
 * "launch", the kernel, its options, three global and three local sizes. Every tensor counts once,
 * whatever a kernel does with it. */
#include <minrnn/preset.h>

#include "bench/watch.h"
#include "bench/work.h"
#include "must.h"
#include "recorder.h"

#include <string.h>

/* ---- ops that say that they run ---- */

static void print_entry(void *user, const struct op_entry *op, const union op_args *args) {
    const struct op_work work = op_work_of(op, args);
    char sizes[256];
    (void)user;
    op->sizes(args, sizes, sizeof sizes);
    printf("op\t%s\t%s\t%.0f\t%.0f\t%.0f\n", op->name, sizes, work.read, work.written,
           work.operations);
}

static void print_launch(void *user, const struct kernel *kernel, const struct launch_part *part) {
    (void)user;
    printf("launch\t%s\t%s", kernel->name, kernel->options);
    for (int i = 0; i < 3; i++) {
        printf("\t%zu", part->global[i]);
    }
    for (int i = 0; i < 3; i++) {
        printf("\t%zu", part->local[i]);
    }
    printf("\n");
}

/* ---- what runs ---- */

/* Traces one run of a bench, and destroys it. */
static void take_step(struct recorder *recorder, minrnn_bench *bench) {
    struct op_watch watch = {.before = print_entry};
    minrnn_bench_config once;
    minrnn_bench_info info;
    minrnn_timing timing;
    minrnn_bench_config_defaults(&once);
    once.warm_up = 0;
    once.repetitions = 1;
    must(minrnn_bench_describe(bench, &info), "bench");
    printf("step\t%lld\n", (long long)info.tokens);
    watch_attach(&watch, &recorder->device.base);
    recorder->launched = print_launch;
    must(minrnn_bench_run(bench, &once, &timing), "step");
    recorder->launched = NULL;
    watch_detach(&watch, &recorder->device.base);
    minrnn_bench_destroy(bench);
}

static void preset_step(struct recorder *recorder, const char *name, int64_t batch) {
    enum { VOCABULARY = 65 };
    minrnn_model_config config;
    minrnn_trainer_config training;
    minrnn_bench *bench;
    minrnn_model_config_defaults(&config);
    minrnn_trainer_config_defaults(&training);
    must(minrnn_preset(name, &config, &training, NULL, NULL), "preset");
    config.vocab = config.vocab > 0 ? config.vocab : VOCABULARY;
    training.batch = batch ? batch : training.batch;
    must(minrnn_bench_step(&recorder->device.base, &config, &training, &bench), "step");
    take_step(recorder, bench);
}

/* Biases, if the mixer can have them. */
static void set_bias(minrnn_mixer_config *config) {
    const minrnn_setting *setting;
    for (int i = 0; (setting = minrnn_mixer_setting(config->name, i)); i++) {
        if (strcmp(setting->name, "bias") == 0) {
            must(minrnn_mixer_set(config, "bias", "on"), "bias");
        }
    }
}

static void layer_step(struct recorder *recorder, const char *mixer, int64_t width, int64_t time,
                       int64_t batch, int64_t classes) {
    minrnn_mixer_config config;
    minrnn_bench *bench;
    must(minrnn_mixer_config_defaults(mixer, &config), "mixer");
    set_bias(&config);
    config.width = width;
    must(minrnn_bench_layer(&recorder->device.base, &config, batch, time, classes, &bench),
         "layer");
    take_step(recorder, bench);
}

static int64_t number(const char *text) {
    return strtoll(text, NULL, 10);
}

int main(int count, char **words) {
    if (count < 5) {
        fprintf(stderr,
                "trace DEVICE UNITS preset NAME BATCH | layer MIXER WIDTH TIME BATCH CLASSES\n");
        return 2;
    }
    struct recorder recorder = recorder_of(words[1]);
    if (number(words[2])) {
        recorder.device.traits.compute_units = (int)number(words[2]);
    }
    if (strcmp(words[3], "preset") == 0 && count == 6) {
        preset_step(&recorder, words[4], number(words[5]));
    } else if (strcmp(words[3], "layer") == 0 && count == 9) {
        layer_step(&recorder, words[4], number(words[5]), number(words[6]), number(words[7]),
                   number(words[8]));
    } else {
        fprintf(stderr, "trace: wrong words\n");
        return 2;
    }
    recorder_destroy(&recorder);
    return fflush(stdout) == 0 ? 0 : 1;
}
