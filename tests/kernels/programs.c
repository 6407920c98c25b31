/* SPDX-License-Identifier: Apache-2.0 */
/* The programs that the device rules choose for a device that need not be there:
 * programs DEVICE FOLDER [--all]
 *
 * The backend's ops run on a device made of traits alone, under this file's own kernel_get and
 * kernel_launch, which record instead of compiling and computing; buffers hold nothing. What runs:
 * the training step, evaluation and inference of models that between them use every part, at the
 * presets' sizes; every op with the checker's small selection of cases. --all adds its thorough
 * cases, every scan of them over lengths of time from 1 to 65,536 with all optional tensors and
 * with none. Every op runs once more at sizes of very many rows, sequences and tokens, which no
 * launch may pass on to a device as more work-groups than it has.
 *
 * Writes each composed source to FOLDER/NUMBER.cl, and prints a line for each program, which has
 * one kernel, and work-group: the number, the files, the options, the kernel, the work-group's
 * three sizes (0 0 0: the driver's choice), and bytes of local memory passed as arguments, between
 * tabs. */
#include "unit/models.h"
#undef fail /* cmocka's; the library's comes below */

#include "base/alloc.h"
#include "check/op_check.h"
#include "must.h"
#include "recorder.h"

/* ---- models ---- */

enum { VOCABULARY = 65 };

static void train(minrnn_model *model, const minrnn_trainer_config *config) {
    minrnn_trainer *trainer = NULL;
    must(minrnn_trainer_create(model, config, &trainer), "trainer");
    const size_t rows = (size_t)(config->batch * config->time * config->accumulation);
    int32_t *zeros = must_alloc(rows * sizeof *zeros);
    int32_t *targets = must_alloc(rows * sizeof *targets);
    for (size_t i = 0; i < rows; i++) {
        const bool none = config->targets > 0 && (int64_t)i % config->time >= config->targets;
        targets[i] = none ? -1 : 0;
    }
    double loss = 0;
    int64_t count = 0;
    minrnn_batch batch;
    minrnn_batch_defaults(&batch);
    batch.batch = config->batch * config->accumulation;
    batch.time = config->time;
    batch.tokens = zeros;
    batch.targets = targets;
    must(minrnn_trainer_step(trainer, &batch), "step");
    batch.reset = batch.lengths = zeros;
    must(minrnn_trainer_step(trainer, &batch), "step with resets");
    batch.batch = config->batch;
    batch.reset = batch.lengths = NULL;
    must(minrnn_trainer_evaluate(trainer, &batch, &loss, &count), "evaluate");
    mem_free(targets);
    mem_free(zeros);
    minrnn_trainer_destroy(trainer);
}

static void infer(const minrnn_model *model, int64_t batch, int64_t time) {
    minrnn_session *session = NULL;
    must(minrnn_session_create(model, batch, time, &session), "session");
    int32_t *tokens = must_alloc((size_t)(batch * time) * sizeof *tokens);
    float *logits = must_alloc((size_t)(batch * time * VOCABULARY) * sizeof *logits);
    must(minrnn_session_forward(session, time, tokens, NULL, logits), "forward");
    must(minrnn_session_forward(session, time, tokens, tokens, logits), "forward with resets");
    mem_free(tokens);
    mem_free(logits);
    minrnn_session_destroy(session);
}

/* Every part at every preset's sizes; and at a length of time that GPUs cut into chunks. */
static void walk_models(minrnn_device *device) {
    for (int i = 0; minrnn_preset_name(i); i++) {
        minrnn_model_config preset;
        minrnn_trainer_config preset_training;
        minrnn_model_config_defaults(&preset);
        minrnn_trainer_config_defaults(&preset_training);
        must(minrnn_preset(minrnn_preset_name(i), &preset, &preset_training, NULL, NULL), "preset");
        for (int variant = -1; variant < MODEL_VARIANTS; variant++) {
            minrnn_model_config config = variant < 0 ? preset : model_variant(variant);
            config.vocab = VOCABULARY;
            config.width = preset.width;
            config.dropout = preset.dropout;
            config.feed_forward_factor = 4;
            minrnn_model *model = NULL;
            must(minrnn_model_create(device, &config, 1, &model), "model");
            minrnn_trainer_config training = preset_training;
            train(model, &training);
            training.batch = 1;
            training.time = 8192;
            train(model, &training);
            infer(model, 1, 1);
            infer(model, 1, 64);
            infer(model, preset_training.batch, preset_training.time);
            minrnn_model_destroy(model);
        }
    }
}

/* ---- ops ---- */

struct walk {
    minrnn_device *device;
    const struct op_entry *entry;
};

/* Runs an op, `given` saying which of the optional tensors are there. */
static void run_op(const struct walk *walk, const union op_args *sizes, uint32_t given) {
    struct op_argument arguments[OP_MAX_ARGUMENTS];
    minrnn_tensor tensors[OP_MAX_ARGUMENTS] = {{0}};
    minrnn_buffer *everything = NULL;
    union op_args args = *sizes;
    must(minrnn_buffer_create(walk->device, INT64_MAX, &everything), "buffer");
    const int count = walk->entry->arguments(&args, arguments);
    for (int i = 0; i < count; i++) {
        const bool optional = arguments[i].role == OP_IN_OPT || arguments[i].role == OP_OUT_OPT;
        if (!optional || (given >> i & 1)) {
            tensors[i] = (minrnn_tensor){everything, 0, arguments[i].type};
        }
    }
    walk->entry->bind(&args, tensors);
    struct op_context context = {
        .device = walk->device, .scratch = tensor_f32(everything, 0), .scratch_bytes = INT64_MAX};
    must(walk->entry->run(&context, &args), walk->entry->name);
    minrnn_buffer_destroy(everything);
}

