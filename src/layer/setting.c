/* SPDX-License-Identifier: Apache-2.0 */
/* Configurations by their tables: standard values, checks, what callers' structs hold, and values
 * by name. */
#include "layer/setting.h"

#include <stdio.h>
#include <string.h>

/* ---- the walk ---- */

struct settings_walk settings_walk(const struct settings *settings, const void *config) {
    return (struct settings_walk){.outer = settings, .config = config, .size = sized_get(config)};
}

static void move_to(struct settings_walk *walk, const struct settings *settings, int row,
                    size_t from) {
    walk->settings = settings;
    walk->setting = &settings->rows[row];
    walk->offset = from + walk->setting->offset;
}

bool settings_next(struct settings_walk *walk) {
    if (walk->setting && walk->setting->own) {
        walk->inner = walk->setting->own(walk->config, &walk->room);
        walk->inner_next = 0;
    }
    do {
        if (walk->inner && walk->inner_next < walk->inner->count) {
            move_to(walk, walk->inner, walk->inner_next++, walk->room);
        } else if (walk->next < walk->outer->count) {
            move_to(walk, walk->outer, walk->next++, 0);
        } else {
            return false;
        }
    } while (walk->offset + walk->setting->bytes > walk->size);
    return true;
}

union setting_value setting_load(const struct settings_walk *walk, const void *config) {
    union setting_value value = {.name = ""};
    memcpy(&value, (const char *)config + walk->offset, walk->setting->bytes);
    return value;
}

static union setting_value standard_of(const minrnn_setting *shown) {
    union setting_value value = {.name = ""};
    switch (shown->kind) {
    case MINRNN_SETTING_INTEGER: value.integer = (int64_t)shown->standard; break;
    case MINRNN_SETTING_SEED: value.seed = (uint64_t)shown->standard; break;
    case MINRNN_SETTING_REAL: value.real = (float)shown->standard; break;
    case MINRNN_SETTING_FLAG: value.flag = shown->standard != 0; break;
    case MINRNN_SETTING_CHOICE: value.choice = (unsigned)shown->standard; break;
    case MINRNN_SETTING_NAME:
        strncpy(value.name, shown->names[(int)shown->standard], sizeof value.name - 1);
        break;
    }
    return value;
}

/* The table and the struct of the kind that a row has picked. */
struct picked {
    const struct settings *settings; /* NULL: none */
    char *room;
};

static struct picked picked_of(const struct settings_walk *walk, void *config) {
    size_t room = 0;
    struct picked picked = {walk->setting->own(config, &room), NULL};
    picked.room = (char *)config + room;
    if (room + SETTINGS_ROOM > walk->size) {
        picked.settings = NULL;
    }
    return picked;
}

void setting_store(const struct settings_walk *walk, void *config, union setting_value value) {
    memcpy((char *)config + walk->offset, &value, walk->setting->bytes);
    if (!walk->setting->own) {
        return;
    }
    const struct picked picked = picked_of(walk, config);
    if (picked.settings) {
        memset(picked.room, 0, SETTINGS_ROOM);
        for (int i = 0; i < picked.settings->count; i++) {
            const struct setting *setting = &picked.settings->rows[i];
            const union setting_value standard = standard_of(&setting->shown);
            memcpy(picked.room + setting->offset, &standard, setting->bytes);
        }
    }
}

/* ---- the whole configuration ---- */

void settings_defaults(const struct settings *settings, void *config) {
    memset(config, 0, settings->type.size);
    memcpy(config, &settings->type.size, sizeof settings->type.size);
    struct settings_walk walk = settings_walk(settings, config);
    while (settings_next(&walk)) {
        setting_store(&walk, config, standard_of(&walk.setting->shown));
    }
}

/* The picking value is cleared, so that nothing is kept of the kind that is standard. */
minrnn_status settings_defaults_of(const struct settings *settings, const char *name,
                                   void *config) {
    const struct setting *picks = &settings->rows[0];
    settings_defaults(settings, config);
    memset((char *)config + picks->offset, 0, picks->bytes);
    return settings_set(settings, config, picks->shown.name, name);
}

minrnn_status settings_take(const struct settings *settings, const void *given, void *config) {
    return sized_take(&settings->type, given, config);
}

void settings_give(const struct settings *settings, const void *config, void *given, size_t size) {
    sized_give(config, settings->type.size, given, size);
}

