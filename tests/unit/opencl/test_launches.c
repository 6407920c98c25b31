/* SPDX-License-Identifier: Apache-2.0 */
/* Which kernels an op launches, and how often, for a device and for sizes. Some sizes are around
 * 2^31, more than memory holds: there the arithmetic of kernels and of CLBlast ends. Nothing runs:
 * launches are only written down (the linker's --wrap). */
#include <minrnn/device.h>

#include "op/op.h"
#include "opencl/backend.h"
#include "opencl/gemm.h"
#include "opencl_device.h"

#ifdef MINRNN_HAVE_CLBLAST
#include "clblast.h"
#endif

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static minrnn_device *device;
static struct op_context context;
static minrnn_tensor small; /* in place of every tensor */
static int launches, products;
static char names[1024];          /* of the kernels launched, as far as they fit */
static size_t items[3], group[3]; /* work-items up to the last one's end, and of its group */
enum { MOST_PARTS = 16, MOST_GROUPS = LAUNCH_MOST_GROUPS };
static struct launch_part parts[MOST_PARTS]; /* of the first launches */
static char options[1024];                   /* with which the last one was built */

cl_int __wrap_clEnqueueNDRangeKernel(cl_command_queue queue, cl_kernel kernel, cl_uint dimensions,
                                     const size_t *offset, const size_t *global,
                                     const size_t *local, cl_uint wait_count, const cl_event *waits,
                                     cl_event *event);

cl_int __wrap_clEnqueueNDRangeKernel(cl_command_queue queue, cl_kernel kernel, cl_uint dimensions,
                                     const size_t *offset, const size_t *global,
                                     const size_t *local, cl_uint wait_count, const cl_event *waits,
                                     cl_event *event) {
    (void)queue;
    (void)wait_count, (void)waits, (void)event;
    const size_t used = strlen(names);
    char name[64] = "";
    if (clGetKernelInfo(kernel, CL_KERNEL_FUNCTION_NAME, sizeof name, name, NULL) == CL_SUCCESS) {
        snprintf(names + used, sizeof names - used, "%s%s", used ? " " : "", name);
    }
    struct launch_part part = {.dimensions = (int)dimensions};
    for (cl_uint i = 0; i < 3; i++) {
        part.offset[i] = offset && i < dimensions ? offset[i] : 0;
        part.global[i] = i < dimensions ? global[i] : 1;
        items[i] = part.offset[i] + part.global[i];
        group[i] = local && i < dimensions ? local[i] : 1;
        assert_true(part.global[i] > 0 && group[i] > 0 && part.global[i] % group[i] == 0);
        assert_int_equal(part.offset[i] % group[i], 0);
        assert_true(i == 0 || part.global[i] / group[i] <= MOST_GROUPS);
    }
    parts[launches < MOST_PARTS ? launches : MOST_PARTS - 1] = part;
    cl_program program = NULL;
    options[0] = '\0';
    clGetKernelInfo(kernel, CL_KERNEL_PROGRAM, sizeof program, &program, NULL);
    clGetProgramBuildInfo(program, ((struct cl_device *)device)->id, CL_PROGRAM_BUILD_OPTIONS,
                          sizeof options, options, NULL);
    launches++;
    return CL_SUCCESS;
}

static int flushes;
cl_int __wrap_clFlush(cl_command_queue queue);

cl_int __wrap_clFlush(cl_command_queue queue) {
    (void)queue;
    flushes++;
    return CL_SUCCESS;
}

static void forget_launches(void) {
    launches = products = 0;
    names[0] = '\0';
}

static void be_cpu(int float_width, int compute_units) {
    struct cl_traits *traits = &((struct cl_device *)device)->traits;
    traits->is_cpu = true;
    traits->is_gpu = false;
    traits->float_width = float_width;
    traits->compute_units = compute_units;
}

static void be_gpu(int compute_units) {
    struct cl_traits *traits = &((struct cl_device *)device)->traits;
    traits->is_cpu = false;
    traits->is_gpu = true;
    traits->float_width = 1;
    traits->compute_units = compute_units;
}

