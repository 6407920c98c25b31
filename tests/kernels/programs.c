/* SPDX-License-Identifier: Apache-2.0 */
/* The programs that the device rules choose for a device that need not be there:
 * programs DEVICE FOLDER [--all]
 *
 * The backend's ops run on a device made of traits alone, under this file's own kernel_get and
 * kernel_launch, which record instead of compiling and computing; buffers hold nothing. What runs:
 * the training step, evaluation and inference of models that between them use every part, at the
 * presets' sizes; every op with the checker's small selection of cases. --all adds its thorough
 * cases, every scan of them over lengths of time from 1 to 65,536 with all optional tensors and
 * with none.
 *
 * Writes each composed source to FOLDER/NUMBER.cl, and prints a line for each kernel of a program
 * and work-group: the number, the files, the options, the kernel, the work-group's three sizes
 * (0 0 0: the driver's choice), and bytes of local memory passed as arguments, between tabs. */
#include "unit/models.h"
#undef fail /* cmocka's; the library's comes below */

#include "base/alloc.h"
#include "check/cases.h"
#include "opencl/source.h"

static const struct description {
    const char *name;
    struct cl_traits traits;
} descriptions[] = {
    {"t4", /* NVIDIA T4, sm_75 */
     {.is_gpu = true,
      .compute_units = 40,
      .float_width = 1,
      .max_work_group = 1024,
      .local_bytes = 48 << 10,
      .max_allocation = 3800ull << 20,
      .fma = true}},
    {"gfx906", /* AMD Radeon VII, Instinct MI50 */
     {.is_gpu = true,
      .compute_units = 60,
      .float_width = 1,
      .max_work_group = 256,
      .local_bytes = 64 << 10,
      .max_allocation = 13ull << 30,
      .fma = true}},
    {"gfx1030", /* AMD Radeon RX 6800 XT: compute units are counted in pairs */
     {.is_gpu = true,
      .compute_units = 36,
      .float_width = 1,
      .max_work_group = 256,
      .local_bytes = 64 << 10,
      .max_allocation = 13ull << 30,
      .fma = true}},
    {"intel", /* Intel Iris Xe */
     {.is_gpu = true,
      .compute_units = 96,
      .float_width = 1,
      .max_work_group = 512,
      .local_bytes = 64 << 10,
      .max_allocation = 4ull << 30,
      .fma = true}},
    {"cpu", /* AVX-512 */
     {.is_cpu = true,
      .compute_units = 8,
      .float_width = 16,
      .max_work_group = 4096,
      .local_bytes = 32 << 10,
      .max_allocation = 8ull << 30,
      .fma = true,
      .nontemporal = true}},
    {"scalar", /* a CPU whose driver vectorises across work-items, without fused multiply-add */
     {.is_cpu = true,
      .compute_units = 4,
      .float_width = 1,
      .max_work_group = 1024,
      .local_bytes = 32 << 10,
      .max_allocation = 2ull << 30}},
};

/* ---- what is recorded ---- */

struct launch_record {
    size_t local[3];
    size_t local_bytes;
    struct launch_record *next;
};

struct kernel {
    const char *name; /* a literal of the caller */
    struct recorded_program *program;
    struct launch_record *launches;
    struct kernel *next;
};

struct recorded_program {
    const struct recorder *recorder;
    int number; /* of its source */
    char *source, *options;
    char files[256];
    struct kernel *kernels;
    struct recorded_program *next;
};

/* The device of one run of this program, and all that it recorded. */
struct recorder {
    struct cl_device device; /* first: ops see only this */
    const char *folder;
    int sources;
    struct recorded_program *programs;
};

static void must(minrnn_status status, const char *what) {
    if (status) {
        fprintf(stderr, "%s: %s\n", what, minrnn_error_text());
        exit(1);
    }
}

static void *must_alloc(size_t bytes) {
    void *memory = mem_alloc(1, bytes);
    must(memory ? MINRNN_OK : MINRNN_OUT_OF_MEMORY, "memory");
    return memory;
}

static minrnn_status save_source(const struct recorder *recorder, int number, const char *source) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%d.cl", recorder->folder, number);
    FILE *file = fopen(path, "w");
    if (!file || fputs(source, file) < 0 || fclose(file) != 0) {
        return fail(MINRNN_IO_ERROR, "cannot write %s", path);
    }
    return MINRNN_OK;
}

static void name_files(struct recorded_program *program, const struct program_spec *spec) {
    for (int i = 0; i < PROGRAM_MAX_FILES && spec->files[i]; i++) {
        const size_t used = strlen(program->files);
        snprintf(program->files + used, sizeof program->files - used, "%s%s", i > 0 ? " " : "",
                 spec->files[i]);
    }
}

