/* SPDX-License-Identifier: Apache-2.0 */
/* What benches say of themselves, and what they refuse. */
#include "support.h"

static minrnn_device *device;
static minrnn_buffer *other; /* the device's memory is not the bench's alone */

#define REFUSES(call) assert_int_equal(call, MINRNN_INVALID_ARGUMENT)

static int open_device(void **state) {
    (void)state;
    device = support_open_device();
    return minrnn_buffer_create(device, 4096, &other) ? -1 : 0;
}

static int close_device(void **state) {
    (void)state;
    minrnn_buffer_destroy(other);
    minrnn_device_destroy(device);
    return 0;
}

/* Runs it both ways, and destroys it; what it held is given back. */
static minrnn_bench_info run_once(minrnn_bench *bench, uint64_t before, bool queued) {
    minrnn_bench_info info;
    minrnn_bench_config config;
    minrnn_timing timing;
    CHECK(minrnn_bench_describe(bench, &info));
    assert_int_equal(info.memory_bytes, minrnn_device_allocated(device) - before);
    minrnn_bench_config_defaults(&config);
    config.warm_up = 1;
    config.repetitions = 4;
    for (int i = 0; i <= queued; i++) {
        config.queued = i;
        CHECK(minrnn_bench_run(bench, &config, &timing));
        assert_true(timing.p10 > 0 && timing.p10 <= timing.median && timing.median <= timing.p90);
    }
    minrnn_bench_destroy(bench);
    assert_int_equal(minrnn_device_allocated(device), before);
    return info;
}

static bool calls(const minrnn_bench *bench, const char *op) {
    const char *name;
    for (int i = 0; (name = minrnn_bench_op(bench, i)); i++) {
        if (strcmp(name, op) == 0) {
            return true;
        }
    }
    return false;
}

static void test_copy(void **state) {
    (void)state;
    const uint64_t before = minrnn_device_allocated(device);
    minrnn_bench *bench;
    CHECK(minrnn_bench_copy(device, 4096, &bench));
    assert_true(calls(bench, "copy") && !calls(bench, "gemm"));
    const minrnn_bench_info info = run_once(bench, before, true);
    assert_true(info.bytes == 2 * 4096 && info.operations == 0);
    REFUSES(minrnn_bench_copy(device, 3, &bench));
    assert_null(bench);
}

static void see_calls(void *user, const minrnn_profile_row *row) {
    *(int *)user += row->calls;
}

static void test_launch(void **state) {
    (void)state;
    const uint64_t before = minrnn_device_allocated(device);
    minrnn_bench *bench;
    minrnn_bench_config config;
    int launches = 0;
    minrnn_bench_config_defaults(&config);
    CHECK(minrnn_bench_launch(device, 3, &bench));
    assert_true(calls(bench, "fill") && !calls(bench, "copy"));
    CHECK(minrnn_bench_profile(bench, &config, see_calls, &launches));
    assert_int_equal(launches, 3);
    const minrnn_bench_info info = run_once(bench, before, true);
    assert_true(info.bytes == 0 && info.operations == 0 && info.tokens == 0);
    REFUSES(minrnn_bench_launch(device, 0, &bench));
    REFUSES(minrnn_bench_launch(NULL, 1, &bench));
    REFUSES(minrnn_bench_launch(device, 1, NULL));
}

static void test_product(void **state) {
    (void)state;
    const uint64_t before = minrnn_device_allocated(device);
    minrnn_bench *bench;
    CHECK(minrnn_bench_product(device, 3, 4, 5, false, true, &bench));
    const minrnn_bench_info info = run_once(bench, before, true);
    assert_true(info.operations == 2 * 3 * 4 * 5);
    assert_true(info.bytes == 4 * (3 * 5 + 5 * 4 + 3 * 4));
    REFUSES(minrnn_bench_product(device, 3, 0, 5, false, true, &bench));
    REFUSES(minrnn_bench_product(device, 3, INT64_MAX / 2, 5, false, true, &bench));
}

/* h and its gradient are as many floats as there are states, x and its gradient two or three times
 * as many. */
