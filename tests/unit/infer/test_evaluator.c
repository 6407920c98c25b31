/* SPDX-License-Identifier: Apache-2.0 */
/* Evaluation in memory of its own: the losses of a trainer's, memory known beforehand, documents
 * and lengths, errors. */
#include "unit/models.h"

enum { BATCH = 3, TIME = 7, ROWS = BATCH * TIME };

static minrnn_device *device;

static minrnn_batch batch_of(const int32_t *tokens, const int32_t *targets) {
    minrnn_batch batch;
    minrnn_batch_defaults(&batch);
    batch.batch = BATCH;
    batch.time = TIME;
    batch.tokens = tokens;
    batch.targets = targets;
    return batch;
}

static void draw(int32_t *tokens, int32_t *targets) {
    struct support_random random = {5};
    random_tokens(&random, tokens, ROWS);
    random_tokens(&random, targets, ROWS);
    targets[3] = -1;
}

static minrnn_evaluator *evaluator_make(const minrnn_model *model) {
    minrnn_evaluator *evaluator;
    CHECK(minrnn_evaluator_create(model, BATCH, TIME, &evaluator));
    return evaluator;
}

/* Two calls add up to twice what the trainer says. */
static void test_as_a_trainer(void **unused) {
    (void)unused;
    int32_t tokens[ROWS], targets[ROWS];
    draw(tokens, targets);
    for (int v = 0; v < MODEL_VARIANTS; v++) {
        const minrnn_model_config config = model_variant(v);
        minrnn_model *model = model_make(device, &config);
        minrnn_trainer_config training;
        minrnn_trainer_config_defaults(&training);
        training.batch = BATCH;
        training.time = TIME;
        minrnn_trainer *trainer;
        CHECK(minrnn_trainer_create(model, &training, &trainer));
        double expected = 0, sum = 0;
        int64_t expected_count = 0, count = 0;
        CHECK(support_evaluate(trainer, tokens, targets, NULL, &expected, &expected_count));
        minrnn_evaluator *evaluator = evaluator_make(model);
        const minrnn_batch batch = batch_of(tokens, targets);
        CHECK(minrnn_evaluate(evaluator, &batch, &sum, &count));
        CHECK(minrnn_evaluate(evaluator, &batch, &sum, &count));
        assert_int_equal(expected_count, ROWS - 1);
        assert_int_equal(count, 2 * expected_count);
        assert_true(sum == 2 * expected);
        minrnn_evaluator_destroy(evaluator);
        minrnn_trainer_destroy(trainer);
        minrnn_model_destroy(model);
    }
}

/* What is foretold is what is taken, and no more later; a trainer takes several times as much. */
static void test_memory(void **unused) {
    (void)unused;
    int32_t tokens[ROWS], targets[ROWS];
    draw(tokens, targets);
    const minrnn_batch batch = batch_of(tokens, targets);
    for (int v = 0; v < MODEL_VARIANTS; v++) {
        const minrnn_model_config config = model_variant(v);
        const uint64_t before = minrnn_device_allocated(device);
        minrnn_memory memory, training;
        CHECK(minrnn_evaluator_memory(device, &config, BATCH, TIME, &memory));
        CHECK(minrnn_model_memory(device, &config, BATCH, TIME, true, &training));
        assert_int_equal(minrnn_device_allocated(device), before);
        assert_int_equal(memory.gradients + memory.moments, 0);
        assert_int_equal(memory.total, memory.parameters + memory.workspace);
        assert_true(memory.workspace < training.workspace);
        minrnn_model *model = model_make(device, &config);
        minrnn_evaluator *evaluator = evaluator_make(model);
        assert_int_equal(minrnn_device_allocated(device) - before, memory.total);
        double sum = 0;
        int64_t count = 0;
        CHECK(minrnn_evaluate(evaluator, &batch, &sum, &count));
        assert_int_equal(minrnn_device_allocated(device) - before, memory.total);
        minrnn_evaluator_destroy(evaluator);
        minrnn_model_destroy(model);
        assert_int_equal(minrnn_device_allocated(device), before);
    }
}

static double loss_of(minrnn_evaluator *evaluator, const minrnn_batch *batch) {
    double sum = 0;
    int64_t count = 0;
    CHECK(minrnn_evaluate(evaluator, batch, &sum, &count));
    return sum / (double)count;
}

