/* SPDX-License-Identifier: Apache-2.0 */
/* Parses a command line by a table of options, and prints the help that follows from it. */
#include "cli/arguments.h"

#include "cli/report.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Where --help's explanations begin. */
enum { HELP_COLUMN = 30 };

/* One option with its value, as it stands on the command line. */
struct given {
    const struct option *option; /* NULL: --help */
    const char *value;
};

static const struct option *find_option(const struct option *options, const char *name,
                                        size_t length) {
    for (const struct option *option = options; option->name; option++) {
        if (strlen(option->name) == length && strncmp(option->name, name, length) == 0) {
            return option;
        }
    }
    return NULL;
}

static bool is_flag(const struct option *option) {
    return option->kind == OPTION_FLAG ||
           (option->kind == OPTION_SETTING && option->setting->kind == MINRNN_SETTING_FLAG);
}

static const struct option *find_letter(const struct option *options, char letter) {
    const struct option *option = options;
    while (option->name && (!letter || option->letter != letter)) {
        option++;
    }
    return option->name ? option : NULL;
}

/* Of a letter the value may stand behind it, "-r5"; NULL: it is the next argument. */
static int read_letter(const struct command *command, const char *argument, struct given *given) {
    given->option = argument[0] == '-' ? find_letter(command->options, argument[1]) : NULL;
    if (!given->option) {
        return report_wrong_use("%s: unexpected argument '%s' (see minrnn %s --help)",
                                command->name, argument, command->name);
    }
    given->value = argument[2] ? argument + 2 : NULL;
    return 0;
}

/* "--name" or "--name=value". */
static int read_name(const struct command *command, const char *name, struct given *given) {
    const size_t length = strcspn(name, "=");
    given->option = find_option(command->options, name, length);
    if (!given->option) {
        return report_wrong_use("%s: unknown option --%.*s (see minrnn %s --help)", command->name,
                                (int)length, name, command->name);
    }
    given->value = name[length] ? name + length + 1 : NULL;
    return 0;
}

/* Reads the option at argv[*i] and moves on. Returns 0 or, having reported, an exit code. */
static int read_given(const struct command *command, int argc, char **argv, int *i,
                      struct given *given) {
    const char *argument = argv[(*i)++];
    *given = (struct given){0};
    if (strcmp(argument, "--help") == 0 || strcmp(argument, "-h") == 0) {
        return 0;
    }
    const int code = strncmp(argument, "--", 2) == 0 ? read_name(command, argument + 2, given)
                                                     : read_letter(command, argument, given);
    if (code) {
        return code;
    }
    if (is_flag(given->option)) {
        return given->value ? report_wrong_use("--%s takes no value", given->option->name) : 0;
    }
    if (!given->value && *i < argc) {
        given->value = argv[(*i)++];
    }
    return given->value ? 0 : report_wrong_use("--%s needs a value", given->option->name);
}

static void *place(const struct option *option, void *values) {
    return (char *)values + option->offset;
}

static const void *const_place(const struct option *option, const void *values) {
    return (const char *)values + option->offset;
}

static size_t value_size(const struct option *option) {
    switch (option->kind) {
    case OPTION_FLAG: return sizeof(bool);
    case OPTION_TEXT: return sizeof(const char *);
    case OPTION_CHOICE: return sizeof(int); /* which every enum here has the size of */
    case OPTION_COUNT: return sizeof(int64_t);
    case OPTION_SEED: return sizeof(uint64_t);
    case OPTION_NUMBER: return sizeof(float);
    case OPTION_RANGES: return sizeof(struct ranges);
    case OPTION_NAMES: return sizeof(struct names);
    case OPTION_SETTING: break;
    }
    return 0;
}

static int find_choice(const struct option *option, const char *text) {
    for (int i = 0; option->choices[i]; i++) {
        if (strcmp(option->choices[i], text) == 0) {
            return i;
        }
    }
    return -1;
}

