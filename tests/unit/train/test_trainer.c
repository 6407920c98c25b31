/* SPDX-License-Identifier: Apache-2.0 */
/* Training: the same bits again, memory, evaluation, that it learns, and what it refuses. */
#include "unit/train/training.h"

static minrnn_device *device;

enum { BATCH = 2, TIME = 12, ROWS = BATCH * TIME };

/* ---- the same again ---- */

/* Ten steps, with dropout and two micro-batches a step; the parameters to be freed. */
static float *train_ten(int variant, uint64_t seed) {
    minrnn_model_config config = model_variant(variant);
    config.dropout = 0.2f;
    minrnn_model *model = model_make(device, &config);
    minrnn_trainer_config training = trainer_config(BATCH, TIME);
    training.accumulation = 2;
    training.seed = seed;
    minrnn_trainer *trainer = trainer_make(model, &training);
    struct support_random random = {11};
    for (int step = 0; step < 10; step++) {
        int32_t tokens[2 * ROWS], targets[2 * ROWS], reset[2 * ROWS] = {0};
        random_tokens(&random, tokens, 2 * ROWS);
        random_tokens(&random, targets, 2 * ROWS);
        reset[5] = 1;
        CHECK(support_step(trainer, tokens, targets, reset, NULL));
    }
    assert_int_equal(minrnn_trainer_steps(trainer), 10);
    float *parameters = support_alloc((size_t)minrnn_model_parameters(model), sizeof *parameters);
    CHECK(minrnn_model_read(model, parameters));
    minrnn_trainer_destroy(trainer);
    minrnn_model_destroy(model);
    return parameters;
}

static void test_same_bits(void **unused) {
    (void)unused;
    for (int v = 0; v < MODEL_VARIANTS; v++) {
        const minrnn_model_config config = model_variant(v);
        minrnn_model *model;
        CHECK(minrnn_model_create(device, &config, 1, &model));
        const size_t bytes = (size_t)minrnn_model_parameters(model) * sizeof(float);
        minrnn_model_destroy(model);
        float *once = train_ten(v, 1), *again = train_ten(v, 1), *other = train_ten(v, 2);
        assert_memory_equal(once, again, bytes);
        assert_memory_not_equal(once, other, bytes); /* the seed draws other dropout */
        free(once);
        free(again);
        free(other);
    }
}

/* ---- memory ---- */

static void expect_bytes(const char *what, int variant, uint64_t bytes, uint64_t expected) {
    if (bytes != expected) {
        fail_msg("variant %d: %s: %llu bytes, foretold %llu", variant, what,
                 (unsigned long long)bytes, (unsigned long long)expected);
    }
}

static void test_memory(void **unused) {
    (void)unused;
    struct support_random random = {16};
    int32_t tokens[2 * ROWS], targets[2 * ROWS], lengths[2 * BATCH] = {TIME, 3, TIME, TIME};
    random_tokens(&random, tokens, 2 * ROWS);
    random_tokens(&random, targets, 2 * ROWS);
    for (int v = 0; v < 2 * MODEL_VARIANTS; v++) {
        minrnn_model_config config = model_variant(v % MODEL_VARIANTS);
        config.dropout = v < MODEL_VARIANTS ? 0.0f : 0.1f;
        minrnn_trainer_config training = trainer_config(BATCH, TIME);
        training.accumulation = v < MODEL_VARIANTS ? 1 : 2;
        const uint64_t base = minrnn_device_allocated(device);
        minrnn_memory memory;
        minrnn_model *model;
        CHECK(minrnn_model_memory(device, &config, BATCH, TIME, true, &memory));
        expect_bytes("planning", v, minrnn_device_allocated(device), base);
        assert_int_equal(memory.total,
                         memory.parameters + memory.gradients + memory.moments + memory.workspace);
        CHECK(minrnn_model_create(device, &config, 1, &model));
        expect_bytes("model", v, minrnn_device_allocated(device) - base, memory.parameters);
        minrnn_trainer *trainer = trainer_make(model, &training);
        expect_bytes("trainer", v, minrnn_device_allocated(device) - base, memory.total);
        for (int step = 0; step < 3; step++) {
            CHECK(support_step(trainer, tokens, targets, tokens, lengths));
            expect_bytes("step", v, minrnn_device_allocated(device) - base, memory.total);
        }
        double loss = 0.0;
        int64_t count = 0;
        CHECK(support_evaluate(trainer, tokens, targets, NULL, &loss, &count));
        expect_bytes("evaluate", v, minrnn_device_allocated(device) - base, memory.total);
        minrnn_trainer_destroy(trainer);
        minrnn_model_destroy(model);
        expect_bytes("left", v, minrnn_device_allocated(device), base);
    }
}

