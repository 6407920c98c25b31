/* SPDX-License-Identifier: Apache-2.0 */
/* Which of an op's cases run: by number and by shape. */
#include "check/select.h"

#include "base/status.h"
#include "check/op_check.h"

#include <stdlib.h>
#include <string.h>

enum { NAME_CAPACITY = 32, SIZE_MAX_ASKED = 1 << 20 };

/* One "name=number". */
struct setting {
    char name[NAME_CAPACITY];
    double number;
};

/* Takes the next setting off *text; false if it is none. */
static bool next_setting(const char **text, struct setting *setting) {
    const char *equals = strchr(*text, '=');
    const size_t length = equals ? (size_t)(equals - *text) : 0;
    if (length == 0 || length >= NAME_CAPACITY) {
        return false;
    }
    memcpy(setting->name, *text, length);
    setting->name[length] = '\0';
    char *end;
    setting->number = strtod(equals + 1, &end);
    if (end == equals + 1 || (*end != ',' && *end != '\0')) {
        return false;
    }
    *text = *end == ',' ? end + 1 : end;
    return true;
}

/* Whether any op has a size or an option of that name; a size must be one that can be. */
static bool setting_fits(const struct setting *setting) {
    for (int op = 0; op < CHECK_OPS; op++) {
        const struct op_entry *entry = op_entry_at((enum check_op)op);
        union op_args args = {0};
        if (entry->has_option(setting->name)) {
            return true;
        }
        if (entry->resize(&args, setting->name, 1)) {
            return setting->number >= 1 && setting->number <= SIZE_MAX_ASKED &&
                   setting->number == (double)(int64_t)setting->number;
        }
    }
    return false;
}

minrnn_status select_check(const char *shape) {
    struct setting setting;
    for (const char *rest = shape; rest && *rest;) {
        if (!next_setting(&rest, &setting) || !setting_fits(&setting)) {
            return fail(
                MINRNN_INVALID_ARGUMENT,
                "minrnn_validate: shape \"%s\" must be NAME=NUMBER,... with sizes (1 to %d) "
                "and options of the ops",
                shape, SIZE_MAX_ASKED);
        }
    }
    return MINRNN_OK;
}

bool select_case(const minrnn_check_config *config, const struct op_entry *entry, int number,
                 struct check_case *c) {
    if (config->only_case != 0 && config->only_case != number) {
        return false;
    }
    struct setting setting;
    bool resized = false;
    for (const char *rest = config->shape; rest && *rest && next_setting(&rest, &setting);) {
        const bool is_size = entry->resize(&c->args, setting.name, (int64_t)setting.number);
        resized = resized || is_size;
        if (!is_size && entry->has_option(setting.name) &&
            (float)entry->value(&c->args, setting.name) != (float)setting.number) {
            return false;
        }
    }
    if (resized && entry->check->resized) {
        entry->check->resized(&c->args);
    }
    return true;
}
