/* SPDX-License-Identifier: Apache-2.0 */
/* The bench of launches: the smallest op there is, many times. */
#include "base/status.h"
#include "bench/bench.h"
#include "op/op.h"

struct launches {
    minrnn_bench bench; /* first */
    int64_t count;
    minrnn_tensor x; /* [1] */
};

static minrnn_status run_launches(minrnn_bench *bench) {
    const struct launches *launches = (const struct launches *)bench;
    for (int64_t i = 0; i < launches->count; i++) {
        OP(fill, &bench->context, .count = 1, .x = launches->x);
    }
    return bench->context.status;
}

static const struct bench_kind kind_launches = {.bytes = sizeof(struct launches),
                                                .run = run_launches};

minrnn_status minrnn_bench_launch(minrnn_device *device, int64_t count, minrnn_bench **bench) {
    if (!device || !bench || count < 1) {
        return fail(MINRNN_INVALID_ARGUMENT,
                    "minrnn_bench_launch: an argument is NULL, or the count is below 1");
    }
    *bench = NULL;
    struct launches *launches = (struct launches *)bench_begin(device, &kind_launches);
    if (!launches) {
        return MINRNN_OUT_OF_MEMORY;
    }
    struct op_context *context = &launches->bench.context;
    launches->count = count;
    context->planning = true;
    OP(fill, context, .count = 1);
    context->planning = false;
    launches->x = bench_take(&launches->bench, 1, MINRNN_F32);
    return bench_end(&launches->bench, context->status, bench);
}
