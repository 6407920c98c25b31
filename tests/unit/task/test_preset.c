/* SPDX-License-Identifier: Apache-2.0 */
/* Presets: that each can be trained, what it takes from its task, and with which mixer. */
#include "mixer/mixer.h" /* these before cmocka, which has a macro of their fail's name */
#include "network/model_config.h"
#include "train/trainer_config.h"
#include "unit/files.h"

static void test_presets(void **unused) {
    (void)unused;
    minrnn_model_config model;
    minrnn_trainer_config trainer;
    for (int i = 0; minrnn_preset_name(i); i++) {
        int64_t eval_every = 0, save_every = 0;
        minrnn_model_config_defaults(&model);
        minrnn_trainer_config_defaults(&trainer);
        model.dropout = 0.75f; /* which no preset has */
        trainer.seed = 9;
        CHECK(minrnn_preset(minrnn_preset_name(i), &model, &trainer, &eval_every, &save_every));
        CHECK(minrnn_preset(minrnn_preset_name(i), NULL, NULL, NULL, NULL));
        assert_true(model.dropout < 0.75f && trainer.seed == 1);
        assert_true(eval_every > 0 && save_every > 0 && *minrnn_preset_help(i));
        model.vocab = 65;
        CHECK(model_config_check(&model));
        CHECK(trainer_config_check(&trainer));
    }
    minrnn_task_config task;
    CHECK(minrnn_preset_task("small", &task));
    assert_string_equal(task.name, "text");
    CHECK(minrnn_preset("small", &model, NULL, NULL, NULL));
    assert_int_equal(model.vocab, 0); /* the text's, to be set */
    CHECK(minrnn_preset_task("copy", &task));
    assert_string_equal(task.name, "copy");
    CHECK(minrnn_preset("copy", &model, &trainer, NULL, NULL));
    assert_int_equal(trainer.time, 4096 + 16); /* the task's */
    assert_int_equal(trainer.targets, 16);
    assert_int_equal(model.vocab, 16);
    minrnn_model_config paper = model;
    minrnn_trainer_config paper_trainer = trainer;
    CHECK(minrnn_preset("copy-paper", &paper, &paper_trainer, NULL, NULL));
    assert_true(trainer.rate == 3e-4f && paper_trainer.rate == 1e-4f && paper.dropout == 0.1f);
    assert_true(paper_trainer.weight_decay == 0.0f);
    paper.dropout = model.dropout; /* in all else it is the same */
    paper_trainer.rate = trainer.rate;
    paper_trainer.weight_decay = trainer.weight_decay;
    CHECK(settings_compare(&model_settings, "copy", &model, &paper));
    CHECK(settings_compare(&trainer_settings, "copy", &trainer, &paper_trainer));
    expect_failure(minrnn_preset_task("huge", &task), MINRNN_INVALID_ARGUMENT, "\"huge\"");
    expect_failure(minrnn_preset_task("copy", NULL), MINRNN_INVALID_ARGUMENT, "NULL");
    expect_failure(minrnn_preset("huge", &model, &trainer, NULL, NULL), MINRNN_INVALID_ARGUMENT,
                   "\"huge\"");
    expect_failure(minrnn_preset(NULL, &model, &trainer, NULL, NULL), MINRNN_INVALID_ARGUMENT,
                   "NULL");
}

static void expect_setting(const minrnn_model_config *model, const char *name, const char *value) {
    char text[MINRNN_SETTING_TEXT];
    CHECK(minrnn_model_get(model, name, text, sizeof text));
    assert_string_equal(text, value);
}

/* Another mixer has those of the preset's settings that are for it. */
static void test_preset_mixer(void **unused) {
    (void)unused;
    minrnn_model_config model;
    minrnn_model_config_defaults(&model);
    for (int i = 0; minrnn_preset_name(i); i++) {
        for (int j = 0; minrnn_mixer_name(j); j++) {
            CHECK(minrnn_preset_mixer(minrnn_preset_name(i), minrnn_mixer_name(j), &model));
            assert_string_equal(model.mixer.name, minrnn_mixer_name(j));
            model.mixer.width = model.width;
            const struct layer_kind *kind;
            CHECK(mixer_find(&model.mixer, &kind));
        }
    }
    CHECK(minrnn_preset_mixer("copy", "minlstm", &model));
    expect_setting(&model, "expansion", "6");
    expect_setting(&model, "forget_offset", "3");
    expect_setting(&model, "learned_init", "on");
    CHECK(minrnn_preset_mixer("copy", "mingru", &model));
    expect_setting(&model, "forget_offset", "0");
    CHECK(minrnn_preset_mixer("copy", "gru", &model));
    expect_setting(&model, "expansion", "6");
    expect_failure(minrnn_preset_mixer("copy", "huge", &model), MINRNN_INVALID_ARGUMENT,
                   "\"huge\"");
    expect_failure(minrnn_preset_mixer("huge", "gru", &model), MINRNN_INVALID_ARGUMENT, "\"huge\"");
    expect_failure(minrnn_preset_mixer("copy", NULL, &model), MINRNN_INVALID_ARGUMENT, "NULL");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_presets),
        cmocka_unit_test(test_preset_mixer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
