/* SPDX-License-Identifier: Apache-2.0 */
/* What the generators of all families share: how sizes, absent tensors and kinds of numbers are
 * drawn. */
#include "check/op_check.h"

int64_t maker_pick(struct maker *maker, struct sizes sizes) {
    const int count = maker->mode == CHECK_SMALL ? sizes.count / 2 + 1 : sizes.count;
    const int64_t drawn = random_below(&maker->random, count);
    return sizes.at[maker->made == 2 ? 0 : drawn];
}

bool maker_flip(struct maker *maker) {
    return random_chance(&maker->random, 0.5);
}

struct check_shape maker_shape(struct maker *maker) {
    struct check_shape shape;
    do {
        shape = (struct check_shape){maker_pick(maker, SOME_BATCHES), maker_pick(maker, SOME_TIMES),
                                     maker_pick(maker, SOME_WIDTHS)};
    } while (shape.batch * shape.time * shape.width > 120000);
    return shape;
}

struct check_case maker_draw(struct maker *maker) {
    struct check_case c = {0};
    /* Every other case is plain; the rest take turns, so that each op sees each kind. */
    const int turn = maker->made / 2;
    const bool plain = maker->made % 2 == 0;
    c.values = plain ? VALUES_NORMAL : (enum check_values)(1 + turn % (VALUES_KINDS - 1));
    c.marks = plain ? MARKS_SPARSE : (enum check_marks)((turn + turn / MARKS_KINDS) % MARKS_KINDS);
    c.aligned = maker_flip(maker);
    c.shared = random_chance(&maker->random, 0.25);
    if (maker->fixed != DRAWN) {
        c.values = VALUES_NORMAL;
        c.marks = maker->fixed == EACH_MARK ? MARKS_EACH
                  : maker->fixed == NO_MARK ? MARKS_NOWHERE
                                            : MARKS_SPARSE;
        c.aligned = c.aligned || maker->fixed == PLAIN_ALIGNED;
        c.shared = c.shared && maker->fixed != PLAIN_ALIGNED;
    }
    c.given = maker->made == 0 ? 0xffffffff : maker->made == 1 ? 0 : random_word(&maker->random);
    return c;
}

void maker_take(struct maker *maker, const struct check_case *c) {
    maker->made++;
    if (!maker->stopped && !maker->take(maker->user, c)) {
        maker->stopped = true;
    }
}

int maker_draws(const struct maker *maker) {
    return maker->mode == CHECK_THOROUGH ? 200 : maker->mode == CHECK_SMALL ? 8 : 16;
}

void check_cases(const struct op_entry *entry, enum check_mode mode, uint64_t seed, check_take take,
                 void *user) {
    struct maker maker = {
        .mode = mode,
        .random = {.seed = seed, .stream = op_entry_stream(entry)},
        .take = take,
        .user = user,
    };
    entry->check->cases(&maker);
}