/* ---- evaluation and learning ---- */

/* The loss is what the session's logits give; nothing changes; dropout is off; calls add up. */
static void test_evaluate(void **unused) {
    (void)unused;
    struct support_random random = {17};
    for (int v = 0; v < MODEL_VARIANTS; v++) {
        minrnn_model_config config = model_variant(v);
        config.dropout = 0.5f;
        minrnn_model *model = model_make(device, &config);
        const minrnn_trainer_config training = trainer_config(BATCH, TIME);
        minrnn_trainer *trainer = trainer_make(model, &training);
        int32_t tokens[ROWS], targets[ROWS];
        float logits[ROWS * MODEL_VOCAB];
        random_tokens(&random, tokens, ROWS);
        random_tokens(&random, targets, ROWS);
        targets[0] = targets[ROWS - 1] = -1;
        minrnn_session *session;
        CHECK(minrnn_session_create(model, BATCH, TIME, &session));
        CHECK(minrnn_session_forward(session, TIME, tokens, NULL, logits));
        double expected = 0.0;
        for (int r = 1; r < ROWS - 1; r++) {
            const float *row = logits + r * MODEL_VOCAB;
            double sum = 0.0;
            for (int i = 0; i < MODEL_VOCAB; i++) {
                sum += exp((double)row[i]);
            }
            expected += log(sum) - (double)row[targets[r]];
        }
        const size_t bytes = (size_t)minrnn_model_parameters(model) * sizeof(float);
        float *before = support_alloc(1, bytes), *after = support_alloc(1, bytes);
        CHECK(minrnn_model_read(model, before));
        double sum = 0.0;
        int64_t count = 0;
        CHECK(support_evaluate(trainer, tokens, targets, NULL, &sum, &count));
        assert_int_equal(count, ROWS - 2);
        assert_true(fabs(sum - expected) <= 1e-5 * expected);
        CHECK(support_evaluate(trainer, tokens, targets, NULL, &sum, &count));
        assert_int_equal(count, 2 * (ROWS - 2));
        assert_true(fabs(sum - 2.0 * expected) <= 2e-5 * expected);
        CHECK(minrnn_model_read(model, after));
        assert_memory_equal(before, after, bytes);
        assert_int_equal(minrnn_trainer_steps(trainer), 0);
        free(before);
        free(after);
        minrnn_session_destroy(session);
        minrnn_trainer_destroy(trainer);
        minrnn_model_destroy(model);
    }
}

/* Each variant learns to say what came two tokens before, from nothing to almost never wrong. */
static void test_learns(void **unused) {
    (void)unused;
    enum { SEQUENCES = 8, LENGTH = 24, STEPS = 400, LAG = 2 };
    for (int v = 0; v < MODEL_VARIANTS; v++) {
        const minrnn_model_config config = model_variant(v);
        minrnn_model *model;
        CHECK(minrnn_model_create(device, &config, 3, &model));
        minrnn_trainer_config training = trainer_config(SEQUENCES, LENGTH);
        training.rate = 1e-2f;
        minrnn_trainer *trainer = trainer_make(model, &training);
        struct support_random random = {18};
        minrnn_step_record record = {0};
        float first = 0.0f;
        for (int step = 0; step < STEPS; step++) {
            int32_t tokens[SEQUENCES * LENGTH], targets[SEQUENCES * LENGTH];
            for (int i = 0; i < SEQUENCES * LENGTH; i++) {
                tokens[i] = support_below(&random, 4);
                targets[i] = i % LENGTH < LAG ? -1 : tokens[i - LAG];
            }
            CHECK(support_step(trainer, tokens, targets, NULL, NULL));
            record = take_record(trainer);
            first = step == 0 ? record.loss : first;
        }
        print_message("variant %d: loss %.3f -> %.4f\n", v, (double)first, (double)record.loss);
        assert_true(first > 1.4f && record.loss < 0.35f); /* log 4 = 1.386 is chance */
        minrnn_trainer_destroy(trainer);
        minrnn_model_destroy(model);
    }
}

