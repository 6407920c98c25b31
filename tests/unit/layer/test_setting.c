/* SPDX-License-Identifier: Apache-2.0 */
/* Settings: a table of the test's own in every way that one is used, and the library's tables. */
#include "base/alloc.h" /* these before cmocka, which has a macro of their fail's name */
#include "mixer/mixer.h"
#include "network/model_config.h"
#include "store/settings_json.h"
#include "train/trainer_config.h"
#include "unit/files.h"

#include <locale.h>

/* ---- a configuration with every kind of setting ---- */

struct round_settings {
    int64_t corners;
    float share;
};

struct square_settings {
    bool filled;
    float share;
};

struct drawing {
    size_t size;
    int64_t count;
    uint64_t seed;
    float scale;
    char shape[SETTING_NAME_BYTES];
    int64_t room[SETTINGS_ROOM / 8];
    bool visible;
    unsigned colour;
    float angle;
    int64_t run;
};

static const char *const shapes[] = {"round", "square", NULL};
static const char *const colours[] = {"red", "green", "blue", NULL};

static const struct setting round_rows[] = {
    {SETTING_INTEGER("corners", 0, 8, 3, "how many"), SETTING_AT(struct round_settings, corners),
     .former = "edges"},
    {SETTING_REAL("share", 0, 1, 0.25, "of it"), SETTING_AT(struct round_settings, share)},
};
static const struct settings round_table = SETTINGS("shape", round_rows, struct round_settings);

static const struct setting square_rows[] = {
    {SETTING_FLAG("filled", 1, "inside"), SETTING_AT(struct square_settings, filled)},
    {SETTING_REAL("share", 0.5, 1, 0.75, "of it"), SETTING_AT(struct square_settings, share)},
};
static const struct settings square_table = SETTINGS("shape", square_rows, struct square_settings);

static const struct settings *shape_own(const void *config, size_t *room) {
    const struct drawing *drawing = config;
    *room = offsetof(struct drawing, room);
    return strcmp(drawing->shape, "round") == 0    ? &round_table
           : strcmp(drawing->shape, "square") == 0 ? &square_table
                                                   : NULL;
}

#define AT(member) SETTING_AT(struct drawing, member)
static const struct setting drawing_rows[] = {
    {SETTING_INTEGER("count", 1, 4096, 7, "things"), AT(count)},
    {SETTING_SEED("seed", 1, "of the draws"), AT(seed), .former = "sower"},
    {SETTING_REAL("scale", 0, 1, 0.1, "size", .below_high = true), AT(scale)},
    {SETTING_NAME("shape", shapes, 0, "what is drawn"), AT(shape), .own = shape_own},
    {SETTING_FLAG("visible", 1, "whether it shows"), AT(visible)},
    {SETTING_CHOICE("colour", colours, 1, "of it"), AT(colour)},
    {SETTING_REAL("angle", 0, INFINITY, 1, "turned", .above_low = true), AT(angle)},
    {SETTING_INTEGER("run", 0, 100, 0, "which", .per_run = true), AT(run), .unsaved = true},
};
static const struct settings table = SETTINGS("drawing", drawing_rows, struct drawing);

static struct drawing standard(void) {
    struct drawing drawing;
    settings_defaults(&table, &drawing);
    return drawing;
}

static void expect_text(const struct drawing *drawing, const char *name, const char *value) {
    char text[MINRNN_SETTING_TEXT];
    CHECK(settings_get(&table, drawing, name, text, sizeof text));
    assert_string_equal(text, value);
}

static void set(struct drawing *drawing, const char *name, const char *value) {
    CHECK(settings_set(&table, drawing, name, value));
}

static void expect_refused(struct drawing *drawing, const char *name, const char *value,
                           const char *part) {
    const struct drawing before = *drawing;
    expect_failure(settings_set(&table, drawing, name, value), MINRNN_INVALID_ARGUMENT, part);
    assert_memory_equal(drawing, &before, sizeof before);
}

