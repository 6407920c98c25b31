/* SPDX-License-Identifier: Apache-2.0 */
/* The native CPU: every op gives the same bits whatever the number of threads. */
#include "check/op_check.h"
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

static void same_bits_for_any_threads(void **state) {
    (void)state;
    for (int op = 0; op < CHECK_OPS; op++) {
        check_threads((enum check_op)op, &op_entry_at((enum check_op)op)->check->large);
    }
}

static void check_scans(minrnn_scan_run run, minrnn_scan_alg alg, minrnn_scan_cell cell) {
    const minrnn_candidate candidate =
        alg == MINRNN_SCAN_LOG ? MINRNN_CANDIDATE_G : MINRNN_CANDIDATE_PLAIN;
    struct check_case c = check_scan_forward.large;
    struct scan_forward_args *forward = &c.args.scan_forward;
    forward->run = run;
    forward->alg = alg;
    forward->cell = cell;
    forward->candidate = candidate;
    forward->normalised = cell == MINRNN_CELL_MINLSTM;
    check_threads(CHECK_OP_scan_forward, &c);
    c = check_scan_backward.large;
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
