/* SPDX-License-Identifier: Apache-2.0 */
/* Settings: a configuration is described by one table, a row for each member. From it come the
 * standard values, the checks, names and text, the JSON of files and what a resumed run compares.
 *
 * A configuration that a program makes begins with `size_t size`, the size of the struct that it
 * was compiled with. Members that lie past it are not there: they have their standard values.
 *
 * A row can pick a kind by name (a model's mixer). The kind has a table of its own, for a struct of
 * its own that lies in a room of the configuration; its rows follow that row. */
#ifndef LAYER_SETTING_H
#define LAYER_SETTING_H

#include <minrnn/setting.h>

#include "base/sized.h"

#include <math.h>

enum {
    SETTING_NAME_BYTES = 16, /* of a name, its end included */
    SETTINGS_ROOM = 256      /* bytes for the struct of a kind that a row picks */
};

struct settings;

struct setting {
    minrnn_setting shown;
    size_t offset;      /* of the member in the struct that the table describes */
    size_t bytes;       /* of the member, which must be those of its kind */
    const char *former; /* what older files call it; NULL: the same */
    bool unsaved;       /* has no place in files */
    /* Of a row that picks a kind: the kind's own table, and the room's offset in `config`. NULL if
     * no kind has that name. */
    const struct settings *(*own)(const void *config, size_t *room);
};

struct settings {
    const char *what; /* begins error texts: "model" */
    const struct setting *rows;
    int count;
    struct sized_type type; /* of the struct */
};

/* What rows are written with; after the help may follow more of minrnn_setting's members. */
#define SETTING_INTEGER(text, least, most, usual, ...)                                             \
    .shown = {.name = text,                                                                        \
              .kind = MINRNN_SETTING_INTEGER,                                                      \
              .low = least,                                                                        \
              .high = most,                                                                        \
              .standard = usual,                                                                   \
              .help = __VA_ARGS__}
#define SETTING_REAL(text, least, most, usual, ...)                                                \
    .shown = {.name = text,                                                                        \
              .kind = MINRNN_SETTING_REAL,                                                         \
              .low = least,                                                                        \
              .high = most,                                                                        \
              .standard = usual,                                                                   \
              .help = __VA_ARGS__}
#define SETTING_SEED(text, usual, ...)                                                             \
    .shown = {.name = text, .kind = MINRNN_SETTING_SEED, .standard = usual, .help = __VA_ARGS__}
#define SETTING_FLAG(text, usual, ...)                                                             \
    .shown = {.name = text, .kind = MINRNN_SETTING_FLAG, .standard = usual, .help = __VA_ARGS__}
#define SETTING_CHOICE(text, choices, usual, ...)                                                  \
    .shown = {.name = text,                                                                        \
              .kind = MINRNN_SETTING_CHOICE,                                                       \
              .names = choices,                                                                    \
              .standard = usual,                                                                   \
              .help = __VA_ARGS__}
#define SETTING_NAME(text, known, usual, ...)                                                      \
    .shown = {.name = text,                                                                        \
              .kind = MINRNN_SETTING_NAME,                                                         \
              .names = known,                                                                      \
              .standard = usual,                                                                   \
              .help = __VA_ARGS__}
#define SETTING_AT(type, member)                                                                   \
    .offset = offsetof(type, member), .bytes = sizeof((type *)0)->member
#define SETTINGS(name, list, type)                                                                 \
    {                                                                                              \
        name, list, sizeof list / sizeof *list, {                                                  \
            "minrnn_" name "_config", "minrnn_" name "_config_defaults", sizeof(type)              \
        }                                                                                          \
    }

/* A setting's value, the member of its kind being set. */
union setting_value {
    int64_t integer;
    uint64_t seed;
    float real;
    bool flag;
    unsigned choice;
    char name[SETTING_NAME_BYTES];
};

/* A walk over the rows of a configuration in their order, those of a picked kind included:
 *     struct settings_walk walk = settings_walk(settings, config);
 *     while (settings_next(&walk)) ...
 * Members that the configuration is too small for are passed over. Which kind is picked is looked
 * at after its row, so that the value may be stored on the way. */
struct settings_walk {
    const struct settings *outer, *inner;
    const void *config;
    size_t size, room;
    int next, inner_next;
    /* Where it is. */
    const struct settings *settings;
    const struct setting *setting;
    size_t offset; /* in the configuration */
};
struct settings_walk settings_walk(const struct settings *settings, const void *config);
bool settings_next(struct settings_walk *walk);

union setting_value setting_load(const struct settings_walk *walk, const void *config);

/* Stores a value; one that picks a kind gives the kind's own settings their standard values. */
void setting_store(const struct settings_walk *walk, void *config, union setting_value value);

/* Whether a value is allowed; the error says what is. */
minrnn_status setting_check(const struct settings_walk *walk, union setting_value value);

/* The value that `text` says. False if it says none; whether it is allowed is not looked at. */
bool setting_parse(const struct setting *setting, const char *text, union setting_value *value);

/* The value as setting_parse reads it. */
void setting_print(const struct setting *setting, union setting_value value,
                   char text[MINRNN_SETTING_TEXT]);

/* What is allowed, to follow "must be": "1 to 4096". */
enum { SETTING_BOUNDS = 256 };
void setting_bounds(const struct setting *setting, char text[SETTING_BOUNDS]);

/* ---- the whole configuration, of the library's own size ---- */

/* Standard values everywhere. */
void settings_defaults(const struct settings *settings, void *config);

/* The same for the kind of this name, which the table's first row picks. */
minrnn_status settings_defaults_of(const struct settings *settings, const char *name, void *config);

/* Copies a caller's configuration over one of the library's own. Members that the caller's lacks
 * keep the library's values. The caller's size must be possible. */
minrnn_status settings_take(const struct settings *settings, const void *given, void *config);

/* Copies one of the library's to a caller's of `size` bytes. */
void settings_give(const struct settings *settings, const void *config, void *given, size_t size);

/* Every value by itself must be allowed; the error names the first that is not, and what is. */
minrnn_status settings_check(const struct settings *settings, const void *config);

/* The values that a resumed run must share: MINRNN_INVALID_ARGUMENT naming the first that differs,
 * and what `a` (that of the file `where`) and `b` have. */
minrnn_status settings_compare(const struct settings *settings, const char *where, const void *a,
                               const void *b);

/* Copies the values that a resumed run may change. */
void settings_renew(const struct settings *settings, const void *from, void *to);

/* Stores a number (0 or 1; the place in `names`) that is known to be allowed, by a name that is
 * known to be there. */
void settings_put(const struct settings *settings, void *config, const char *name, double number);

/* ---- by name; of a caller's configuration too ---- */

/* A new kind keeps the values of the one before if both have a setting of that name. */
minrnn_status settings_set(const struct settings *settings, void *config, const char *name,
                           const char *text);
minrnn_status settings_get(const struct settings *settings, const void *config, const char *name,
                           char *text, size_t capacity);

/* The table's row, NULL past the last. */
const minrnn_setting *settings_at(const struct settings *settings, int index);

#endif
