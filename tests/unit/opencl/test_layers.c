/* SPDX-License-Identifier: Apache-2.0 */
/* The layer ops of the OpenCL backend: every way of cutting them into work-items, whatever the
 * device here would choose, and loops that are longer than one stretch, in whole numbers. */
#include <minrnn/check.h>

#include "base/alloc.h"
#include "check/op_check.h"
#include "opencl/launch.h"
#include "opencl_device.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define MUST(call)                                                                                 \
    do {                                                                                           \
        if ((call) != MINRNN_OK) {                                                                 \
            fail_msg("%s: %s", #call, minrnn_error_text());                                        \
        }                                                                                          \
    } while (0)

static minrnn_device *device;

static int open_device(void **state) {
    (void)state;
    return open_opencl_device(&device) == MINRNN_OK ? 0 : -1;
}

static int close_device(void **state) {
    (void)state;
    minrnn_device_destroy(device);
    return 0;
}

/* ---- every layout against the oracle ---- */

static void on_check(void *user, const minrnn_check_result *result) {
    (void)user;
    if (result->failures > 0) {
        print_error("%s: %s\n", result->op, result->failure);
    }
}

/* As if the device were a CPU with vectors of `float_width`, or a GPU if that is 0. Ops that
 * take minutes to build are left to checkop in the slow suite ("pocl as gpu"). */
static void check_layout(int float_width) {
    struct cl_traits *traits = &((struct cl_device *)device)->traits;
    const struct cl_traits own = *traits;
    minrnn_check_config config;
    int failures = 0;
    minrnn_check_config_defaults(&config);
    config.small = true;
    traits->is_cpu = float_width > 0;
    traits->is_gpu = !traits->is_cpu;
    traits->float_width = float_width > 0 ? float_width : 1;
    for (int op = 0; op < CHECK_OPS; op++) {
        const struct op_entry *entry = op_entry_at((enum check_op)op);
        int failed = 0;
        config.op = entry->name;
        if (entry->check->extra_cost == 0) {
            MUST(minrnn_validate(device, &config, on_check, NULL, &failed));
        }
        failures += failed;
    }
    *traits = own;
    assert_int_equal(failures, 0);
}

static void test_groups(void **state) {
    (void)state;
    check_layout(0);
}

static void test_vectors_of_2(void **state) {
    (void)state;
    check_layout(2);
}

static void test_vectors_of_8(void **state) {
    (void)state;
    check_layout(8);
}

/* ---- long loops: sums of ones, exact in single precision ---- */

enum { LONG = 150001 };

static minrnn_tensor ones(int64_t count) {
    minrnn_buffer *buffer = NULL;
    struct op_context context = {.device = device};
    MUST(minrnn_buffer_create(device, (uint64_t)count * F32_BYTES, &buffer));
    MUST(OP(fill, &context, .count = count, .value = 1, .x = tensor_f32(buffer, 0)));
    return tensor_f32(buffer, 0);
}

static void assert_values(minrnn_tensor tensor, int count, const float *expected) {
    float got[8];
    assert_true(count <= 8);
    MUST(tensor_read(tensor, got, count, true));
    for (int i = 0; i < count; i++) {
        assert_float_equal(got[i], expected[i], 0);
    }
    minrnn_buffer_destroy(tensor.buffer);
}

/* A context whose scratch holds what the planned op needs. */
static void give_scratch(struct op_context *context) {
    minrnn_buffer *buffer = NULL;
    if (context->scratch_need > 0) {
        MUST(minrnn_buffer_create(device, (uint64_t)context->scratch_need, &buffer));
    }
    context->scratch = tensor_f32(buffer, 0);
    context->scratch_bytes = context->scratch_need;
    context->planning = false;
}

/* Plans an op, then runs it. */
#define RUN(name, ...)                                                                             \
    do {                                                                                           \
        struct op_context context = {.device = device, .planning = true};                          \
        MUST(OP(name, &context, __VA_ARGS__));                                                     \
        give_scratch(&context);                                                                    \
        MUST(OP(name, &context, __VA_ARGS__));                                                     \
        MUST(minrnn_device_finish(device));                                                        \
        minrnn_buffer_destroy(context.scratch.buffer);                                             \
    } while (0)

static void test_long_sums(void **state) {
    (void)state;
    const minrnn_tensor x = ones(2 * (int64_t)LONG);
    minrnn_tensor total = ones(2);
    RUN(column_sum, .rows = LONG, .width = 2, .x = x, .total = total);
    assert_values(total, 2, (const float[]){LONG + 1, LONG + 1});
    total = ones(1);
    RUN(sum, .count = 2 * (int64_t)LONG, .scale = 1, .accumulate = true, .x = x, .total = total);
    assert_values(total, 1, (const float[]){2 * LONG + 1});
    total = ones(1);
    RUN(square_sum, .count = 2 * (int64_t)LONG, .x = x, .total = total);
    assert_values(total, 1, (const float[]){2 * LONG});
    minrnn_buffer_destroy(x.buffer);
}

static minrnn_tensor integers(const int32_t *values, int64_t count) {
    minrnn_buffer *buffer = NULL;
    const uint64_t bytes = (uint64_t)count * sizeof *values;
    MUST(minrnn_buffer_create(device, bytes, &buffer));
    MUST(minrnn_buffer_write(buffer, 0, values, bytes));
    return tensor_i32(buffer, 0);
}

/* Rows come in the order of their tokens, of which there are four: token v has the places from
 * start[v] to start[v + 1]. */
static void check_embedding(const int32_t start[5]) {
    int32_t *order = mem_alloc(LONG, sizeof *order), *tokens = mem_alloc(LONG, sizeof *tokens);
    const minrnn_tensor dy = ones(LONG), dtable = ones(4);
    float expected[4];
    assert_non_null(order);
    assert_non_null(tokens);
    for (int v = 0; v < 4; v++) {
        expected[v] = (float)(start[v + 1] - start[v] + 1);
        for (int i = start[v]; i < start[v + 1]; i++) {
            order[i] = i;
            tokens[i] = v;
        }
    }
    const minrnn_tensor orders = integers(order, LONG), all = integers(tokens, LONG),
                        starts = integers(start, 5);
    RUN(embed_backward, .rows = LONG, .vocab = 4, .width = 1, .tokens = all, .order = orders,
        .start = starts, .dy = dy, .dtable = dtable);
    assert_values(dtable, 4, expected);
    minrnn_buffer_destroy(orders.buffer);
    minrnn_buffer_destroy(all.buffer);
    minrnn_buffer_destroy(starts.buffer);
    minrnn_buffer_destroy(dy.buffer);
    mem_free(order);
    mem_free(tokens);
}

/* Blocks have 128 rows. One token has all; all but the last; all but some, which begin and end
 * inside blocks; whole blocks. */
static void test_long_embedding(void **state) {
    (void)state;
    static const int32_t starts[][5] = {
        {0, 0, LONG, LONG, LONG},
        {0, LONG - 1, LONG, LONG, LONG},
        {0, 70, LONG - 300, LONG - 3, LONG},
        {0, 128, 256 * 128, 257 * 128, LONG},
    };
    for (int i = 0; i < 4; i++) {
        check_embedding(starts[i]);
    }
}

/* Long in time, then many sequences of one step. */
static void test_long_convolution(void **state) {
    (void)state;
    const minrnn_tensor x = ones(LONG), dx = ones(LONG), weight = ones(3);
    minrnn_tensor dweight = ones(3), dbias = ones(1);
    RUN(conv_backward, .batch = 1, .time = LONG, .width = 1, .taps = 3, .x = x, .weight = weight,
        .dy = x, .dx = dx, .dweight = dweight, .dbias = dbias);
    assert_values(dweight, 3, (const float[]){LONG - 1, LONG, LONG + 1});
    assert_values(dbias, 1, (const float[]){LONG + 1});
    dweight = ones(3), dbias = ones(1);
    RUN(conv_backward, .batch = LONG, .time = 1, .width = 1, .taps = 3, .x = x, .weight = weight,
        .dy = x, .dx = dx, .dweight = dweight, .dbias = dbias);
    assert_values(dweight, 3, (const float[]){1, 1, LONG + 1});
    assert_values(dbias, 1, (const float[]){LONG + 1});
    minrnn_buffer_destroy(x.buffer);
    minrnn_buffer_destroy(dx.buffer);
    minrnn_buffer_destroy(weight.buffer);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_groups),         cmocka_unit_test(test_vectors_of_2),
        cmocka_unit_test(test_vectors_of_8),   cmocka_unit_test(test_long_sums),
        cmocka_unit_test(test_long_embedding), cmocka_unit_test(test_long_convolution),
    };
    return cmocka_run_group_tests(tests, open_device, close_device);
}