static bool is_within(const minrnn_setting *shown, double value) {
    return (shown->above_low ? value > shown->low : value >= shown->low) &&
           (shown->below_high ? value < shown->high : value <= shown->high);
}

static bool is_name(const minrnn_setting *shown, const char name[SETTING_NAME_BYTES]) {
    int i = 0;
    while (shown->names[i] && strncmp(shown->names[i], name, SETTING_NAME_BYTES) != 0) {
        i++;
    }
    return shown->names[i];
}

static bool is_choice(const minrnn_setting *shown, unsigned choice) {
    unsigned i = 0;
    while (shown->names[i] && i < choice) {
        i++;
    }
    return shown->names[i];
}

static bool is_allowed(const minrnn_setting *shown, union setting_value value) {
    switch (shown->kind) {
    case MINRNN_SETTING_INTEGER: return is_within(shown, (double)value.integer);
    case MINRNN_SETTING_REAL: return isfinite(value.real) && is_within(shown, (double)value.real);
    case MINRNN_SETTING_CHOICE: return is_choice(shown, value.choice);
    case MINRNN_SETTING_NAME: return is_name(shown, value.name);
    case MINRNN_SETTING_SEED:
    case MINRNN_SETTING_FLAG: break;
    }
    return true;
}

/* `text` is what is not allowed. */
static minrnn_status refuse(const struct settings_walk *walk, const char *text) {
    char bounds[SETTING_BOUNDS];
    setting_bounds(walk->setting, bounds);
    return fail(MINRNN_INVALID_ARGUMENT, "%s: %s is %s, must be %s", walk->settings->what,
                walk->setting->shown.name, text, bounds);
}

enum { QUOTED = 2 * MINRNN_SETTING_TEXT };

static const char *quote(const char *text, char quoted[QUOTED]) {
    snprintf(quoted, QUOTED, "\"%.*s\"", QUOTED - 3, text);
    return quoted;
}

minrnn_status setting_check(const struct settings_walk *walk, union setting_value value) {
    if (is_allowed(&walk->setting->shown, value)) {
        return MINRNN_OK;
    }
    char text[MINRNN_SETTING_TEXT], quoted[QUOTED];
    setting_print(walk->setting, value, text);
    return refuse(walk,
                  walk->setting->shown.kind == MINRNN_SETTING_NAME ? quote(text, quoted) : text);
}

minrnn_status settings_check(const struct settings *settings, const void *config) {
    struct settings_walk walk = settings_walk(settings, config);
    minrnn_status status = MINRNN_OK;
    while (!status && settings_next(&walk)) {
        status = setting_check(&walk, setting_load(&walk, config));
    }
    return status;
}

minrnn_status settings_compare(const struct settings *settings, const char *where, const void *a,
                               const void *b) {
    struct settings_walk walk = settings_walk(settings, a);
    while (settings_next(&walk)) {
        const union setting_value in_a = setting_load(&walk, a), in_b = setting_load(&walk, b);
        if (!walk.setting->shown.per_run && memcmp(&in_a, &in_b, walk.setting->bytes) != 0) {
            char text_a[MINRNN_SETTING_TEXT], text_b[MINRNN_SETTING_TEXT];
            setting_print(walk.setting, in_a, text_a);
            setting_print(walk.setting, in_b, text_b);
            return fail(MINRNN_INVALID_ARGUMENT, "%s has %s %s, not %s", where,
                        walk.setting->shown.name, text_a, text_b);
        }
    }
    return MINRNN_OK;
}

void settings_renew(const struct settings *settings, const void *from, void *to) {
    struct settings_walk walk = settings_walk(settings, from);
    while (settings_next(&walk)) {
        if (walk.setting->shown.per_run) {
            setting_store(&walk, to, setting_load(&walk, from));
        }
    }
}

/* ---- by name ---- */

static bool find(struct settings_walk *walk, const char *name) {
    while (settings_next(walk)) {
        if (strcmp(walk->setting->shown.name, name) == 0) {
            return true;
        }
    }
    return false;
}

void settings_put(const struct settings *settings, void *config, const char *name, double number) {
    struct settings_walk walk = settings_walk(settings, config);
    if (find(&walk, name)) {
        const minrnn_setting value = {.kind = walk.setting->shown.kind,
                                      .names = walk.setting->shown.names,
                                      .standard = number};
        setting_store(&walk, config, standard_of(&value));
    }
}

