/* SPDX-License-Identifier: Apache-2.0 */
/* The oracles' walk along time: lengths, documents, and from behind. */
#ifndef CHECK_WALK_H
#define CHECK_WALK_H

#include <stdbool.h>
#include <stdint.h>

/* Where the walk stands: step s of `length` in walking order is time t, whose row is b T + t. */
struct walk {
    int64_t batch, time, length;
    bool reversed;
    const int32_t *reset;
};

static inline int64_t walk_row(const struct walk *walk, int64_t s) {
    return walk->batch * walk->time + (walk->reversed ? walk->length - 1 - s : s);
}

/* Whether a document begins between step s - 1 of the walk and step s. */
static inline bool walk_cut(const struct walk *walk, int64_t s) {
    if (!walk->reset) {
        return false;
    }
    const int64_t row = walk_row(walk, s);
    return walk->reversed ? s > 0 && walk->reset[row + 1] : walk->reset[row] != 0;
}

static inline struct walk walk_of(int64_t batch, int64_t time, bool reversed, const int32_t *reset,
                                  const int32_t *lengths) {
    return (struct walk){batch, time, lengths ? lengths[batch] : time, reversed, reset};
}

#endif