static void test_scan(void **state) {
    (void)state;
    enum { BATCH = 2, TIME = 7, WIDTH = 5, STATES = BATCH * TIME * WIDTH };
    const uint64_t before = minrnn_device_allocated(device);
    minrnn_bench *bench;
    const struct {
        const char *name;
        int forward, backward; /* floats a state */
    } scans[] = {{"linear", 3, 6}, {"mingru", 3, 6}, {"minlstm", 4, 8}};
    for (int i = 0; i < 3; i++) {
        CHECK(minrnn_bench_scan(device, scans[i].name, false, BATCH, TIME, WIDTH, &bench));
        assert_true(calls(bench, "scan_forward") && !calls(bench, "scan_backward"));
        minrnn_bench_info info = run_once(bench, before, true);
        assert_true(info.bytes == 4 * scans[i].forward * STATES);
        assert_true((double)info.memory_bytes >= info.bytes);
        assert_int_equal(info.tokens, BATCH * TIME);
        CHECK(minrnn_bench_scan(device, scans[i].name, true, BATCH, TIME, WIDTH, &bench));
        assert_true(calls(bench, "scan_backward"));
        info = run_once(bench, before, true);
        assert_true(info.bytes == 4 * scans[i].backward * STATES);
        assert_true((double)info.memory_bytes >= info.bytes);
    }
    for (int i = 0; minrnn_bench_scan_name(i); i++) {
        CHECK(minrnn_bench_scan(device, minrnn_bench_scan_name(i), true, 1, 9, 3, &bench));
        minrnn_bench_destroy(bench);
    }
    REFUSES(minrnn_bench_scan(device, "nosuchscan", false, 1, 1, 1, &bench));
    REFUSES(minrnn_bench_scan(device, "mingru", false, 1, 0, 1, &bench));
}

static void test_layer(void **state) {
    (void)state;
    enum { BATCH = 2, TIME = 6, WIDTH = 8, CLASSES = 3 };
    const uint64_t before = minrnn_device_allocated(device);
    for (int i = 0; minrnn_mixer_name(i); i++) {
        minrnn_bench *bench;
        minrnn_mixer *mixer;
        minrnn_mixer_config config;
        CHECK(minrnn_mixer_config_defaults(minrnn_mixer_name(i), &config));
        config.width = WIDTH;
        CHECK(minrnn_mixer_create(device, &config, &mixer));
        CHECK(minrnn_bench_layer(device, &config, BATCH, TIME, CLASSES, &bench));
        assert_true(calls(bench, "cross_entropy") && !calls(bench, "adamw"));
        const minrnn_bench_info info = run_once(bench, before, true);
        assert_int_equal(info.tokens, BATCH * TIME);
        assert_int_equal(info.parameters, minrnn_mixer_parameters(mixer) + CLASSES * WIDTH);
        REFUSES(minrnn_bench_layer(device, &config, BATCH, 0, CLASSES, &bench));
        REFUSES(minrnn_bench_layer(device, &config, 1 << 20, 1 << 20, CLASSES, &bench));
        config.width = 0;
        REFUSES(minrnn_bench_layer(device, &config, BATCH, TIME, CLASSES, &bench));
        assert_int_equal(minrnn_device_allocated(device), before);
        minrnn_mixer_destroy(mixer);
    }
}

static void small_step(minrnn_model_config *model, minrnn_trainer_config *trainer) {
    minrnn_model_config_defaults(model);
    minrnn_trainer_config_defaults(trainer);
    model->vocab = 11;
    model->width = 8;
    trainer->batch = 2;
    trainer->time = 5;
    trainer->accumulation = 3;
}

static void test_step(void **state) {
    (void)state;
    const uint64_t before = minrnn_device_allocated(device);
    minrnn_bench *bench;
    minrnn_model_config model;
    minrnn_trainer_config trainer;
    minrnn_memory memory;
    small_step(&model, &trainer);
    CHECK(minrnn_trainer_memory(device, &model, &trainer, &memory));
    CHECK(minrnn_bench_step(device, &model, &trainer, &bench));
    assert_true(calls(bench, "adamw") && calls(bench, "embed_backward"));
    const minrnn_bench_info info = run_once(bench, before, true);
    assert_int_equal(info.tokens, 2 * 5 * 3);
    assert_int_equal(info.memory_bytes, memory.total);
    assert_int_equal((uint64_t)info.parameters * 4, memory.parameters);
    model.vocab = 0;
    REFUSES(minrnn_bench_step(device, &model, &trainer, &bench));
    assert_int_equal(minrnn_device_allocated(device), before);
}

