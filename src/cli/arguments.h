/* Options of a command: a table says what there is, where it goes and how it is explained. */
#ifndef CLI_ARGUMENTS_H
#define CLI_ARGUMENTS_H

#include <stdbool.h>
#include <stddef.h>

enum option_kind {
    OPTION_FLAG,   /* bool */
    OPTION_TEXT,   /* const char *, one of `choices` where there are any */
    OPTION_CHOICE, /* an enum: the value's place in `choices` */
    OPTION_COUNT,  /* int64_t, `low` or more */
    OPTION_SEED,   /* uint64_t */
    OPTION_NUMBER  /* float, `low` or more */
};

/* Values lie in a struct of the command's, which holds the defaults before parsing. */
struct option {
    const char *name; /* without "--"; NULL ends a table */
    const char *value;
    const char *help;
    enum option_kind kind;
    size_t offset;
    double low;
    const char *const *choices; /* NULL at the end */
};

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

/* How often an option is given; the values go to `values` in their order, unless it is NULL. Of a
 * command line that arguments_parse took. */
int arguments_given(const struct command *command, int argc, char **argv, const char *name,
                    const char **values);

/* Whether an option has the same value in both. */
bool arguments_equal(const struct option *option, const void *a, const void *b);

/* Writes an option's value as one would give it. */
enum { ARGUMENT_CAPACITY = 128 };
void arguments_format(const struct option *option, const void *values, char *text);

#endif
