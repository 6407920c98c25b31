/* SPDX-License-Identifier: Apache-2.0 */
/* Parameters with a learning rate of their own: a factor on the run's, a cap. */
#include "train/trainer.h" /* before cmocka, which has a macro of its fail's name */
#include "unit/models.h"

enum { BATCH = 2, TIME = 6, STEPS = 3 };

/* Parameters after a few steps at a rate, all stretches of them having this factor and cap. */
static float *trained(float rate, float factor, float cap, int64_t *count) {
    minrnn_device *device;
    minrnn_model *model;
    minrnn_trainer *trainer;
    minrnn_trainer_config config;
    const minrnn_model_config model_config = model_variant(1);
    CHECK(minrnn_device_open("cpu", &device));
    CHECK(minrnn_model_create(device, &model_config, 1, &model));
    minrnn_trainer_config_defaults(&config);
    config.batch = BATCH;
    config.time = TIME;
    config.rate = rate;
    config.weight_decay = 0.0f; /* it is scaled by the rate too */
    CHECK(minrnn_trainer_create(model, &config, &trainer));
    struct parameter_places *places = &model->layout.places;
    for (int i = 0; i < places->stretch_count; i++) {
        places->stretches[i].rate_factor = factor;
        places->stretches[i].rate_cap = cap;
    }
    int32_t tokens[BATCH * TIME];
    for (int i = 0; i < BATCH * TIME; i++) {
        tokens[i] = i * 5 % MODEL_VOCAB;
    }
    for (int step = 0; step < STEPS; step++) {
        CHECK(support_step(trainer, tokens, tokens, NULL, NULL));
    }
    *count = minrnn_model_parameters(model);
    float *values = support_alloc((size_t)*count, sizeof *values);
    CHECK(minrnn_model_read(model, values));
    minrnn_trainer_destroy(trainer);
    minrnn_model_destroy(model);
    minrnn_device_destroy(device);
    return values;
}

static bool alike(float *a, float *b, int64_t count) {
    const bool same = memcmp(a, b, (size_t)count * sizeof *a) == 0;
    free(b);
    return same;
}

static void test_rates(void **unused) {
    (void)unused;
    int64_t count;
    float *twice = trained(0.02f, 0.0f, 0.0f, &count);
    assert_false(alike(twice, trained(0.01f, 0.0f, 0.0f, &count), count));
    assert_true(alike(twice, trained(0.01f, 2.0f, 0.0f, &count), count));
    assert_true(alike(twice, trained(0.5f, 0.0f, 0.02f, &count), count));
    assert_true(alike(twice, trained(0.5f, 2.0f, 0.02f, &count), count));
    assert_true(alike(twice, trained(0.02f, 1.0f, 0.5f, &count), count));
    free(twice);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_rates)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
