/* SPDX-License-Identifier: Apache-2.0 */
/* Options of a command: a table says what there is, where it goes and how it is explained. */
#ifndef CLI_ARGUMENTS_H
#define CLI_ARGUMENTS_H

#include <minrnn/setting.h>

#include "cli/ranges.h"

enum option_kind {
    OPTION_FLAG,   /* bool */
    OPTION_TEXT,   /* const char *, one of `choices` if there are any */
    OPTION_CHOICE, /* an enum: the value's place in `choices` */
    OPTION_COUNT,  /* int64_t, `low` or more */
    OPTION_SEED,   /* uint64_t */
    OPTION_NUMBER, /* float, `low` or more */
    OPTION_RANGES, /* struct ranges, each `low` or more */
    OPTION_NAMES,  /* struct names, each one of those that `list` gives */
    OPTION_SETTING /* one of the library's, reached through `access` */
};

/* How the settings of a configuration among the values are reached, by the library's names. */
struct option_access {
    minrnn_status (*set)(void *values, const char *name, const char *value);
    minrnn_status (*get)(const void *values, const char *name, char *value, size_t capacity);
};

/* Some of a list's names, the list's own. */
enum { NAMES_MOST = 32 };
struct names {
    const char *at[NAMES_MOST];
    int count;
};

/* Values lie in a struct of the command's, which holds the defaults before parsing. */
struct option {
    const char *name; /* without "--"; NULL ends a table */
    const char *value;
    const char *help;
    enum option_kind kind;
    char letter; /* may stand for the name, with one "-"; 0: none does */
    size_t offset;
    double low;
    const char *const *choices;     /* NULL at the end */
    const char *(*list)(int index); /* names from 0 on, NULL past the last */
    const minrnn_setting *setting;
    const struct option_access *access;
};

/* What tables are written with; PLACE(field) is the field's offset in the command's struct. */
#define TEXT(option, shown, field, text)                                                           \
    { .name = option, .value = shown, .help = text, .kind = OPTION_TEXT, .offset = PLACE(field) }
#define NAME(option, field, names, text)                                                           \
    { .name = option, .help = text, .kind = OPTION_TEXT, .offset = PLACE(field), .choices = names }
#define FLAG(option, field, text)                                                                  \
    { .name = option, .help = text, .kind = OPTION_FLAG, .offset = PLACE(field) }
#define COUNT(option, shown, field, least, text)                                                   \
    {                                                                                              \
        .name = option, .value = shown, .help = text, .kind = OPTION_COUNT,                        \
        .offset = PLACE(field), .low = least                                                       \
    }
#define NUMBER(option, shown, field, least, text)                                                  \
    {                                                                                              \
        .name = option, .value = shown, .help = text, .kind = OPTION_NUMBER,                       \
        .offset = PLACE(field), .low = least                                                       \
    }
#define CHOICE(option, field, names, text)                                                         \
    {                                                                                              \
        .name = option, .help = text, .kind = OPTION_CHOICE, .offset = PLACE(field),               \
        .choices = names                                                                           \
    }
#define RANGES(option, field, least, text)                                                         \
    {                                                                                              \
        .name = option, .value = "LIST", .help = text, .kind = OPTION_RANGES,                      \
        .offset = PLACE(field), .low = least                                                       \
    }
#define NAMES(option, field, names_of, text)                                                       \
    {                                                                                              \
        .name = option, .value = "LIST", .help = text, .kind = OPTION_NAMES,                       \
        .offset = PLACE(field), .list = names_of                                                   \
    }
#define SEED(option, field, text)                                                                  \
    { .name = option, .value = "S", .help = text, .kind = OPTION_SEED, .offset = PLACE(field) }

struct command {
    const char *name;
    const char *summary;
    const char *notes; /* more of the help, "" for none */
    const struct option *options;
    int (*run)(int argc, char **argv); /* what follows the command's name; the exit code */
};

/* Stores what is given. Returns whether to go on; otherwise help was printed, or a wrong use
 * reported, and *code is the exit code. */
bool arguments_parse(const struct command *command, int argc, char **argv, void *values, int *code);

/* The two halves of it: the first finds --help and what is no option, and stores nothing; the
 * second returns 0 or, having reported, an exit code. */
bool arguments_look(const struct command *command, int argc, char **argv, const void *defaults,
                    int *code);
int arguments_store(const struct command *command, int argc, char **argv, void *values);

/* How often an option is given; the values go to `values` in their order, unless it is NULL. Of a
 * command line that arguments_look took. */
int arguments_given(const struct command *command, int argc, char **argv, const char *name,
                    const char **values);

/* The value of an option given last, NULL if it is not given. */
const char *arguments_last(const struct command *command, int argc, char **argv, const char *name);

/* Whether an option has the same value in both. */
bool arguments_equal(const struct option *option, const void *a, const void *b);

/* Writes an option's value as one would give it. */
enum { ARGUMENT_CAPACITY = 256 };
void arguments_format(const struct option *option, const void *values, char *text);

#endif
