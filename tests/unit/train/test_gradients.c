/* SPDX-License-Identifier: Apache-2.0 */
/* Gradients of a step: micro-batches, documents, lengths and dropout. */
#include "unit/files.h"
#include "unit/train/training.h"

static minrnn_device *device;

enum { BATCH = 2, TIME = 12, ROWS = BATCH * TIME };

/* One step of a fresh trainer: its gradients (to be freed) and its loss. */
static float *gradients_of(minrnn_model *model, const minrnn_trainer_config *config,
                           const int32_t *tokens, const int32_t *targets, const int32_t *reset,
                           const int32_t *lengths, float *loss) {
    const int64_t total = minrnn_model_parameters(model);
    float *before = support_alloc((size_t)total, sizeof *before);
    float *gradients = support_alloc((size_t)total, sizeof *gradients);
    CHECK(minrnn_model_read(model, before));
    minrnn_trainer *trainer = trainer_make(model, config);
    CHECK(support_step(trainer, tokens, targets, reset, lengths));
    CHECK(minrnn_trainer_read_gradients(trainer, gradients));
    *loss = take_record(trainer).loss;
    minrnn_trainer_destroy(trainer);
    CHECK(minrnn_model_write(model, before));
    free(before);
    return gradients;
}

/* ---- what a step takes in ---- */

/* Two micro-batches make the step that one of twice the size makes. */
static void test_accumulation(void **unused) {
    (void)unused;
    struct support_random random = {12};
    for (int v = 0; v < MODEL_VARIANTS; v++) {
        const minrnn_model_config config = model_variant(v);
        int32_t tokens[2 * ROWS], targets[2 * ROWS];
        random_tokens(&random, tokens, 2 * ROWS);
        random_tokens(&random, targets, 2 * ROWS);
        /* Ignored targets, more in one half: the mean is over those of the whole step. */
        for (int i = 3; i < 9; i++) {
            targets[i] = -1;
        }
        minrnn_model *model = model_make(device, &config);
        const int64_t total = minrnn_model_parameters(model);
        minrnn_trainer_config halves = trainer_config(BATCH, TIME);
        const minrnn_trainer_config whole = trainer_config(2 * BATCH, TIME);
        halves.accumulation = 2;
        float loss_a, loss_b;
        float *a = gradients_of(model, &halves, tokens, targets, NULL, NULL, &loss_a);
        float *b = gradients_of(model, &whole, tokens, targets, NULL, NULL, &loss_b);
        expect_close("accumulated gradient", v, a, b, total, 1e-5);
        expect_close("accumulated loss", v, &loss_a, &loss_b, 1, 1e-5);
        free(a);
        free(b);
        minrnn_model_destroy(model);
    }
}

/* Where the head runs at the targets alone, loss and gradients are what they are if it runs
 * everywhere: of sequences with as many targets as may be, fewer, and none. */
static void test_head_at_targets(void **unused) {
    (void)unused;
    enum { MOST = 5 };
    struct support_random random = {21};
    for (int v = 0; v < MODEL_VARIANTS; v++) {
        const minrnn_model_config config = model_variant(v);
        minrnn_model *model = model_make(device, &config);
        const int64_t total = minrnn_model_parameters(model);
        minrnn_trainer_config everywhere = trainer_config(BATCH, TIME);
        everywhere.accumulation = 2;
        minrnn_trainer_config there = everywhere;
        there.targets = MOST;
        int32_t tokens[2 * ROWS], targets[2 * ROWS];
        random_tokens(&random, tokens, 2 * ROWS);
        random_tokens(&random, targets, 2 * ROWS);
        for (int i = 0; i < 2 * ROWS; i++) {
            const int sequence = i / TIME, t = i % TIME;
            const bool has = sequence == 0 ? t % 2 == 1 && t < 2 * MOST : sequence == 2 && t == 7;
            targets[i] = has ? targets[i] : -1;
        }
        float loss_a, loss_b;
        float *a = gradients_of(model, &there, tokens, targets, NULL, NULL, &loss_a);
        float *b = gradients_of(model, &everywhere, tokens, targets, NULL, NULL, &loss_b);
        expect_close("gradient with the head at targets", v, a, b, total, 1e-5);
        expect_close("loss with the head at targets", v, &loss_a, &loss_b, 1, 1e-5);
        free(a);
        free(b);
        minrnn_trainer *trainer = trainer_make(model, &there);
        for (int i = 0; i < TIME; i++) {
            targets[3 * TIME + i] = i <= MOST ? 1 : -1;
        }
        expect_failure(support_step(trainer, tokens, targets, NULL, NULL), MINRNN_INVALID_ARGUMENT,
                       "sequence number 3 has 6 targets, the trainer's setting allows 5");
        minrnn_trainer_destroy(trainer);
        minrnn_model_destroy(model);
    }
}

