#include "check/bench.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/status.h"
#include "check/harness.h"
#include "check/inputs.h"

#include <stdlib.h>

enum { ROWS = 16384, BATCH = 64, TIME = 256, VOCABULARY = 65, WARM_UP = 2, REPEATS = 9 };
enum { SIZES_PER_OP = 3 };

/* The i-th of three sizes to time an op at; false where it has fewer. */
static bool bench_case(enum check_op op, int i, struct check_case *c) {
    static const int64_t widths[SIZES_PER_OP] = {384, 768, 1536};
    const int64_t width = widths[i];
    union op_args *a = &c->args;
    *c = (struct check_case){.values = VALUES_NORMAL, .marks = MARKS_NOWHERE, .aligned = true};
    switch (op) {
    case CHECK_OP_scan_forward: /* one cell each */
        a->scan_forward = (struct scan_forward_args){.batch = BATCH,
                                                     .time = TIME,
                                                     .width = 768,
                                                     .cell = (minrnn_scan_cell)i,
                                                     .candidate = MINRNN_CANDIDATE_G,
                                                     .normalised = true};
        c->given = i == MINRNN_CELL_LINEAR ? BIT(scan_forward, b) : 0;
        return true;
    case CHECK_OP_scan_backward:
        a->scan_backward = (struct scan_backward_args){.batch = BATCH,
                                                       .time = TIME,
                                                       .width = 768,
                                                       .cell = (minrnn_scan_cell)i,
                                                       .candidate = MINRNN_CANDIDATE_G,
                                                       .normalised = true};
        c->given = i == MINRNN_CELL_LINEAR ? BIT(scan_backward, b) | BIT(scan_backward, db) : 0;
        return true;
    case CHECK_OP_conv_forward:
        a->conv_forward =
            (struct conv_forward_args){.batch = BATCH, .time = TIME, .width = width, .taps = 4};
        return true;
    case CHECK_OP_conv_backward:
        a->conv_backward =
            (struct conv_backward_args){.batch = BATCH, .time = TIME, .width = width, .taps = 4};
        return true;
    case CHECK_OP_gemm: { /* a layer's product, 384 to 1536, and its two gradients */
        const struct gemm_args products[SIZES_PER_OP] = {
            {.m = ROWS, .n = 1536, .k = 384, .transpose_b = true},
            {.m = ROWS, .n = 384, .k = 1536},
            {.m = 1536, .n = 384, .k = ROWS, .transpose_a = true},
        };
        a->gemm = products[i];
        return true;
    }
    case CHECK_OP_cross_entropy:
        a->cross_entropy =
            (struct cross_entropy_args){.rows = ROWS, .vocab = VOCABULARY, .scale = 1.0f / ROWS};
        c->given = BIT(cross_entropy, dlogits);
        return i == 0;
    case CHECK_OP_embed_forward:
        a->embed_forward =
            (struct embed_forward_args){.rows = ROWS, .vocab = VOCABULARY, .width = width};
        return true;
    case CHECK_OP_embed_backward:
        a->embed_backward =
            (struct embed_backward_args){.rows = ROWS, .vocab = VOCABULARY, .width = width};
        return true;
    case CHECK_OP_residual_forward:
        a->residual_forward =
            (struct residual_forward_args){.rows = ROWS, .width = width, .dropout = 0.2f};
        c->given = BIT(residual_forward, residual);
        return true;
    case CHECK_OP_residual_backward:
        a->residual_backward =
            (struct residual_backward_args){.rows = ROWS, .width = width, .dropout = 0.2f};
        return true;
    case CHECK_OP_adamw: /* the parameters of the paper's character model */
        a->adamw = (struct adamw_args){.count = 6260000,
                                       .rate = 1e-3f,
                                       .beta1 = 0.9f,
                                       .beta2 = 0.99f,
                                       .epsilon = 1e-8f,
                                       .correction1 = 0.1f,
                                       .correction2 = 0.01f};
        return i == 0;
#define ROW_OP(name)                                                                               \
    case CHECK_OP_##name:                                                                          \
        a->name.rows = ROWS;                                                                       \
        a->name.width = width;                                                                     \
        return true;
        ROW_OP(column_sum)
        ROW_OP(rmsnorm_forward)
        ROW_OP(rmsnorm_backward)
        ROW_OP(gelu_forward)
        ROW_OP(gelu_backward)
        ROW_OP(geglu_forward)
        ROW_OP(geglu_backward)
#define VECTOR_OP(name)                                                                            \
    case CHECK_OP_##name: a->name.count = ROWS * width; return true;
        VECTOR_OP(g_forward)
        VECTOR_OP(g_backward)
        VECTOR_OP(sum)
        VECTOR_OP(square_sum)
        VECTOR_OP(nonfinite_count)
        VECTOR_OP(fill)
        VECTOR_OP(copy)
    case CHECK_OPS: break;
    }
    return false;
}

