/* SPDX-License-Identifier: Apache-2.0 */
/* Which kernels an op launches, and how often, for a device and for sizes. Some sizes are around
 * 2^31, more than memory holds: there the arithmetic of kernels ends. */
#include "written_launches.h"

static int flushes;
cl_int __wrap_clFlush(cl_command_queue queue);

cl_int __wrap_clFlush(cl_command_queue queue) {
    (void)queue;
    flushes++;
    return CL_SUCCESS;
}

/* ---- ranges ---- */

static void test_left_out_dimensions_are_one(void **state) {
    (void)state;
    struct kernel *kernel = NULL;
    const struct program_spec spec = {.files = {"prelude.cl", "gemm_reduce.cl"},
                                      .kernel = "gemm_reduce"};
    const struct launch_range flat = {.global = {6}};
    const struct launch_range columns = {.global = {6, 4}, .local = {3}};
    assert_int_equal(kernel_get((struct cl_device *)device, &spec, &kernel), MINRNN_OK);
    assert_int_equal(kernel_launch((struct cl_device *)device, kernel, &flat, NULL, 0), MINRNN_OK);
    assert_memory_equal(items, ((size_t[]){6, 1, 1}), sizeof items);
    assert_memory_equal(group, ((size_t[]){1, 1, 1}), sizeof group);
    assert_int_equal(kernel_launch((struct cl_device *)device, kernel, &columns, NULL, 0),
                     MINRNN_OK);
    assert_memory_equal(items, ((size_t[]){6, 4, 1}), sizeof items);
    assert_memory_equal(group, ((size_t[]){3, 1, 1}), sizeof group);
    const struct launch_range apart = {.global = {6, 0, 4}};
    assert_int_equal(kernel_launch((struct cl_device *)device, kernel, &apart, NULL, 0), MINRNN_OK);
    assert_memory_equal(items, ((size_t[]){6, 1, 4}), sizeof items);
}

static bool overlap(const struct launch_part *a, const struct launch_part *b) {
    bool apart = false;
    for (int i = 0; i < 3; i++) {
        apart |= a->offset[i] >= b->offset[i] + b->global[i] ||
                 b->offset[i] >= a->offset[i] + a->global[i];
    }
    return !apart;
}

static size_t volume(const size_t sizes[3]) {
    return sizes[0] * sizes[1] * sizes[2];
}

/* Launches the range, and sees that its parts are all of it, each place once. */
static void expect_parts(struct kernel *kernel, struct launch_range range, int count) {
    size_t covered = 0;
    forget_launches();
    assert_int_equal(kernel_launch((struct cl_device *)device, kernel, &range, NULL, 0), MINRNN_OK);
    assert_int_equal(launches, count);
    assert_memory_equal(items, range.global, sizeof items);
    for (int i = 0; i < count; i++) {
        covered += volume(parts[i].global);
        for (int j = 0; j < i; j++) {
            assert_false(overlap(&parts[i], &parts[j]));
        }
    }
    assert_int_equal(covered, volume(range.global));
}

static void test_parts(void **state) {
    (void)state;
    struct kernel *kernel = NULL;
    const struct program_spec spec = {.files = {"prelude.cl", "gemm_reduce.cl"},
                                      .kernel = "gemm_reduce"};
    assert_int_equal(kernel_get((struct cl_device *)device, &spec, &kernel), MINRNN_OK);
    expect_parts(kernel, (struct launch_range){{6, MOST_GROUPS, MOST_GROUPS}, {3, 1, 1}}, 1);
    expect_parts(kernel, (struct launch_range){{6, MOST_GROUPS + 1, 1}, {3, 1, 1}}, 2);
    expect_parts(kernel, (struct launch_range){{6, 1, MOST_GROUPS + 1}, {0, 0, 0}}, 2);
    expect_parts(kernel, (struct launch_range){{6, 4 * MOST_GROUPS, 2}, {3, 4, 2}}, 1);
    expect_parts(kernel, (struct launch_range){{6, 4 * 70000, 131071}, {3, 4, 1}}, 2 * 3);
    expect_parts(kernel, (struct launch_range){{64 * (size_t)INT32_MAX, 1, 1}, {64, 1, 1}}, 1);
    const struct launch_range beyond = {{64 * (1ull << 31), 1, 1}, {64, 1, 1}};
    forget_launches();
    assert_int_equal(kernel_launch((struct cl_device *)device, kernel, &beyond, NULL, 0),
                     MINRNN_UNSUPPORTED);
    assert_int_equal(launches, 0);
    assert_non_null(strstr(minrnn_error_text(), "gemm_reduce: 2147483648 work-groups"));
}

