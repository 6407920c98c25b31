/* SPDX-License-Identifier: Apache-2.0 */
/* What needs more memory than there is is refused before any of it is taken, with both numbers. */
#include "guest.h"

#include <sys/resource.h>

static minrnn_device *device;

static void expect_refused(minrnn_status status, const char *what) {
    assert_int_equal(status, MINRNN_OUT_OF_MEMORY);
    const char *text = minrnn_error_text();
    if (!strstr(text, what) || !strstr(text, " needs ") || !strstr(text, " left: ")) {
        fail_msg("\"%s\"", text);
    }
}

static minrnn_model_config model_of(int64_t width) {
    minrnn_model_config config;
    minrnn_model_config_defaults(&config);
    config.vocab = GUEST_VOCAB;
    config.width = width;
    return config;
}

/* More than any machine has: parameters of some TB; a trainer's activations, a session's. */
static void test_too_large(void **unused) {
    (void)unused;
    const minrnn_model_config large = model_of(200000), small = model_of(64);
    minrnn_trainer_config training;
    minrnn_model *model;
    minrnn_trainer *trainer;
    minrnn_session *session;
    minrnn_memory memory;
    const uint64_t before = minrnn_device_allocated(device);
    expect_refused(minrnn_model_create(device, &large, 1, &model), "the model");
    CHECK(minrnn_model_create(device, &small, 1, &model));
    const uint64_t held = minrnn_device_allocated(device);
    minrnn_trainer_config_defaults(&training);
    training.batch = 1 << 20;
    training.time = 1 << 10;
    expect_refused(minrnn_trainer_create(model, &training, &trainer), "the trainer");
    training.batch = training.time = 1;
    training.accumulation = 1 << 30; /* 12 arrays on the host */
    CHECK(minrnn_trainer_memory(device, &small, &training, &memory));
    assert_true(memory.host > 48ull << 30);
    expect_refused(minrnn_trainer_create(model, &training, &trainer), "the trainer");
    expect_refused(minrnn_memory_check(device, &memory), "this");
    expect_refused(minrnn_session_create(model, 1 << 30, 1, &session), "the session");
    assert_int_equal(minrnn_device_allocated(device), held);
    minrnn_model_destroy(model);
    assert_int_equal(minrnn_device_allocated(device), before);
}

static minrnn_memory memory_of(const minrnn_trainer_config *config) {
    const minrnn_model_config model = model_of(64);
    minrnn_memory memory;
    CHECK(minrnn_trainer_memory(device, &model, config, &memory));
    return memory;
}

/* The defaults' is what minrnn_model_memory says; accumulation takes of the host alone. */
static void test_accumulation(void **unused) {
    (void)unused;
    const minrnn_model_config model = model_of(64);
    minrnn_trainer_config config;
    minrnn_memory plain, same;
    minrnn_trainer_config_defaults(&config);
    plain = memory_of(&config);
    CHECK(minrnn_model_memory(device, &model, config.batch, config.time, true, &same));
    assert_memory_equal(&plain, &same, sizeof plain);
    assert_int_equal(plain.total,
                     plain.parameters + plain.gradients + plain.moments + plain.workspace);
    config.accumulation = 3;
    const minrnn_memory more = memory_of(&config);
    assert_int_equal(more.total, plain.total);
    /* Two more micro-batches in two steps: tokens, targets, order, reset; starts; lengths. */
    const uint64_t micro =
        (uint64_t)(4 * config.batch * config.time + GUEST_VOCAB + 1 + config.batch);
    assert_int_equal(more.host - plain.host, 2 * 2 * micro * sizeof(int32_t));
}

/* A ulimit that leaves too little: named, and with room it is made. */
static void test_ulimit(void **unused) {
    (void)unused;
    struct rlimit before;
    minrnn_trainer_config config;
    minrnn_model *model;
    minrnn_trainer *trainer;
    const minrnn_model_config small = model_of(64);
    minrnn_trainer_config_defaults(&config);
    config.batch = 512;
    CHECK(minrnn_model_create(device, &small, 1, &model));
    assert_int_equal(getrlimit(RLIMIT_DATA, &before), 0);
    const struct rlimit lowered = {.rlim_cur = 1 << 20, .rlim_max = before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_DATA, &lowered), 0);
    const minrnn_status status = minrnn_trainer_create(model, &config, &trainer);
    assert_int_equal(setrlimit(RLIMIT_DATA, &before), 0);
    expect_refused(status, "ulimit -d is 1.0 MiB");
    CHECK(minrnn_trainer_create(model, &config, &trainer));
    minrnn_trainer_destroy(trainer);
    minrnn_model_destroy(model);
}

/* Sizes that no machine has, up to those whose bytes 63 bits do not count. */
static void test_past_counting(void **unused) {
    (void)unused;
    static const int64_t widths[] = {1 << 20, 1 << 18, 100000}, layers[] = {4096, 1000, 64},
                         batches[] = {INT32_MAX, 65535, 1000000};
    int refused = 0, counted = 0;
    for (int i = 0; i < 54; i++) {
        minrnn_model_config config = model_of(widths[i % 3]);
        const int64_t batch = batches[i / 9 % 3];
        const bool training = i / 27;
        config.vocab = 4;
        config.layers = layers[i / 3 % 3];
        support_set(&config.mixer, "name=minlstm expansion=1");
        config.feed_forward_factor = 1;
        minrnn_memory memory = {0};
        const minrnn_status status =
            minrnn_model_memory(device, &config, batch, 1, training, &memory);
        /* Training keeps at least one float a token, layer and channel. */
        const double least =
            4.0 * (double)batch * (double)config.width * (training ? (double)config.layers : 1.0);
        if (status) {
            assert_int_equal(status, MINRNN_OUT_OF_MEMORY);
            assert_non_null(strstr(minrnn_error_text(), "more memory than can be counted"));
            refused++;
        } else {
            assert_true((double)memory.workspace >= least);
            assert_true(memory.total > memory.workspace && memory.total < 1ull << 63);
            counted++;
        }
    }
    assert_true(refused > 0 && counted > 0);
}

static int open_device(void **unused) {
    (void)unused;
    device = support_open_device();
    return 0;
}

static int close_device(void **unused) {
    (void)unused;
    minrnn_device_destroy(device);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_too_large),
        cmocka_unit_test(test_accumulation),
        cmocka_unit_test(test_ulimit),
        cmocka_unit_test(test_past_counting),
    };
    return cmocka_run_group_tests(tests, open_device, close_device);
}
