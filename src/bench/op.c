/* SPDX-License-Identifier: Apache-2.0 */
/* Times the cases that an op_check lists: the median of several runs. */
#include "bench/op.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/status.h"
#include "bench/quantile.h"
#include "bench/work.h"

enum { WARM_UP = 2, REPEATS = 9, MOST_REPEATS = 64 };

/* The device memory of one timed call. */
struct op_bench {
    const struct op_entry *entry;
    struct op_context context;
    union op_args args;
    struct operand operands[OP_MAX_ARGUMENTS];
    int count;
    minrnn_buffer *buffers[OP_MAX_ARGUMENTS];
    minrnn_buffer *scratch;
};

static minrnn_status take_tensors(struct op_bench *bench) {
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
    bench->entry->bind(&bench->args, tensors);
    return status;
}

static minrnn_status take_scratch(struct op_bench *bench) {
    struct op_context planning = {.device = bench->context.device, .planning = true};
    const minrnn_status status = bench->entry->run(&planning, &bench->args);
    if (status || planning.scratch_need <= bench->context.scratch_bytes) {
        return status;
    }
    minrnn_buffer_destroy(bench->scratch);
    bench->scratch = NULL;
    bench->context.scratch_bytes = planning.scratch_need;
    const minrnn_status made = minrnn_buffer_create(
        bench->context.device, (uint64_t)planning.scratch_need, &bench->scratch);
    bench->context.scratch = tensor_f32(bench->scratch, 0);
    return made;
}

minrnn_status op_bench_create(minrnn_device *device, const struct op_entry *entry,
                              const struct check_case *c, struct op_bench **bench) {
    struct check_random random = {.seed = 1};
    struct op_bench *made = mem_alloc(1, sizeof *made);
    if (!made) {
        return MINRNN_OUT_OF_MEMORY;
    }
    made->entry = entry;
    made->context.device = device;
    made->args = c->args;
    minrnn_status status = operands_create(entry, c, &random, made->operands, &made->count);
    status = status ? status : take_tensors(made);
    if (status) {
        op_bench_destroy(made);
        return status;
    }
    *bench = made;
    return MINRNN_OK;
}

void op_bench_destroy(struct op_bench *bench) {
    if (!bench) {
        return;
    }
    for (int i = 0; i < bench->count; i++) {
        minrnn_buffer_destroy(bench->buffers[i]);
    }
    minrnn_buffer_destroy(bench->scratch);
    operands_destroy(bench->operands, bench->count);
    mem_free(bench);
}

minrnn_status op_bench_time(struct op_bench *bench, int warm_up, int repeats, double *seconds) {
    double taken[MOST_REPEATS];
    const int kept = repeats < MOST_REPEATS ? repeats : MOST_REPEATS;
    minrnn_status status = take_scratch(bench);
    bench->context.status = MINRNN_OK; /* an earlier failure is another way's */
    for (int i = -warm_up; i < kept && !status; i++) {
        const double begin = clock_seconds();
        status = bench->entry->run(&bench->context, &bench->args);
        status = status ? status : minrnn_device_finish(bench->context.device);
        if (i >= 0) {
            taken[i] = clock_seconds() - begin;
        }
    }
    if (!status) {
        *seconds = median_of(taken, kept);
    }
    return status;
}

/* ---- the cases that are listed ---- */

static void describe(const struct op_bench *bench, struct op_timing *timing) {
    const struct op_check *check = bench->entry->check;
    const struct op_work work = op_work_of(bench->entry, &bench->args);
    timing->op = bench->entry->name;
    bench->entry->describe(&bench->args, timing->shape, sizeof timing->shape);
    timing->work = check->operations ? check->operations(&bench->args) : work.read + work.written;
    timing->unit = check->operations ? "FLOP" : "B";
}

static minrnn_status time_case(minrnn_device *device, const struct op_entry *entry,
                               const struct check_case *c, struct op_timing *timing) {
    struct op_bench *bench = NULL;
    minrnn_status status = op_bench_create(device, entry, c, &bench);
    status = status ? status : op_bench_time(bench, WARM_UP, REPEATS, &timing->seconds);
    if (!status) {
        describe(bench, timing);
    }
    op_bench_destroy(bench);
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
        const minrnn_status status = time_case(device, entry, c, &timings[*count]);
        if (status) {
            return status;
        }
    }
    return MINRNN_OK;
}
