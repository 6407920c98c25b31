/* SPDX-License-Identifier: Apache-2.0 */
/* Evaluating several documents at once: each begins as if it were alone. */
#include "unit/files.h"
#include "unit/models.h"

static minrnn_device *device;

enum { BATCH = 2, TIME = 9, ROWS = BATCH * TIME };

struct loss {
    double sum;
    int64_t count;
};

static struct loss evaluate(minrnn_trainer *trainer, const int32_t *tokens, const int32_t *targets,
                            const int32_t *reset) {
    struct loss loss = {0, 0};
    CHECK(support_evaluate(trainer, tokens, targets, reset, &loss.sum, &loss.count));
    return loss;
}

/* The loss of the rows' parts that begin at `begins`, each alone in a batch of its own. */
static struct loss evaluate_apart(minrnn_trainer *trainer, const int32_t *tokens,
                                  const int32_t *targets, const int32_t *begins) {
    struct loss total = {0, 0};
    for (int start = 0; start < ROWS; start++) {
        if (!begins[start] && start % TIME != 0) {
            continue;
        }
        int32_t alone[ROWS] = {0}, alone_targets[ROWS];
        memset(alone_targets, -1, sizeof alone_targets);
        for (int i = start; i < ROWS && i / TIME == start / TIME && (i == start || !begins[i]);
             i++) {
            alone[i - start] = tokens[i];
            alone_targets[i - start] = targets[i];
        }
        const struct loss loss = evaluate(trainer, alone, alone_targets, NULL);
        total.sum += loss.sum;
        total.count += loss.count;
    }
    return total;
}

static void test_documents_are_evaluated_apart(void **state) {
    (void)state;
    struct support_random random = {5};
    for (int variant = 0; variant < MODEL_VARIANTS; variant++) {
        const minrnn_model_config config = model_variant(variant);
        minrnn_model *model = model_make(device, &config);
        minrnn_trainer_config training;
        minrnn_trainer *trainer;
        minrnn_trainer_config_defaults(&training);
        training.batch = BATCH;
        training.time = TIME;
        CHECK(minrnn_trainer_create(model, &training, &trainer));
        int32_t tokens[ROWS], targets[ROWS];
        const int32_t none[ROWS] = {0};
        const int32_t begins[ROWS] = {1, 0, 0, 1, 0, 1, 1, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1};
        random_tokens(&random, tokens, ROWS);
        random_tokens(&random, targets, ROWS);
        targets[2] = targets[4] = targets[12] = -1;
        const struct loss plain = evaluate(trainer, tokens, targets, NULL);
        const struct loss apart = evaluate_apart(trainer, tokens, targets, begins);
        const struct loss reset = evaluate(trainer, tokens, targets, begins);
        assert_int_equal(reset.count, ROWS - 3);
        assert_int_equal(apart.count, ROWS - 3);
        if (!(fabs(reset.sum - apart.sum) <= 1e-5 * fabs(apart.sum)) ||
            !(fabs(reset.sum - plain.sum) >= 1e-3 * fabs(plain.sum))) {
            fail_msg("variant %d: %.7g with resets, %.7g apart, %.7g without", variant, reset.sum,
                     apart.sum, plain.sum);
        }
        /* The resets of one call are not those of the next. */
        assert_true(evaluate(trainer, tokens, targets, NULL).sum == plain.sum);
        const struct loss unset = evaluate(trainer, tokens, targets, none);
        assert_true(fabs(unset.sum - plain.sum) <= 1e-5 * fabs(plain.sum));
        minrnn_trainer_destroy(trainer);
        minrnn_model_destroy(model);
    }
}

/* What a session's logits say of a batch. */
static minrnn_score score_by_hand(const minrnn_model *model, const int32_t *tokens,
                                  const int32_t *targets) {
    minrnn_session *session;
    minrnn_score score;
    float logits[ROWS * MODEL_VOCAB];
    minrnn_score_defaults(&score);
    CHECK(minrnn_session_create(model, BATCH, TIME, &session));
    CHECK(minrnn_session_forward(session, TIME, tokens, NULL, logits));
    for (int row = 0; row < ROWS; row++) {
        const float *x = logits + row * MODEL_VOCAB;
        double sum = 0;
        bool is_largest = true;
        for (int i = 0; i < MODEL_VOCAB && targets[row] >= 0; i++) {
            sum += exp((double)x[i]);
            is_largest = is_largest && x[i] <= x[targets[row]];
        }
        if (targets[row] >= 0) {
            score.loss_sum += log(sum) - (double)x[targets[row]];
            score.correct += is_largest;
            score.targets++;
        }
    }
    minrnn_session_destroy(session);
    return score;
}

static void expect_score(const minrnn_score *score, const minrnn_score *by_hand, int times) {
    assert_true(fabs(score->loss_sum - times * by_hand->loss_sum) <= 1e-5 * score->loss_sum);
    assert_int_equal(score->targets, times * by_hand->targets);
    assert_int_equal(score->correct, times * by_hand->correct);
}

/* Of an evaluator and of trainers whose head runs everywhere, and at the targets; calls add up. */
static void test_score(void **state) {
    (void)state;
    struct support_random random = {6};
    for (int variant = 0; variant < MODEL_VARIANTS; variant++) {
        const minrnn_model_config config = model_variant(variant);
        minrnn_model *model = model_make(device, &config);
        int32_t tokens[ROWS], targets[ROWS];
        random_tokens(&random, tokens, ROWS);
        random_tokens(&random, targets, ROWS);
        for (int i = 0; i < ROWS; i += 2) {
            targets[i] = -1;
        }
        const minrnn_score by_hand = score_by_hand(model, tokens, targets);
        minrnn_batch batch;
        minrnn_batch_defaults(&batch);
        batch.batch = BATCH;
        batch.time = TIME;
        batch.tokens = tokens;
        batch.targets = targets;
        minrnn_evaluator *evaluator;
        minrnn_score score;
        CHECK(minrnn_evaluator_create(model, BATCH, TIME, &evaluator));
        minrnn_score_defaults(&score);
        for (int times = 1; times < 3; times++) {
            CHECK(minrnn_evaluator_score(evaluator, &batch, &score));
            expect_score(&score, &by_hand, times);
        }
        minrnn_evaluator_destroy(evaluator);
        for (int64_t most = 0; most <= TIME / 2 + 1; most += TIME / 2 + 1) {
            minrnn_trainer_config training;
            minrnn_trainer *trainer;
            minrnn_trainer_config_defaults(&training);
            training.batch = BATCH;
            training.time = TIME;
            training.targets = most;
            CHECK(minrnn_trainer_create(model, &training, &trainer));
            minrnn_score_defaults(&score);
            CHECK(minrnn_trainer_score(trainer, &batch, &score));
            expect_score(&score, &by_hand, 1);
            score.size = 0;
            expect_failure(minrnn_trainer_score(trainer, &batch, &score), MINRNN_INVALID_ARGUMENT,
                           "minrnn_score_defaults sets it");
            minrnn_trainer_destroy(trainer);
        }
        minrnn_model_destroy(model);
    }
}

int main(void) {
    device = support_open_device();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_documents_are_evaluated_apart),
        cmocka_unit_test(test_score),
    };
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    minrnn_device_destroy(device);
    return failed ? 1 : 0;
}
