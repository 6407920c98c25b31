/* SPDX-License-Identifier: Apache-2.0 */
/* The subjects of minrnn bench: their options, their axes, and how a point of each is prepared. */
#include <minrnn/preset.h>

#include "cli/bench.h"
#include "cli/bench_compile.h"
#include "cli/bench_figure1.h"
#include "cli/report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- lists ---- */

static const char *pass_name(int index) {
    static const char *const names[] = {"forward", "backward", NULL};
    return names[index];
}

/* Which operand is transposed. */
static const char *transpose_name(int index) {
    static const char *const names[] = {"nn", "nt", "tn", "tt", NULL};
    return names[index];
}

static void add_name(struct names *names, const char *name) {
    if (names->count < NAMES_MOST) {
        names->at[names->count++] = name;
    }
}

static struct names all_names(const char *(*list)(int index)) {
    struct names names = {.count = 0};
    for (int i = 0; list(i); i++) {
        add_name(&names, list(i));
    }
    return names;
}

static struct names first_name(const char *(*list)(int index)) {
    return (struct names){.at = {list(0)}, .count = 1};
}

/* Each cell once: its variants have longer names. */
static struct names plain_scans(void) {
    struct names names = {.count = 0};
    for (int i = 0; minrnn_bench_scan_name(i); i++) {
        if (!strchr(minrnn_bench_scan_name(i), '_')) {
            add_name(&names, minrnn_bench_scan_name(i));
        }
    }
    return names;
}

static struct ranges sizes(const char *text) {
    struct ranges ranges = {.count = 0};
    (void)ranges_parse(text, 1, &ranges);
    return ranges;
}

/* ---- options and measures that several have ---- */

#define PLACE(field) offsetof(struct bench_arguments, field)
#define AXIS(axis, field)                                                                          \
    { axis, PLACE(field), false }
#define NAMED_AXIS(axis, field)                                                                    \
    { axis, PLACE(field), true }

#define COMMON_OPTIONS                                                                             \
    TEXT("device", "D", device, "where to compute; may be repeated; all: every one there is"),     \
        {.name = "repetitions",                                                                    \
         .letter = 'r',                                                                            \
         .value = "N",                                                                             \
         .help = "runs that count",                                                                \
         .kind = OPTION_COUNT,                                                                     \
         .offset = PLACE(repetitions),                                                             \
         .low = 1},                                                                                \
        COUNT("warm-up", "N", warm_up, 0, "runs before them"),                                     \
        CHOICE("format", format, rows_formats, "how to print"),                                    \
        FLAG("no-validate", no_validate, "do not check first whether the device computes right"),  \
    {                                                                                              \
        0                                                                                          \
    }
#define ROOFLINE_OPTIONS                                                                           \
    NUMBER("bandwidth", "GB/S", bandwidth, 0, "of the roofline; 0: that of a copy, measured"),     \
        NUMBER("rate", "GFLOP/S", rate, 0, "of the roofline; 0: that of a product, measured"),     \
        FLAG("no-roofline", no_roofline, "do not say how near it rows are")
#define PROFILE FLAG("profile", profile, "the time of each op instead, each waited for")
#define BATCH(text) RANGES("batch", batch, 1, text)
#define TIME(text) RANGES("time", time, 1, text)
#define WIDTH(text) RANGES("width", width, 1, text)
#define LAYERS(text) RANGES("layers", layers, 1, text)
#define MIXERS(text) NAMES("mixer", mixers, minrnn_mixer_name, text)
#define PRESETS(text) NAMES("preset", presets, minrnn_preset_name, text)

#define MEASURE(name) (1u << MEASURE_##name)
#define ROOFLINE (MEASURE(ROOFLINE) | MEASURE(TIMES_ROOFLINE) | MEASURE(BANDWIDTH) | MEASURE(RATE))
#define TIMES (MEASURE(MEDIAN) | MEASURE(P10) | MEASURE(P90) | MEASURE(NOTE))

/* ---- copy ---- */

static void copy_defaults(struct bench_arguments *arguments) {
    arguments->bytes = sizes("64k-256M*16");
}

static minrnn_status copy_create(struct bench_point *point, minrnn_device *device,
                                 minrnn_bench **bench) {
    return minrnn_bench_copy(device, (uint64_t)*bench_size(point, "bytes"), bench);
}