/* ---- the scan: its runs ---- */

typedef minrnn_status (*scan_pass)(minrnn_scan_run run, int64_t batch, int64_t time, int64_t width);

static minrnn_status forward(minrnn_scan_run run, int64_t batch, int64_t time, int64_t width) {
    const struct scan_forward_args args = {.batch = batch,
                                           .time = time,
                                           .width = width,
                                           .run = run,
                                           .x = small,
                                           .b = small,
                                           .h = small};
    forget_launches();
    return opencl_ops.scan_forward->run(&context, &args);
}

static minrnn_status backward(minrnn_scan_run run, int64_t batch, int64_t time, int64_t width) {
    const struct scan_backward_args args = {.batch = batch,
                                            .time = time,
                                            .width = width,
                                            .run = run,
                                            .x = small,
                                            .b = small,
                                            .h = small,
                                            .dh = small,
                                            .dx = small,
                                            .db = small,
                                            .init = small,
                                            .dinit = small};
    forget_launches();
    return opencl_ops.scan_backward->run(&context, &args);
}

static void scan(minrnn_scan_run run, int64_t batch, int64_t time, int64_t width) {
    assert_int_equal(forward(run, batch, time, width), MINRNN_OK);
}

static void scan_back(minrnn_scan_run run, int64_t time, int64_t width) {
    assert_int_equal(backward(run, 1, time, width), MINRNN_OK);
}

static void test_scan_runs(void **state) {
    (void)state;
    be_cpu(8, 4);
    scan(MINRNN_RUN_SERIAL, 1, 256, 8);
    expect_names("scan_serial");
    scan(MINRNN_RUN_SERIAL, 1, 256, 13); /* vectors of 8, 4 and 1 */
    expect_names("scan_serial scan_serial scan_serial");
    scan(MINRNN_RUN_SERIAL, 1, 16385, 8);
    expect_names("scan_serial scan_serial");
    scan(MINRNN_RUN_CHUNK, 1, 256, 8);
    expect_names("scan_reduce scan_carry scan_serial");
    scan(MINRNN_RUN_CHUNK, 1, 64, 8); /* one chunk */
    expect_names("scan_serial");
    scan(MINRNN_RUN_TILE, 1, 4096, 8);
    expect_names("scan_tile");
    scan(MINRNN_RUN_TILE, 1, 4097, 8);
    expect_names("scan_tile scan_tile");
    scan_back(MINRNN_RUN_SERIAL, 256, 8);
    expect_names("scan_serial");
    scan_back(MINRNN_RUN_CHUNK, 256, 8); /* dinit from the chunks' shares */
    expect_names("scan_reduce scan_carry scan_serial scan_share");
    scan_back(MINRNN_RUN_CHUNK, 64, 8);
    expect_names("scan_serial");
}

/* Work-items: channels in vectors x sequences x chunks. */
static void test_scan_sizes(void **state) {
    (void)state;
    be_cpu(8, 4); /* 16 walks are wanted, and there are two chunks at least */
    scan(MINRNN_RUN_CHUNK, 16, 256, 8);
    assert_int_equal(items[0] * items[1], 16);
    assert_int_equal(items[2], 2);
    scan(MINRNN_RUN_CHUNK, 2, 1024, 8);
    assert_int_equal(items[0] * items[1], 2);
    assert_int_equal(items[2], 8);
    scan(MINRNN_RUN_SERIAL, 2, 100, 256); /* four vectors of eight channels each */
    assert_int_equal(items[0], 8);
    assert_int_equal(items[1], 2);
    scan(MINRNN_RUN_TILE, 3, 100, 33);
    assert_int_equal(items[0] % 32, 0);
    assert_in_range(items[0], 64, 64);
}

static void expect_block(minrnn_scan_run run, const char *block) {
    const struct scan_forward_args args = {.batch = 1,
                                           .time = 64,
                                           .width = 32,
                                           .cell = MINRNN_CELL_MINLSTM,
                                           .run = run,
                                           .x = small,
                                           .h = small};
    forget_launches();
    assert_int_equal(opencl_ops.scan_forward->run(&context, &args), MINRNN_OK);
    assert_non_null(strstr(options, block));
}

