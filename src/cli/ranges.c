/* SPDX-License-Identifier: Apache-2.0 */
/* Reads lists and ranges of sizes. */
#include "cli/ranges.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>

/* Takes a number of digits and what it may end in off *text. */
static bool take_number(const char **text, int64_t *number) {
    char *end = NULL;
    errno = 0;
    if (!isdigit((unsigned char)**text)) {
        return false;
    }
    const long long value = strtoll(*text, &end, 10);
    const int shift = *end == 'k' ? 10 : *end == 'M' ? 20 : *end == 'G' ? 30 : 0;
    if (errno || value > INT64_MAX >> shift) {
        return false;
    }
    *number = (int64_t)value << shift;
    *text = end + (shift > 0);
    return true;
}

static bool append(struct ranges *ranges, int64_t value) {
    if (ranges->count == RANGES_MOST) {
        return false;
    }
    ranges->values[ranges->count++] = value;
    return true;
}

/* From `first` on, each `factor` times and `step` more than the one before. */
static bool append_range(struct ranges *ranges, int64_t first, int64_t last, int64_t factor,
                         int64_t step) {
    int64_t value = first;
    do {
        if (!append(ranges, value)) {
            return false;
        }
        if (__builtin_mul_overflow(value, factor, &value) ||
            __builtin_add_overflow(value, step, &value)) {
            return true;
        }
    } while (value <= last);
    return true;
}

/* Takes "a", "a-b", "a-b*f" or "a-b+s" off *text. */
static bool take_item(const char **text, int64_t least, struct ranges *ranges) {
    int64_t first, last, by = 1;
    if (!take_number(text, &first) || first < least) {
        return false;
    }
    if (**text != '-') {
        return append(ranges, first);
    }
    ++*text;
    if (!take_number(text, &last) || last < first) {
        return false;
    }
    const char how = **text;
    if (how != '*' && how != '+') {
        return append_range(ranges, first, last, 1, 1);
    }
    ++*text;
    if (!take_number(text, &by) || by < (how == '*' ? 2 : 1) || (how == '*' && first == 0)) {
        return false;
    }
    return how == '*' ? append_range(ranges, first, last, by, 0)
                      : append_range(ranges, first, last, 1, by);
}

bool ranges_parse(const char *text, int64_t least, struct ranges *ranges) {
    struct ranges found = {.count = 0};
    do {
        if (!take_item(&text, least, &found)) {
            return false;
        }
    } while (*text++ == ',');
    if (text[-1] != '\0') {
        return false;
    }
    *ranges = found;
    return true;
}
