/* SPDX-License-Identifier: Apache-2.0 */
/* Guesses from what is common in a text of an encoding and rare in one of any other. */
#include "task/encoding.h"

#include "base/utf8.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

enum {
    SAMPLE_BEFORE = 1 << 16, /* bytes that are looked at before the first that is no UTF-8 */
    SAMPLE_BYTES = 1 << 18,
    FEWEST_PAIRS = 8 /* characters of two bytes that an encoding is told from */
};

struct sample {
    const unsigned char *bytes;
    uint64_t count;
};

/* Whole lines, if they are not long, so that no character is cut. */
static struct sample take_sample(const char *text, uint64_t bytes, uint64_t at) {
    uint64_t begin = at < SAMPLE_BEFORE ? 0 : at - SAMPLE_BEFORE;
    for (uint64_t i = begin; begin > 0 && i < at; i++) {
        if (text[i] == '\n') {
            begin = i + 1;
            break;
        }
    }
    const uint64_t left = bytes - begin;
    return (struct sample){(const unsigned char *)text + begin,
                           left < SAMPLE_BYTES ? left : SAMPLE_BYTES};
}

static bool is_control(uint32_t code) {
    return (code < 0x20 && !(code >= '\t' && code <= '\r') && code != 0x1B) || code == 0x7F;
}

/* ---- units of two and four bytes ---- */

static uint32_t unit_at(const unsigned char *bytes, int size, bool big) {
    uint32_t code = 0;
    for (int i = 0; i < size; i++) {
        code |= (uint32_t)bytes[big ? size - 1 - i : i] << 8 * i;
    }
    return code;
}

/* How many blanks a text of such units has; -1 if it is none. */
static int64_t count_blanks(struct sample sample, int size, bool big) {
    int64_t blanks = 0;
    bool high = false; /* the first half of a pair came before */
    const uint64_t units = sample.count / (uint64_t)size;
    for (uint64_t i = 0; i < units; i++) {
        const uint32_t code = unit_at(sample.bytes + i * (uint64_t)size, size, big);
        const bool is_low = size == 2 && code >= 0xDC00 && code < 0xE000;
        const bool is_surrogate = code >= 0xD800 && code < 0xE000;
        if (is_control(code) || code >= UTF8_CODES || (code & 0xFFFE) == 0xFFFE || high != is_low ||
            (is_surrogate && size == 4)) {
            return -1;
        }
        high = is_surrogate && !is_low;
        blanks += code == ' ' || code == '\n' || code == 0x3000;
    }
    return units > 0 ? blanks : -1;
}

static struct encoding guess_wide(struct sample start) {
    static const struct {
        const char *mark;
        size_t bytes;
        struct encoding encoding;
    } marks[] = {{"\xFF\xFE\0\0", 4, {"UTF-32", "UTF-32"}},
                 {"\0\0\xFE\xFF", 4, {"UTF-32", "UTF-32"}},
                 {"\xFF\xFE", 2, {"UTF-16", "UTF-16"}},
                 {"\xFE\xFF", 2, {"UTF-16", "UTF-16"}}};
    static const struct {
        int size;
        bool big;
        struct encoding encoding;
    } unmarked[] = {{4, false, {"UTF-32 (little-endian)", "UTF-32LE"}},
                    {4, true, {"UTF-32 (big-endian)", "UTF-32BE"}},
                    {2, false, {"UTF-16 (little-endian)", "UTF-16LE"}},
                    {2, true, {"UTF-16 (big-endian)", "UTF-16BE"}}};
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) {
        if (start.count >= marks[i].bytes &&
            memcmp(start.bytes, marks[i].mark, marks[i].bytes) == 0) {
            return marks[i].encoding;
        }
    }
    struct encoding best = {NULL, NULL};
    int64_t most = 0;
    for (size_t i = 0; i < sizeof unmarked / sizeof *unmarked; i++) {
        const int64_t blanks = count_blanks(start, unmarked[i].size, unmarked[i].big);
        const bool is_certain = unmarked[i].size == 4 && blanks >= 0;
        if (blanks > most || (is_certain && !best.name)) {
            best = unmarked[i].encoding;
            most = blanks > most ? blanks : most;
        }
    }
    return best;
}