/* The gradient of document B's loss is that of B alone, whatever stands before it. */
static void test_documents(void **unused) {
    (void)unused;
    enum { START = 5, LENGTH = TIME - START };
    struct support_random random = {13};
    for (int v = 0; v < MODEL_VARIANTS; v++) {
        const minrnn_model_config config = model_variant(v);
        minrnn_model *model = model_make(device, &config);
        const int64_t total = minrnn_model_parameters(model);
        int32_t tokens[TIME], targets[TIME], reset[TIME] = {0};
        for (int t = 0; t < TIME; t++) { /* A has tokens 0 to 4, B the others */
            tokens[t] = t < START ? support_below(&random, 5) : 5 + support_below(&random, 8);
            targets[t] = t < START ? -1 : support_below(&random, MODEL_VOCAB);
        }
        reset[START] = 1;
        const minrnn_trainer_config packed = trainer_config(1, TIME);
        const minrnn_trainer_config alone = trainer_config(1, LENGTH);
        float loss_a, loss_b, loss_c;
        float *a = gradients_of(model, &packed, tokens, targets, reset, NULL, &loss_a);
        float *b =
            gradients_of(model, &alone, tokens + START, targets + START, NULL, NULL, &loss_b);
        for (int t = 0; t < START; t++) {
            tokens[t] = (tokens[t] + 1) % 5;
        }
        float *c = gradients_of(model, &packed, tokens, targets, reset, NULL, &loss_c);
        expect_close("gradient of a packed document", v, a, b, total, 1e-5);
        expect_close("loss of a packed document", v, &loss_a, &loss_b, 1, 1e-5);
        assert_memory_equal(&loss_a, &loss_c, sizeof loss_a);
        expect_close("gradient after another document", v, a, c, total, 1e-6);
        const minrnn_parameter_info embedding = parameter_named(model, "token_emb.weight");
        for (int64_t i = 0; i < 5 * config.width; i++) {
            assert_true(a[embedding.offset + i] == 0.0f);
        }
        free(a);
        free(b);
        free(c);
        minrnn_model_destroy(model);
    }
}

/* What stands past a length, with no target there, is as good as not there. */
static void test_lengths(void **unused) {
    (void)unused;
    enum { SHORT = 7 };
    static const int32_t lengths[BATCH] = {SHORT, TIME};
    struct support_random random = {14};
    for (int v = 0; v < MODEL_VARIANTS; v++) {
        const minrnn_model_config config = model_variant(v);
        minrnn_model *model = model_make(device, &config);
        const int64_t total = minrnn_model_parameters(model);
        const minrnn_trainer_config training = trainer_config(BATCH, TIME);
        int32_t tokens[ROWS], targets[ROWS];
        random_tokens(&random, tokens, ROWS);
        random_tokens(&random, targets, ROWS);
        for (int t = SHORT; t < TIME; t++) {
            targets[t] = -1;
        }
        float loss_a, loss_b, loss_c;
        float *a = gradients_of(model, &training, tokens, targets, NULL, NULL, &loss_a);
        float *b = gradients_of(model, &training, tokens, targets, NULL, lengths, &loss_b);
        for (int t = SHORT; t < TIME; t++) {
            tokens[t] = (tokens[t] + 3) % MODEL_VOCAB;
        }
        float *c = gradients_of(model, &training, tokens, targets, NULL, lengths, &loss_c);
        expect_close("gradient with lengths", v, b, a, total, 1e-5);
        expect_close("gradient with other padding", v, c, b, total, 1e-6);
        expect_close("loss with lengths", v, &loss_b, &loss_a, 1, 1e-6);
        assert_memory_equal(&loss_b, &loss_c, sizeof loss_b);
        free(a);
        free(b);
        free(c);
        minrnn_model_destroy(model);
    }
}

/* ---- dropout ---- */