static void test_generate(void **state) {
    (void)state;
    const uint64_t before = minrnn_device_allocated(device);
    minrnn_bench *bench;
    minrnn_model_config model;
    minrnn_trainer_config trainer;
    minrnn_bench_config config;
    minrnn_timing timing;
    small_step(&model, &trainer);
    CHECK(minrnn_bench_generate(device, &model, 2, &bench));
    minrnn_bench_config_defaults(&config);
    config.queued = true; /* each token needs the one before */
    REFUSES(minrnn_bench_run(bench, &config, &timing));
    assert_int_equal(run_once(bench, before, false).tokens, 2);
    REFUSES(minrnn_bench_generate(device, &model, 0, &bench));
}

/* A device that is done when a call returns has no run that takes no time. */
static void test_queued_runs_all_take_time(void **state) {
    (void)state;
    enum { SIZE = 256 };
    minrnn_device_info about;
    minrnn_bench *bench;
    minrnn_bench_config config;
    minrnn_timing waited, queued;
    CHECK(minrnn_device_describe(device, &about));
    if (strcmp(about.name, "cpu") != 0) {
        skip();
    }
    CHECK(minrnn_bench_product(device, SIZE, SIZE, SIZE, false, false, &bench));
    minrnn_bench_config_defaults(&config);
    config.repetitions = 1; /* the last of all, behind which nothing is enqueued */
    CHECK(minrnn_bench_run(bench, &config, &waited));
    config.queued = true;
    CHECK(minrnn_bench_run(bench, &config, &queued));
    assert_true(queued.median > 0.05 * waited.median);
    minrnn_bench_destroy(bench);
}

static void test_config(void **state) {
    (void)state;
    minrnn_bench *bench;
    minrnn_bench_config config;
    minrnn_timing timing;
    CHECK(minrnn_bench_copy(device, 64, &bench));
    minrnn_bench_config_defaults(&config);
    config.repetitions = 0;
    REFUSES(minrnn_bench_run(bench, &config, &timing));
    config.repetitions = 1;
    config.warm_up = -1;
    REFUSES(minrnn_bench_run(bench, &config, &timing));
    config.warm_up = 0;
    CHECK(minrnn_bench_run(bench, &config, &timing));
    assert_true(timing.p10 == timing.median && timing.median == timing.p90);
    config.size = 0;
    REFUSES(minrnn_bench_run(bench, &config, &timing));
    REFUSES(minrnn_bench_run(bench, NULL, &timing));
    REFUSES(minrnn_bench_run(NULL, &config, &timing));
    assert_null(minrnn_bench_op(bench, -1));
    assert_null(minrnn_bench_op(bench, 1));
    assert_null(minrnn_bench_scan_name(-1));
    minrnn_bench_destroy(bench);
    minrnn_bench_destroy(NULL);
}

/* ---- a step's products are those that its profile has ---- */

struct seen {
    int products, products_calls;
    int rows, calls;
    double share, last; /* seconds of all calls of the row before */
};

static void see_product(void *user, const minrnn_product *product) {
    struct seen *seen = user;
    seen->products++;
    seen->products_calls += (int)product->calls;
    assert_true(product->m > 0 && product->n > 0 && product->k > 0 && product->calls % 3 == 0);
}

static void see_row(void *user, const minrnn_profile_row *row) {
    struct seen *seen = user;
    const double all = row->median * row->calls;
    assert_true(row->calls > 0 && row->median > 0 && row->share > 0);
    assert_true(seen->share == 0 || all <= seen->last * (1 + 1e-9));
    seen->last = all;
    seen->share += row->share;
    if (strcmp(row->op, "gemm") == 0 || strcmp(row->op, "dense_gradients") == 0) {
        seen->rows++;
        seen->calls += row->calls;
    }
    assert_null(strstr(row->sizes, "rate"));
}

static void test_products_and_profile(void **state) {
    (void)state;
    const uint64_t before = minrnn_device_allocated(device);
    struct seen seen = {0};
    minrnn_bench *bench;
    minrnn_model_config model;
    minrnn_trainer_config trainer;
    minrnn_bench_config config;
    small_step(&model, &trainer);
    CHECK(minrnn_bench_products(device, &model, &trainer, see_product, &seen));
    assert_int_equal(minrnn_device_allocated(device), before);
    CHECK(minrnn_bench_step(device, &model, &trainer, &bench));
    minrnn_bench_config_defaults(&config);
    config.repetitions = 5;
    CHECK(minrnn_bench_profile(bench, &config, see_row, &seen));
    assert_true(seen.share > 1 - 1e-9 && seen.share < 1 + 1e-9);
    assert_int_equal(seen.products_calls, seen.calls);
    assert_true(seen.products > 0 && seen.products <= seen.rows);
    REFUSES(minrnn_bench_profile(bench, &config, NULL, NULL));
    /* The device is as it was: it trains on. */
    config.queued = true;
    minrnn_timing timing;
    CHECK(minrnn_bench_run(bench, &config, &timing));
    minrnn_bench_destroy(bench);
}