static const struct bench_subject copy = {
    .command = {.name = "bench copy",
                .summary = "memory bandwidth, bytes read and bytes written",
                .notes = "",
                .options = (const struct option[]){RANGES("bytes", bytes, 4, "how much is copied"),
                                                   COMMON_OPTIONS}},
    .axes = (const struct bench_axis[]){AXIS("bytes", bytes), {0}},
    .measures = TIMES | MEASURE(BYTES),
    .defaults = copy_defaults,
    .create = copy_create,
};

/* ---- launch ---- */

static void launch_defaults(struct bench_arguments *arguments) {
    arguments->launches = sizes("1,1000");
}

static minrnn_status launch_create(struct bench_point *point, minrnn_device *device,
                                   minrnn_bench **bench) {
    return minrnn_bench_launch(device, *bench_size(point, "launches"), bench);
}

static const struct bench_subject launch = {
    .command = {.name = "bench launch",
                .summary = "the smallest op there is, one after another",
                .notes = "",
                .options =
                    (const struct option[]){
                        RANGES("launches", launches, 1, "how many before a wait"), COMMON_OPTIONS}},
    .axes = (const struct bench_axis[]){AXIS("launches", launches), {0}},
    .measures = TIMES,
    .defaults = launch_defaults,
    .create = launch_create,
};

/* ---- gemm ---- */

static void gemm_defaults(struct bench_arguments *arguments) {
    arguments->m = arguments->n = arguments->k = sizes("1024");
    arguments->transposes = first_name(transpose_name);
}

static minrnn_status gemm_create(struct bench_point *point, minrnn_device *device,
                                 minrnn_bench **bench) {
    const char *transpose = bench_name(point, "transpose");
    return minrnn_bench_product(device, *bench_size(point, "m"), *bench_size(point, "n"),
                                *bench_size(point, "k"), transpose[0] == 't', transpose[1] == 't',
                                bench);
}

/* The products of a preset's step, each measured as it is found. */
struct products {
    struct bench_run *run;
    int code;
};

static void take_product(void *user, const minrnn_product *product) {
    struct products *products = user;
    struct bench_point point = {.axes = products->run->subject->axes, .calls = product->calls};
    *bench_size(&point, "m") = product->m;
    *bench_size(&point, "n") = product->n;
    *bench_size(&point, "k") = product->k;
    const int transposes = 2 * product->transpose_a + product->transpose_b;
    snprintf(bench_name(&point, "transpose"), AXIS_NAME, "%s", transpose_name(transposes));
    products->code = products->code ? products->code : bench_point(products->run, &point);
}

enum { VOCABULARY = 65 }; /* of Shakespeare's characters */

/* With `mixer` "" the preset's own. */
static minrnn_status take_preset(const char *name, const char *mixer, minrnn_model_config *model,
                                 minrnn_trainer_config *trainer) {
    minrnn_model_config_defaults(model);
    minrnn_trainer_config_defaults(trainer);
    minrnn_status status = minrnn_preset(name, model, trainer, NULL, NULL);
    if (!status && *mixer) {
        status = minrnn_preset_mixer(name, mixer, model);
    }
    model->vocab = model->vocab > 0 ? model->vocab : VOCABULARY;
    return status;
}

static int gemm_points(struct bench_run *run) {
    const struct names *presets = &run->arguments.presets;
    struct products products = {.run = run};
    minrnn_status status = MINRNN_OK;
    for (int i = 0; i < presets->count && !status && !products.code; i++) {
        minrnn_model_config model;
        minrnn_trainer_config trainer;
        status = take_preset(presets->at[i], "", &model, &trainer);
        status = status ? status
                        : minrnn_bench_products(run->devices[0].device, &model, &trainer,
                                                take_product, &products);
    }
    return status ? report_setup(status) : products.code;
}