/* ---- UTF-8 with damage ---- */

static bool is_mostly_utf8(struct sample sample) {
    uint64_t good = 0, bad = 0;
    for (uint64_t at = 0; at < sample.count;) {
        uint32_t code;
        const int length = utf8_decode((const char *)sample.bytes + at, sample.count - at, &code);
        good += length > 1;
        bad += length == 0;
        at += length > 0 ? (uint64_t)length : 1;
    }
    return good >= 4 * bad && good >= 3;
}

/* ---- one and two bytes a character ---- */

/* What all encodings are told from. */
struct counts {
    uint64_t high;      /* bytes from 0x80 on */
    uint64_t beside;    /* of these, those after another */
    uint64_t runs;      /* of such bytes */
    uint64_t even_runs; /* of these, with an even length */
    uint64_t upper;     /* bytes from 0xE0 on */
    uint64_t middle;    /* bytes from 0xC0 to 0xDF */
    uint64_t foreign;   /* bytes that Windows-1252 does not have, or not within a word */
    uint64_t controls;
};

static bool is_letter(unsigned char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

/* From 0x80 to 0x9F Windows-1252 has signs, an apostrophe (0x92) and a few letters, DOS and the
 * Macintosh have the letters with accents. */
static bool is_foreign(struct sample sample, uint64_t at) {
    static const unsigned char unused[] = {0x81, 0x8D, 0x8F, 0x90, 0x9D};
    static const unsigned char within[] = {0x8A, 0x8C, 0x8E, 0x92, 0x9A, 0x9C, 0x9E, 0x9F};
    const unsigned char c = sample.bytes[at];
    if (c >= 0xA0 || memchr(within, c, sizeof within)) {
        return false;
    }
    return memchr(unused, c, sizeof unused) ||
           (at > 0 && at + 1 < sample.count && is_letter(sample.bytes[at - 1]) &&
            is_letter(sample.bytes[at + 1]));
}

static struct counts count_bytes(struct sample sample) {
    struct counts counts = {0};
    uint64_t run = 0;
    for (uint64_t i = 0; i <= sample.count; i++) {
        const unsigned char c = i < sample.count ? sample.bytes[i] : 0x20;
        counts.controls += is_control(c);
        if (c >= 0x80) {
            counts.high++;
            counts.beside += run > 0;
            counts.upper += c >= 0xE0;
            counts.middle += c >= 0xC0 && c < 0xE0;
            counts.foreign += is_foreign(sample, i);
            run++;
        } else if (run > 0) {
            counts.runs++;
            counts.even_runs += run % 2 == 0;
            run = 0;
        }
    }
    return counts;
}

static bool in(unsigned char c, unsigned char low, unsigned char high) {
    return c >= low && c <= high;
}

/* Characters of two bytes: which there are, and which make up most of a text. */
static bool is_gb(unsigned char a, unsigned char b) {
    return in(a, 0x81, 0xFE) && in(b, 0x40, 0xFE) && b != 0x7F;
}
static bool is_common_gb(unsigned char a, unsigned char b) {
    return b >= 0xA1 && (a == 0xA1 || a == 0xA3 || in(a, 0xB0, 0xF7));
}
static bool is_big5(unsigned char a, unsigned char b) {
    return in(a, 0x81, 0xFE) && (in(b, 0x40, 0x7E) || in(b, 0xA1, 0xFE));
}
static bool is_common_big5(unsigned char a, unsigned char b) {
    return is_big5(a, b) && (a == 0xA1 || in(a, 0xA4, 0xC6));
}
static bool is_euc(unsigned char a, unsigned char b) {
    return in(a, 0xA1, 0xFE) && in(b, 0xA1, 0xFE);
}
static bool is_kana_euc(unsigned char a, unsigned char b) {
    return in(a, 0xA4, 0xA5) && in(b, 0xA1, 0xF6);
}
static bool is_hangul(unsigned char a, unsigned char b) {
    return in(a, 0xB0, 0xC8) && b >= 0xA1;
}
static bool is_sjis(unsigned char a, unsigned char b) {
    return (in(a, 0x81, 0x9F) || in(a, 0xE0, 0xFC)) && in(b, 0x40, 0xFC) && b != 0x7F;
}
static bool is_kana_sjis(unsigned char a, unsigned char b) {
    return (a == 0x82 && in(b, 0x9F, 0xF1)) || (a == 0x83 && in(b, 0x40, 0x96));
}

typedef bool (*pair_test)(unsigned char a, unsigned char b);

/* The share of `common` among all pairs; 0 if there are few of them, or bytes that are in none. */
static double share_of(struct sample sample, pair_test valid, pair_test common) {
    uint64_t pairs = 0, found = 0, bad = 0;
    for (uint64_t i = 0; i < sample.count; i++) {
        const unsigned char a = sample.bytes[i];
        if (a < 0x80) {
            continue;
        }
        const unsigned char b = i + 1 < sample.count ? sample.bytes[i + 1] : 0;
        if (b && valid(a, b)) {
            pairs++;
            found += common(a, b);
            i++;
        } else {
            bad++;
        }
    }
    return pairs >= FEWEST_PAIRS && bad * 50 <= pairs ? (double)found / (double)pairs : 0;
}

static struct encoding guess_double(struct sample sample, const struct counts *counts) {
    static const struct encoding none = {NULL, NULL};
    /* Half of the bytes of a language's own characters at least, blanks and markup aside. */
    if (counts->high * 5 < sample.count) {
        return none;
    }
    if (share_of(sample, is_sjis, is_kana_sjis) > 0.3) {
        return (struct encoding){"Shift-JIS", "CP932"};
    }
    /* Two high bytes a character: nothing else has hardly a run that is odd. */
    if (counts->even_runs * 50 >= counts->runs * 49) {
        if (share_of(sample, is_euc, is_kana_euc) > 0.25) {
            return (struct encoding){"EUC-JP", "EUC-JP"};
        }
        if (share_of(sample, is_euc, is_hangul) > 0.95) {
            return (struct encoding){"EUC-KR", "CP949"};
        }
        if (share_of(sample, is_gb, is_common_gb) > 0.9) {
            return (struct encoding){"GB18030 (GBK, GB2312)", "GB18030"};
        }
    }
    return share_of(sample, is_big5, is_common_big5) > 0.9 ? (struct encoding){"Big5", "BIG5"}
                                                           : none;
}

static struct encoding guess_single(const struct counts *counts) {
    static const struct encoding unknown = {"one of the encodings of 8 bits", NULL};
    /* Words of such letters alone, or letters with accents among those of ASCII. */
    if (counts->beside * 2 > counts->high) {
        return counts->upper * 5 >= counts->high * 3
                   ? (struct encoding){"Windows-1251, if it is Cyrillic", "CP1251"}
               : counts->middle * 5 >= counts->high * 3
                   ? (struct encoding){"KOI8-R, if it is Cyrillic", "KOI8-R"}
                   : unknown;
    }
    return counts->foreign * 10 > counts->high
               ? unknown
               : (struct encoding){"Windows-1252 or Latin-1, if it is Western European", "CP1252"};
}

struct encoding encoding_guess(const char *text, uint64_t bytes, uint64_t at) {
    const struct sample sample = take_sample(text, bytes, at);
    const struct sample start = {(const unsigned char *)text,
                                 bytes < SAMPLE_BYTES ? bytes : SAMPLE_BYTES};
    const struct encoding wide = guess_wide(start);
    if (wide.name) {
        return wide;
    }
    const struct counts counts = count_bytes(sample);
    if (counts.controls * 50 > sample.count || memchr(sample.bytes, 0, (size_t)sample.count)) {
        return (struct encoding){"binary data", NULL};
    }
    if (is_mostly_utf8(sample)) {
        return (struct encoding){"UTF-8 with damaged characters", "UTF-8"};
    }
    const struct encoding two = guess_double(sample, &counts);
    return two.name ? two : guess_single(&counts);
}
