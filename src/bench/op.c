/* SPDX-License-Identifier: Apache-2.0 */
/* Times the cases that an op_check lists: the median of several runs. */
#include "bench/op.h"

#include "base/status.h"
#include "bench/quantile.h"
#include "bench/work.h"

enum { WARM_UP = 2, REPEATS = 9, MOST_REPEATS = 64 };

/* ---- one call ---- */

static minrnn_status run_op(minrnn_bench *bench) {
    const struct op_bench *op = (const struct op_bench *)bench;
    return op->entry->run(&bench->context, &op->args);
}

const struct bench_kind bench_kind_op = {.bytes = sizeof(struct op_bench), .run = run_op};

void op_bench_plan(struct op_bench *bench) {
    struct op_context *context = &bench->bench.context;
    context->planning = true;
    (void)bench->entry->run(context, &bench->args);
    context->planning = false;
}

static void take_tensors(struct op_bench *bench, const struct operand *operands, int count) {
    minrnn_tensor tensors[OP_MAX_ARGUMENTS] = {{0}};
    struct op_context *context = &bench->bench.context;
    for (int i = 0; i < count && !context->status; i++) {
        const struct op_argument *argument = &operands[i].argument;
        if (!operands[i].given) {
            continue;
        }
        tensors[i] = bench_take(&bench->bench, argument->extent, argument->type);
        if (!context->status) {
            context->status = tensor_write(tensors[i], operands[i].initial, argument->extent, true);
        }
    }
    bench->entry->bind(&bench->args, tensors);
}

minrnn_status op_bench_create(minrnn_device *device, const struct op_entry *entry,
                              const struct check_case *c, struct op_bench **bench) {
    struct check_random random = {.seed = 1};
    struct operand operands[OP_MAX_ARGUMENTS];
    int count = 0;
    struct op_bench *made = (struct op_bench *)bench_new(device, &bench_kind_op);
    if (!made) {
        return MINRNN_OUT_OF_MEMORY;
    }
    made->entry = entry;
    made->args = c->args;
    minrnn_status status = operands_create(entry, c, &random, operands, &count);
    if (!status) {
        take_tensors(made, operands, count);
        status = made->bench.context.status;
    }
    operands_destroy(operands, count);
    if (status) {
        op_bench_destroy(made);
        return status;
    }
    *bench = made;
    return MINRNN_OK;
}

void op_bench_destroy(struct op_bench *bench) {
    minrnn_bench_destroy(bench ? &bench->bench : NULL);
}

minrnn_status op_bench_time(struct op_bench *bench, int warm_up, int repeats, double *seconds) {
    struct op_context *context = &bench->bench.context;
    double taken[MOST_REPEATS];
    const int kept = repeats < MOST_REPEATS ? repeats : MOST_REPEATS;
    context->status = MINRNN_OK; /* an earlier failure is another way's */
    op_bench_plan(bench);
    bench_take_scratch(&bench->bench);
    minrnn_status status = context->status;
    status = status ? status : bench_run_waited(&bench->bench, warm_up, kept, taken);
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