static const struct bench_subject gemm = {
    .command = {.name = "bench gemm",
                .summary = "matrix products [m, k] x [k, n], or those of a preset's step",
                .notes = "",
                .options =
                    (const struct option[]){RANGES("m", m, 1, "rows of the result"),
                                            RANGES("n", n, 1, "columns of the result"),
                                            RANGES("k", k, 1, "terms of each sum"),
                                            NAMES("transpose", transposes, transpose_name,
                                                  "t: the first, the second is stored transposed"),
                                            PRESETS("instead: the products of a training step"),
                                            ROOFLINE_OPTIONS, COMMON_OPTIONS}},
    .axes = (const struct bench_axis[]){AXIS("m", m),
                                        AXIS("n", n),
                                        AXIS("k", k),
                                        NAMED_AXIS("transpose", transposes),
                                        {0}},
    .measures = TIMES | MEASURE(OPERATIONS) | ROOFLINE,
    .defaults = gemm_defaults,
    .create = gemm_create,
    .points = gemm_points,
};

/* ---- scan ---- */

static void scan_defaults(struct bench_arguments *arguments) {
    arguments->scans = plain_scans();
    arguments->passes = all_names(pass_name);
    arguments->batch = sizes("64");
    arguments->time = sizes("128-4096*2");
    arguments->width = sizes("64");
}

static minrnn_status scan_create(struct bench_point *point, minrnn_device *device,
                                 minrnn_bench **bench) {
    const bool backward = strcmp(bench_name(point, "pass"), pass_name(1)) == 0;
    return minrnn_bench_scan(device, bench_name(point, "scan"), backward,
                             *bench_size(point, "batch"), *bench_size(point, "time"),
                             *bench_size(point, "width"), bench);
}

static const struct bench_subject scan = {
    .command = {.name = "bench scan",
                .summary = "the recurrence alone, forward and its gradient",
                .notes = "",
                .options =
                    (const struct option[]){NAMES("scan", scans, minrnn_bench_scan_name, "which"),
                                            NAMES("pass", passes, pass_name, "which"),
                                            BATCH("sequences"), TIME("steps of each"),
                                            WIDTH("channels"), ROOFLINE_OPTIONS, COMMON_OPTIONS}},
    .axes = (const struct bench_axis[]){NAMED_AXIS("scan", scans),
                                        NAMED_AXIS("pass", passes),
                                        AXIS("batch", batch),
                                        AXIS("width", width),
                                        AXIS("time", time),
                                        {0}},
    .measures = TIMES | MEASURE(BYTES) | ROOFLINE,
    .defaults = scan_defaults,
    .create = scan_create,
};

/* ---- layer ---- */

static void layer_defaults(struct bench_arguments *arguments) {
    arguments->mixers = all_names(minrnn_mixer_name);
    arguments->batch = sizes("64");
    arguments->time = sizes("512");
    arguments->width = sizes("64");
    arguments->classes = sizes("16");
}

/* With biases, if the mixer has such a setting. */
static minrnn_status take_mixer(const char *name, int64_t width, minrnn_mixer_config *config) {
    const minrnn_setting *setting;
    minrnn_status status = minrnn_mixer_config_defaults(name, config);
    config->width = width;
    for (int i = 0; !status && (setting = minrnn_mixer_setting(name, i)); i++) {
        if (strcmp(setting->name, "bias") == 0) {
            status = minrnn_mixer_set(config, "bias", "on");
        }
    }
    return status;
}

static minrnn_status layer_create(struct bench_point *point, minrnn_device *device,
                                  minrnn_bench **bench) {
    minrnn_mixer_config config;
    const minrnn_status status =
        take_mixer(bench_name(point, "mixer"), *bench_size(point, "width"), &config);
    return status ? status
                  : minrnn_bench_layer(device, &config, *bench_size(point, "batch"),
                                       *bench_size(point, "time"), *bench_size(point, "classes"),
                                       bench);
}

#define LAYER_OPTIONS                                                                              \
    MIXERS("sequence layers, with biases"), BATCH("sequences"), TIME("steps of each"),             \
        WIDTH("channels"), RANGES("classes", classes, 1, "outputs of the head")

static const struct bench_subject layer = {
    .command = {.name = "bench layer",
                .summary = "a mixer, a head and the loss: forward, loss, backward",
                .notes = "",
                .options = (const struct option[]){LAYER_OPTIONS, PROFILE, ROOFLINE_OPTIONS,
                                                   COMMON_OPTIONS}},
    .axes = (const struct bench_axis[]){NAMED_AXIS("mixer", mixers),
                                        AXIS("batch", batch),
                                        AXIS("width", width),
                                        AXIS("time", time),
                                        AXIS("classes", classes),
                                        {0}},
    .measures = TIMES | MEASURE(QUEUED) | MEASURE(TOKENS) | MEASURE(MEMORY) | MEASURE(PARAMETERS) |
                ROOFLINE,
    .defaults = layer_defaults,
    .create = layer_create,
};