static bool take_drawn(void *user, const struct check_case *c) {
    run_op(user, &c->args, c->given);
    return true;
}

/* Channels that fill a GPU, few, and odd ones; times from one step to those that are cut. */
static const struct shape {
    int64_t batch, time, width;
} shapes[] = {{64, 256, 768}, {1, 1, 768},    {2, 203, 33},
              {1, 1024, 128}, {1, 65536, 64}, {64, 65536, 768}};

enum { SHAPES = sizeof shapes / sizeof shapes[0] };

static bool take_forward(void *user, const struct check_case *c) {
    const bool linear = c->args.scan_forward.cell == MINRNN_CELL_LINEAR;
    for (int i = 0; i < SHAPES; i++) {
        union op_args args = c->args;
        args.scan_forward.batch = shapes[i].batch;
        args.scan_forward.time = shapes[i].time;
        args.scan_forward.width = shapes[i].width;
        run_op(user, &args, ~(linear ? BIT(scan_forward, bias) : BIT(scan_forward, b)));
        run_op(user, &args, linear ? BIT(scan_forward, b) : 0);
    }
    return true;
}

static bool take_backward(void *user, const struct check_case *c) {
    const bool linear = c->args.scan_backward.cell == MINRNN_CELL_LINEAR;
    const uint32_t of_linear = BIT(scan_backward, b) | BIT(scan_backward, db);
    for (int i = 0; i < SHAPES; i++) {
        union op_args args = c->args;
        args.scan_backward.batch = shapes[i].batch;
        args.scan_backward.time = shapes[i].time;
        args.scan_backward.width = shapes[i].width;
        run_op(user, &args, ~(linear ? BIT(scan_backward, bias) : of_linear));
        run_op(user, &args, linear ? of_linear : 0);
    }
    return true;
}

static void walk_ops(minrnn_device *device, bool all) {
    enum { SEED = 1 };
    for (int i = 0; i < CHECK_OPS; i++) {
        const struct op_entry *entry = op_entry_at((enum check_op)i);
        struct walk walk = {device, entry};
        check_cases(entry, all ? CHECK_QUICK : CHECK_SMALL, SEED, take_drawn, &walk);
        if (all) {
            check_cases(entry, CHECK_THOROUGH, SEED,
                        entry->op == CHECK_OP_scan_forward    ? take_forward
                        : entry->op == CHECK_OP_scan_backward ? take_backward
                                                              : take_drawn,
                        &walk);
        }
    }
}

/* ---- more work-groups than a device has along a dimension ---- */

/* What counts tokens, sequences, products and rows, where a model or a batch has very many. */
static const struct {
    const char *name;
    int64_t size;
} many[] = {{"vocab", 100000}, {"batch", 70000}, {"rows", 5000000}, {"m", 20000000}};

static bool take_many(void *user, const struct check_case *c) {
    const struct walk *walk = user;
    for (size_t i = 0; i < sizeof many / sizeof many[0]; i++) {
        union op_args args = c->args;
        if (walk->entry->resize(&args, many[i].name, many[i].size)) {
            if (walk->entry->check->resized) {
                walk->entry->check->resized(&args);
            }
            run_op(walk, &args, c->given);
        }
    }
    if (walk->entry->op == CHECK_OP_gemm) {
        union op_args args = c->args;
        args.gemm.count = 70000;
        run_op(walk, &args, c->given);
    }
    return true;
}

/* That no launch has too many is the recorder's to see. */
static void walk_many(minrnn_device *device) {
    enum { SEED = 2 };
    for (int i = 0; i < CHECK_OPS; i++) {
        struct walk walk = {device, op_entry_at((enum check_op)i)};
        check_cases(walk.entry, CHECK_SMALL, SEED, take_many, &walk);
    }
}

/* ---- the whole ---- */

static void print_programs(const struct recorder *recorder) {
    for (const struct kernel *k = recorder->kernels; k; k = k->next) {
        for (const struct launch_record *l = k->launches; l; l = l->next) {
            printf("%d\t%s\t%s\t%s\t%zu %zu %zu\t%zu\n", k->number, k->files, k->options, k->name,
                   l->local[0], l->local[1], l->local[2], l->local_bytes);
        }
    }
}

int main(int count, char **words) {
    if (count < 3) {
        fprintf(stderr, "programs DEVICE FOLDER [--all]\n");
        return 2;
    }
    struct recorder recorder = recorder_of(words[1]);
    recorder.folder = words[2];
    walk_models(&recorder.device.base);
    walk_ops(&recorder.device.base, count > 3 && strcmp(words[3], "--all") == 0);
    struct recorder large = recorder_of(words[1]); /* whose programs are the same ones */
    walk_many(&large.device.base);
    recorder_destroy(&large);
    print_programs(&recorder);
    recorder_destroy(&recorder);
    return fflush(stdout) == 0 ? 0 : 1;
}
