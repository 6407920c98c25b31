/* SPDX-License-Identifier: Apache-2.0 */
/* The values of settings as text, and what may be in them. */
#include "layer/setting.h"

#include <errno.h>
#include <inttypes.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A program's locale may write numbers with a comma; settings have a point. Only this thread's
 * locale is changed, and put back. */
struct plain_locale {
    locale_t plain, before;
};

static struct plain_locale plain_begin(void) {
    struct plain_locale locale = {.plain = newlocale(LC_ALL_MASK, "C", (locale_t)0)};
    locale.before = uselocale(locale.plain);
    return locale;
}

static void plain_end(struct plain_locale locale) {
    (void)uselocale(locale.before);
    if (locale.plain) {
        freelocale(locale.plain);
    }
}

/* ---- reading ---- */

static bool parse_integer(const char *text, int64_t *value) {
    char *end;
    errno = 0;
    *value = strtoll(text, &end, 10);
    return errno == 0 && end != text && *end == '\0';
}

static bool parse_seed(const char *text, uint64_t *value) {
    if (*text == '\0' || text[strspn(text, "0123456789")] != '\0') {
        return false;
    }
    errno = 0;
    *value = strtoull(text, NULL, 10);
    return errno == 0;
}

static bool parse_real(const char *text, float *value) {
    char *end;
    const struct plain_locale locale = plain_begin();
    *value = strtof(text, &end);
    plain_end(locale);
    return end != text && *end == '\0';
}

static bool parse_flag(const char *text, bool *value) {
    *value = strcmp(text, "on") == 0 || strcmp(text, "true") == 0;
    return *value || strcmp(text, "off") == 0 || strcmp(text, "false") == 0;
}

static bool parse_choice(const char *const *names, const char *text, unsigned *value) {
    for (*value = 0; names[*value]; ++*value) {
        if (strcmp(names[*value], text) == 0) {
            return true;
        }
    }
    return false;
}

static bool parse_name(const char *text, char *value) {
    const size_t length = strlen(text);
    if (length >= SETTING_NAME_BYTES) {
        return false;
    }
    memcpy(value, text, length + 1);
    return true;
}

bool setting_parse(const struct setting *setting, const char *text, union setting_value *value) {
    *value = (union setting_value){.name = ""};
    switch (setting->shown.kind) {
    case MINRNN_SETTING_INTEGER: return parse_integer(text, &value->integer);
    case MINRNN_SETTING_SEED: return parse_seed(text, &value->seed);
    case MINRNN_SETTING_REAL: return parse_real(text, &value->real);
    case MINRNN_SETTING_FLAG: return parse_flag(text, &value->flag);
    case MINRNN_SETTING_CHOICE: return parse_choice(setting->shown.names, text, &value->choice);
    case MINRNN_SETTING_NAME: return parse_name(text, value->name);
    }
    return false;
}

/* ---- writing ---- */

/* As few digits as read back to the same number, but no fewer than is usual. */
static void print_real(float value, char text[MINRNN_SETTING_TEXT]) {
    const struct plain_locale locale = plain_begin();
    for (int digits = 6; digits <= 9; digits++) {
        snprintf(text, MINRNN_SETTING_TEXT, "%.*g", digits, (double)value);
        if (strtof(text, NULL) == value) {
            break;
        }
    }
    plain_end(locale);
}

static unsigned count_names(const struct setting *setting) {
    unsigned count = 0;
    while (setting->shown.names[count]) {
        count++;
    }
    return count;
}

static void print_choice(const struct setting *setting, unsigned value,
                         char text[MINRNN_SETTING_TEXT]) {
    if (value < count_names(setting)) {
        snprintf(text, MINRNN_SETTING_TEXT, "%s", setting->shown.names[value]);
    } else {
        snprintf(text, MINRNN_SETTING_TEXT, "number %u", value);
    }
}

void setting_print(const struct setting *setting, union setting_value value,
                   char text[MINRNN_SETTING_TEXT]) {
    const size_t capacity = MINRNN_SETTING_TEXT;
    switch (setting->shown.kind) {
    case MINRNN_SETTING_INTEGER: snprintf(text, capacity, "%" PRId64, value.integer); break;
    case MINRNN_SETTING_SEED: snprintf(text, capacity, "%" PRIu64, value.seed); break;
    case MINRNN_SETTING_REAL: print_real(value.real, text); break;
    case MINRNN_SETTING_FLAG: snprintf(text, capacity, "%s", value.flag ? "on" : "off"); break;
    case MINRNN_SETTING_CHOICE: print_choice(setting, value.choice, text); break;
    case MINRNN_SETTING_NAME:
        snprintf(text, capacity, "%.*s", SETTING_NAME_BYTES, value.name);
        break;
    }
}

/* ---- bounds ---- */

static void print_range(const minrnn_setting *shown, char text[SETTING_BOUNDS]) {
    const bool has_low = isfinite(shown->low), has_high = isfinite(shown->high);
    char low[64] = "", high[64] = "";
    if (has_low && has_high && !shown->above_low && !shown->below_high) {
        snprintf(text, SETTING_BOUNDS, "%.16g to %.16g", shown->low, shown->high);
        return;
    }
    if (has_low) {
        snprintf(low, sizeof low, "%s %.16g", shown->above_low ? "above" : "at least", shown->low);
    }
    if (has_high) {
        snprintf(high, sizeof high, "%s %.16g", shown->below_high ? "below" : "at most",
                 shown->high);
    }
    snprintf(text, SETTING_BOUNDS, "%s%s%s", has_low || has_high ? low : "finite",
             has_low && has_high ? " and " : "", high);
}

/* "a, b or c" */
static void print_names(const struct setting *setting, char text[SETTING_BOUNDS]) {
    const unsigned count = count_names(setting);
    size_t used = 0;
    for (unsigned i = 0; i < count && used < SETTING_BOUNDS; i++) {
        const char *before = i == 0 ? "" : i + 1 < count ? ", " : " or ";
        used += (size_t)snprintf(text + used, SETTING_BOUNDS - used, "%s%s", before,
                                 setting->shown.names[i]);
    }
}

void setting_bounds(const struct setting *setting, char text[SETTING_BOUNDS]) {
    switch (setting->shown.kind) {
    case MINRNN_SETTING_INTEGER:
    case MINRNN_SETTING_REAL: print_range(&setting->shown, text); break;
    case MINRNN_SETTING_SEED: snprintf(text, SETTING_BOUNDS, "0 to %" PRIu64, UINT64_MAX); break;
    case MINRNN_SETTING_FLAG: snprintf(text, SETTING_BOUNDS, "on or off"); break;
    case MINRNN_SETTING_CHOICE:
    case MINRNN_SETTING_NAME: print_names(setting, text); break;
    }
}