static minrnn_status find_program(struct recorder *recorder, const struct program_spec *spec,
                                  struct recorded_program **program) {
    char *source = NULL, *options = NULL;
    must(source_options(&recorder->device.traits, spec, &options), "options");
    minrnn_status status = source_compose(spec, &source);
    if (status) {
        return status;
    }
    int number = 0;
    for (struct recorded_program *p = recorder->programs; p; p = p->next) {
        const bool same = strcmp(p->source, source) == 0;
        if (same && strcmp(p->options, options) == 0) {
            mem_free(source);
            mem_free(options);
            *program = p;
            return MINRNN_OK;
        }
        number = same ? p->number : number;
    }
    struct recorded_program *made = must_alloc(sizeof *made);
    *made = (struct recorded_program){.recorder = recorder,
                                      .number = number,
                                      .source = source,
                                      .options = options,
                                      .next = recorder->programs};
    if (number == 0) {
        made->number = ++recorder->sources;
        status = save_source(recorder, made->number, source);
    }
    name_files(made, spec);
    recorder->programs = made;
    *program = made;
    return status;
}

/* ---- launch.h ---- */

extern const struct op_table opencl_ops; /* src/opencl/table.c */

minrnn_status kernel_get(struct cl_device *device, const struct program_spec *spec,
                         const char *name, struct kernel **kernel) {
    struct recorded_program *program = NULL;
    const minrnn_status status = find_program((struct recorder *)device, spec, &program);
    if (status) {
        return status;
    }
    for (struct kernel *k = program->kernels; k; k = k->next) {
        if (strcmp(k->name, name) == 0) {
            *kernel = k;
            return MINRNN_OK;
        }
    }
    struct kernel *made = must_alloc(sizeof *made);
    *made = (struct kernel){.name = name, .program = program, .next = program->kernels};
    program->kernels = made;
    *kernel = made;
    return MINRNN_OK;
}

size_t kernel_max_work_group(const struct kernel *kernel) {
    return kernel->program->recorder->device.traits.max_work_group;
}

/* What OpenCL would refuse: whole work-groups, no larger than the device can have. */
static minrnn_status check_range(const struct kernel *kernel, const struct launch_range *range) {
    size_t items = 1;
    for (int i = 0; i < 3; i++) {
        const size_t local = range->local[i] ? range->local[i] : 1;
        items *= local;
        if (range->global[i] % local != 0) {
            return fail(MINRNN_DEVICE_ERROR, "kernel %s: global %zu is no multiple of local %zu",
                        kernel->name, range->global[i], local);
        }
    }
    if (items > kernel_max_work_group(kernel)) {
        return fail(MINRNN_DEVICE_ERROR, "kernel %s: a work-group of %zu", kernel->name, items);
    }
    return MINRNN_OK;
}

minrnn_status kernel_launch(struct cl_device *device, struct kernel *kernel,
                            const struct launch_range *range,
                            const struct launch_argument *arguments, int count) {
    (void)device;
    const minrnn_status status = check_range(kernel, range);
    if (status) {
        return status;
    }
    struct launch_record launch = {.next = kernel->launches};
    memcpy(launch.local, range->local, sizeof launch.local);
    for (int i = 0; i < count; i++) {
        launch.local_bytes += arguments[i].kind == ARGUMENT_LOCAL ? arguments[i].local_bytes : 0;
    }
    for (const struct launch_record *l = kernel->launches; l; l = l->next) {
        if (memcmp(l->local, launch.local, sizeof launch.local) == 0 &&
            l->local_bytes == launch.local_bytes) {
            return MINRNN_OK;
        }
    }
    kernel->launches = must_alloc(sizeof launch);
    *kernel->launches = launch;
    return MINRNN_OK;
}

/* The one thing that rules ask of OpenCL itself: whether buffers lie on memory of the caller's own.
 * These do not, and so are aligned. */
cl_int clGetMemObjectInfo(cl_mem memobj, cl_mem_info param_name, size_t param_value_size,
                          void *param_value, size_t *param_value_size_ret) {
    (void)memobj;
    (void)param_name;
    (void)param_value_size_ret;
    memset(param_value, 0, param_value_size);
    return CL_SUCCESS;
}

/* ---- a backend whose buffers hold nothing ---- */

static minrnn_status buffer_create(minrnn_device *device, uint64_t bytes, minrnn_buffer **buffer) {
    struct cl_buffer *made = must_alloc(sizeof *made);
    made->base = (minrnn_buffer){.device = device, .bytes = bytes};
    *buffer = &made->base;
    return MINRNN_OK;
}

