/* The native CPU: every op gives the same bits whatever the number of threads. */
#include "check/inputs.h"
#include "cpu/cpu.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h> /* after the rest: it has a macro fail() */

/* What one device made of a case's outputs, one after another. */
struct results {
    union element *data;
    int64_t count;
};

static struct results read_outputs(const struct operand *operands, int count,
                                   const minrnn_tensor *tensors) {
    struct results results = {0};
    for (int i = 0; i < count; i++) {
        results.count += operand_is_written(&operands[i]) ? operands[i].argument.extent : 0;
    }
    results.data = calloc((size_t)results.count, sizeof *results.data);
    assert_non_null(results.data);
    int64_t at = 0;
    for (int i = 0; i < count; i++) {
        const int64_t extent = operands[i].argument.extent;
        if (operands[i].given && operand_is_written(&operands[i])) {
            assert_int_equal(tensor_read(tensors[i], results.data + at, extent, true), MINRNN_OK);
            at += extent;
        }
    }
    return results;
}

static struct results run(int threads, const struct op_entry *entry, union op_args args,
                          const struct operand *operands, int count) {
    minrnn_device *device;
    minrnn_buffer *buffers[OP_MAX_ARGUMENTS] = {NULL};
    minrnn_tensor tensors[OP_MAX_ARGUMENTS] = {{0}};
    assert_int_equal(cpu_device_open(threads, &device), MINRNN_OK);
    for (int i = 0; i < count; i++) {
        const struct op_argument *argument = &operands[i].argument;
        const uint64_t bytes = (uint64_t)(argument->extent * dtype_bytes(argument->type));
        if (operands[i].given && operands[i].home == i) {
            assert_int_equal(minrnn_buffer_create(device, bytes, &buffers[i]), MINRNN_OK);
            assert_int_equal(minrnn_buffer_write(buffers[i], 0, operands[i].initial, bytes),
                             MINRNN_OK);
        }
    }
    for (int i = 0; i < count; i++) {
        if (operands[i].given) {
            tensors[i] = (minrnn_tensor){buffers[operands[i].home], 0, operands[i].argument.type};
        }
    }
    entry->bind(&args, tensors);
    minrnn_buffer *scratch = NULL;
    struct op_context context = {.device = device, .planning = true};
    assert_int_equal(entry->run(&context, &args), MINRNN_OK);
    if (context.scratch_need > 0) {
        context.scratch_bytes = context.scratch_need;
        assert_int_equal(minrnn_buffer_create(device, (uint64_t)context.scratch_need, &scratch),
                         MINRNN_OK);
        context.scratch = tensor_f32(scratch, 0);
    }
    context.planning = false;
    assert_int_equal(entry->run(&context, &args), MINRNN_OK);
    const struct results results = read_outputs(operands, count, tensors);
    minrnn_buffer_destroy(scratch);
    for (int i = 0; i < count; i++) {
        minrnn_buffer_destroy(buffers[i]);
    }
    minrnn_device_destroy(device);
    return results;
}

/* Runs a case with 1, 2 and 5 threads, and with more than there are cores. */
static void check_threads(enum check_op op, const struct check_case *c) {
    static const int threads[] = {2, 5, 67};
    const struct op_entry *entry = op_entry_at(op);
    struct operand operands[OP_MAX_ARGUMENTS];
    struct check_random random = {.seed = 1, .stream = (uint32_t)op};
    int count = 0;
    assert_int_equal(operands_create(entry, c, &random, operands, &count), MINRNN_OK);
    const struct results one = run(1, entry, c->args, operands, count);
    assert_true(one.count > 0);
    for (size_t i = 0; i < sizeof threads / sizeof *threads; i++) {
        const struct results more = run(threads[i], entry, c->args, operands, count);
        assert_int_equal(more.count, one.count);
        assert_memory_equal(more.data, one.data, (size_t)one.count * sizeof *one.data);
        free(more.data);
    }
    free(one.data);
    operands_destroy(operands, count);
}