/* The device memory of one timed call. */
struct bench {
    struct op_context context;
    union op_args args;
    struct operand operands[OP_MAX_ARGUMENTS];
    int count;
    minrnn_buffer *buffers[OP_MAX_ARGUMENTS];
    minrnn_buffer *scratch;
};

static minrnn_status bench_tensors(struct bench *bench, const struct op_entry *entry) {
    minrnn_tensor tensors[OP_MAX_ARGUMENTS] = {{0}};
    minrnn_status status = MINRNN_OK;
    for (int i = 0; i < bench->count && !status; i++) {
        const struct operand *operand = &bench->operands[i];
        if (!operand->given) {
            continue;
        }
        const uint64_t bytes = (uint64_t)operand->argument.extent * sizeof *operand->initial;
        status = minrnn_buffer_create(bench->context.device, bytes, &bench->buffers[i]);
        status =
            status ? status : minrnn_buffer_write(bench->buffers[i], 0, operand->initial, bytes);
        tensors[i] = (minrnn_tensor){bench->buffers[i], 0, operand->argument.type};
    }
    entry->bind(&bench->args, tensors);
    return status;
}

static minrnn_status bench_scratch(struct bench *bench, const struct op_entry *entry) {
    bench->context.planning = true;
    minrnn_status status = entry->run(&bench->context, &bench->args);
    bench->context.planning = false;
    bench->context.scratch_bytes = bench->context.scratch_need;
    if (!status && bench->context.scratch_need > 0) {
        status = minrnn_buffer_create(bench->context.device, (uint64_t)bench->context.scratch_need,
                                      &bench->scratch);
        bench->context.scratch = tensor_f32(bench->scratch, 0);
    }
    return status;
}

static int by_value(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static minrnn_status bench_median(struct bench *bench, const struct op_entry *entry,
                                  double *median) {
    double seconds[REPEATS];
    minrnn_status status = MINRNN_OK;
    for (int i = -WARM_UP; i < REPEATS && !status; i++) {
        const double begin = clock_seconds();
        status = entry->run(&bench->context, &bench->args);
        status = status ? status : minrnn_device_finish(bench->context.device);
        if (i >= 0) {
            seconds[i] = clock_seconds() - begin;
        }
    }
    qsort(seconds, REPEATS, sizeof *seconds, by_value);
    *median = seconds[REPEATS / 2];
    return status;
}

static double bench_bytes(const struct bench *bench) {
    double bytes = 0;
    for (int i = 0; i < bench->count; i++) {
        const struct operand *operand = &bench->operands[i];
        const int passes = operand_is_read(operand) + operand_is_written(operand);
        bytes += operand->given ? passes * (double)operand->argument.extent * 4 : 0;
    }
    return bytes;
}

static void print_time(const struct bench *bench, const struct op_entry *entry, double median,
                       FILE *out) {
    char text[256];
    entry->describe(&bench->args, text, sizeof text);
    const struct gemm_args *gemm = entry->op == CHECK_OP_gemm ? &bench->args.gemm : NULL;
    const double work =
        gemm ? 2.0 * (double)gemm->m * (double)gemm->n * (double)gemm->k : bench_bytes(bench);
    fprintf(out, "  %9.3f ms  %8.1f %s  %s\n", median * 1e3, work / median * 1e-9,
            gemm ? "GFLOP/s" : "GB/s", text);
}

static minrnn_status bench_size(minrnn_device *device, const struct op_entry *entry,
                                const struct check_case *c, FILE *out) {
    struct bench bench = {.context = {.device = device}, .args = c->args};
    struct check_random random = {.seed = 1};
    double median = 0;
    minrnn_status status = operands_create(entry, c, &random, bench.operands, &bench.count);
    status = status ? status : bench_tensors(&bench, entry);
    status = status ? status : bench_scratch(&bench, entry);
    status = status ? status : bench_median(&bench, entry, &median);
    if (!status) {
        print_time(&bench, entry, median, out);
    }
    for (int i = 0; i < bench.count; i++) {
        minrnn_buffer_destroy(bench.buffers[i]);
    }
    minrnn_buffer_destroy(bench.scratch);
    operands_destroy(bench.operands, bench.count);
    return status;
}

minrnn_status check_bench(minrnn_device *device, const char *op, FILE *out) {
    const struct op_entry *entry = op_entry_find(op);
    if (!entry) {
        return fail(MINRNN_INVALID_ARGUMENT, "bench: there is no op \"%s\"", op);
    }
    minrnn_status status = MINRNN_OK;
    struct check_case c;
    for (int i = 0; i < SIZES_PER_OP && !status && bench_case(entry->op, i, &c); i++) {
        status = bench_size(device, entry, &c, out);
    }
    return status;
}