/* ---- errors ---- */

static void expect_refused(minrnn_model *model, const char *what,
                           const minrnn_trainer_config *config) {
    minrnn_trainer *trainer = NULL;
    const minrnn_status status = minrnn_trainer_create(model, config, &trainer);
    if (status != MINRNN_INVALID_ARGUMENT || trainer || minrnn_error_text()[0] == '\0') {
        fail_msg("%s: %s, \"%s\"", what, minrnn_status_name(status), minrnn_error_text());
    }
}

#define REFUSED(change)                                                                            \
    do {                                                                                           \
        minrnn_trainer_config bad = trainer_config(BATCH, TIME);                                   \
        change;                                                                                    \
        expect_refused(model, #change, &bad);                                                      \
    } while (0)

static void test_refused(void **unused) {
    (void)unused;
    const minrnn_model_config config = model_variant(0);
    minrnn_model *model = model_make(device, &config);
    const uint64_t base = minrnn_device_allocated(device);
    REFUSED(bad.batch = 0);
    REFUSED(bad.time = 0);
    REFUSED(bad.batch = INT64_MAX);
    REFUSED(bad.accumulation = 0);
    REFUSED(bad.steps = -1);
    REFUSED(bad.rate = -1.0f);
    REFUSED(bad.rate = NAN);
    REFUSED(bad.warmup = -1);
    REFUSED(bad.beta1 = 1.0f);
    REFUSED(bad.beta2 = -0.1f);
    REFUSED(bad.epsilon = 0.0f);
    REFUSED(bad.weight_decay = -1.0f);
    REFUSED(bad.clip = -1.0f);
    REFUSED(bad.clip = NAN);
    REFUSED(bad.schedule = (minrnn_schedule)5);
    REFUSED(bad.size = 0);
    assert_int_equal(minrnn_device_allocated(device), base);
    const minrnn_trainer_config good = trainer_config(BATCH, TIME);
    minrnn_trainer *trainer;
    assert_int_equal(minrnn_trainer_create(NULL, &good, &trainer), MINRNN_INVALID_ARGUMENT);
    assert_int_equal(minrnn_trainer_create(model, NULL, &trainer), MINRNN_INVALID_ARGUMENT);
    assert_int_equal(minrnn_trainer_create(model, &good, NULL), MINRNN_INVALID_ARGUMENT);
    minrnn_trainer_destroy(NULL);
    trainer = trainer_make(model, &good);
    int32_t tokens[ROWS] = {0}, targets[ROWS] = {0}, lengths[BATCH] = {TIME + 1, 0};
    assert_int_equal(support_step(trainer, NULL, targets, NULL, NULL), MINRNN_INVALID_ARGUMENT);
    tokens[4] = MODEL_VOCAB;
    assert_int_equal(support_step(trainer, tokens, targets, NULL, NULL), MINRNN_INVALID_ARGUMENT);
    tokens[4] = 0;
    targets[4] = MODEL_VOCAB;
    assert_int_equal(support_step(trainer, tokens, targets, NULL, NULL), MINRNN_INVALID_ARGUMENT);
    targets[4] = 0;
    assert_int_equal(support_step(trainer, tokens, targets, NULL, lengths),
                     MINRNN_INVALID_ARGUMENT);
    assert_int_equal(minrnn_trainer_steps(trainer), 0);
    CHECK(support_step(trainer, tokens, targets, NULL, NULL)); /* still usable */
    take_record(trainer);
    minrnn_trainer_destroy(trainer);
    minrnn_model_destroy(model);
}

int main(void) {
    device = support_open_device();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same_bits), cmocka_unit_test(test_memory),
        cmocka_unit_test(test_evaluate),  cmocka_unit_test(test_learns),
        cmocka_unit_test(test_refused),
    };
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    minrnn_device_destroy(device);
    return failed ? 1 : 0;
}
