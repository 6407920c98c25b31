/* SPDX-License-Identifier: Apache-2.0 */
/* Which evaluation was best, when a run has enough, and that a resumed run knows both. */
#include "cli/best.h"
#include "support.h"

static bool note(struct best *best, double loss, double accuracy, int64_t step) {
    const struct evaluation evaluation = {.loss = loss, .accuracy = accuracy, .targets = 1};
    return best_note(best, &evaluation, step);
}

static void test_by_loss(void **unused) {
    (void)unused;
    struct best best = {.measure = MINRNN_MEASURE_LOSS, .step = -1};
    assert_true(note(&best, 2, 0.1, 10));
    assert_false(note(&best, 2, 0.9, 20)); /* as good is not better */
    assert_true(note(&best, 1, 0.1, 30));
    assert_false(note(&best, 1.5, 0.1, 40));
    assert_true(best.value == 1);
    assert_int_equal(best.step, 30);
    assert_false(best_is_enough(&best)); /* nothing was asked for */
}

static void test_by_accuracy(void **unused) {
    (void)unused;
    struct best best = {.measure = MINRNN_MEASURE_ACCURACY, .step = -1};
    assert_true(note(&best, 1, 0.2, 10));
    assert_false(note(&best, 0.5, 0.2, 20));
    assert_true(note(&best, 2, 0.3, 30));
    assert_true(best.value == 0.3);
    assert_int_equal(best.step, 30);
}

/* Two in a row: one alone, and two with a worse one between them, are not enough. */
static void test_enough(void **unused) {
    (void)unused;
    struct best best = {.measure = MINRNN_MEASURE_ACCURACY, .enough = 0.75f, .step = -1};
    const struct {
        double accuracy;
        bool enough;
    } evaluations[] = {{0.9, false}, {0.5, false}, {0.75, false}, {0.75, true}, {0.7, false}};
    for (size_t i = 0; i < sizeof evaluations / sizeof *evaluations; i++) {
        (void)note(&best, 1, evaluations[i].accuracy, (int64_t)i);
        assert_int_equal(best_is_enough(&best), evaluations[i].enough);
    }
}

/* To the last bit; and a model that says nothing, or something else, changes nothing. */
static void test_kept_in_model(void **unused) {
    (void)unused;
    minrnn_device *device;
    minrnn_model_config config;
    minrnn_model *model;
    CHECK(minrnn_device_open("cpu", &device));
    minrnn_model_config_defaults(&config);
    config.vocab = 4;
    config.width = 4;
    CHECK(minrnn_model_create(device, &config, 1, &model));
    const struct best fresh = {.measure = MINRNN_MEASURE_ACCURACY, .enough = 0.5f, .step = -1};
    struct best best = fresh, read = fresh;
    best_restore(&read, model);
    assert_memory_equal(&read, &fresh, sizeof read);
    (void)note(&best, 1, 2.0 / 3, 70);
    CHECK(best_keep(&best, model));
    best_restore(&read, model);
    assert_true(read.value == 2.0 / 3 && read.step == 70 && read.held == 1);
    (void)note(&read, 1, 0.6, 80);
    assert_true(best_is_enough(&read));
    CHECK(minrnn_model_set_metadata(model, "best_evaluation", "the third"));
    read = fresh;
    best_restore(&read, model);
    assert_memory_equal(&read, &fresh, sizeof read);
    minrnn_model_destroy(model);
    minrnn_device_destroy(device);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_by_loss),
        cmocka_unit_test(test_by_accuracy),
        cmocka_unit_test(test_enough),
        cmocka_unit_test(test_kept_in_model),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
