/* SPDX-License-Identifier: Apache-2.0 */
/* Benches of one op: a copy, a product, a scan. */
#include "base/status.h"
#include "bench/op.h"
#include "bench/work.h"
#include "op/room.h"
#include "op/scan_kinds.h"

#include <string.h>

/* Plans the op, whose sizes are given; NULL: no memory. Errors stay in the context. */
static struct op_bench *begin(minrnn_device *device, enum check_op op, union op_args args) {
    struct op_bench *single = (struct op_bench *)bench_begin(device, &bench_kind_op);
    if (single) {
        single->entry = op_entry_at(op);
        single->args = args;
        op_bench_plan(single);
    }
    return single;
}

/* Checks that all of it fits, and takes what the op needs beside its tensors. */
static void take_room(struct op_bench *single, int64_t elements) {
    struct op_context *context = &single->bench.context;
    if (!context->status) {
        const int64_t all = elements + op_scratch_elements(context);
        context->status =
            device_check_room(context->device, "a bench", (uint64_t)all * (uint64_t)F32_BYTES, 0);
    }
    bench_take_scratch(&single->bench);
}

static minrnn_status end(struct op_bench *single, int64_t tokens, minrnn_bench **bench) {
    const struct op_check *check = single->entry->check;
    minrnn_bench_info *info = &single->bench.info;
    info->tokens = tokens;
    const struct op_work work = op_work_of(single->entry, &single->args);
    info->bytes = work.read + work.written;
    info->operations = check->operations ? check->operations(&single->args) : 0;
    return bench_end(&single->bench, single->bench.context.status, bench);
}

static minrnn_status check_bench(const minrnn_device *device, minrnn_bench **bench) {
    if (!device || !bench) {
        return fail(MINRNN_INVALID_ARGUMENT, "minrnn_bench: an argument is NULL");
    }
    *bench = NULL;
    return MINRNN_OK;
}

/* `count` sizes of 1 or more, whose product is *elements. */
static minrnn_status check_sizes(const int64_t *sizes, int count, int64_t *elements) {
    *elements = 1;
    for (int i = 0; i < count; i++) {
        if (sizes[i] < 1 || __builtin_mul_overflow(*elements, sizes[i], elements) ||
            *elements > INT64_MAX / 64) {
            return fail(MINRNN_INVALID_ARGUMENT,
                        "minrnn_bench: size %lld: must be 1 or more, and what it makes must fit",
                        (long long)sizes[i]);
        }
    }
    return MINRNN_OK;
}

/* ---- a copy ---- */

minrnn_status minrnn_bench_copy(minrnn_device *device, uint64_t bytes, minrnn_bench **bench) {
    minrnn_status status = check_bench(device, bench);
    const int64_t count = (int64_t)(bytes / F32_BYTES);
    int64_t elements;
    status = status ? status : check_sizes(&count, 1, &elements);
    if (status) {
        return status;
    }
    struct op_bench *copy =
        begin(device, CHECK_OP_copy, (union op_args){.copy = (struct copy_args){.count = count}});
    if (!copy) {
        return MINRNN_OUT_OF_MEMORY;
    }
    struct copy_args *args = &copy->args.copy;
    take_room(copy, 2 * count);
    args->x = bench_take(&copy->bench, count, MINRNN_F32);
    args->y = bench_take(&copy->bench, count, MINRNN_F32);
    bench_fill(&copy->bench, args->x, count, -1, 1);
    return end(copy, 0, bench);
}

/* ---- a product ---- */

static minrnn_status check_product(int64_t m, int64_t n, int64_t k) {
    int64_t elements;
    minrnn_status status = check_sizes((int64_t[]){m, k}, 2, &elements);
    status = status ? status : check_sizes((int64_t[]){k, n}, 2, &elements);
    return status ? status : check_sizes((int64_t[]){m, n}, 2, &elements);
}

minrnn_status minrnn_bench_product(minrnn_device *device, int64_t m, int64_t n, int64_t k,
                                   bool transpose_a, bool transpose_b, minrnn_bench **bench) {
    minrnn_status status = check_bench(device, bench);
    status = status ? status : check_product(m, n, k);
    if (status) {
        return status;
    }
    const struct gemm_args sizes = {
        .m = m, .n = n, .k = k, .transpose_a = transpose_a, .transpose_b = transpose_b};
    struct op_bench *gemm = begin(device, CHECK_OP_gemm, (union op_args){.gemm = sizes});
    if (!gemm) {
        return MINRNN_OUT_OF_MEMORY;
    }
    struct gemm_args *args = &gemm->args.gemm;
    take_room(gemm, m * k + k * n + m * n);
    args->a = bench_take(&gemm->bench, m * k, MINRNN_F32);
    args->b = bench_take(&gemm->bench, k * n, MINRNN_F32);
    args->c = bench_take(&gemm->bench, m * n, MINRNN_F32);
    bench_fill(&gemm->bench, args->a, m * k, -1, 1);
    bench_fill(&gemm->bench, args->b, k * n, -1, 1);
    bench_fill(&gemm->bench, args->c, m * n, 0, 0);
    return end(gemm, 0, bench);
}

