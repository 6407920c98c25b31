/* SPDX-License-Identifier: Apache-2.0 */
/* The preset shakespeare on a device that allows small buffers only: its plan keeps to them, and
 * its steps compute the same. */
#include "checkop/rules.h"
#include "op/device.h"
#include "support.h"

static minrnn_device *device;

enum { VOCAB = 65, BATCH = 4, TIME = 256, ROWS = BATCH * TIME, MIB = 1 << 20 };

static void preset(minrnn_model_config *model, minrnn_trainer_config *training) {
    minrnn_model_config_defaults(model);
    minrnn_trainer_config_defaults(training);
    CHECK(minrnn_preset("shakespeare", model, training, NULL, NULL));
    model->vocab = VOCAB;
}

/* At its own batch, buffers of 256 MiB hold a workspace of more than 1 GiB. */
static void test_plan(void **unused) {
    (void)unused;
    const uint64_t own = device->largest;
    minrnn_model_config config;
    minrnn_trainer_config training;
    minrnn_memory whole, cut;
    preset(&config, &training);
    CHECK(minrnn_trainer_memory(device, &config, &training, &whole));
    assert_true(rules_force(device, "alloc=256M"));
    assert_int_equal(device->largest, 256 * MIB);
    CHECK(minrnn_trainer_memory(device, &config, &training, &cut));
    device->largest = own;
    assert_true(whole.largest > 256 * MIB);
    assert_true(cut.largest <= 256 * MIB);
    assert_true(cut.workspace >= whole.workspace && cut.workspace > 1024ull * MIB);
    assert_false(rules_force(device, "alloc=") || rules_force(device, "alloc=3K") ||
                 rules_force(device, "alloc=M") || rules_force(device, "alloc=99999999999G"));
    device->largest = own;
}

struct losses {
    float of_step, norm;
    double evaluated;
    uint64_t largest;
};

/* A step at a smaller batch, and an evaluation of what it made. */
static struct losses train(void) {
    static int32_t tokens[ROWS];
    struct support_random random = {1};
    struct losses losses = {0};
    minrnn_model_config config;
    minrnn_trainer_config training;
    minrnn_memory memory;
    minrnn_model *model;
    minrnn_trainer *trainer;
    minrnn_step_record record;
    bool there = false;
    int64_t count = 0;
    preset(&config, &training);
    training.batch = BATCH;
    CHECK(minrnn_trainer_memory(device, &config, &training, &memory));
    CHECK(minrnn_model_create(device, &config, 1, &model));
    CHECK(minrnn_trainer_create(model, &training, &trainer));
    for (int i = 0; i < ROWS; i++) {
        tokens[i] = support_below(&random, VOCAB);
    }
    CHECK(support_step(trainer, tokens, tokens, NULL, NULL));
    CHECK(minrnn_trainer_record(trainer, true, &record, &there));
    assert_true(there);
    CHECK(support_evaluate(trainer, tokens, tokens, NULL, &losses.evaluated, &count));
    losses.of_step = record.loss;
    losses.norm = record.gradient_norm;
    losses.largest = memory.largest;
    minrnn_trainer_destroy(trainer);
    minrnn_model_destroy(model);
    return losses;
}

/* The moments have 47 MiB, so that much must be allowed. */
static void test_step(void **unused) {
    (void)unused;
    const uint64_t own = device->largest;
    const struct losses whole = train();
    assert_true(rules_force(device, "alloc=48M"));
    const struct losses cut = train();
    device->largest = own;
    assert_true(whole.largest > 48 * MIB && cut.largest <= 48 * MIB);
    assert_true(isfinite(whole.of_step) && whole.norm > 0.0f);
    assert_true(whole.of_step == cut.of_step && whole.norm == cut.norm);
    assert_true(whole.evaluated == cut.evaluated);
}

int main(void) {
    device = support_open_device();
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_plan), cmocka_unit_test(test_step)};
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    minrnn_device_destroy(device);
    return failed ? 1 : 0;
}