static void test_standard_values(void **unused) {
    (void)unused;
    const struct drawing drawing = standard();
    assert_int_equal(drawing.size, sizeof drawing);
    assert_int_equal(drawing.count, 7);
    assert_int_equal(drawing.seed, 1);
    assert_true(drawing.scale == 0.1f && drawing.angle == 1.0f);
    assert_string_equal(drawing.shape, "round");
    assert_true(drawing.visible);
    assert_int_equal(drawing.colour, 1);
    struct round_settings round;
    memcpy(&round, drawing.room, sizeof round);
    assert_int_equal(round.corners, 3);
    assert_true(round.share == 0.25f);
    CHECK(settings_check(&table, &drawing));
}

static void test_names(void **unused) {
    (void)unused;
    struct drawing drawing = standard();
    static const char *const values[][2] = {{"count", "4096"},
                                            {"seed", "18446744073709551615"},
                                            {"scale", "0.3"},
                                            {"scale", "1e-07"},
                                            {"scale", "0.12345679"},
                                            {"visible", "off"},
                                            {"visible", "on"},
                                            {"colour", "blue"},
                                            {"corners", "8"},
                                            {"angle", "1e+30"},
                                            {"run", "3"}};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        set(&drawing, values[i][0], values[i][1]);
        expect_text(&drawing, values[i][0], values[i][1]);
    }
    assert_int_equal(drawing.count, 4096);
    assert_int_equal(drawing.colour, 2);
    assert_true(drawing.scale == 0.12345679f);
    set(&drawing, "visible", "false");
    assert_false(drawing.visible);
    set(&drawing, "visible", "true");
    assert_true(drawing.visible);
}

static void test_bounds(void **unused) {
    (void)unused;
    struct drawing drawing = standard();
    static const char *const wrong[][3] = {
        {"count", "0", "drawing: count is 0, must be 1 to 4096"},
        {"count", "4097", "must be 1 to 4096"},
        {"count", "99999999999999999999", "count is \"99999999999999999999\", must be 1 to 4096"},
        {"count", "ten", "count is \"ten\", must be 1 to 4096"},
        {"count", "7x", "count is \"7x\""},
        {"count", "", "count is \"\""},
        {"count", "1.5", "count is \"1.5\""},
        {"seed", "-1", "seed is \"-1\", must be 0 to 18446744073709551615"},
        {"seed", "18446744073709551616", "must be 0 to"},
        {"seed", "", "must be 0 to"},
        {"scale", "1", "scale is 1, must be at least 0 and below 1"},
        {"scale", "-0.1", "scale is -0.1, must be at least 0"},
        {"scale", "nan", "scale is nan"},
        {"scale", "inf", "scale is inf"},
        {"scale", "0,5", "scale is \"0,5\""},
        {"scale", "", "scale is \"\""},
        {"angle", "0", "angle is 0, must be above 0"},
        {"visible", "maybe", "visible is \"maybe\", must be on or off"},
        {"colour", "pink", "colour is \"pink\", must be red, green or blue"},
        {"shape", "oval", "shape is \"oval\", must be round or square"},
        {"shape", "0123456789abcdef", "must be round or square"},
        {"corners", "9", "shape: corners is 9, must be 0 to 8"},
        {"filled", "on", "a drawing of shape round has no setting \"filled\""},
        {"Count", "1", "has no setting \"Count\""},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        expect_refused(&drawing, wrong[i][0], wrong[i][1], wrong[i][2]);
    }
    char text[4];
    expect_failure(settings_get(&table, &drawing, "none", text, sizeof text),
                   MINRNN_INVALID_ARGUMENT, "has no setting \"none\"");
    expect_failure(settings_get(&table, &drawing, "shape", text, sizeof text),
                   MINRNN_INVALID_ARGUMENT, "shape takes 6 bytes, there are 4");
    expect_refused(&drawing, NULL, "1", "NULL");
    expect_refused(&drawing, "count", NULL, "NULL");
    expect_failure(settings_set(&table, NULL, "count", "1"), MINRNN_INVALID_ARGUMENT, "NULL");
    expect_failure(settings_get(&table, NULL, "count", text, 4), MINRNN_INVALID_ARGUMENT, "NULL");
}