/* ---- a scan ---- */

static const char *const scan_names[] = {
#define SCAN_KIND(name, ...) #name,
#include "op/scan_kinds.def"
};

const char *minrnn_bench_scan_name(int index) {
    return index >= 0 && index < SCAN_KINDS ? scan_names[index] : NULL;
}

static const struct scan_kind *find_scan(const char *name) {
    for (int i = 0; name && i < SCAN_KINDS; i++) {
        if (strcmp(scan_names[i], name) == 0) {
            return &scan_kinds[i];
        }
    }
    return NULL;
}

static struct scan_forward_args forward_args(const struct scan_kind *kind, int64_t batch,
                                             int64_t time, int64_t width) {
    return (struct scan_forward_args){.batch = batch,
                                      .time = time,
                                      .width = width,
                                      .alg = kind->alg,
                                      .cell = kind->cell,
                                      .candidate = kind->candidate,
                                      .normalised = kind->normalised};
}

static struct scan_backward_args backward_args(const struct scan_forward_args *forward) {
    return (struct scan_backward_args){.batch = forward->batch,
                                       .time = forward->time,
                                       .width = forward->width,
                                       .alg = forward->alg,
                                       .cell = forward->cell,
                                       .candidate = forward->candidate,
                                       .normalised = forward->normalised,
                                       .x = forward->x,
                                       .b = forward->b,
                                       .h = forward->h};
}

/* Inputs, and room for the states. The linear cell's x is its a, or the logarithm of it: a state
 * that grows from step to step is no number before long. */
static void take_forward(minrnn_bench *bench, struct scan_forward_args *args) {
    const int64_t states = args->batch * args->time * args->width;
    const bool linear = args->cell == MINRNN_CELL_LINEAR;
    const bool log = args->alg == MINRNN_SCAN_LOG;
    const int64_t inputs = states * scan_gates(args->cell);
    args->x = bench_take(bench, inputs, MINRNN_F32);
    bench_fill(bench, args->x, inputs, linear && !log ? 0 : -1, linear && log ? 0 : 1);
    if (linear) {
        args->b = bench_take(bench, states, MINRNN_F32);
        bench_fill(bench, args->b, states, -1, 1);
    }
    args->h = bench_take(bench, states, MINRNN_F32);
}

/* What the gradient reads of the states is what the forward pass wrote. */
static void take_backward(struct op_bench *scan, const struct scan_forward_args *forward) {
    minrnn_bench *bench = &scan->bench;
    const int64_t states = forward->batch * forward->time * forward->width;
    struct scan_backward_args *args = &scan->args.scan_backward;
    (void)op_scan_forward(&bench->context, forward);
    *args = backward_args(forward);
    args->dh = bench_take(bench, states, MINRNN_F32);
    bench_fill(bench, args->dh, states, -1, 1);
    args->dx = bench_take(bench, states * scan_gates(forward->cell), MINRNN_F32);
    if (forward->cell == MINRNN_CELL_LINEAR) {
        args->db = bench_take(bench, states, MINRNN_F32);
    }
}

static struct op_bench *begin_scan(minrnn_device *device, const struct scan_forward_args *forward,
                                   bool backward) {
    struct op_bench *scan =
        begin(device, CHECK_OP_scan_forward, (union op_args){.scan_forward = *forward});
    if (scan && backward) {
        scan->entry = op_entry_at(CHECK_OP_scan_backward);
        scan->args.scan_backward = backward_args(forward);
        op_bench_plan(scan);
    }
    return scan;
}

minrnn_status minrnn_bench_scan(minrnn_device *device, const char *name, bool backward,
                                int64_t batch, int64_t time, int64_t width, minrnn_bench **bench) {
    const struct scan_kind *kind = find_scan(name);
    int64_t states;
    minrnn_status status = check_bench(device, bench);
    if (!status && !kind) {
        status =
            fail(MINRNN_INVALID_ARGUMENT, "minrnn_bench_scan: no scan \"%s\"", name ? name : "");
    }
    status = status ? status : check_sizes((int64_t[]){batch, time, width}, 3, &states);
    if (status) {
        return status;
    }
    struct scan_forward_args forward = forward_args(kind, batch, time, width);
    struct op_bench *scan = begin_scan(device, &forward, backward);
    if (!scan) {
        return MINRNN_OUT_OF_MEMORY;
    }
    const int64_t inputs = scan_gates(kind->cell) + (kind->cell == MINRNN_CELL_LINEAR);
    take_room(scan, states * (backward ? 2 * inputs + 2 : inputs + 1));
    take_forward(&scan->bench, &forward);
    if (backward) {
        take_backward(scan, &forward);
    } else {
        scan->args.scan_forward = forward;
    }
    return end(scan, batch * time, bench);
}
