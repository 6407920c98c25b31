/* SPDX-License-Identifier: Apache-2.0 */
/* Settings in files: JSON of other versions, and JSON that is none of a configuration. */
#include "base/alloc.h" /* before cmocka, which has a macro of its fail's name */
#include "store/settings_json.h"
#include "unit/layer/drawing.h"

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

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_json),       cmocka_unit_test(test_fewer),
        cmocka_unit_test(test_more),       cmocka_unit_test(test_former_names),
        cmocka_unit_test(test_wrong_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