/* On GPUs a work-item holds the values of a block of steps, 3 a step here: 8 steps are 24 values,
 * which a tile may hold and the other runs may not. CPUs load step by step. */
static void test_scan_blocks(void **state) {
    (void)state;
    be_gpu(2);
    expect_block(MINRNN_RUN_TILE, "-DBLOCK=8 ");
    expect_block(MINRNN_RUN_SERIAL, "-DBLOCK=4 ");
    be_cpu(8, 4);
    expect_block(MINRNN_RUN_SERIAL, "-DBLOCK=1 ");
}

/* A device may have constants of its own; the standard one is among the values worth trying. */
static void test_tuning(void **state) {
    (void)state;
    struct cl_traits *traits = &((struct cl_device *)device)->traits;
    be_gpu(2);
    scan(MINRNN_RUN_SERIAL, 1, 100, 300);
    assert_int_equal(group[0], 64);
    traits->tuned[TUNE_scan_gpu_group] = 32;
    scan(MINRNN_RUN_SERIAL, 1, 100, 300);
    assert_int_equal(group[0], 32);
    traits->tuned[TUNE_scan_gpu_group] = 0;
    for (int i = 0; i < TUNINGS; i++) {
        const struct tunable *row = &tunings[i];
        bool found = false;
        for (int j = 0; j < TUNABLE_MOST_VALUES; j++) {
            found |= row->values[j] == row->standard;
        }
        if (!found || row->standard < 1 || row->values[TUNABLE_MOST_VALUES - 1] != 0) {
            fail_msg("%s: its values", row->name);
        }
    }
}

/* Outputs that no cache holds go past it. */
static void test_streams(void **state) {
    (void)state;
    be_cpu(8, 4);
    ((struct cl_device *)device)->traits.nontemporal = true;
    scan(MINRNN_RUN_SERIAL, 8, 1024, 1024); /* 32 MiB */
    assert_non_null(strstr(options, "-DNONTEMPORAL"));
    scan(MINRNN_RUN_SERIAL, 8, 1023, 1024);
    assert_null(strstr(options, "-DNONTEMPORAL"));
    scan(MINRNN_RUN_SERIAL, 8, 1025, 1023); /* rows do not begin at a vector */
    assert_null(strstr(options, "-DNONTEMPORAL"));
    ((struct cl_device *)device)->traits.nontemporal = false;
    scan(MINRNN_RUN_SERIAL, 8, 1024, 1024);
    assert_null(strstr(options, "-DNONTEMPORAL"));
}

static void test_scan_choice(void **state) {
    (void)state;
    be_cpu(8, 4); /* serial if the vectors keep every core busy */
    scan(MINRNN_RUN_AUTO, 2, 128, 16);
    expect_names("scan_serial");
    scan(MINRNN_RUN_AUTO, 1, 128, 24);
    assert_non_null(strstr(names, "scan_reduce"));
    scan(MINRNN_RUN_AUTO, 1, 127, 8);
    expect_names("scan_serial");
    be_gpu(3); /* serial if there are work-items enough, or little time */
    scan(MINRNN_RUN_AUTO, 24, 64, 32);
    expect_names("scan_serial");
    scan(MINRNN_RUN_AUTO, 23, 64, 32);
    expect_names("scan_tile");
    scan(MINRNN_RUN_AUTO, 23, 63, 32);
    expect_names("scan_serial");
    scan(MINRNN_RUN_AUTO, 1, 4096, 32);
    expect_names("scan_reduce scan_carry scan_serial");
    scan(MINRNN_RUN_AUTO, 1, 4095, 32);
    expect_names("scan_tile");
    scan(MINRNN_RUN_AUTO, 2, 4096, 32); /* tiles for more than half the units */
    expect_names("scan_tile");
}

/* ---- the scan: each size fits in 31 bits ---- */

static void expect_scan(scan_pass pass, int64_t batch, int64_t time, int64_t width, bool runs) {
    const minrnn_status status = pass(MINRNN_RUN_SERIAL, batch, time, width);
    if (status != (runs ? MINRNN_OK : MINRNN_UNSUPPORTED)) {
        fail_msg("batch %lld, time %lld, width %lld: %s", (long long)batch, (long long)time,
                 (long long)width, status ? minrnn_error_text() : "runs");
    }
    assert_int_equal(launches > 0, runs);
    assert_true(runs || strstr(minrnn_error_text(), "31 bits"));
}

