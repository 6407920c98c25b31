/* SPDX-License-Identifier: Apache-2.0 */
/* What every op checks of its call before a backend sees it. */
#include "base/status.h"
#include "cpu/cpu.h"
#include "op/op.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h> /* after the rest: it has a macro fail() */

/* The CPU without fill of odd counts. */
static bool is_even(const minrnn_device *device, const struct fill_args *args) {
    (void)device;
    return args->count % 2 == 0;
}

static int runs;

static minrnn_status count_run(struct op_context *context, const struct fill_args *args) {
    (void)context;
    (void)args;
    runs++;
    return MINRNN_OK;
}

static int64_t count_scratch(const minrnn_device *device, const struct fill_args *args) {
    (void)device;
    return args->count;
}

struct fake {
    struct fill_op op;
    struct op_table ops;
    struct backend backend;
    minrnn_device *device;
    const struct backend *right;
    minrnn_buffer *buffer;
};

static struct fake fake;

static int open_fake(void **state) {
    (void)state;
    if (cpu_device_open(1, &fake.device)) {
        return -1;
    }
    fake.op = (struct fill_op){.run = count_run, .scratch = count_scratch, .supports = is_even};
    fake.right = fake.device->backend;
    fake.ops = *fake.right->ops;
    fake.ops.fill = &fake.op;
    fake.backend = *fake.right;
    fake.backend.ops = &fake.ops;
    fake.device->backend = &fake.backend;
    return minrnn_buffer_create(fake.device, 64, &fake.buffer) ? -1 : 0;
}

static int close_fake(void **state) {
    (void)state;
    minrnn_buffer_destroy(fake.buffer);
    fake.device->backend = fake.right;
    minrnn_device_destroy(fake.device);
    return 0;
}

/* Planned or run, it is refused with its name and its sizes; nothing is run or asked for. */
static void refuses_what_is_not_supported(void **state) {
    (void)state;
    for (int planning = 0; planning < 2; planning++) {
        struct op_context context = {.device = fake.device, .planning = planning};
        runs = 0;
        assert_int_equal(
            OP(fill, &context, .count = 7, .value = 2.5f, .x = tensor_f32(fake.buffer, 0)),
            MINRNN_UNSUPPORTED);
        assert_string_equal(minrnn_error_text(),
                            "fill: this device or build cannot do count 7 value 2.5");
        assert_int_equal(runs, 0);
        assert_int_equal(context.scratch_need, 0);
    }
}

static void runs_what_is_supported(void **state) {
    (void)state;
    struct op_context context = {.device = fake.device, .planning = true};
    runs = 0;
    assert_int_equal(OP(fill, &context, .count = 8), MINRNN_OK);
    assert_int_equal(context.scratch_need, 8);
    assert_int_equal(runs, 0);
    context = (struct op_context){.device = fake.device, .scratch_bytes = 8};
    assert_int_equal(OP(fill, &context, .count = 8, .x = tensor_f32(fake.buffer, 0)), MINRNN_OK);
    assert_int_equal(runs, 1);
    /* A size is looked at first: no backend is asked about 0. */
    assert_int_equal(OP(fill, &context, .x = tensor_f32(fake.buffer, 0)), MINRNN_INVALID_ARGUMENT);
    assert_non_null(strstr(minrnn_error_text(), "count is 0"));
}

/* After an error a context does nothing, and every op returns what the first one did. */
static void stays_failed(void **state) {
    (void)state;
    struct op_context context = {.device = fake.device, .scratch_bytes = 8};
    const minrnn_tensor x = tensor_f32(fake.buffer, 0);
    runs = 0;
    assert_int_equal(OP(fill, &context, .count = 7, .x = x), MINRNN_UNSUPPORTED);
    error_text_set("kept");
    assert_int_equal(OP(fill, &context, .count = 8, .x = x), MINRNN_UNSUPPORTED);
    assert_int_equal(OP(copy, &context, .count = 0), MINRNN_UNSUPPORTED);
    assert_int_equal(runs, 0);
    assert_string_equal(minrnn_error_text(), "kept");
    context.status = MINRNN_OK;
    assert_int_equal(OP(fill, &context, .count = 8, .x = x), MINRNN_OK);
    assert_int_equal(runs, 1);
}

/* Extents are counted in elements of the tensor's own type. */
static void refuses_what_passes_the_buffer(void **state) {
    (void)state;
    struct op_context context = {.device = fake.device};
    assert_int_equal(OP(copy, &context, .count = 8, .x = tensor_f32(fake.buffer, 0),
                        .y = tensor_f32(fake.buffer, 8)),
                     MINRNN_OK);
    assert_int_equal(OP(copy, &context, .count = 8, .x = tensor_f32(fake.buffer, 0),
                        .y = tensor_f32(fake.buffer, 9)),
                     MINRNN_INVALID_ARGUMENT);
    assert_string_equal(minrnn_error_text(), "copy: tensor y needs 8 elements from offset 9, its "
                                             "buffer holds 16");
    context.status = MINRNN_OK;
    assert_int_equal(OP(copy, &context, .count = 8, .x = tensor_f32(fake.buffer, 0),
                        .y = tensor_i32(fake.buffer, 8)),
                     MINRNN_INVALID_ARGUMENT);
    assert_string_equal(minrnn_error_text(), "copy: tensor y has the wrong type");
}

/* A GRU's product has gradients of its own, which its backward must be given room for; others have
 * none. */
static void gives_a_gru_room_for_its_product(void **unused) {
    (void)unused;
    minrnn_device *device;
    minrnn_buffer *buffer, *scratch;
    assert_int_equal(cpu_device_open(1, &device), MINRNN_OK);
    assert_int_equal(minrnn_buffer_create(device, 64 * F32_BYTES, &buffer), MINRNN_OK);
    assert_int_equal(minrnn_buffer_create(device, 4096 * F32_BYTES, &scratch), MINRNN_OK);
    for (int cell = 0; cell < RECURRENT_CELLS; cell++) {
        for (int given = 0; given < 2; given++) {
            struct op_context context = {.device = device,
                                         .scratch = tensor_f32(scratch, 0),
                                         .scratch_bytes = 4096 * F32_BYTES};
            const minrnn_tensor in = tensor_f32(buffer, 0), none = {0};
            const minrnn_status status =
                OP(recurrent_backward, &context, .batch = 1, .time = 1, .width = 1,
                   .cell = (enum recurrent_cell)cell, .weight = in, .gates = in, .kept = in,
                   .h = in, .dh = in, .dgates = tensor_f32(buffer, 16),
                   .dproduct = given ? tensor_f32(buffer, 32) : none,
                   .before = tensor_f32(buffer, 48));
            const bool lacks = cell == RECURRENT_GRU && !given;
            assert_int_equal(status, lacks ? MINRNN_INVALID_ARGUMENT : MINRNN_OK);
            assert_true(!lacks || strstr(minrnn_error_text(), "dproduct"));
        }
    }
    minrnn_buffer_destroy(buffer);
    minrnn_buffer_destroy(scratch);
    minrnn_device_destroy(device);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_what_is_not_supported),
        cmocka_unit_test(runs_what_is_supported),
        cmocka_unit_test(stays_failed),
        cmocka_unit_test(refuses_what_passes_the_buffer),
        cmocka_unit_test(gives_a_gru_room_for_its_product),
    };
    return cmocka_run_group_tests(tests, open_fake, close_fake);
}
