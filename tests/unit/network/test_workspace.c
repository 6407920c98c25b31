/* SPDX-License-Identifier: Apache-2.0 */
/* A workspace in several buffers, none larger than the device's largest, computes the same. */
#include "network/workspace.h"
#include "support.h"

static minrnn_device *device;

enum { BATCH = 4, TIME = 96, VOCAB = 17, WIDTH = 32, STEPS = 3 };

static minrnn_model *make_model(void) {
    minrnn_model_config config;
    minrnn_model *model;
    minrnn_model_config_defaults(&config);
    config.vocab = VOCAB;
    config.width = WIDTH;
    config.layers = 3;
    CHECK(minrnn_model_create(device, &config, 1, &model));
    return model;
}

static minrnn_trainer_config trainer_config(void) {
    minrnn_trainer_config config;
    minrnn_trainer_config_defaults(&config);
    config.batch = BATCH;
    config.time = TIME;
    return config;
}

static uint64_t workspace_of(const minrnn_model *model) {
    const minrnn_trainer_config config = trainer_config();
    minrnn_model_config of_model;
    minrnn_memory memory;
    CHECK(minrnn_model_get_config(model, &of_model));
    CHECK(minrnn_trainer_memory(device, &of_model, &config, &memory));
    return memory.workspace;
}

/* The parameters after some steps and an evaluation, and a session's logits. */
static float *results_of(minrnn_model *model, int64_t *count) {
    const minrnn_trainer_config config = trainer_config();
    struct support_random random = {1};
    int32_t tokens[BATCH * TIME];
    minrnn_trainer *trainer;
    minrnn_session *session;
    const int64_t parameters = minrnn_model_parameters(model);
    *count = parameters + BATCH * TIME * VOCAB;
    float *results = support_alloc((size_t)*count, sizeof *results);
    for (int i = 0; i < BATCH * TIME; i++) {
        tokens[i] = support_below(&random, VOCAB);
    }
    CHECK(minrnn_trainer_create(model, &config, &trainer));
    for (int step = 0; step < STEPS; step++) {
        double loss;
        int64_t targets;
        CHECK(support_step(trainer, tokens, tokens, NULL, NULL));
        CHECK(support_evaluate(trainer, tokens, tokens, NULL, &loss, &targets));
    }
    minrnn_trainer_destroy(trainer);
    CHECK(minrnn_model_read(model, results));
    CHECK(minrnn_session_create(model, BATCH, TIME, &session));
    CHECK(minrnn_session_forward(session, TIME, tokens, NULL, results + parameters));
    minrnn_session_destroy(session);
    return results;
}

static void test_several_buffers(void **unused) {
    (void)unused;
    const uint64_t own = device->largest;
    minrnn_model *model = make_model();
    int64_t count;
    float *whole = results_of(model, &count);
    const uint64_t bytes = workspace_of(model);
    minrnn_model_destroy(model);
    for (uint64_t parts = 3; parts <= 5; parts++) {
        device->largest = bytes / parts;
        model = make_model();
        assert_true(workspace_of(model) > device->largest);
        float *cut = results_of(model, &count);
        assert_memory_equal(whole, cut, (size_t)count * sizeof *whole);
        free(cut);
        minrnn_model_destroy(model);
    }
    device->largest = own;
    free(whole);
}

static void test_too_small(void **unused) {
    (void)unused;
    const uint64_t own = device->largest;
    const minrnn_trainer_config config = trainer_config();
    minrnn_model *model = make_model();
    minrnn_trainer *trainer;
    device->largest = 16 << 10; /* less than the parameters have */
    assert_int_equal(minrnn_trainer_create(model, &config, &trainer), MINRNN_OUT_OF_MEMORY);
    assert_non_null(strstr(minrnn_error_text(), "the trainer needs "));
    assert_non_null(strstr(minrnn_error_text(), "the device's largest is 16.0 KiB"));
    device->largest = own;
    minrnn_model_destroy(model);
    assert_int_equal(minrnn_device_allocated(device), 0);
}

/* Every tensor begins at a multiple of 512 bytes, or of what the device asks for. */
static void test_alignment(void **unused) {
    (void)unused;
    minrnn_device some = {.largest = 10000, .alignment = 0};
    struct arena arena = arena_of(&some);
    assert_int_equal(arena.most, 2432); /* of 2500 floats */
    const int64_t counts[] = {1, 128, 129, 2000, 432, 2432, 1};
    const int64_t places[] = {0, 128, 256, 2432, 4864, 7296, 9728};
    for (int i = 0; i < 7; i++) {
        assert_int_equal(arena_take(&arena, counts[i]).offset, places[i]);
    }
    assert_int_equal(arena.peak, 9856);
    assert_int_equal(arena.largest, 2432);
    /* Nothing is taken of no buffer, for after the last border there is none. */
    minrnn_buffer only = {.bytes = 10000};
    minrnn_buffer *const more[1] = {NULL};
    arena.base = tensor_f32(&only, 0);
    arena.more = more;
    for (arena.used = 0; arena.used <= 2432; arena.used += 2432) {
        assert_null(arena_take(&arena, 0).buffer);
        assert_int_equal(arena.used % 2432, 0);
    }
    some.alignment = 4096;
    arena = arena_of(&some);
    arena_take(&arena, 1);
    assert_int_equal(arena_take(&arena, 1).offset, 1024);
    assert_int_equal(arena.most, 2048);
}

/* Buffers end at a multiple of the alignment: a tensor between that and the device's largest fits
 * none. */
static void test_largest(void **unused) {
    (void)unused;
    minrnn_device some = {.largest = 10000}; /* 2500 floats; 2432 are 19 times 128 */
    struct op_context context = {.device = &some};
    struct arena room = arena_of(&some);
    const int64_t counts[] = {2432, 2433, 2500};
    for (int i = 0; i < 3; i++) {
        struct network_pass pass = {.context = &context, .kept = room, .brief = room};
        arena_take(&pass.kept, counts[i]);
        struct workspace_plan plan = workspace_planned(&room, &pass);
        assert_int_equal(workspace_largest(&some, &plan) <= some.largest, i == 0);
        context.scratch_need = counts[i] * F32_BYTES;
        pass.kept = room;
        plan = workspace_planned(&room, &pass);
        assert_int_equal(workspace_largest(&some, &plan) <= some.largest, i == 0);
        context.scratch_need = 0;
    }
    /* Many small ones lie in buffers of 2432 floats; without a largest buffer, in one. */
    struct network_pass pass = {.context = &context, .kept = room, .brief = room};
    for (int i = 0; i < 100; i++) {
        arena_take(&pass.kept, 128);
    }
    const struct workspace_plan plan = workspace_planned(&room, &pass);
    assert_int_equal(workspace_largest(&some, &plan), 2432 * F32_BYTES);
    some.largest = 0;
    assert_int_equal(workspace_largest(&some, &plan), 12800 * F32_BYTES);
}

int main(void) {
    device = support_open_device();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_several_buffers),
        cmocka_unit_test(test_too_small),
        cmocka_unit_test(test_alignment),
        cmocka_unit_test(test_largest),
    };
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    minrnn_device_destroy(device);
    return failed ? 1 : 0;
}