/* "a|b|c" */
static void join_choices(const struct option *option, char *text) {
    int length = 0;
    for (int i = 0; option->choices[i]; i++) {
        length += snprintf(text + length, (size_t)(ARGUMENT_CAPACITY - length), "%s%s",
                           i ? "|" : "", option->choices[i]);
    }
}

/* "a, b, c"; cut if it is long. */
static void join_list(const struct option *option, char *text) {
    size_t length = 0;
    text[0] = '\0';
    for (int i = 0; option->list(i) && length < ARGUMENT_CAPACITY; i++) {
        length += (size_t)snprintf(text + length, ARGUMENT_CAPACITY - length, "%s%s", i ? ", " : "",
                                   option->list(i));
    }
}

static int store_choice(const struct option *option, const char *text, void *values) {
    const int choice = find_choice(option, text);
    if (choice < 0) {
        char choices[ARGUMENT_CAPACITY];
        join_choices(option, choices);
        return report_wrong_use("--%s '%s': must be one of %s", option->name, text, choices);
    }
    if (option->kind == OPTION_CHOICE) {
        memcpy(place(option, values), &choice, sizeof choice);
    } else {
        memcpy(place(option, values), &option->choices[choice], sizeof(const char *));
    }
    return 0;
}

static int store_count(const struct option *option, const char *text, void *values) {
    char *end = NULL;
    errno = 0;
    const int64_t count = strtoll(text, &end, 10);
    if (errno || end == text || *end || (double)count < option->low) {
        return report_wrong_use("--%s '%s': must be a whole number, %.0f or more", option->name,
                                text, option->low);
    }
    memcpy(place(option, values), &count, sizeof count);
    return 0;
}

static int store_seed(const struct option *option, const char *text, void *values) {
    char *end = NULL;
    errno = 0;
    const uint64_t seed = strtoull(text, &end, 10);
    if (errno || *text < '0' || *text > '9' || *end) {
        return report_wrong_use("--%s '%s': must be a whole number, 0 to 2^64 - 1", option->name,
                                text);
    }
    memcpy(place(option, values), &seed, sizeof seed);
    return 0;
}

static int store_number(const struct option *option, const char *text, void *values) {
    char *end = NULL;
    const float number = strtof(text, &end);
    if (end == text || *end || !isfinite(number) || (double)number < option->low) {
        return report_wrong_use("--%s '%s': must be a number, %g or more", option->name, text,
                                option->low);
    }
    memcpy(place(option, values), &number, sizeof number);
    return 0;
}

static int store_ranges(const struct option *option, const char *text, void *values) {
    if (!ranges_parse(text, (int64_t)option->low, place(option, values))) {
        return report_wrong_use("--%s '%s': must be whole numbers, %.0f or more and at most %d of "
                                "them, such as 64,256 or 512-4096*2 or 10-50+10",
                                option->name, text, option->low, RANGES_MOST);
    }
    return 0;
}

/* The list's name that a text begins with, up to a comma or its end. */
static const char *find_name(const struct option *option, const char *text, size_t length) {
    const char *name;
    int i = 0;
    while ((name = option->list(i)) &&
           (strlen(name) != length || strncmp(name, text, length) != 0)) {
        i++;
    }
    return name;
}

static int store_names(const struct option *option, const char *text, void *values) {
    struct names *names = place(option, values);
    names->count = 0;
    for (const char *rest = text;; rest++) {
        const size_t length = strcspn(rest, ",");
        const char *name = find_name(option, rest, length);
        if (!name || names->count == NAMES_MOST) {
            char known[ARGUMENT_CAPACITY];
            join_list(option, known);
            return report_wrong_use("--%s '%s': must be some of %s, with commas", option->name,
                                    text, known);
        }
        names->at[names->count++] = name;
        rest += length;
        if (!*rest) {
            return 0;
        }
    }
}

