/* SPDX-License-Identifier: Apache-2.0 */
/* The library's own settings: the tables of models, mixers, tasks and trainers, their lists, and
 * structs of other versions. */
#include "mixer/mixer.h" /* these before cmocka, which has a macro of their fail's name */
#include "network/model_config.h"
#include "task/task.h"
#include "train/trainer_config.h"
#include "unit/files.h"

static const size_t kind_bytes[] = {sizeof(int64_t), sizeof(uint64_t), sizeof(float),
                                    sizeof(bool),    sizeof(unsigned), SETTING_NAME_BYTES};

static void check_row(const struct setting *row) {
    const minrnn_setting *shown = &row->shown;
    assert_int_equal(row->bytes, kind_bytes[shown->kind]);
    assert_true(shown->help && *shown->help && !strchr(shown->help, '\n'));
    assert_int_equal(strspn(shown->name, "abcdefghijklmnopqrstuvwxyz_0123456789"),
                     strlen(shown->name));
    assert_true(strlen(shown->name) < 32); /* which the command has room for */
    const bool has_names =
        shown->kind == MINRNN_SETTING_CHOICE || shown->kind == MINRNN_SETTING_NAME;
    assert_int_equal(shown->names != NULL, has_names);
    for (int i = 0; has_names && shown->names[i]; i++) {
        assert_true(strlen(shown->names[i]) < MINRNN_SETTING_TEXT);
        assert_true(shown->kind != MINRNN_SETTING_NAME ||
                    strlen(shown->names[i]) < SETTING_NAME_BYTES);
    }
}

/* No name comes twice in a configuration of any kind, and rows do not overlap. */
static void check_table(const struct settings *settings, const void *config) {
    struct settings_walk walk = settings_walk(settings, config);
    char taken[sizeof(minrnn_model_config)] = {0};
    const char *names[64];
    int count = 0;
    while (settings_next(&walk)) {
        check_row(walk.setting);
        for (int i = 0; i < count; i++) {
            assert_string_not_equal(names[i], walk.setting->shown.name);
        }
        names[count++] = walk.setting->shown.name;
        for (size_t i = 0; i < walk.setting->bytes; i++) {
            assert_false(taken[walk.offset + i]);
            taken[walk.offset + i] = 1;
        }
    }
    assert_true(count >= settings->count);
}

static void test_tables(void **unused) {
    (void)unused;
    minrnn_model_config model;
    minrnn_trainer_config trainer;
    minrnn_mixer_config mixer;
    minrnn_model_config_defaults(&model);
    minrnn_trainer_config_defaults(&trainer);
    CHECK(trainer_config_check(&trainer));
    check_table(&trainer_settings, &trainer);
    model.vocab = 65;
    for (int i = 0; minrnn_mixer_name(i); i++) {
        CHECK(minrnn_model_set(&model, "mixer", minrnn_mixer_name(i)));
        CHECK(model_config_check(&model));
        check_table(&model_settings, &model);
        CHECK(minrnn_mixer_config_defaults(minrnn_mixer_name(i), &mixer));
        check_table(&mixer_settings, &mixer);
        assert_true(mixer_own_settings(mixer.name)->type.size <= MINRNN_MIXER_ROOM);
    }
    for (int i = 0; minrnn_task_name(i); i++) {
        minrnn_task_config task;
        CHECK(minrnn_task_config_defaults(minrnn_task_name(i), &task));
        check_table(&task_settings, &task);
    }
    /* Only what has no standard value must be set. */
    minrnn_model_config_defaults(&model);
    expect_failure(model_config_check(&model), MINRNN_INVALID_ARGUMENT,
                   "model: vocab is 0, must be 1 to 4194304");
    CHECK(minrnn_mixer_config_defaults("mingru", &mixer));
    expect_failure(settings_check(&mixer_settings, &mixer), MINRNN_INVALID_ARGUMENT,
                   "mixer: width is 0, must be 1 to 1048576");
}