/* What a struct holds that nobody set by name. */
static void test_checks(void **unused) {
    (void)unused;
#define EXPECT_CHECK(change, part)                                                                 \
    do {                                                                                           \
        struct drawing bad = standard();                                                           \
        change;                                                                                    \
        expect_failure(settings_check(&table, &bad), MINRNN_INVALID_ARGUMENT, part);               \
    } while (0)
    EXPECT_CHECK(bad.count = 0, "count is 0, must be 1 to 4096");
    EXPECT_CHECK(bad.count = INT64_MAX, "count is 9223372036854775807");
    EXPECT_CHECK(bad.scale = NAN, "scale is");
    EXPECT_CHECK(bad.scale = 1.0f, "scale is 1, must be");
    EXPECT_CHECK(bad.angle = INFINITY, "angle is inf");
    EXPECT_CHECK(bad.colour = 3, "colour is number 3, must be red, green or blue");
    EXPECT_CHECK(bad.colour = UINT32_MAX, "colour is number 4294967295");
    EXPECT_CHECK(memset(bad.shape, 'x', sizeof bad.shape), "shape is \"xxxxxxxxxxxxxxxx\"");
    EXPECT_CHECK(bad.shape[0] = '\0', "shape is \"\", must be");
    EXPECT_CHECK(bad.room[0] = -1, "shape: corners is -1, must be 0 to 8");
}

/* Another kind keeps what both have, if it may. */
static void test_kinds(void **unused) {
    (void)unused;
    struct drawing drawing = standard();
    set(&drawing, "share", "0.9");
    set(&drawing, "shape", "square");
    expect_text(&drawing, "share", "0.9");
    expect_text(&drawing, "filled", "on");
    set(&drawing, "filled", "off");
    set(&drawing, "shape", "square");
    expect_text(&drawing, "filled", "off");
    set(&drawing, "shape", "round");
    expect_text(&drawing, "share", "0.9");
    expect_text(&drawing, "corners", "3");
    set(&drawing, "share", "0.1"); /* less than a square may have */
    set(&drawing, "shape", "square");
    expect_text(&drawing, "share", "0.75");
    expect_text(&drawing, "filled", "on");
    CHECK(settings_check(&table, &drawing));
}

/* ---- JSON ---- */

static void expect_json(const struct drawing *drawing, const char *json) {
    char *text = settings_print(&table, drawing);
    assert_string_equal(text, json);
    mem_free(text);
}

static const char whole[] =
    "{\"count\":7,\"seed\":\"1\",\"scale\":0.10000000149011612,\"shape\":\"round\",\"corners\":3,"
    "\"share\":0.25,\"visible\":true,\"colour\":\"green\",\"angle\":1}";

static struct drawing read_json(const char *json) {
    struct drawing drawing;
    CHECK(settings_read(&table, "file", json, &drawing));
    return drawing;
}

static void expect_json_refused(const char *json, const char *part) {
    struct drawing drawing;
    expect_failure(settings_read(&table, "file", json, &drawing), MINRNN_FORMAT_ERROR, part);
    assert_non_null(strstr(minrnn_error_text(), "file: "));
}

static void expect_equal(const struct drawing *a, const struct drawing *b) {
    assert_memory_equal(a, b, sizeof *a);
}

static void test_json(void **unused) {
    (void)unused;
    struct drawing drawing = standard(), again;
    expect_json(&drawing, whole);
    again = read_json(whole);
    expect_equal(&again, &drawing);
    set(&drawing, "shape", "square");
    set(&drawing, "seed", "18446744073709551615");
    set(&drawing, "colour", "red");
    set(&drawing, "visible", "off");
    set(&drawing, "scale", "0.3");
    char *text = settings_print(&table, &drawing);
    again = read_json(text);
    expect_equal(&again, &drawing);
    mem_free(text);
}

/* A file of a version that knew fewer settings: the others are standard. */
static void test_fewer(void **unused) {
    (void)unused;
    struct drawing expected = standard(), drawing = read_json("{}");
    expect_equal(&drawing, &expected);
    expected.count = 9;
    drawing = read_json("{\"count\":9}");
    expect_equal(&drawing, &expected);
    /* Those of its kind, not of the one that is standard. */
    drawing = read_json("{\"shape\":\"square\",\"count\":9}");
    expect_text(&drawing, "share", "0.75");
    expect_text(&drawing, "filled", "on");
    expect_text(&drawing, "count", "9");
    /* The order does not matter. */
    drawing = read_json("{\"filled\":false,\"shape\":\"square\"}");
    expect_text(&drawing, "filled", "off");
}

