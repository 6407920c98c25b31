/* SPDX-License-Identifier: Apache-2.0 */
/* UTF-8 (RFC 3629): one code point at a time. */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum { UTF8_CODES = 0x110000, UTF8_MAX_BYTES = 4 };

/* Reads one code point from `bytes` (>= 1) bytes. Returns how many bytes it takes, 0 if they are
 * not UTF-8: overlong forms, surrogates, codes past 10FFFF and a cut-off end included. */
static inline int utf8_decode(const char *text, uint64_t bytes, uint32_t *code) {
    const unsigned char *s = (const unsigned char *)text;
    if (s[0] < 0x80) {
        *code = s[0];
        return 1;
    }
    const int length = s[0] >= 0xF0 ? 4 : s[0] >= 0xE0 ? 3 : 2;
    if (s[0] < 0xC2 || s[0] > 0xF4 || (uint64_t)length > bytes) {
        return 0;
    }
    uint32_t value = s[0] & (0x7Fu >> length);
    for (int i = 1; i < length; i++) {
        if ((s[i] & 0xC0) != 0x80) {
            return 0;
        }
        value = value << 6 | (s[i] & 0x3Fu);
    }
    const uint32_t smallest[] = {0x80, 0x800, 0x10000};
    if (value < smallest[length - 2] || value >= UTF8_CODES || (value >> 11) == 0x1B) {
        return 0;
    }
    *code = value;
    return length;
}

/* Whether 1 to 3 bytes, not a whole character, may be the first ones of one. The second byte alone
 * has a range that the first one changes: the lowest or the highest ends every beginning there is.
 */
static inline bool utf8_may_begin(const char *text, uint64_t bytes) {
    for (int end = 0x80; end <= 0xBF && bytes < UTF8_MAX_BYTES; end += 0x3F) {
        char whole[UTF8_MAX_BYTES];
        uint32_t code;
        memset(whole, end, sizeof whole);
        memcpy(whole, text, (size_t)bytes);
        if ((uint64_t)utf8_decode(whole, sizeof whole, &code) > bytes) {
            return true;
        }
    }
    return false;
}

/* Where the first byte is that is not UTF-8, or a NUL; `bytes` if there is none. */
static inline uint64_t utf8_find_invalid(const char *text, uint64_t bytes) {
    for (uint64_t at = 0; at < bytes;) {
        uint32_t code = 0;
        const int length = utf8_decode(text + at, bytes - at, &code);
        if (length == 0 || code == 0) {
            return at;
        }
        at += (uint64_t)length;
    }
    return bytes;
}

/* The bytes of a byte order mark at the beginning, which some editors put there; 0 for none. */
static inline uint64_t utf8_mark(const char *text, uint64_t bytes) {
    return bytes >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
}

/* Writes one code point (a valid one); returns how many bytes it took. */
static inline int utf8_encode(uint32_t code, char text[UTF8_MAX_BYTES]) {
    if (code < 0x80) {
        text[0] = (char)code;
        return 1;
    }
    const int length = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (int i = length - 1; i > 0; i--) {
        text[i] = (char)(0x80 | (code & 0x3F));
        code >>= 6;
    }
    text[0] = (char)(0xF00 >> length | code);
    return length;
}

/* Whether a string is UTF-8 without control characters, C1's included: one line of an error text
 * may hold it, and a terminal shows it as it is. */
static inline bool utf8_is_plain(const char *text) {
    for (uint64_t left = strlen(text); left > 0;) {
        uint32_t code = 0;
        const int length = utf8_decode(text, left, &code);
        if (length == 0 || code < 0x20 || (code >= 0x7F && code < 0xA0)) {
            return false;
        }
        text += length;
        left -= (uint64_t)length;
    }
    return true;
}

#endif