/* A document does not see the one before it; what is past a length does not matter. */
static void test_resets_and_lengths(void **unused) {
    (void)unused;
    int32_t tokens[ROWS], targets[ROWS], reset[ROWS] = {0}, lengths[BATCH] = {TIME, 4, 0};
    draw(tokens, targets);
    const minrnn_model_config config = model_variant(1);
    minrnn_model *model = model_make(device, &config);
    minrnn_evaluator *evaluator = evaluator_make(model);
    minrnn_batch batch = batch_of(tokens, targets);
    const double whole = loss_of(evaluator, &batch);
    batch.reset = reset;
    assert_true(loss_of(evaluator, &batch) == whole);
    for (int b = 0; b < BATCH; b++) {
        reset[b * TIME + 3] = 1;
        for (int t = 0; t < 3; t++) {
            targets[b * TIME + t] = -1;
        }
    }
    const double cut = loss_of(evaluator, &batch);
    assert_true(cut != whole);
    tokens[1] = (tokens[1] + 1) % MODEL_VOCAB;
    assert_true(loss_of(evaluator, &batch) == cut);
    batch.reset = NULL;
    assert_true(loss_of(evaluator, &batch) != cut);
    for (int b = 0; b < BATCH; b++) {
        for (int t = lengths[b]; t < TIME; t++) {
            targets[b * TIME + t] = -1;
        }
    }
    const double all = loss_of(evaluator, &batch);
    batch.lengths = lengths;
    assert_true(fabs(loss_of(evaluator, &batch) - all) < 1e-6); /* the future is not seen */
    minrnn_evaluator_destroy(evaluator);
    minrnn_model_destroy(model);
}

#define REFUSED(call) assert_int_equal((call), MINRNN_INVALID_ARGUMENT)

static void test_errors(void **unused) {
    (void)unused;
    int32_t tokens[ROWS], targets[ROWS], lengths[BATCH] = {0, TIME + 1, 0};
    draw(tokens, targets);
    const minrnn_model_config config = model_variant(0);
    minrnn_model *model = model_make(device, &config);
    minrnn_evaluator *evaluator = NULL;
    minrnn_memory memory;
    REFUSED(minrnn_evaluator_create(NULL, 1, 1, &evaluator));
    REFUSED(minrnn_evaluator_create(model, 0, 1, &evaluator));
    REFUSED(minrnn_evaluator_create(model, 1, 0, &evaluator));
    REFUSED(minrnn_evaluator_create(model, INT32_MAX, 2, &evaluator));
    assert_null(evaluator);
    REFUSED(minrnn_evaluator_create(model, 1, 1, NULL));
    REFUSED(minrnn_evaluator_memory(NULL, &config, 1, 1, &memory));
    REFUSED(minrnn_evaluator_memory(device, NULL, 1, 1, &memory));
    REFUSED(minrnn_evaluator_memory(device, &config, 1, 1, NULL));
    REFUSED(minrnn_evaluator_memory(device, &config, 1, 0, &memory));
    minrnn_evaluator_destroy(NULL);
    evaluator = evaluator_make(model);
    minrnn_batch batch = batch_of(tokens, targets);
    double sum = 0;
    int64_t count = 0;
    REFUSED(minrnn_evaluate(NULL, &batch, &sum, &count));
    REFUSED(minrnn_evaluate(evaluator, NULL, &sum, &count));
    REFUSED(minrnn_evaluate(evaluator, &batch, NULL, &count));
    REFUSED(minrnn_evaluate(evaluator, &batch, &sum, NULL));
    batch.lengths = lengths;
    REFUSED(minrnn_evaluate(evaluator, &batch, &sum, &count));
    batch.lengths = NULL;
    tokens[ROWS - 1] = MODEL_VOCAB;
    REFUSED(minrnn_evaluate(evaluator, &batch, &sum, &count));
    assert_true(sum == 0 && count == 0);
    tokens[ROWS - 1] = 0;
    CHECK(minrnn_evaluate(evaluator, &batch, &sum, &count));
    float *parameters = support_alloc((size_t)minrnn_model_parameters(model), sizeof *parameters);
    CHECK(minrnn_model_read(model, parameters));
    parameters[0] = NAN;
    CHECK(minrnn_model_write(model, parameters));
    tokens[0] = 0;
    const double before = sum;
    assert_int_equal(minrnn_evaluate(evaluator, &batch, &sum, &count), MINRNN_NOT_FINITE);
    assert_true(sum == before && count == ROWS - 1);
    free(parameters);
    minrnn_evaluator_destroy(evaluator);
    minrnn_model_destroy(model);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_as_a_trainer),
        cmocka_unit_test(test_memory),
        cmocka_unit_test(test_resets_and_lengths),
        cmocka_unit_test(test_errors),
    };
    device = support_open_device();
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    minrnn_device_destroy(device);
    return failed;
}