/* The harness's cases are small: here are sizes that every op cuts into several pieces. */
static struct check_case large_case(enum check_op op) {
    enum { ROWS = 1000, WIDTH = 100, COUNT = 70000 };
    struct check_case c = {.given = ~0u, .aligned = true};
    union op_args *a = &c.args;
    switch (op) {
    case CHECK_OP_scan_forward:
        a->scan_forward = (struct scan_forward_args){
            .batch = 3, .time = 300, .width = 200, .cell = MINRNN_CELL_MINLSTM, .normalised = true};
        c.given &= ~BIT(scan_forward, b);
        break;
    case CHECK_OP_scan_backward:
        a->scan_backward = (struct scan_backward_args){
            .batch = 3, .time = 300, .width = 200, .cell = MINRNN_CELL_MINGRU};
        c.given &= ~(BIT(scan_backward, b) | BIT(scan_backward, db));
        break;
    case CHECK_OP_conv_forward:
        a->conv_forward =
            (struct conv_forward_args){.batch = 3, .time = 300, .width = WIDTH, .taps = 4};
        break;
    case CHECK_OP_conv_backward:
        a->conv_backward =
            (struct conv_backward_args){.batch = 3, .time = 300, .width = WIDTH, .taps = 4};
        break;
    case CHECK_OP_gemm: a->gemm = (struct gemm_args){.m = ROWS, .n = 600, .k = 70}; break;
    case CHECK_OP_cross_entropy:
        a->cross_entropy = (struct cross_entropy_args){.rows = ROWS, .vocab = 65, .scale = 1e-3f};
        break;
    case CHECK_OP_embed_forward:
        a->embed_forward = (struct embed_forward_args){.rows = ROWS, .vocab = 65, .width = WIDTH};
        break;
    case CHECK_OP_embed_backward:
        a->embed_backward = (struct embed_backward_args){.rows = ROWS, .vocab = 65, .width = WIDTH};
        break;
    case CHECK_OP_adamw:
        a->adamw = (struct adamw_args){.count = COUNT,
                                       .rate = 1e-3f,
                                       .beta1 = 0.9f,
                                       .beta2 = 0.99f,
                                       .epsilon = 1e-8f,
                                       .correction1 = 0.1f,
                                       .correction2 = 0.01f,
                                       .clip = 1.0f};
        break;
    case CHECK_OP_sum: a->sum = (struct sum_args){.count = COUNT, .scale = 0.5f}; break;
    case CHECK_OP_fill: a->fill = (struct fill_args){.count = COUNT, .value = 2.0f}; break;
#define ROW_OP(name)                                                                               \
    case CHECK_OP_##name: a->name.rows = ROWS; a->name.width = WIDTH;
        ROW_OP(column_sum) break;
        ROW_OP(rmsnorm_forward) a->rmsnorm_forward.epsilon = 1e-6f;
        break;
        ROW_OP(rmsnorm_backward) a->rmsnorm_backward.accumulate = true;
        break;
        ROW_OP(gelu_forward) break;
        ROW_OP(gelu_backward) break;
        ROW_OP(geglu_forward) break;
        ROW_OP(geglu_backward) break;
        ROW_OP(residual_forward) a->residual_forward.dropout = 0.2f;
        break;
        ROW_OP(residual_backward) a->residual_backward.dropout = 0.2f;
        break;
    case CHECK_OP_g_forward: a->g_forward.count = COUNT; break;
    case CHECK_OP_g_backward: a->g_backward.count = COUNT; break;
    case CHECK_OP_square_sum: a->square_sum.count = COUNT; break;
    case CHECK_OP_nonfinite_count: a->nonfinite_count.count = COUNT; break;
    case CHECK_OP_copy: a->copy.count = COUNT; break;
    case CHECK_OPS: break;
    }
    return c;
}

static void same_bits_for_any_threads(void **state) {
    (void)state;
    for (int op = 0; op < CHECK_OPS; op++) {
        const struct check_case c = large_case((enum check_op)op);
        check_threads((enum check_op)op, &c);
    }
}

static void check_scans(minrnn_scan_run run, minrnn_scan_alg alg, minrnn_scan_cell cell) {
    const minrnn_candidate candidate =
        alg == MINRNN_SCAN_LOG ? MINRNN_CANDIDATE_G : MINRNN_CANDIDATE_PLAIN;
    struct check_case c = large_case(CHECK_OP_scan_forward);
    struct scan_forward_args *forward = &c.args.scan_forward;
    forward->run = run;
    forward->alg = alg;
    forward->cell = cell;
    forward->candidate = candidate;
    forward->normalised = cell == MINRNN_CELL_MINLSTM;
    check_threads(CHECK_OP_scan_forward, &c);
    c = large_case(CHECK_OP_scan_backward);
    struct scan_backward_args *backward = &c.args.scan_backward;
    backward->run = run;
    backward->alg = alg;
    backward->cell = cell;
    backward->candidate = candidate;
    backward->normalised = cell == MINRNN_CELL_MINLSTM;
    check_threads(CHECK_OP_scan_backward, &c);
}

/* The other ways in which a product or a scan is cut. */
static void same_bits_however_cut(void **state) {
    (void)state;
    static const struct gemm_args products[] = {
        {.m = 60, .n = 90, .k = 5000, .transpose_a = true, .accumulate = true},
        {.m = 1, .n = 3000, .k = 100, .transpose_b = true},
        {.m = 40, .n = 2000, .k = 50},
    };
    for (size_t i = 0; i < sizeof products / sizeof *products; i++) {
        const struct check_case c = {.args.gemm = products[i], .aligned = true};
        check_threads(CHECK_OP_gemm, &c);
    }
    for (int run = MINRNN_RUN_SERIAL; run <= MINRNN_RUN_CHUNK; run++) {
        check_scans((minrnn_scan_run)run, MINRNN_SCAN_LINEAR, MINRNN_CELL_MINGRU);
        check_scans((minrnn_scan_run)run, MINRNN_SCAN_LINEAR, MINRNN_CELL_MINLSTM);
        check_scans((minrnn_scan_run)run, MINRNN_SCAN_LOG, MINRNN_CELL_MINGRU);
        check_scans((minrnn_scan_run)run, MINRNN_SCAN_LOG, MINRNN_CELL_MINLSTM);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_bits_for_any_threads),
        cmocka_unit_test(same_bits_however_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
