/* SPDX-License-Identifier: Apache-2.0 */
/* Times a copy, a product and the smallest ops. */
#include "bench/limits.h"

#include "base/clock.h"
#include "bench/quantile.h"
#include "op/op.h"

enum { WARM_UP = 2, REPEATS = 9, PRODUCT = 1024, SMALLEST_OPS = 1000 };

/* What is measured, and what it works on. */
struct work {
    void (*run)(struct op_context *context, const struct work *work);
    int64_t elements; /* of each half of the buffer */
    minrnn_buffer *buffer;
};

static void run_copy(struct op_context *context, const struct work *work) {
    OP(copy, context, .count = work->elements, .x = tensor_f32(work->buffer, 0),
       .y = tensor_f32(work->buffer, work->elements));
}

static void run_gemm(struct op_context *context, const struct work *work) {
    const int64_t square = (int64_t)PRODUCT * PRODUCT;
    OP(gemm, context, .m = PRODUCT, .n = PRODUCT, .k = PRODUCT, .a = tensor_f32(work->buffer, 0),
       .b = tensor_f32(work->buffer, square), .c = tensor_f32(work->buffer, 2 * square));
}

static void run_smallest(struct op_context *context, const struct work *work) {
    for (int i = 0; i < SMALLEST_OPS; i++) {
        OP(fill, context, .count = 1, .x = tensor_f32(work->buffer, 0));
    }
}

/* The buffers of a measurement: what the op works on, zeroed, and its scratch. */
static minrnn_status take_buffers(minrnn_device *device, struct work *work, int64_t count,
                                  struct op_context *context, minrnn_buffer **scratch) {
    struct op_context planning = {.device = device, .planning = true};
    *context = (struct op_context){.device = device};
    minrnn_status status =
        minrnn_buffer_create(device, (uint64_t)(count * F32_BYTES), &work->buffer);
    if (status) {
        return status;
    }
    work->run(&planning, work);
    if (planning.scratch_need > 0) {
        context->scratch_bytes = planning.scratch_need;
        status = minrnn_buffer_create(device, (uint64_t)planning.scratch_need, scratch);
        context->scratch = tensor_f32(*scratch, 0);
    }
    status = status ? status : planning.status;
    return status ? status : OP(fill, context, .count = count, .x = tensor_f32(work->buffer, 0));
}

/* The median seconds of a run, over a buffer of `count` elements. */
static minrnn_status measure(minrnn_device *device, struct work work, int64_t count,
                             double *median) {
    double seconds[REPEATS];
    struct op_context context;
    minrnn_buffer *scratch = NULL;
    minrnn_status status = take_buffers(device, &work, count, &context, &scratch);
    for (int i = -WARM_UP; i < REPEATS && !status; i++) {
        const double begin = clock_seconds();
        work.run(&context, &work);
        status = context.status;
        status = status ? status : minrnn_device_finish(device);
        if (i >= 0) {
            seconds[i] = clock_seconds() - begin;
        }
    }
    if (!status) {
        *median = median_of(seconds, REPEATS);
    }
    minrnn_buffer_destroy(scratch);
    minrnn_buffer_destroy(work.buffer);
    return status;
}

minrnn_status bench_limits(minrnn_device *device, uint64_t bytes, struct bench_limits *limits) {
    const int64_t half = max_i64(1, (int64_t)(bytes / (2 * F32_BYTES)));
    const int64_t square = (int64_t)PRODUCT * PRODUCT;
    double copy = 0, gemm = 0, smallest = 0;
    minrnn_status status =
        measure(device, (struct work){.run = run_copy, .elements = half}, 2 * half, &copy);
    status = status ? status : measure(device, (struct work){.run = run_gemm}, 3 * square, &gemm);
    status = status ? status : measure(device, (struct work){.run = run_smallest}, 1, &smallest);
    if (!status) {
        *limits = (struct bench_limits){.bandwidth = (double)(2 * half * F32_BYTES) / copy,
                                        .gemm = 2.0 * PRODUCT * (double)square / gemm,
                                        .launch = smallest / SMALLEST_OPS};
    }
    return status;
}