/* ---- figure1 ---- */

static void figure1_defaults(struct bench_arguments *arguments) {
    layer_defaults(arguments);
    arguments->time = sizes(arguments->quick ? "32-128*2" : "128-4096*2");
    arguments->width = sizes(arguments->quick ? "16" : "64");
    arguments->batch = sizes(arguments->quick ? "8" : "64");
    arguments->longest = arguments->quick || arguments->time_is_given ? 0 : 65536;
    arguments->limit = 120;
}

static const struct bench_subject figure1 = {
    .command = {.name = "bench figure1",
                .summary = "the paper's Figure 1: each mixer over lengths, and the speed-up",
                .notes = "\nThe length is doubled up to --longest for minX alone. The weights that "
                         "minX has, in percent of X's\nwith an expansion of 1 to 4, are those of "
                         "the gates, without biases and the projection behind them.\nThe speed-up "
                         "of minX is the time of X, if that is timed too, divided "
                         "by its own; both were waited\nfor. bench/figure1.sh draws it.\n",
                .options = (const struct option[]){LAYER_OPTIONS,
                                                   COUNT("longest", "T", longest, 0,
                                                         "of minX; 0, or if --time is given: as "
                                                         "of all"),
                                                   NUMBER("limit", "SECONDS", limit, 0,
                                                          "leave rows out that take longer; 0: "
                                                          "none"),
                                                   FLAG("quick", quick,
                                                        "small defaults, to see whether it works"),
                                                   COMMON_OPTIONS}},
    .axes = (const struct bench_axis[]){AXIS("batch", batch),
                                        AXIS("classes", classes),
                                        AXIS("width", width),
                                        AXIS("time", time),
                                        NAMED_AXIS("mixer", mixers),
                                        {0}},
    .measures = TIMES | MEASURE(QUEUED) | MEASURE(MEMORY) | MEASURE(RESIDENT) |
                MEASURE(PARAMETERS) | MEASURE(WEIGHTS_1) | MEASURE(WEIGHTS_2) | MEASURE(WEIGHTS_3) |
                MEASURE(WEIGHTS_4) | MEASURE(SPEED_UP),
    .defaults = figure1_defaults,
    .extend = figure1_extend,
    .takes = figure1_takes,
    .create = layer_create,
    .compares = true,
};

/* ---- whole models ---- */

static void step_defaults(struct bench_arguments *arguments) {
    arguments->presets = first_name(minrnn_preset_name);
}

static void complete_size(struct ranges *ranges, int64_t value) {
    if (ranges->count == 0) {
        *ranges = (struct ranges){.values = {value}, .count = 1};
    }
}

static void complete_model(struct bench_arguments *arguments, const minrnn_model_config *model) {
    complete_size(&arguments->width, model->width);
    complete_size(&arguments->layers, model->layers);
    for (int i = 0; !arguments->mixers.count && minrnn_mixer_name(i); i++) {
        if (strcmp(minrnn_mixer_name(i), model->mixer.name) == 0) {
            add_name(&arguments->mixers, minrnn_mixer_name(i));
        }
    }
}

/* The batch of a step is not that of a generation. */
static void complete(struct bench_arguments *arguments) {
    minrnn_model_config model;
    minrnn_trainer_config trainer;
    if (!take_preset(arguments->presets.at[0], "", &model, &trainer)) {
        complete_model(arguments, &model);
        complete_size(&arguments->batch, trainer.batch);
        complete_size(&arguments->time, trainer.time);
    }
}

/* The preset's own where the point has none. */
static void settle(int64_t *of_point, int64_t *of_config) {
    if (*of_point) {
        *of_config = *of_point;
    }
    *of_point = *of_config;
}