/* Names the kind too, whose setting it might have been. */
static minrnn_status unknown(const struct settings *settings, const void *config,
                             const char *name) {
    struct settings_walk walk = settings_walk(settings, config);
    char kind[2 * MINRNN_SETTING_TEXT] = "";
    while (settings_next(&walk)) {
        if (walk.setting->own) {
            char text[MINRNN_SETTING_TEXT];
            setting_print(walk.setting, setting_load(&walk, config), text);
            snprintf(kind, sizeof kind, " of %s %s", walk.setting->shown.name, text);
        }
    }
    return fail(MINRNN_INVALID_ARGUMENT, "a %s%s has no setting \"%s\"", settings->what, kind,
                name);
}

static const struct setting *find_row(const struct settings *settings, const char *name,
                                      minrnn_setting_kind kind) {
    for (int i = 0; settings && i < settings->count; i++) {
        const minrnn_setting *shown = &settings->rows[i].shown;
        if (strcmp(shown->name, name) == 0 && shown->kind == kind) {
            return &settings->rows[i];
        }
    }
    return NULL;
}

/* Gives the kind that is picked now what the one before had under the same names. */
static void carry(const struct picked *before, const char *room, const struct picked *now) {
    for (int i = 0; now->settings && i < now->settings->count; i++) {
        const struct setting *to = &now->settings->rows[i];
        const struct setting *from = find_row(before->settings, to->shown.name, to->shown.kind);
        union setting_value value = {.name = ""};
        if (from) {
            memcpy(&value, room + from->offset, from->bytes);
        }
        if (from && is_allowed(&to->shown, value)) {
            memcpy(now->room + to->offset, &value, to->bytes);
        }
    }
}

static void pick(const struct settings_walk *walk, void *config, union setting_value value) {
    char room[SETTINGS_ROOM];
    const struct picked before = picked_of(walk, config);
    if (before.settings) {
        memcpy(room, before.room, sizeof room);
    }
    setting_store(walk, config, value);
    const struct picked now = picked_of(walk, config);
    carry(&before, room, &now);
}

static minrnn_status set_text(const struct settings_walk *walk, void *config, const char *text) {
    union setting_value value;
    if (!setting_parse(walk->setting, text, &value)) {
        char quoted[QUOTED];
        return refuse(walk, quote(text, quoted));
    }
    const minrnn_status status = setting_check(walk, value);
    if (!status && walk->setting->own) {
        pick(walk, config, value);
    } else if (!status) {
        setting_store(walk, config, value);
    }
    return status;
}

minrnn_status settings_set(const struct settings *settings, void *config, const char *name,
                           const char *text) {
    if (!config || !name || !text) {
        return fail(MINRNN_INVALID_ARGUMENT, "minrnn_%s_set: an argument is NULL", settings->what);
    }
    const minrnn_status status = sized_check(&settings->type, config);
    if (status) {
        return status;
    }
    struct settings_walk walk = settings_walk(settings, config);
    return find(&walk, name) ? set_text(&walk, config, text) : unknown(settings, config, name);
}

minrnn_status settings_get(const struct settings *settings, const void *config, const char *name,
                           char *text, size_t capacity) {
    if (!config || !name || !text) {
        return fail(MINRNN_INVALID_ARGUMENT, "minrnn_%s_get: an argument is NULL", settings->what);
    }
    const minrnn_status status = sized_check(&settings->type, config);
    if (status) {
        return status;
    }
    struct settings_walk walk = settings_walk(settings, config);
    if (!find(&walk, name)) {
        return unknown(settings, config, name);
    }
    char whole[MINRNN_SETTING_TEXT];
    setting_print(walk.setting, setting_load(&walk, config), whole);
    if (strlen(whole) >= capacity) {
        return fail(MINRNN_INVALID_ARGUMENT, "minrnn_%s_get: %s takes %zu bytes, there are %zu",
                    settings->what, name, strlen(whole) + 1, capacity);
    }
    memcpy(text, whole, strlen(whole) + 1);
    return MINRNN_OK;
}

const minrnn_setting *settings_at(const struct settings *settings, int index) {
    return index >= 0 && index < settings->count ? &settings->rows[index].shown : NULL;
}
