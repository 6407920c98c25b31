/* SPDX-License-Identifier: Apache-2.0 */
/* For test_setting.c and test_settings_json.c: a configuration with every kind of setting, used in
 * every way. */
#ifndef TESTS_UNIT_LAYER_DRAWING_H
#define TESTS_UNIT_LAYER_DRAWING_H

#include "layer/setting.h"
#include "unit/files.h"

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

static inline const struct settings *shape_own(const void *config, size_t *room) {
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

static inline struct drawing standard(void) {
    struct drawing drawing;
    settings_defaults(&table, &drawing);
    return drawing;
}

static inline void expect_text(const struct drawing *drawing, const char *name, const char *value) {
    char text[MINRNN_SETTING_TEXT];
    CHECK(settings_get(&table, drawing, name, text, sizeof text));
    assert_string_equal(text, value);
}

static inline void set(struct drawing *drawing, const char *name, const char *value) {
    CHECK(settings_set(&table, drawing, name, value));
}

static inline void expect_refused(struct drawing *drawing, const char *name, const char *value,
                                  const char *part) {
    const struct drawing before = *drawing;
    expect_failure(settings_set(&table, drawing, name, value), MINRNN_INVALID_ARGUMENT, part);
    assert_memory_equal(drawing, &before, sizeof before);
}

static inline void expect_equal(const struct drawing *a, const struct drawing *b) {
    assert_memory_equal(a, b, sizeof *a);
}

#endif
