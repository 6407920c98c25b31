/* SPDX-License-Identifier: Apache-2.0 */
/* Selective copying: among noise stand a few data tokens at places that change from sequence to
 * sequence; at the end, one marker for each, the network has to name them in their order. What is
 * noise and what is data the content alone says (Gu and Dao, arXiv 2312.00752, section 4.1.1). */
#include "task/drawn.h"

#include <string.h>

enum variant { VARIANT_RELEASE, VARIANT_S4 };
static const char *const variants[] = {"release", "s4", NULL};

struct copy_settings {
    struct drawn_settings drawn;
    int64_t length, items, symbols;
    enum variant variant;
};

_Static_assert(sizeof(struct copy_settings) <= MINRNN_TASK_ROOM, "the settings have room");
_Static_assert(sizeof(enum variant) == sizeof(unsigned), "a choice is an unsigned");

enum { MOST_LENGTH = 1 << 28, MOST_SYMBOLS = 1 << 22 };

#define AT(member) SETTING_AT(struct copy_settings, member)
static const struct setting rows[] = {
    DRAWN_SETTINGS(struct copy_settings),
    {SETTING_INTEGER("length", 1, MOST_LENGTH, 256, "positions that the data hides in"),
     AT(length)},
    {SETTING_INTEGER("items", 1, MOST_LENGTH, 16, "data tokens of a sequence"), AT(items)},
    {SETTING_INTEGER("symbols", 3, MOST_SYMBOLS, 16,
                     "different tokens, noise and marker among them"),
     AT(symbols)},
    {SETTING_CHOICE("variant", variants, VARIANT_RELEASE,
                    "the minRNN authors' sequences; s4: those of the S4 and Mamba code"),
     AT(variant)},
};
static const struct settings settings = SETTINGS("task", rows, struct copy_settings);

static struct copy_settings own(const void *room) {
    struct copy_settings copied;
    memcpy(&copied, room, sizeof copied);
    return copied;
}

static minrnn_status check(const void *room) {
    const struct copy_settings copy = own(room);
    return copy.items > copy.length
               ? fail(MINRNN_INVALID_ARGUMENT, "copy: %lld items do not fit into a length of %lld",
                      (long long)copy.items, (long long)copy.length)
               : MINRNN_OK;
}

/* Where the data may stand: the s4 variant has as many positions more as there are items. */
static int64_t positions_of(const struct copy_settings *copy) {
    return copy->length + (copy->variant == VARIANT_S4 ? copy->items : 0);
}

static struct task_shape shape(const void *room) {
    const struct copy_settings copy = own(room);
    return (struct task_shape){
        .vocab = copy.symbols, .time = positions_of(&copy) + copy.items, .targets = copy.items};
}

/* Data is 1 .. symbols - 2 in both variants; noise and marker are the two others. Places are drawn
 * by Floyd's method (Bentley and Floyd, CACM 30, 1987): every set of them is as likely. */
static void sequence(const void *room, struct drawn_random *random, int32_t *tokens,
                     int32_t *targets) {
    const struct copy_settings copy = own(room);
    const bool is_s4 = copy.variant == VARIANT_S4;
    const int32_t noise = is_s4 ? 0 : (int32_t)copy.symbols - 1;
    const int32_t marker = is_s4 ? (int32_t)copy.symbols - 1 : 0;
    const int64_t positions = positions_of(&copy);
    for (int64_t t = 0; t < positions; t++) {
        tokens[t] = noise;
    }
    for (int64_t last = positions - copy.items; last < positions; last++) {
        const int64_t drawn = drawn_below(random, last + 1);
        const int64_t place = tokens[drawn] == noise ? drawn : last;
        tokens[place] = 1 + (int32_t)drawn_below(random, copy.symbols - 2);
    }
    int64_t end = positions;
    for (int64_t t = 0; t < positions; t++) {
        if (tokens[t] != noise) {
            tokens[end] = marker;
            targets[end++] = tokens[t];
        }
    }
}

static const struct drawn_kind drawn = {.check = check, .shape = shape, .sequence = sequence};

const struct task_kind task_copy = {
    .name = "copy",
    .help = "which data tokens stood among the noise",
    .measure = MINRNN_MEASURE_ACCURACY,
    .settings = &settings,
    TASK_DRAWN,
    .drawn = &drawn,
};