static void test_lists(void **unused) {
    (void)unused;
    assert_null(minrnn_mixer_name(-1));
    assert_null(minrnn_mixer_setting("mingru", -1));
    assert_null(minrnn_mixer_setting("mingru", 1000));
    assert_null(minrnn_mixer_setting("none", 0));
    assert_null(minrnn_mixer_setting(NULL, 0));
    assert_null(minrnn_model_setting(-1));
    assert_null(minrnn_trainer_setting(1000));
    assert_null(minrnn_preset_name(-1));
    assert_null(minrnn_preset_help(1000));
    assert_null(minrnn_task_name(-1));
    assert_null(minrnn_task_help(1000));
    assert_string_equal(minrnn_task_name(0), "text");
    int listed = 0;
    for (int i = 0; minrnn_model_setting(i); i++) {
        const minrnn_setting *setting = minrnn_model_setting(i);
        for (int k = 0; strcmp(setting->name, "mixer") == 0 && setting->names[k]; k++) {
            assert_string_equal(setting->names[k], minrnn_mixer_name(k));
            listed++;
        }
    }
    assert_true(listed > 0);
    assert_null(minrnn_mixer_name(listed));
    minrnn_model_config model;
    char text[MINRNN_SETTING_TEXT];
    minrnn_model_config_defaults(&model);
    CHECK(minrnn_model_get(&model, "expansion", text, sizeof text));
    assert_string_equal(text, "2"); /* a mixer's own standard is 1 */
    expect_failure(minrnn_model_set(&model, "no such", "16"), MINRNN_INVALID_ARGUMENT,
                   "a model of mixer mingru has no setting \"no such\"");
    char longest[200];
    memset(longest, 'x', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    expect_failure(minrnn_model_set(&model, "width", longest), MINRNN_INVALID_ARGUMENT,
                   "xxx\", must be"); /* cut, and still between marks */
}

/* A configuration of a program of another version is taken by its size. */
static void test_public_sizes(void **unused) {
    (void)unused;
    minrnn_model_config model, taken;
    minrnn_trainer_config trainer, taken_trainer;
    minrnn_mixer_config mixer;
    minrnn_model_config_defaults(&model);
    assert_int_equal(model.size, sizeof model);
    model.vocab = 65;
    model.dropout = 0.5f;
    model.conv = 3;
    model.size = offsetof(minrnn_model_config, feed_forward_factor);
    CHECK(model_config_take(&model, &taken));
    assert_true(taken.dropout == 0.0f && taken.feed_forward_factor == 4.0f);
    assert_int_equal(taken.conv, 3);
    model.size = 0;
    expect_failure(model_config_take(&model, &taken), MINRNN_INVALID_ARGUMENT,
                   "minrnn_model_config_defaults sets it");
    expect_failure(minrnn_model_set(&model, "conv", "3"), MINRNN_INVALID_ARGUMENT,
                   "minrnn_model_config_defaults sets it");
    expect_failure(minrnn_preset("small", &model, NULL, NULL, NULL), MINRNN_INVALID_ARGUMENT,
                   "minrnn_model_config_defaults sets it");

    /* Without a member a preset is whole if it leaves that one standard. */
    model.size = offsetof(minrnn_model_config, dropout);
    CHECK(minrnn_preset("small", &model, NULL, NULL, NULL));
    assert_int_equal(model.size, offsetof(minrnn_model_config, dropout));
    assert_int_equal(model.width, 128);
    assert_true(model.dropout == 0.5f);
    expect_failure(minrnn_preset("shakespeare", &model, NULL, NULL, NULL), MINRNN_INVALID_ARGUMENT,
                   "the program is older than the preset: shakespeare has dropout 0.2");

    minrnn_trainer_config_defaults(&trainer);
    trainer.batch = 3;
    trainer.clip = 77.0f;
    trainer.size = offsetof(minrnn_trainer_config, clip);
    CHECK(trainer_config_take(&trainer, &taken_trainer));
    assert_true(taken_trainer.clip == 1.0f && taken_trainer.batch == 3);
    minrnn_trainer_config_init(&trainer, offsetof(minrnn_trainer_config, clip));
    assert_true(trainer.clip == 77.0f && trainer.batch == 32);
    minrnn_trainer_config_init(&trainer, 0);
    minrnn_trainer_config_init(NULL, sizeof trainer);
    minrnn_model_config_init(NULL, sizeof model);

    CHECK(minrnn_mixer_config_defaults("minlstm", &mixer));
    assert_int_equal(mixer.size, sizeof mixer);
    mixer.size = 0;
    expect_failure(minrnn_mixer_set(&mixer, "bias", "on"), MINRNN_INVALID_ARGUMENT,
                   "minrnn_mixer_config_defaults sets it");
    expect_failure(minrnn_mixer_config_defaults(NULL, &mixer), MINRNN_INVALID_ARGUMENT, "NULL");
    expect_failure(minrnn_mixer_config_defaults("mingru", NULL), MINRNN_INVALID_ARGUMENT, "NULL");
    expect_failure(minrnn_mixer_config_defaults("gru!", &mixer), MINRNN_INVALID_ARGUMENT,
                   "name is \"gru!\", must be mingru");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tables),
        cmocka_unit_test(test_lists),
        cmocka_unit_test(test_public_sizes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