/* A step that changes nothing, so that only dropout tells one from the next. */
static minrnn_trainer_config still_config(int64_t accumulation) {
    minrnn_trainer_config config = trainer_config(BATCH, TIME);
    config.rate = 0.0f;
    config.clip = 0.0f;
    config.accumulation = accumulation;
    return config;
}

/* Every micro-batch draws its own masks: two in one step are the first two steps of one each. */
static void test_dropout_masks(void **unused) {
    (void)unused;
    enum { STEPS = 6 };
    minrnn_model_config config = model_variant(1);
    config.dropout = 0.3f;
    minrnn_model *model = model_make(device, &config);
    struct support_random random = {19};
    int32_t tokens[2 * ROWS], targets[2 * ROWS];
    random_tokens(&random, tokens, ROWS);
    random_tokens(&random, targets, ROWS);
    memcpy(tokens + ROWS, tokens, ROWS * sizeof *tokens);
    memcpy(targets + ROWS, targets, ROWS * sizeof *targets);
    float losses[STEPS];
    for (int64_t accumulation = 1; accumulation <= 2; accumulation++) {
        const minrnn_trainer_config training = still_config(accumulation);
        minrnn_trainer *trainer = trainer_make(model, &training);
        for (int step = 0; step < STEPS / accumulation; step++) {
            CHECK(support_step(trainer, tokens, targets, NULL, NULL));
            const float loss = take_record(trainer).loss;
            if (accumulation == 2) {
                const float both = 0.5f * (losses[2 * step] + losses[2 * step + 1]);
                expect_close("loss of two micro-batches", 1, &loss, &both, 1, 1e-6);
                continue;
            }
            losses[step] = loss;
            for (int earlier = 0; earlier < step; earlier++) {
                assert_true(fabsf(losses[earlier] - loss) > 1e-4f);
            }
        }
        minrnn_trainer_destroy(trainer);
    }
    minrnn_model_destroy(model);
}

static float loss_at(minrnn_model *model, const float *parameters, const int32_t *tokens,
                     const int32_t *targets) {
    const minrnn_trainer_config training = still_config(1);
    float loss;
    CHECK(minrnn_model_write(model, parameters));
    free(gradients_of(model, &training, tokens, targets, NULL, NULL, &loss));
    return loss;
}

/* The slope of the loss along its gradient is the gradient's norm, masks being the same: backward
 * drops what forward dropped. */
static void test_dropout_gradient(void **unused) {
    (void)unused;
    struct support_random random = {20};
    for (int v = 0; v < MODEL_VARIANTS; v++) {
        minrnn_model_config config = model_variant(v);
        config.dropout = 0.3f;
        minrnn_model *model = model_make(device, &config);
        const int64_t total = minrnn_model_parameters(model);
        int32_t tokens[ROWS], targets[ROWS];
        random_tokens(&random, tokens, ROWS);
        random_tokens(&random, targets, ROWS);
        float *start = support_alloc((size_t)total, sizeof *start);
        float *moved = support_alloc((size_t)total, sizeof *moved);
        CHECK(minrnn_model_read(model, start));
        const minrnn_trainer_config training = still_config(1);
        float loss, ends[2];
        float *gradient = gradients_of(model, &training, tokens, targets, NULL, NULL, &loss);
        double norm = 0.0;
        for (int64_t i = 0; i < total; i++) {
            norm += (double)gradient[i] * (double)gradient[i];
        }
        norm = sqrt(norm);
        const double step = 1e-2;
        for (int side = 0; side < 2; side++) {
            const double scale = (side ? step : -step) / norm;
            for (int64_t i = 0; i < total; i++) {
                moved[i] = start[i] + (float)(scale * (double)gradient[i]);
            }
            ends[side] = loss_at(model, moved, tokens, targets);
        }
        const double slope = ((double)ends[1] - (double)ends[0]) / (2.0 * step);
        if (!(fabs(slope - norm) <= 2e-3 * norm)) {
            fail_msg("variant %d: slope %.6f, gradient's norm %.6f", v, slope, norm);
        }
        free(start);
        free(moved);
        free(gradient);
        minrnn_model_destroy(model);
    }
}

int main(void) {
    device = support_open_device();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accumulation),  cmocka_unit_test(test_head_at_targets),
        cmocka_unit_test(test_documents),     cmocka_unit_test(test_lengths),
        cmocka_unit_test(test_dropout_masks), cmocka_unit_test(test_dropout_gradient),
    };
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    minrnn_device_destroy(device);
    return failed ? 1 : 0;
}
