/* SPDX-License-Identifier: Apache-2.0 */
/* Records of steps: their order, their times, the rate's schedule, a loss that is not finite. */
#include "unit/train/training.h"

#include <time.h>

static minrnn_device *device;

enum { BATCH = 2, TIME = 12, ROWS = BATCH * TIME };

static double clock_seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* A record's time is its step's end, though steps are taken together, long after. */
static void test_record_times(void **unused) {
    (void)unused;
    enum { STEPS = 4 };
    const struct timespec pause = {.tv_nsec = 30 * 1000 * 1000};
    minrnn_device_info info;
    CHECK(minrnn_device_describe(device, &info));
    const bool is_cpu = strcmp(info.name, "cpu") == 0;
    const minrnn_model_config config = model_variant(0);
    minrnn_model *model = model_make(device, &config);
    const minrnn_trainer_config training = trainer_config(BATCH, TIME);
    minrnn_trainer *trainer = trainer_make(model, &training);
    const int32_t tokens[ROWS] = {0};
    double begin[STEPS];
    for (int step = 0; step < STEPS; step++) {
        begin[step] = clock_seconds();
        CHECK(support_step(trainer, tokens, tokens, NULL, NULL));
        nanosleep(&pause, NULL);
    }
    double last = 0.0;
    for (int step = 0; step < STEPS; step++) {
        const double seconds = take_record(trainer).seconds;
        assert_true(seconds > begin[step] && seconds > last && seconds <= clock_seconds());
        /* A device beside the host is looked at in the next call. */
        assert_true(!is_cpu || step + 1 == STEPS || seconds < begin[step + 1]);
        last = seconds;
    }
    /* On the CPU a step is done when its call returns, and so is its record. */
    minrnn_step_record record;
    bool there = false;
    CHECK(support_step(trainer, tokens, tokens, NULL, NULL));
    CHECK(minrnn_trainer_record(trainer, false, &record, &there));
    assert_true(there || !is_cpu);
    minrnn_trainer_destroy(trainer);
    minrnn_model_destroy(model);
}

/* With `wait` each step's record is there; without, all of them come in order in the end. */
static void test_records(void **unused) {
    (void)unused;
    const minrnn_model_config config = model_variant(1);
    minrnn_model *model = model_make(device, &config);
    const minrnn_trainer_config training = trainer_config(BATCH, TIME);
    minrnn_trainer *trainer = trainer_make(model, &training);
    struct support_random random = {15};
    int32_t tokens[ROWS], targets[ROWS];
    random_tokens(&random, tokens, ROWS);
    random_tokens(&random, targets, ROWS);
    minrnn_step_record record = {0};
    bool there = true;
    CHECK(minrnn_trainer_record(trainer, true, &record, &there));
    assert_false(there); /* no step was made */
    int64_t taken = 0;
    float last = INFINITY;
    for (int step = 1; step <= 20; step++) {
        CHECK(support_step(trainer, tokens, targets, NULL, NULL));
        assert_int_equal(minrnn_trainer_steps(trainer), step);
        there = true;
        while (there) {
            CHECK(minrnn_trainer_record(trainer, step % 7 == 0, &record, &there));
            if (there) {
                assert_int_equal(record.step, ++taken);
                assert_true(isfinite(record.loss) && record.gradient_norm > 0.0f);
                assert_true(record.rate == training.rate);
                last = record.loss;
            }
        }
        assert_true(step % 7 != 0 || taken == step);
        assert_true(step - taken <= 4);
    }
    while (taken < 20) {
        assert_int_equal(take_record(trainer).step, ++taken);
    }
    CHECK(minrnn_trainer_record(trainer, true, &record, &there));
    assert_false(there);
    assert_true(last < 4.0f);

    /* Of steps whose records nobody took, four are kept, beside those in flight. */
    for (int step = 0; step < 9; step++) {
        CHECK(support_step(trainer, tokens, targets, NULL, NULL));
    }
    int kept = 0;
    int64_t newest = 0;
    do {
        CHECK(minrnn_trainer_record(trainer, true, &record, &there));
        if (there) {
            assert_true(kept == 0 || record.step == newest + 1);
            newest = record.step;
            kept++;
        }
    } while (there);
    assert_int_equal(newest, 29);
    assert_in_range(kept, 4, 6);
    minrnn_trainer_destroy(trainer);
    minrnn_model_destroy(model);
}

static void test_schedule(void **unused) {
    (void)unused;
    const minrnn_model_config config = model_variant(0);
    minrnn_model *model = model_make(device, &config);
    minrnn_trainer_config training = trainer_config(1, 2);
    training.schedule = MINRNN_SCHEDULE_COSINE;
    training.rate = 1e-2f;
    training.min_rate = 1e-3f;
    training.warmup = 4;
    training.steps = 20;
    minrnn_trainer *trainer = trainer_make(model, &training);
    const int32_t tokens[2] = {1, 2};
    float before = 0.0f;
    for (int step = 1; step <= 24; step++) {
        CHECK(support_step(trainer, tokens, tokens, NULL, NULL));
        const float rate = take_record(trainer).rate;
        assert_true(rate <= 1.00001e-2f && rate > 0.0f);
        if (step <= 4) {
            assert_true(rate >= before && fabsf(rate - 2.5e-3f * (float)step) <= 2.6e-3f);
        } else {
            const double progress = fmin(1.0, ((double)step - 4.0) / 16.0);
            const double expected = 1e-3 + 9e-3 * 0.5 * (1.0 + cos(3.14159265358979 * progress));
            assert_true(rate <= before);
            assert_true(fabs((double)rate - expected) <= 1e-3); /* within one step */
        }
        if (step >= 21) {
            assert_true(fabsf(rate - 1e-3f) <= 1e-6f);
        }
        before = rate;
    }
    minrnn_trainer_destroy(trainer);
    minrnn_model_destroy(model);
}

static void test_not_finite(void **unused) {
    (void)unused;
    const minrnn_model_config config = model_variant(0);
    minrnn_model *model = model_make(device, &config);
    const int64_t total = minrnn_model_parameters(model);
    float *parameters = support_alloc((size_t)total, sizeof *parameters);
    CHECK(minrnn_model_read(model, parameters));
    parameters[parameter_named(model, "to_logits.weight").offset] = NAN;
    CHECK(minrnn_model_write(model, parameters));
    const minrnn_trainer_config training = trainer_config(1, 2);
    minrnn_trainer *trainer = trainer_make(model, &training);
    const int32_t tokens[2] = {1, 2};
    minrnn_step_record record;
    bool there;
    CHECK(support_step(trainer, tokens, tokens, NULL, NULL));
    assert_int_equal(minrnn_trainer_record(trainer, true, &record, &there), MINRNN_NOT_FINITE);
    assert_non_null(strstr(minrnn_error_text(), "1")); /* names the step */
    free(parameters);
    minrnn_trainer_destroy(trainer);
    minrnn_model_destroy(model);
}

int main(void) {
    device = support_open_device();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_record_times),
        cmocka_unit_test(test_records),
        cmocka_unit_test(test_schedule),
        cmocka_unit_test(test_not_finite),
    };
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    minrnn_device_destroy(device);
    return failed ? 1 : 0;
}