static minrnn_status settle_model(struct bench_point *point, minrnn_model_config *model,
                                  minrnn_trainer_config *trainer) {
    char *mixer = bench_name(point, "mixer");
    const minrnn_status status = take_preset(bench_name(point, "preset"), mixer, model, trainer);
    snprintf(mixer, AXIS_NAME, "%s", model->mixer.name);
    settle(bench_size(point, "width"), &model->width);
    settle(bench_size(point, "layers"), &model->layers);
    return status;
}

static minrnn_status step_create(struct bench_point *point, minrnn_device *device,
                                 minrnn_bench **bench) {
    minrnn_model_config model;
    minrnn_trainer_config trainer;
    const minrnn_status status = settle_model(point, &model, &trainer);
    settle(bench_size(point, "batch"), &trainer.batch);
    settle(bench_size(point, "time"), &trainer.time);
    return status ? status : minrnn_bench_step(device, &model, &trainer, bench);
}

#define STEP_OPTIONS                                                                               \
    PRESETS("models and how they are trained"), MIXERS("instead of the preset's own"),             \
        WIDTH("channels, instead"), LAYERS("blocks, instead"), BATCH("sequences, instead"),        \
        TIME("tokens of each, instead")

static const struct bench_axis step_axes[] = {NAMED_AXIS("preset", presets),
                                              NAMED_AXIS("mixer", mixers),
                                              AXIS("width", width),
                                              AXIS("layers", layers),
                                              AXIS("batch", batch),
                                              AXIS("time", time),
                                              {0}};

static const struct bench_subject step = {
    .command = {.name = "bench step",
                .summary = "a trainer's step of a preset: forward, loss, backward, update",
                .notes = "",
                .options = (const struct option[]){STEP_OPTIONS, PROFILE, ROOFLINE_OPTIONS,
                                                   COMMON_OPTIONS}},
    .axes = step_axes,
    .measures = TIMES | MEASURE(QUEUED) | MEASURE(TOKENS) | MEASURE(MEMORY) | MEASURE(PARAMETERS) |
                ROOFLINE,
    .defaults = step_defaults,
    .complete = complete,
    .create = step_create,
};

static void generate_defaults(struct bench_arguments *arguments) {
    step_defaults(arguments);
    arguments->batch = sizes("1");
}

static minrnn_status generate_create(struct bench_point *point, minrnn_device *device,
                                     minrnn_bench **bench) {
    minrnn_model_config model;
    minrnn_trainer_config trainer;
    const minrnn_status status = settle_model(point, &model, &trainer);
    return status ? status
                  : minrnn_bench_generate(device, &model, *bench_size(point, "batch"), bench);
}

static const struct bench_subject generate = {
    .command = {.name = "bench generate",
                .summary = "a token after the other: forward, logits read, one drawn",
                .notes = "",
                .options =
                    (const struct option[]){
                        PRESETS("models"), MIXERS("instead of the preset's own"),
                        WIDTH("channels, instead"), LAYERS("blocks, instead"),
                        BATCH("streams at once"), ROOFLINE_OPTIONS, COMMON_OPTIONS}},
    .axes = (const struct bench_axis[]){NAMED_AXIS("preset", presets),
                                        NAMED_AXIS("mixer", mixers),
                                        AXIS("width", width),
                                        AXIS("layers", layers),
                                        AXIS("batch", batch),
                                        {0}},
    .measures = TIMES | MEASURE(TOKENS) | MEASURE(MEMORY) | MEASURE(PARAMETERS) | ROOFLINE,
    .defaults = generate_defaults,
    .complete = complete,
    .create = generate_create,
};

static const struct bench_subject compile = {
    .command = {.name = "bench compile",
                .summary = "seconds to build the programs of a step, cold and from the cache",
                .notes =
                    "\nIt is the first step's time without what later steps take. The cache is "
                    "a folder of its own, empty\nat first; drivers that keep programs "
                    "themselves are told not to.\n",
                .options = (const struct option[]){STEP_OPTIONS, COMMON_OPTIONS}},
    .axes = step_axes,
    .measures = MEASURE(COLD) | MEASURE(CACHED) | MEASURE(NOTE),
    .defaults = step_defaults,
    .complete = complete,
    .prepare = bench_compile_prepare,
    .create = step_create,
    .measure = bench_compile,
};

const struct bench_subject *const bench_subjects[] = {
    &copy, &launch, &gemm, &scan, &layer, &step, &generate, &compile, &figure1, NULL,
};