static void test_more(void **unused) {
    (void)unused;
    expect_json_refused("{\"states\":16,\"count\":9}",
                        "has a setting \"states\" that minrnn 0.1.0 does not know");
    expect_json_refused("{\"filled\":true}", "a setting \"filled\" that"); /* a square's */
    expect_json_refused("{\"run\":1}", "a setting \"run\" that");          /* no file's */
    expect_json_refused("{\"\":1}", "a setting \"\" that");
    expect_json_refused("{\"a\\nb\":1}", "a setting \"?\" that");
    expect_json_refused("{\"count\":1,\"count\":1}", "has the setting count twice");
    expect_json_refused("{\"share\":0.5,\"share\":0.5}", "has the setting share twice");
}

static void test_former_names(void **unused) {
    (void)unused;
    const struct drawing drawing = read_json("{\"sower\":\"5\",\"edges\":4}");
    expect_text(&drawing, "seed", "5");
    expect_text(&drawing, "corners", "4");
    expect_json_refused("{\"sower\":\"5\",\"seed\":\"5\"}", "has the setting sower twice");
    expect_json_refused("{\"corners\":4,\"edges\":4}", "has the setting edges twice");
}

static void test_wrong_json(void **unused) {
    (void)unused;
    static const char *const wrong[][2] = {
        {"[]", "not a JSON object"},
        {"7", "not a JSON object"},
        {"{\"count\"", "not a JSON object"},
        {"{\"count\":\"7\"}", "no allowed value for count"},
        {"{\"count\":7.5}", "no allowed value for count"},
        {"{\"count\":1e300}", "no allowed value for count"},
        {"{\"count\":null}", "no allowed value for count"},
        {"{\"seed\":7}", "no allowed value for seed"},
        {"{\"seed\":\"7x\"}", "no allowed value for seed"},
        {"{\"seed\":\"\"}", "no allowed value for seed"},
        {"{\"seed\":\"18446744073709551616\"}", "no allowed value for seed"},
        {"{\"scale\":1e39}", "no allowed value for scale"},
        {"{\"scale\":\"0.5\"}", "no allowed value for scale"},
        {"{\"visible\":1}", "no allowed value for visible"},
        {"{\"visible\":\"on\"}", "no allowed value for visible"},
        {"{\"colour\":\"pink\"}", "no allowed value for colour"},
        {"{\"colour\":1}", "no allowed value for colour"},
        {"{\"shape\":\"0123456789abcdef\"}", "no allowed value for shape"},
        {"{\"shape\":\"ro\\nund\"}", "no allowed value for shape"},
        {"{\"shape\":\"oval\"}", "shape is \"oval\", must be round or square"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        expect_json_refused(wrong[i][0], wrong[i][1]);
    }
    /* What a number may be is the caller's to check. */
    assert_int_equal(read_json("{\"count\":0}").count, 0);
}

/* ---- resuming ---- */

static void test_compare(void **unused) {
    (void)unused;
    struct drawing a = standard(), b = standard();
    b.run = 9;
    CHECK(settings_compare(&table, "file", &a, &b)); /* each run's own */
    settings_renew(&table, &b, &a);
    expect_equal(&a, &b);
    b.angle = 2.0f;
    b.scale = 0.3f;
    expect_failure(settings_compare(&table, "file", &a, &b), MINRNN_INVALID_ARGUMENT,
                   "file has scale 0.1, not 0.3");
    b = a;
    set(&b, "corners", "5");
    expect_failure(settings_compare(&table, "file", &a, &b), MINRNN_INVALID_ARGUMENT,
                   "file has corners 3, not 5");
    b = a;
    set(&b, "shape", "square");
    expect_failure(settings_compare(&table, "file", &a, &b), MINRNN_INVALID_ARGUMENT,
                   "file has shape round, not square");
}

/* ---- programs of other versions ---- */

static void test_sizes(void **unused) {
    (void)unused;
    struct drawing given = standard(), taken;
    /* One that was compiled before `visible`, whose memory ends there. */
    given.size = offsetof(struct drawing, visible);
    given.count = 9;
    given.visible = false;
    given.colour = 77;
    taken = standard();
    CHECK(settings_take(&table, &given, &taken));
    struct drawing expected = standard();
    expected.count = 9;
    expect_equal(&taken, &expected);
    set(&given, "count", "11");
    set(&given, "corners", "5");
    expect_text(&given, "corners", "5");
    expect_refused(&given, "colour", "red", "no setting \"colour\"");
    char text[MINRNN_SETTING_TEXT];
    expect_failure(settings_get(&table, &given, "colour", text, sizeof text),
                   MINRNN_INVALID_ARGUMENT, "no setting \"colour\"");
    assert_int_equal(given.colour, 77);
    /* Within the room: the kind that is picked has none of its settings. */
    given.size = offsetof(struct drawing, room) + 8;
    expect_refused(&given, "share", "0.5", "no setting \"share\"");

    struct drawing older;
    memset(&older, 0x55, sizeof older);
    settings_give(&table, &expected, &older, offsetof(struct drawing, visible));
    assert_int_equal(older.size, offsetof(struct drawing, visible));
    assert_int_equal(older.count, 9);
    assert_int_equal(older.colour, 0x55555555); /* not the library's to write */

    struct {
        struct drawing drawing;
        int64_t more[2];
    } newer = {.drawing = standard()};
    newer.drawing.size = sizeof newer;
    taken = standard();
    CHECK(settings_take(&table, &newer, &taken));
    assert_int_equal(taken.size, sizeof taken);
    newer.more[1] = 1;
    expect_failure(settings_take(&table, &newer, &taken), MINRNN_INVALID_ARGUMENT,
                   "minrnn_drawing_config: it is of a newer version");
    newer.more[1] = 0;
    for (size_t size = 0; size < sizeof size; size++) {
        newer.drawing.size = size;
        expect_failure(settings_take(&table, &newer, &taken), MINRNN_INVALID_ARGUMENT,
                       "minrnn_drawing_config_defaults sets it");
    }
}

/* The public configurations are taken so. */
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
                   "name is \"gru!\", must be mingru or minlstm");
}

