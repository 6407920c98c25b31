/* SPDX-License-Identifier: Apache-2.0 */
/* What a layer of a model cannot do is refused by every call that asks for it, and by no other. */
#include "train/trainer.h" /* before cmocka, which has a macro of its fail's name */
#include "unit/models.h"

enum { BATCH = 2, TIME = 3 };

/* A model whose second layer is of a kind that lacks one feature. */
struct lacking {
    minrnn_device *device;
    minrnn_model *model;
    struct layer_kind kind;
};

static void make(struct lacking *made, enum layer_feature feature) {
    const minrnn_model_config config = model_variant(1);
    CHECK(minrnn_device_open("cpu", &made->device));
    CHECK(minrnn_model_create(made->device, &config, 1, &made->model));
    struct layer *layer = &made->model->layout.branches[1].layer;
    made->kind = *layer->kind;
    made->kind.features &= ~(unsigned)feature;
    layer->kind = &made->kind;
}

static void destroy(struct lacking *made) {
    minrnn_model_destroy(made->model);
    minrnn_device_destroy(made->device);
}

static void expect(minrnn_status status, bool refused) {
    if (status != (refused ? MINRNN_INVALID_ARGUMENT : MINRNN_OK)) {
        fail_msg("%s: %s", minrnn_status_name(status), minrnn_error_text());
    }
    if (refused) {
        assert_non_null(strstr(minrnn_error_text(), "mingru does not support"));
    }
}

static void train_and_evaluate(const struct lacking *made, enum layer_feature feature) {
    const int32_t zeros[BATCH * TIME] = {0};
    minrnn_trainer_config config;
    minrnn_trainer *trainer;
    minrnn_evaluator *evaluator;
    double sum = 0;
    int64_t count = 0;
    minrnn_trainer_config_defaults(&config);
    config.batch = BATCH;
    config.time = TIME;
    CHECK(minrnn_trainer_create(made->model, &config, &trainer));
    CHECK(minrnn_evaluator_create(made->model, BATCH, TIME, &evaluator));
    for (int way = 0; way < 4; way++) {
        const int32_t *reset = way & 1 ? zeros : NULL, *lengths = way & 2 ? zeros : NULL;
        const minrnn_batch batch = support_batch(trainer, true, zeros, zeros, reset, lengths);
        const bool refused =
            (reset && feature == LAYER_RESETS) || (lengths && feature == LAYER_LENGTHS);
        expect(minrnn_trainer_step(trainer, &batch), refused);
        expect(minrnn_trainer_evaluate(trainer, &batch, &sum, &count), refused);
        expect(minrnn_evaluate(evaluator, &batch, &sum, &count), refused);
    }
    minrnn_evaluator_destroy(evaluator);
    minrnn_trainer_destroy(trainer);
}

static void infer(const struct lacking *made, enum layer_feature feature) {
    const int32_t zeros[BATCH * TIME] = {0};
    minrnn_session *session = NULL;
    expect(minrnn_session_create(made->model, BATCH, TIME, &session),
           feature == LAYER_STREAMS || feature == LAYER_CHUNKS);
    minrnn_session_destroy(session);
    session = NULL;
    expect(minrnn_session_create(made->model, BATCH, 1, &session), feature == LAYER_STREAMS);
    if (session) {
        expect(minrnn_session_forward(session, 1, zeros, NULL, NULL), false);
        expect(minrnn_session_forward(session, 1, zeros, zeros, NULL), feature == LAYER_RESETS);
    }
    minrnn_session_destroy(session);
}

static void test_refused(void **unused) {
    (void)unused;
    const enum layer_feature features[] = {LAYER_RESETS, LAYER_LENGTHS, LAYER_STREAMS,
                                           LAYER_CHUNKS};
    for (int i = 0; i < 4; i++) {
        struct lacking made;
        make(&made, features[i]);
        train_and_evaluate(&made, features[i]);
        infer(&made, features[i]);
        destroy(&made);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