static void buffer_destroy(minrnn_buffer *buffer) {
    mem_free(buffer);
}

static minrnn_status buffer_write(minrnn_buffer *buffer, uint64_t offset, const void *source,
                                  uint64_t bytes, bool wait) {
    (void)buffer;
    (void)offset;
    (void)source;
    (void)bytes;
    (void)wait;
    return MINRNN_OK;
}

static minrnn_status buffer_read(const minrnn_buffer *buffer, uint64_t offset, void *destination,
                                 uint64_t bytes, bool wait) {
    (void)buffer;
    (void)offset;
    (void)wait;
    memset(destination, 0, (size_t)bytes);
    return MINRNN_OK;
}

static minrnn_status nothing(minrnn_device *device) {
    (void)device;
    return MINRNN_OK;
}

static minrnn_status no_fence(minrnn_device *device, struct fence *fence) {
    (void)device;
    (void)fence;
    return MINRNN_OK;
}

static void no_look(struct fence *fence) {
    (void)fence;
}

static const struct backend recording = {
    .ops = &opencl_ops,
    .survives_fork = true,
    .finish = nothing,
    .buffer_create = buffer_create,
    .buffer_destroy = buffer_destroy,
    .write = buffer_write,
    .read = buffer_read,
    .fence_set = no_fence,
    .fence_look = no_look,
    .fence_wait = no_fence,
};

/* ---- models ---- */

enum { VOCABULARY = 65 };

static void train(minrnn_model *model, const minrnn_trainer_config *config) {
    minrnn_trainer *trainer = NULL;
    must(minrnn_trainer_create(model, config, &trainer), "trainer");
    const size_t rows = (size_t)(config->batch * config->time * config->accumulation);
    int32_t *zeros = must_alloc(rows * sizeof *zeros);
    double loss = 0;
    int64_t count = 0;
    minrnn_batch batch;
    minrnn_batch_defaults(&batch);
    batch.batch = config->batch * config->accumulation;
    batch.time = config->time;
    batch.tokens = batch.targets = zeros;
    must(minrnn_trainer_step(trainer, &batch), "step");
    batch.reset = batch.lengths = zeros;
    must(minrnn_trainer_step(trainer, &batch), "step with resets");
    batch.batch = config->batch;
    batch.reset = batch.lengths = NULL;
    must(minrnn_trainer_evaluate(trainer, &batch, &loss, &count), "evaluate");
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

/* ---- the whole ---- */

static void print_programs(const struct recorder *recorder) {
    for (const struct recorded_program *p = recorder->programs; p; p = p->next) {
        for (const struct kernel *k = p->kernels; k; k = k->next) {
            for (const struct launch_record *l = k->launches; l; l = l->next) {
                printf("%d\t%s\t%s\t%s\t%zu %zu %zu\t%zu\n", p->number, p->files, p->options,
                       k->name, l->local[0], l->local[1], l->local[2], l->local_bytes);
            }
        }
    }
}

static void destroy_programs(struct recorder *recorder) {
    while (recorder->programs) {
        struct recorded_program *program = recorder->programs;
        recorder->programs = program->next;
        while (program->kernels) {
            struct kernel *kernel = program->kernels;
            program->kernels = kernel->next;
            while (kernel->launches) {
                struct launch_record *launch = kernel->launches;
                kernel->launches = launch->next;
                mem_free(launch);
            }
            mem_free(kernel);
        }
        mem_free(program->source);
        mem_free(program->options);
        mem_free(program);
    }
}

int main(int count, char **words) {
    const struct description *description = NULL;
    for (size_t i = 0; count > 2 && i < sizeof descriptions / sizeof descriptions[0]; i++) {
        description = strcmp(words[1], descriptions[i].name) == 0 ? &descriptions[i] : description;
    }
    if (!description) {
        fprintf(stderr, "programs DEVICE FOLDER [--all]; devices:");
        for (size_t i = 0; i < sizeof descriptions / sizeof descriptions[0]; i++) {
            fprintf(stderr, " %s", descriptions[i].name);
        }
        fprintf(stderr, "\n");
        return 2;
    }
    struct recorder recorder = {
        .device = {.base = {.backend = &recording}, .traits = description->traits},
        .folder = words[2]};
    walk_models(&recorder.device.base);
    walk_ops(&recorder.device.base, count > 3 && strcmp(words[3], "--all") == 0);
    print_programs(&recorder);
    destroy_programs(&recorder);
    return fflush(stdout) == 0 ? 0 : 1;
}
