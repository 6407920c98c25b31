/* SPDX-License-Identifier: Apache-2.0 */
/* Which way a product takes, and in which launches. Some sizes are around 2^31, more than memory
 * holds: there CLBlast's arithmetic ends. */
#ifdef MINRNN_HAVE_CLBLAST
#include "clblast.h"
#endif

#include "opencl/gemm.h"
#include "written_launches.h"

static int products; /* by CLBlast */

#ifdef MINRNN_HAVE_CLBLAST
/* Nothing computes here, and so nothing can be tried. */
static void trust_clblast(void) {
    for (int i = 0; i < 4; i++) {
        atomic_store(&((struct cl_device *)device)->clblast[i], GEMM_RIGHT);
    }
}
#endif

/* ---- which way ---- */

static void multiply(int64_t m, int64_t k, bool transpose_a, bool transpose_b) {
    const struct gemm_args args = {.m = m,
                                   .n = 64,
                                   .k = k,
                                   .transpose_a = transpose_a,
                                   .transpose_b = transpose_b,
                                   .a = small,
                                   .b = small,
                                   .c = small};
    products = 0;
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
    trust_clblast();
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

/* ---- in launches that are long, but end ---- */

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

/* ---- CLBlast's if each matrix ends within an int's reach ---- */

#ifdef MINRNN_HAVE_CLBLAST

CLBlastStatusCode __wrap_CLBlastSgemmWithTempBuffer(SGEMM_PARAMETERS) {
    SGEMM_UNUSED;
    products++;
    return CLBlastSuccess;
}

static void expect_product(struct gemm_args args, bool by_clblast) {
    products = 0;
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
    trust_clblast();
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

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_product_choice),
        cmocka_unit_test(test_group_launches),
#ifdef MINRNN_HAVE_CLBLAST
        cmocka_unit_test(test_product),
#endif
    };
    return run_written(tests, sizeof tests / sizeof *tests);
}