/* The library says what the value may be. */
static int store_setting(const struct option *option, const char *text, void *values) {
    if (option->access->set(values, option->setting->name, text ? text : "on") == MINRNN_OK) {
        return 0;
    }
    return text ? report_wrong_use("--%s '%s': %s", option->name, text, minrnn_error_text())
                : report_wrong_use("--%s: %s", option->name, minrnn_error_text());
}

static int store(const struct given *given, void *values) {
    const struct option *option = given->option;
    if (option->kind == OPTION_SETTING) {
        return store_setting(option, given->value, values);
    }
    if (option->choices) {
        return store_choice(option, given->value, values);
    }
    switch (option->kind) {
    case OPTION_FLAG: *(bool *)place(option, values) = true; return 0;
    case OPTION_COUNT: return store_count(option, given->value, values);
    case OPTION_SEED: return store_seed(option, given->value, values);
    case OPTION_NUMBER: return store_number(option, given->value, values);
    case OPTION_RANGES: return store_ranges(option, given->value, values);
    case OPTION_NAMES: return store_names(option, given->value, values);
    case OPTION_TEXT:
    case OPTION_CHOICE:
    case OPTION_SETTING: break;
    }
    if (!*given->value) {
        return report_wrong_use("--%s: the value is empty", option->name);
    }
    memcpy(place(option, values), &given->value, sizeof given->value);
    return 0;
}

/* "" for a setting that is not there: it is another mixer's. */
static void format_setting(const struct option *option, const void *values, char *text) {
    if (option->access->get(values, option->setting->name, text, ARGUMENT_CAPACITY)) {
        text[0] = '\0';
    }
}

static void format_ranges(const struct ranges *ranges, char *text) {
    size_t length = 0;
    for (int i = 0; i < ranges->count && length < ARGUMENT_CAPACITY; i++) {
        length += (size_t)snprintf(text + length, ARGUMENT_CAPACITY - length, "%s%" PRId64,
                                   i ? "," : "", ranges->values[i]);
    }
}

static void format_names(const struct names *names, char *text) {
    size_t length = 0;
    for (int i = 0; i < names->count && length < ARGUMENT_CAPACITY; i++) {
        length += (size_t)snprintf(text + length, ARGUMENT_CAPACITY - length, "%s%s", i ? "," : "",
                                   names->at[i]);
    }
}

void arguments_format(const struct option *option, const void *values, char *text) {
    const void *value = const_place(option, values);
    const size_t capacity = ARGUMENT_CAPACITY;
    text[0] = '\0';
    switch (option->kind) {
    case OPTION_FLAG: snprintf(text, capacity, "%s", *(const bool *)value ? "on" : "off"); break;
    case OPTION_COUNT: snprintf(text, capacity, "%" PRId64, *(const int64_t *)value); break;
    case OPTION_SEED: snprintf(text, capacity, "%" PRIu64, *(const uint64_t *)value); break;
    case OPTION_NUMBER: snprintf(text, capacity, "%g", (double)*(const float *)value); break;
    case OPTION_RANGES: format_ranges(value, text); break;
    case OPTION_NAMES: format_names(value, text); break;
    case OPTION_CHOICE: {
        int choice = 0;
        memcpy(&choice, value, sizeof choice);
        /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): this kind has choices. */
        snprintf(text, capacity, "%s", option->choices[choice]);
        break;
    }
    case OPTION_TEXT: {
        const char *given = *(const char *const *)value;
        snprintf(text, capacity, "%s", given ? given : "");
        break;
    }
    case OPTION_SETTING: format_setting(option, values, text); break;
    }
}

bool arguments_equal(const struct option *option, const void *a, const void *b) {
    if (option->kind == OPTION_SETTING) {
        char text_a[ARGUMENT_CAPACITY], text_b[ARGUMENT_CAPACITY];
        format_setting(option, a, text_a);
        format_setting(option, b, text_b);
        return strcmp(text_a, text_b) == 0;
    }
    if (option->kind != OPTION_TEXT) {
        return memcmp(const_place(option, a), const_place(option, b), value_size(option)) == 0;
    }
    const char *x = *(const char *const *)const_place(option, a);
    const char *y = *(const char *const *)const_place(option, b);
    return x == y || (x && y && strcmp(x, y) == 0);
}

