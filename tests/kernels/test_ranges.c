/* SPDX-License-Identifier: Apache-2.0 */
/* However large tensors are, what is launched stays within what drivers take: 2^31 work-items in
 * the first dimension, past which some leave work out and say nothing; 65,535 work-groups in the
 * other two, NVIDIA's limit. On described devices, whose buffers hold nothing. */
#include "must.h"
#include "recorder.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { MOST_GROUPS = 65535 };
static const int64_t most_items = (int64_t)1 << 31;

static void check_range(void *user, const struct kernel *kernel, const struct launch_part *range) {
    int *launches = user;
    (*launches)++;
    if ((int64_t)range->global[0] > most_items) {
        fail_msg("%s: %zu work-items", kernel->name, range->global[0]);
    }
    for (int i = 1; i < 3; i++) {
        const size_t local = range->local[i] ? range->local[i] : 1;
        if (range->global[i] / local > MOST_GROUPS) {
            fail_msg("%s: %zu work-groups in dimension %d", kernel->name, range->global[i] / local,
                     i);
        }
    }
}

/* Ops over so many rows of such a width. */
static void run_ops(struct op_context *context, int64_t rows, int64_t width) {
    const minrnn_buffer *buffer = context->scratch.buffer;
    const minrnn_tensor f32 = tensor_f32((minrnn_buffer *)buffer, 0);
    const minrnn_tensor odd = tensor_f32((minrnn_buffer *)buffer, 1);
    const minrnn_tensor i32 = tensor_i32((minrnn_buffer *)buffer, 0);
    const int64_t count = rows * width, vocab = 4 << 20;
    OP(fill, context, .count = count, .x = f32);
    OP(copy, context, .count = count, .x = f32, .y = f32);
    OP(g_forward, context, .count = count, .x = f32, .y = f32);
    OP(g_backward, context, .count = count, .x = f32, .dy = f32, .dx = f32);
    OP(adamw, context, .count = count, .grad = f32, .param = f32, .m = f32, .v = f32);
    OP(gelu_forward, context, .rows = rows, .width = width, .x = f32, .y = f32);
    OP(gelu_backward, context, .rows = rows, .width = width, .x = f32, .dy = f32, .dx = f32);
    OP(geglu_forward, context, .rows = rows, .width = width, .x = f32, .y = f32);
    OP(geglu_backward, context, .rows = rows, .width = width, .x = f32, .dy = f32, .dx = f32);
    OP(residual_forward, context, .rows = rows, .width = width, .x = f32, .y = f32);
    OP(residual_backward, context, .rows = rows, .width = width, .dropout = 0.5f, .dy = odd,
       .dx = odd);
    OP(rmsnorm_forward, context, .rows = rows, .width = width, .x = f32, .gain = f32, .y = f32,
       .inverse = f32);
    OP(rmsnorm_backward, context, .rows = rows, .width = width, .x = f32, .gain = f32,
       .inverse = f32, .dy = f32, .dx = f32, .dgain = f32);
    OP(embed_forward, context, .rows = rows, .vocab = vocab, .width = width, .tokens = i32,
       .table = f32, .y = f32);
    OP(embed_backward, context, .rows = rows, .vocab = vocab, .width = width, .tokens = i32,
       .order = i32, .start = i32, .dy = f32, .dtable = f32);
    OP(cross_entropy, context, .rows = rows, .vocab = width, .logits = f32, .targets = i32,
       .loss = f32);
    OP(column_sum, context, .rows = rows, .width = width, .x = f32, .total = f32);
    OP(sum, context, .count = count, .x = f32, .total = f32);
    OP(square_sum, context, .count = count, .x = f32, .total = f32);
    OP(nonfinite_count, context, .count = count, .x = f32, .total = f32);
    assert_int_equal(context->status, MINRNN_OK);
}

static void test_ranges(void **state) {
    (void)state;
    static const char *const devices[] = {"t4", "gfx906", "intel", "cpu", "scalar"};
    static const int64_t shapes[][2] = {{1, 1},           {INT32_MAX, 1},    {INT32_MAX, 16},
                                        {INT32_MAX, 100}, {INT32_MAX, 1024}, {1 << 20, 1 << 20}};
    for (size_t i = 0; i < sizeof devices / sizeof *devices; i++) {
        for (size_t j = 0; j < sizeof shapes / sizeof *shapes; j++) {
            int launches = 0;
            minrnn_buffer *everything = NULL;
            struct recorder recorder = recorder_of(devices[i]);
            recorder.launched = check_range;
            recorder.user = &launches;
            must(minrnn_buffer_create(&recorder.device.base, INT64_MAX, &everything), "buffer");
            struct op_context context = {.device = &recorder.device.base,
                                         .scratch = tensor_f32(everything, 0),
                                         .scratch_bytes = INT64_MAX};
            run_ops(&context, shapes[j][0], shapes[j][1]);
            assert_true(launches > 20);
            minrnn_buffer_destroy(everything);
            recorder_destroy(&recorder);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_ranges)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