static void test_scan_limits(void **state) {
    (void)state;
    be_cpu(8, 2);
    const scan_pass passes[] = {forward, backward};
    for (int i = 0; i < 2; i++) {
        expect_scan(passes[i], INT32_MAX, 1, 1, true);
        expect_scan(passes[i], INT32_MAX + 1ll, 1, 1, false);
        expect_scan(passes[i], 1, INT32_MAX, 1, true);
        expect_scan(passes[i], 1, INT32_MAX + 1ll, 1, false);
        expect_scan(passes[i], 1, 1, INT32_MAX, true);
        expect_scan(passes[i], 1, 1, INT32_MAX + 1ll, false);
    }
}

/* ---- rows and convolutions ---- */

static void test_rows(void **state) {
    (void)state;
    const struct rmsnorm_forward_args args = {.rows = 100,
                                              .width = 64,
                                              .epsilon = 1e-5f,
                                              .x = small,
                                              .gain = small,
                                              .y = small,
                                              .inverse = small};
    be_cpu(8, 4); /* a work-item takes several rows */
    forget_launches();
    assert_int_equal(opencl_ops.rmsnorm_forward->run(&context, &args), MINRNN_OK);
    expect_names("rmsnorm_forward");
    assert_non_null(strstr(options, "-DROW_ITEMS=1 -DROW_GROUPS=1"));
    assert_int_equal(items[0], 34); /* of 100 / (8 * 4) = 3 rows */
    be_gpu(4);                      /* a work-group of 256 takes four rows */
    assert_int_equal(opencl_ops.rmsnorm_forward->run(&context, &args), MINRNN_OK);
    expect_names("rmsnorm_forward");
    assert_non_null(strstr(options, "-DROW_ITEMS=64 -DROW_GROUPS=4"));
    assert_int_equal(items[0], 25 * 64);
}

static bool residual_is_aligned(const struct residual_forward_args *args) {
    assert_int_equal(opencl_ops.residual_forward->run(&context, args), MINRNN_OK);
    expect_names("residual");
    return strstr(options, "-DALIGNED") != NULL;
}

/* GPUs take four elements at once if each tensor lets them. */
static void test_residuals(void **state) {
    (void)state;
    const struct residual_forward_args args = {.rows = 3,
                                               .width = 8,
                                               .dropout = 0.5f,
                                               .x = small,
                                               .bias = small,
                                               .residual = small,
                                               .y = small};
    const minrnn_tensor odd = tensor_at(small, 1);
    be_gpu(4);
    forget_launches();
    assert_true(residual_is_aligned(&args));
    assert_int_equal(items[0], 32); /* of 6 */
    struct residual_forward_args other = args;
    other.x = odd;
    assert_false(residual_is_aligned(&other));
    other = args, other.bias = odd;
    assert_false(residual_is_aligned(&other));
    other = args, other.residual = odd;
    assert_false(residual_is_aligned(&other));
    other = args, other.y = odd;
    assert_false(residual_is_aligned(&other));
    other = args, other.width = 6;
    assert_false(residual_is_aligned(&other));
    be_cpu(8, 4);
    assert_false(residual_is_aligned(&args));
}

/* No work-item walks along all rows, whatever their tokens: 1,024 blocks of 256 rows, then sums
 * over what crosses from one into the next. */
static void test_embedding(void **state) {
    (void)state;
    struct embed_backward_args args = {.rows = 1 << 18,
                                       .vocab = 2,
                                       .width = 64,
                                       .tokens = small,
                                       .order = small,
                                       .start = small,
                                       .dy = small,
                                       .dtable = small};
    be_gpu(40);
    forget_launches();
    assert_int_equal(opencl_ops.embed_backward->run(&context, &args), MINRNN_OK);
    expect_names("embed_backward embed_crossing");
    assert_memory_equal(items, ((size_t[]){64, 1023 * 32, 1}), sizeof items);
    args.rows = 64; /* one block */
    assert_int_equal(opencl_ops.embed_backward->run(&context, &args), MINRNN_OK);
    expect_names("embed_backward");
}