static void expect_names(const char *expected) {
    assert_string_equal(names, expected);
    forget_launches();
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

/* ---- products: which way ---- */

static void multiply(int64_t m, int64_t k, bool transpose_a, bool transpose_b) {
    const struct gemm_args args = {.m = m,
                                   .n = 64,
                                   .k = k,
                                   .transpose_a = transpose_a,
                                   .transpose_b = transpose_b,
                                   .a = small,
                                   .b = small,
                                   .c = small};
    forget_launches();
    assert_int_equal(opencl_ops.gemm->run(&context, &args), MINRNN_OK);
}

static void test_product_choice(void **state) {
    (void)state;
    be_cpu(8, 2);
    multiply(4, 64, false, true);
    expect_names("gemm_rows");
    multiply(4, 65535, false, true);
    expect_names("gemm_rows");
    multiply(4, 65536, false, true);
    assert_null(strstr(names, "gemm_rows"));
    multiply(5, 64, false, true);
    assert_non_null(strstr(names, "gemm_tile"));
    multiply(4, 64, false, false);
    assert_non_null(strstr(names, "gemm_tile"));
    multiply(4, 64, true, true);
    assert_non_null(strstr(names, "gemm_tile"));
    be_cpu(2, 2);
    multiply(5, 64, false, true);
    assert_non_null(strstr(names, "gemm_tile"));
    be_cpu(1, 2);
    multiply(5, 64, false, true);
    expect_names("gemm_group");
    be_gpu(2);
    multiply(4, 64, false, true);
    expect_names("gemm_rows");
    multiply(5, 64, false, true);
    expect_names("gemm_group");
#ifdef MINRNN_HAVE_CLBLAST
    struct cl_traits *traits = &((struct cl_device *)device)->traits;
    traits->tuned[TUNE_gemm_gpu_way] = traits->tuned[TUNE_gemm_gpu_gradients_way] = 2;
    multiply(5, 64, false, true);
    assert_int_equal(products, 1);
    expect_names("");
    traits->tuned[TUNE_gemm_gpu_way] = traits->tuned[TUNE_gemm_gpu_gradients_way] = 0;
#endif
}

/* A way by itself takes strides that are written out. */
static minrnn_status run_way(const struct gemm_way *way, const struct gemm_args *args) {
    const struct gemm_args one = gemm_of_batch(args, 0);
    return way->run(&context, &one);
}

/* ---- products: in launches that are long, but end ---- */

static void multiply_in_groups(int64_t m, int64_t n, int64_t k) {
    const struct gemm_args args = {.m = m, .n = n, .k = k, .a = small, .b = small, .c = small};
    forget_launches();
    assert_int_equal(run_way(&gemm_group, &args), MINRNN_OK);
}

static void test_group_launches(void **state) {
    (void)state;
    be_gpu(40);
    /* A side's tile is the largest that is less than twice as long. */
    static const int64_t sides[][3] = {/* extent, its tile, work-items along it */
                                       {1, 16, 4},    {16, 16, 4},    {17, 32, 8},
                                       {32, 32, 8},   {33, 64, 8},    {64, 64, 8},
                                       {65, 128, 16}, {128, 128, 16}, {129, 128, 16}};
    for (size_t i = 0; i < sizeof sides / sizeof sides[0]; i++) {
        const int64_t *m = sides[i], *n = sides[sizeof sides / sizeof sides[0] - 1 - i];
        multiply_in_groups(m[0], n[0], 8);
        expect_names("gemm_group");
        assert_int_equal(group[0], m[2] * n[2]);
        assert_int_equal(items[0] / group[0], (n[0] + n[1] - 1) / n[1]);
        assert_int_equal(items[1], (m[0] + m[1] - 1) / m[1]);
        assert_int_equal(items[2], 1);
    }
    /* 512 work-items a unit, by segments of k if tiles have too few; each of 256 steps at least. */
    multiply_in_groups(128, 64, 1 << 18);
    expect_names("gemm_group gemm_reduce");
    multiply_in_groups(128 * 159, 64, 512);
    expect_names("gemm_group gemm_reduce");
    multiply_in_groups(128 * 160, 64, 512);
    expect_names("gemm_group");
    multiply_in_groups(128, 64, 511);
    expect_names("gemm_group");
    /* Long ones in several launches. */
    be_gpu(1);
    multiply_in_groups(128 * 4, 64, 1 << 20);
    expect_names("gemm_group gemm_group gemm_group gemm_group gemm_group gemm_group gemm_group "
                 "gemm_group");
    multiply_in_groups(128 * 80, 8, 1 << 18);
    expect_names("gemm_group gemm_group");
}

/* ---- the product: CLBlast's if each matrix ends within an int's reach ---- */

#ifdef MINRNN_HAVE_CLBLAST

CLBlastStatusCode __wrap_CLBlastSgemmWithTempBuffer(SGEMM_PARAMETERS) {
    SGEMM_UNUSED;
    products++;
    return CLBlastSuccess;
}

static void expect_product(struct gemm_args args, bool by_clblast) {
    forget_launches();
    if (run_way(&gemm_clblast, &args) != MINRNN_OK) {
        fail_msg("%s", minrnn_error_text());
    }
    assert_int_equal(products, by_clblast);
    assert_int_equal(launches > 0, !by_clblast);
}

static void test_product(void **state) {
    (void)state;
    enum { HALF = 1 << 15, FULL = 1 << 16 };
    const int64_t sizes[][3] = {{FULL, 1, HALF}, {1, FULL, HALF}, {FULL, HALF, 1}};
    struct gemm_args args = {.a = small, .b = small, .c = small};
    for (int i = 0; i < 3; i++) {
        args.m = sizes[i][0], args.n = sizes[i][1], args.k = sizes[i][2];
        expect_product(args, false);
        args.m -= args.m == FULL, args.n -= args.n == FULL;
        expect_product(args, true);
    }
    args.m = args.n = 1, args.k = INT32_MAX;
    expect_product(args, true);
    args.a.offset = 1; /* no view can begin there */
    expect_product(args, false);
    args.a.offset = 0, args.b.offset = 1;
    expect_product(args, false);
}

#endif

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

static void trust_clblast(void) {
    for (int i = 0; i < 4; i++) {
        atomic_store(&((struct cl_device *)device)->clblast[i], GEMM_RIGHT);
    }
}

int main(void) {
    enum { ELEMENTS = 1024 };
    minrnn_buffer *buffer = NULL;
    if (open_opencl_device(&device) || minrnn_buffer_create(device, ELEMENTS * 4, &buffer)) {
        print_error("%s\n", minrnn_error_text());
        return 1;
    }
    trust_clblast(); /* nothing computes here, and so nothing can be tried */
    small.buffer = buffer;
    context = (struct op_context){.device = device, .scratch = small, .scratch_bytes = INT64_MAX};
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_left_out_dimensions_are_one),
        cmocka_unit_test(test_parts),
        cmocka_unit_test(test_many_groups),
        cmocka_unit_test(test_scan_runs),
        cmocka_unit_test(test_scan_sizes),
        cmocka_unit_test(test_tuning),
        cmocka_unit_test(test_streams),
        cmocka_unit_test(test_scan_choice),
        cmocka_unit_test(test_scan_limits),
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_residuals),
        cmocka_unit_test(test_embedding),
        cmocka_unit_test(test_long_convolutions),
        cmocka_unit_test(test_flushes),
        cmocka_unit_test(test_product_choice),
        cmocka_unit_test(test_group_launches),
#ifdef MINRNN_HAVE_CLBLAST
        cmocka_unit_test(test_product),
#endif
    };
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    minrnn_buffer_destroy(buffer);
    minrnn_device_destroy(device);
    return failed;
}