/* The names that an option may have, in lines of their own. */
static void print_list(const struct option *option) {
    enum { WIDTH = 100 };
    int column = WIDTH;
    for (int i = 0; option->list && option->list(i); i++) {
        const char *name = option->list(i);
        const char *end = option->list(i + 1) ? "," : "";
        if (column + (int)strlen(name) + 2 > WIDTH) {
            column = printf("%s%*s", i ? "\n" : "", HELP_COLUMN, "") - (i > 0);
            column += printf("%s%s", name, end);
        } else {
            column += printf(" %s%s", name, end);
        }
    }
    if (option->list) {
        putchar('\n');
    }
}

static void print_help(const struct command *command, const void *defaults) {
    printf("minrnn %s: %s\n\n", command->name, command->summary);
    for (const struct option *option = command->options; option->name; option++) {
        char value[ARGUMENT_CAPACITY] = "", standard[ARGUMENT_CAPACITY];
        if (option->choices) {
            join_choices(option, value);
        } else if (!is_flag(option)) {
            snprintf(value, sizeof value, "%s", option->value);
        }
        arguments_format(option, defaults, standard);
        const char letter[] = {',', ' ', '-', option->letter, '\0'};
        const int width = printf("  --%s%s%s%s", option->name, option->letter ? letter : "",
                                 *value ? " " : "", value);
        if (width + 1 >= HELP_COLUMN) {
            printf("\n%*s", HELP_COLUMN, "");
        } else {
            printf("%*s", HELP_COLUMN - width, "");
        }
        const bool shown = *standard && !is_flag(option) && !strstr(option->help, "(default");
        printf("%s%s%s%s\n", option->help, shown ? " (default " : "", shown ? standard : "",
               shown ? ")" : "");
        print_list(option);
    }
    printf("  --help%*s%s\n%s", HELP_COLUMN - 8, "", "print this", command->notes);
}

bool arguments_look(const struct command *command, int argc, char **argv, const void *defaults,
                    int *code) {
    struct given given;
    for (int i = 0; i < argc;) {
        if ((*code = read_given(command, argc, argv, &i, &given))) {
            return false;
        }
        if (!given.option) {
            print_help(command, defaults);
            return false;
        }
    }
    return true;
}

int arguments_store(const struct command *command, int argc, char **argv, void *values) {
    struct given given;
    int code = 0;
    for (int i = 0; !code && i < argc;) {
        code = read_given(command, argc, argv, &i, &given);
        if (!code && given.option) {
            code = store(&given, values);
        }
    }
    return code;
}

bool arguments_parse(const struct command *command, int argc, char **argv, void *values,
                     int *code) {
    /* Looked through for --help first, while the defaults are still there to be shown. */
    if (!arguments_look(command, argc, argv, values, code)) {
        return false;
    }
    *code = arguments_store(command, argc, argv, values);
    return *code == 0;
}

/* Moves *i past the next `name` that is given. False if there is none. */
static bool next_given(const struct command *command, int argc, char **argv, const char *name,
                       int *i, const char **value) {
    struct given given;
    while (*i < argc && read_given(command, argc, argv, i, &given) == 0 && given.option) {
        if (strcmp(given.option->name, name) == 0) {
            *value = given.value;
            return true;
        }
    }
    return false;
}

int arguments_given(const struct command *command, int argc, char **argv, const char *name,
                    const char **values) {
    const char *value;
    int count = 0;
    for (int i = 0; next_given(command, argc, argv, name, &i, &value); count++) {
        if (values) {
            values[count] = value;
        }
    }
    return count;
}

const char *arguments_last(const struct command *command, int argc, char **argv, const char *name) {
    const char *value = NULL;
    for (int i = 0; next_given(command, argc, argv, name, &i, &value);) {
    }
    return value;
}
