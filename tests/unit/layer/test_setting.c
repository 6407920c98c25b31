/* SPDX-License-Identifier: Apache-2.0 */
/* Settings by name, of a configuration of the test's own: values, bounds, kinds, programs of other
 * versions. */
#include "unit/layer/drawing.h"

#include <locale.h>

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

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_standard_values), cmocka_unit_test(test_names),
        cmocka_unit_test(test_bounds),          cmocka_unit_test(test_checks),
        cmocka_unit_test(test_kinds),           cmocka_unit_test(test_compare),
        cmocka_unit_test(test_sizes),           cmocka_unit_test(test_locales),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