/* ---- locales ---- */

static void test_locales(void **unused) {
    (void)unused;
    static const char *const commas[] = {"de_DE.UTF-8", "fr_FR.UTF-8", "pl_PL.UTF-8", "de_DE"};
    struct drawing drawing = standard();
    for (size_t i = 0; i < sizeof commas / sizeof *commas; i++) {
        if (setlocale(LC_ALL, commas[i])) {
            print_message("numbers with a comma, as in %s\n", commas[i]);
        }
    }
    const locale_t before = uselocale((locale_t)0);
    set(&drawing, "scale", "0.5");
    expect_text(&drawing, "scale", "0.5");
    assert_ptr_equal(uselocale((locale_t)0), before);
    setlocale(LC_ALL, "C");
}

/* ---- the library's tables ---- */

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
}

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
        assert_true(model.dropout < 0.75f && trainer.seed == 1 && model.vocab == 0);
        assert_true(eval_every > 0 && save_every > 0 && *minrnn_preset_help(i));
        model.vocab = 65;
        CHECK(model_config_check(&model));
        CHECK(trainer_config_check(&trainer));
    }
    expect_failure(minrnn_preset("huge", &model, &trainer, NULL, NULL), MINRNN_INVALID_ARGUMENT,
                   "\"huge\"");
    expect_failure(minrnn_preset(NULL, &model, &trainer, NULL, NULL), MINRNN_INVALID_ARGUMENT,
                   "NULL");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_standard_values), cmocka_unit_test(test_names),
        cmocka_unit_test(test_bounds),          cmocka_unit_test(test_checks),
        cmocka_unit_test(test_kinds),           cmocka_unit_test(test_json),
        cmocka_unit_test(test_fewer),           cmocka_unit_test(test_more),
        cmocka_unit_test(test_former_names),    cmocka_unit_test(test_wrong_json),
        cmocka_unit_test(test_compare),         cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_public_sizes),    cmocka_unit_test(test_locales),
        cmocka_unit_test(test_tables),          cmocka_unit_test(test_lists),
        cmocka_unit_test(test_presets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