/* ---- the roofline ---- */

static void test_least(void **state) {
    (void)state;
    assert_true(minrnn_bench_least(20, 30, 10, 1000) == 2);
    assert_true(minrnn_bench_least(20, 3000, 10, 1000) == 3);
}

/* Bytes bind with the first limits, operations with the second; the result is not read. */
static void test_roofline_of_a_product(void **state) {
    (void)state;
    minrnn_bench *bench;
    double least;
    CHECK(minrnn_bench_product(device, 3, 4, 5, false, true, &bench));
    CHECK(minrnn_bench_roofline(bench, 1, 1000, &least));
    assert_true(least == 4 * (3 * 5 + 5 * 4 + 3 * 4));
    CHECK(minrnn_bench_roofline(bench, 1000, 1, &least));
    assert_true(least == 2 * 3 * 4 * 5);
    REFUSES(minrnn_bench_roofline(bench, 0, 1, &least));
    REFUSES(minrnn_bench_roofline(bench, 1, -1, &least));
    REFUSES(minrnn_bench_roofline(bench, 1, 1, NULL));
    REFUSES(minrnn_bench_roofline(NULL, 1, 1, &least));
    minrnn_bench_destroy(bench);
}

static void add_least(void *user, const minrnn_profile_row *row) {
    *(double *)user += row->calls * minrnn_bench_least(row->bytes, row->operations, 2, 3);
}

static void test_roofline_of_a_step(void **state) {
    (void)state;
    minrnn_bench *bench;
    minrnn_model_config model;
    minrnn_trainer_config trainer;
    minrnn_bench_config config;
    double least, sum = 0;
    small_step(&model, &trainer);
    CHECK(minrnn_bench_step(device, &model, &trainer, &bench));
    CHECK(minrnn_bench_roofline(bench, 2, 3, &least));
    minrnn_bench_config_defaults(&config);
    config.repetitions = 2;
    CHECK(minrnn_bench_profile(bench, &config, add_least, &sum));
    assert_true(least > 0 && fabs(sum / least - 1) < 1e-9);
    minrnn_bench_destroy(bench);
}

static void test_limits(void **state) {
    (void)state;
    const uint64_t before = minrnn_device_allocated(device);
    double bandwidth = 0, rate = 0;
    CHECK(minrnn_bench_limits(device, &bandwidth, &rate));
    assert_true(bandwidth > 1e6 && rate > 1e6);
    assert_int_equal(minrnn_device_allocated(device), before);
    REFUSES(minrnn_bench_limits(NULL, &bandwidth, &rate));
    REFUSES(minrnn_bench_limits(device, NULL, NULL));
}

static void test_what_does_not_fit(void **state) {
    (void)state;
    const uint64_t before = minrnn_device_allocated(device);
    minrnn_bench *bench;
    assert_int_equal(minrnn_bench_copy(device, (uint64_t)1 << 55, &bench), MINRNN_OUT_OF_MEMORY);
    assert_null(bench);
    minrnn_mixer_config config;
    CHECK(minrnn_mixer_config_defaults("mingru", &config));
    config.width = 1 << 20;
    assert_int_equal(minrnn_bench_layer(device, &config, 1 << 10, 1 << 14, 2, &bench),
                     MINRNN_OUT_OF_MEMORY);
    assert_int_equal(minrnn_device_allocated(device), before);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_copy),
        cmocka_unit_test(test_launch),
        cmocka_unit_test(test_product),
        cmocka_unit_test(test_scan),
        cmocka_unit_test(test_layer),
        cmocka_unit_test(test_step),
        cmocka_unit_test(test_generate),
        cmocka_unit_test(test_queued_runs_all_take_time),
        cmocka_unit_test(test_config),
        cmocka_unit_test(test_products_and_profile),
        cmocka_unit_test(test_least),
        cmocka_unit_test(test_roofline_of_a_product),
        cmocka_unit_test(test_roofline_of_a_step),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_what_does_not_fit),
    };
    return cmocka_run_group_tests(tests, open_device, close_device);
}
