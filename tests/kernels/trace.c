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
#include "bench/watch.h"
#include "check/op_check.h"
#include "must.h"
#include "recorder.h"
#include "steps.h"

#include <string.h>

/* ---- ops that say that they run ---- */

static bool reads_inout(const char *name, const union op_args *args) {
    return strcmp(name, "gemm") != 0 || args->gemm.accumulate;
}

static void print_op(const char *name, const char *sizes, const struct op_argument *arguments,
                     int count, double operations, bool reads_inout) {
    int64_t read = 0, written = 0;
    for (int i = 0; i < count; i++) {
        const struct op_argument *a = &arguments[i];
        const int64_t bytes = a->tensor.buffer ? a->extent * dtype_bytes(a->type) : 0;
        const bool in = a->role == OP_IN || a->role == OP_IN_OPT;
        read += in || (a->role == OP_INOUT && reads_inout) ? bytes : 0;
        written += in ? 0 : bytes;
    }
    printf("op\t%s\t%s\t%lld\t%lld\t%.0f\n", name, sizes, (long long)read, (long long)written,
           operations);
}

/* An instruction takes the place of a multiply-add, which is two operations. */
static double operations_of(const struct op_entry *op, const union op_args *args) {
    const double operations = op->check->operations ? op->check->operations(args) : 0;
    const double instructions = op->check->instructions ? op->check->instructions(args) : 0;
    return operations + 2 * instructions;
}

static void print_entry(void *user, const struct op_entry *op, const union op_args *args) {
    struct op_argument arguments[OP_MAX_ARGUMENTS];
    char sizes[256];
    (void)user;
    op->sizes(args, sizes, sizeof sizes);
    print_op(op->name, sizes, arguments, op->arguments(args, arguments), operations_of(op, args),
             reads_inout(op->name, args));
}

static void print_launch(void *user, const struct kernel *kernel,
                         const struct launch_range *range) {
    (void)user;
    printf("launch\t%s\t%s", kernel->name, kernel->program->options);
    for (int i = 0; i < 3; i++) {
        printf("\t%zu", range->global[i] ? range->global[i] : 1);
    }
    for (int i = 0; i < 3; i++) {
        printf("\t%zu", range->local[i] ? range->local[i] : 1);
    }
    printf("\n");
}

/* ---- what runs ---- */

static void preset_step(minrnn_device *device, const char *name, int64_t batch) {
    struct steps steps = steps_create(device, name, batch);
    printf("step\t%lld\n", (long long)steps.rows); /* what came before is its making */
    steps_take(&steps);
    steps_destroy(&steps);
}

static void layer_step(minrnn_device *device, const char *mixer_name, int64_t width, int64_t time,
                       int64_t batch, int64_t classes) {
    const int64_t rows = batch * time;
    minrnn_mixer_config config;
    minrnn_mixer *mixer;
    minrnn_buffer *everything;
    must(minrnn_mixer_config_defaults(mixer_name, &config), "mixer");
    must(minrnn_mixer_set(&config, "bias", "on"), "bias");
    config.width = width;
    must(minrnn_mixer_create(device, &config, &mixer), "mixer");
    must(minrnn_buffer_create(device, INT64_MAX, &everything), "buffer");
    const minrnn_tensor f32 = tensor_f32(everything, 0), i32 = tensor_i32(everything, 0);
    struct op_context context = {.device = device, .scratch = f32, .scratch_bytes = INT64_MAX};
    minrnn_mixer_tensors t;
    minrnn_mixer_tensors_defaults(&t);
    t.parameters = t.x = t.y = t.saved = t.temporary = t.gradients = t.dy = f32;
    printf("step\t%lld\n", (long long)rows);
    must(minrnn_mixer_forward(mixer, batch, time, &t), "forward");
    OP(gemm, &context, .m = rows, .n = classes, .k = width, .transpose_b = true, .a = f32, .b = f32,
       .c = f32);
    OP(cross_entropy, &context, .rows = rows, .vocab = classes, .scale = 1, .logits = f32,
       .targets = i32, .loss = f32, .dlogits = f32);
    OP(sum, &context, .count = rows, .x = f32, .total = f32);
    OP(gemm, &context, .m = classes, .n = width, .k = rows, .transpose_a = true, .accumulate = true,
       .a = f32, .b = f32, .c = f32);
    OP(gemm, &context, .m = rows, .n = width, .k = classes, .a = f32, .b = f32, .c = f32);
    must(context.status, "head");
    must(minrnn_mixer_backward(mixer, batch, time, &t), "backward");
    minrnn_buffer_destroy(everything);
    minrnn_mixer_destroy(mixer);
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
    struct op_watch watch = {.before = print_entry};
    watch_attach(&watch, &recorder.device.base);
    recorder.launched = print_launch;
    if (number(words[2])) {
        recorder.device.traits.compute_units = (int)number(words[2]);
    }
    if (strcmp(words[3], "preset") == 0 && count == 6) {
        preset_step(&recorder.device.base, words[4], number(words[5]));
    } else if (strcmp(words[3], "layer") == 0 && count == 9) {
        layer_step(&recorder.device.base, words[4], number(words[5]), number(words[6]),
                   number(words[7]), number(words[8]));
    } else {
        fprintf(stderr, "trace: wrong words\n");
        return 2;
    }
    recorder_destroy(&recorder);
    return fflush(stdout) == 0 ? 0 : 1;
}