/* However much there is, a work-item's loops stay short of where drivers end them. */
static void test_long_convolutions(void **state) {
    (void)state;
    static const int64_t sizes[][2] = {{1 << 20, 1 << 12}, {1, INT32_MAX}, {INT32_MAX, 1}};
    for (int i = 0; i < 3; i++) {
        const struct conv_forward_args args = {.batch = sizes[i][0],
                                               .time = sizes[i][1],
                                               .width = 8,
                                               .taps = 4,
                                               .x = small,
                                               .weight = small,
                                               .y = small};
        be_cpu(8, 4);
        forget_launches();
        assert_int_equal(opencl_ops.conv_forward->run(&context, &args), MINRNN_OK);
        const uint64_t steps = (uint64_t)(args.batch * args.time) / (items[1] * items[2]);
        assert_in_range(steps * 4, 64, 32768); /* taps of them; plan.h's PLAN_MOST_STEPS */
    }
}

/* ---- flushes: work begins while more is being enqueued ---- */

static void test_flushes(void **state) {
    (void)state;
    static const struct {
        int launches, flushes;
    } steps[] = {{7, 0}, {8, 1}, {63, 1}, {64, 2}, {127, 2}, {128, 3}};
    for (int round = 0; round < 2; round++) {
        struct fence fence = {0};
        int launched = 0;
        assert_int_equal(device_fence_set(device, &fence), MINRNN_OK);
        assert_int_equal(device_fence_wait(device, &fence), MINRNN_OK);
        flushes = 0;
        for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
            for (; launched < steps[i].launches; launched++) {
                assert_int_equal(OP(fill, &context, .count = 16, .x = small), MINRNN_OK);
            }
            assert_int_equal(flushes, steps[i].flushes);
        }
    }
}

/* ---- more work-groups than a dimension has ---- */

/* How many launches the last op took; each is looked at where it is written down. */
static int count_launches(minrnn_status status) {
    const int count = launches;
    assert_int_equal(status, MINRNN_OK);
    forget_launches();
    return count;
}

static void test_many_groups(void **state) {
    (void)state;
    enum { MANY = 70001 };
    be_gpu(40);
    forget_launches();
    for (int run = MINRNN_RUN_SERIAL; run <= MINRNN_RUN_CHUNK; run++) {
        assert_int_equal(count_launches(forward((minrnn_scan_run)run, MANY, 64, 3)), 2);
        assert_int_equal(count_launches(backward((minrnn_scan_run)run, MANY, 64, 3)), 2);
    }
    /* reduce, carry, serial and share, each in two */
    assert_int_equal(count_launches(backward(MINRNN_RUN_CHUNK, MANY, 128, 3)), 8);
    const struct gemm_args product = {.a = small, .b = small, .c = small, .m = 5, .n = 5, .k = 5};
    struct gemm_args large = product;
    large.count = MANY;
    assert_int_equal(count_launches(opencl_ops.gemm->run(&context, &large)), 2);
    large = product;
    large.m = 128ll * MANY;
    assert_int_equal(count_launches(opencl_ops.gemm->run(&context, &large)), 2);
    const struct conv_forward_args conv = {.batch = MANY,
                                           .time = 3,
                                           .width = 1,
                                           .taps = 2,
                                           .x = small,
                                           .weight = small,
                                           .state_out = small,
                                           .y = small};
    assert_int_equal(count_launches(opencl_ops.conv_forward->run(&context, &conv)), 1 + 2);
    const struct embed_backward_args embed = {.rows = 9,
                                              .vocab = MANY,
                                              .width = 3,
                                              .order = small,
                                              .start = small,
                                              .dy = small,
                                              .dtable = small};
    assert_true(count_launches(opencl_ops.embed_backward->run(&context, &embed)) > 0);
    const struct column_sum_args sum = {.rows = 1ll << 33, .width = 3, .x = small, .total = small};
    assert_true(count_launches(opencl_ops.column_sum->run(&context, &sum)) > 0);
    be_cpu(8, 4);
    large.m = 8ll * MANY;
    large.transpose_a = true;
    assert_true(count_launches(opencl_ops.gemm->run(&context, &large)) > 3);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_left_out_dimensions_are_one),
        cmocka_unit_test(test_parts),
        cmocka_unit_test(test_many_groups),
        cmocka_unit_test(test_scan_runs),
        cmocka_unit_test(test_scan_sizes),
        cmocka_unit_test(test_scan_blocks),
        cmocka_unit_test(test_tuning),
        cmocka_unit_test(test_streams),
        cmocka_unit_test(test_scan_choice),
        cmocka_unit_test(test_scan_limits),
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_residuals),
        cmocka_unit_test(test_embedding),
        cmocka_unit_test(test_long_convolutions),
        cmocka_unit_test(test_flushes),
    };
    return run_written(tests, sizeof tests / sizeof *tests);
}
