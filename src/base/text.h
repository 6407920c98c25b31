/* SPDX-License-Identifier: Apache-2.0 */
/* Text comparisons. */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

/* Whether `part` stands somewhere in `text`, ASCII case ignored. */
static inline bool text_contains(const char *text, const char *part) {
    const size_t length = strlen(part);
    for (; *text; text++) {
        size_t i = 0;
        while (i < length && text[i] &&
               tolower((unsigned char)text[i]) == tolower((unsigned char)part[i])) {
            i++;
        }
        if (i == length) {
            return true;
        }
    }
    return false;
}

#endif
