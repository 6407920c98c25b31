/* SPDX-License-Identifier: Apache-2.0 */
/* Times the cases that an op_check lists: the median of several runs. */
#include "bench/op.h"

#include "base/clock.h"
#include "base/status.h"
#include "bench/quantile.h"

enum { WARM_UP = 2, REPEATS = 9 };

double op_bytes(const struct op_entry *entry, const union op_args *args) {
    struct op_argument arguments[OP_MAX_ARGUMENTS];
    const int count = entry->arguments(args, arguments);
    double bytes = 0;
    for (int i = 0; i < count; i++) {
        const struct op_argument *argument = &arguments[i];
        const int passes = argument->role == OP_INOUT ? 2 : 1;
        bytes += argument->tensor.buffer
                     ? (double)(passes * argument->extent * dtype_bytes(argument->type))
                     : 0;
    }
    return bytes;
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
        const uint64_t bytes =
            (uint64_t)(operand->argument.extent * dtype_bytes(operand->argument.type));
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

static minrnn_status bench_median(struct bench *bench, const struct op_entry *entry,
                                  double *median) {
    double seconds[REPEATS];
    for (int i = -WARM_UP; i < REPEATS; i++) {
        const double begin = clock_seconds();
        minrnn_status status = entry->run(&bench->context, &bench->args);
        status = status ? status : minrnn_device_finish(bench->context.device);
        if (status) {
            return status;
        }
        if (i >= 0) {
            seconds[i] = clock_seconds() - begin;
        }
    }
    *median = median_of(seconds, REPEATS);
    return MINRNN_OK;
}

static void describe(const struct bench *bench, const struct op_entry *entry,
                     struct op_timing *timing) {
    const struct op_check *check = entry->check;
    timing->op = entry->name;
    entry->describe(&bench->args, timing->shape, sizeof timing->shape);
    timing->work =
        check->operations ? check->operations(&bench->args) : op_bytes(entry, &bench->args);
    timing->unit = check->operations ? "FLOP" : "B";
}

static minrnn_status bench_case(minrnn_device *device, const struct op_entry *entry,
                                const struct check_case *c, struct op_timing *timing) {
    struct bench bench = {.context = {.device = device}, .args = c->args};
    struct check_random random = {.seed = 1};
    minrnn_status status = operands_create(entry, c, &random, bench.operands, &bench.count);
    status = status ? status : bench_tensors(&bench, entry);
    status = status ? status : bench_scratch(&bench, entry);
    status = status ? status : bench_median(&bench, entry, &timing->seconds);
    if (!status) {
        describe(&bench, entry, timing);
    }
    for (int i = 0; i < bench.count; i++) {
        minrnn_buffer_destroy(bench.buffers[i]);
    }
    minrnn_buffer_destroy(bench.scratch);
    operands_destroy(bench.operands, bench.count);
    return status;
}

minrnn_status bench_op(minrnn_device *device, const char *op, struct op_timing timings[CHECK_TIMED],
                       int *count) {
    const struct op_entry *entry = op_entry_find(op);
    *count = 0;
    if (!entry) {
        return fail(MINRNN_INVALID_ARGUMENT, "bench: there is no op \"%s\"", op);
    }
    for (const struct check_case *c = NULL; (c = timed_case(entry, *count)); ++*count) {
        const minrnn_status status = bench_case(device, entry, c, &timings[*count]);
        if (status) {
            return status;
        }
    }
    return MINRNN_OK;
}
