/* SPDX-License-Identifier: Apache-2.0 */
/* What both passes of GRU and LSTM see: sequences, their steps and cuts, the products with the
 * state, and places in the scratch. */
#ifndef CPU_RECURRENT_WALK_H
#define CPU_RECURRENT_WALK_H

#include "cpu/panels.h"
#include "cpu/vector_math.h"

struct shape {
    enum recurrent_cell cell;
    int64_t batch, time, width, gates, parts;
    bool reversed;
    const int32_t *reset, *lengths;
};

#define SHAPE_OF(args)                                                                             \
    {                                                                                              \
        .cell = (args)->cell, .batch = (args)->batch, .time = (args)->time,                        \
        .width = (args)->width, .gates = recurrent_gates((args)->cell),                            \
        .parts = recurrent_parts((args)->cell), .reversed = (args)->reversed,                      \
        .reset = i32((args)->reset), .lengths = i32((args)->lengths)                               \
    }

/* Steps in use of a sequence. */
static inline int64_t length_of(const struct shape *shape, int64_t sequence) {
    const int64_t length = shape->lengths ? shape->lengths[sequence] : shape->time;
    return min_i64(shape->time, max_i64(0, length));
}

/* The longest of a block. */
static inline int64_t longest_of(const struct shape *shape, struct span block) {
    int64_t longest = 0;
    for (int64_t i = 0; i < block.count; i++) {
        longest = max_i64(longest, length_of(shape, block.begin + i));
    }
    return longest;
}

/* Row of the [batch, time] tensors at a step that is in use. */
static inline int64_t row_of(const struct shape *shape, int64_t sequence, int64_t step) {
    const int64_t t = shape->reversed ? length_of(shape, sequence) - 1 - step : step;
    return sequence * shape->time + t;
}

/* Whether a document begins, or from behind ends, between the step and the one before it. */
static inline bool is_cut(const struct shape *shape, int64_t sequence, int64_t step) {
    const int64_t row = row_of(shape, sequence, step);
    return shape->reset &&
           (shape->reversed ? step > 0 && shape->reset[row + 1] : shape->reset[row] != 0);
}

/* Sequences that a thread takes together: a tile of the product at least, and no more than leave
 * other threads something to do. */
static inline int64_t block_of(int64_t batch) {
    enum { LEAST = 8, MOST = 32, PIECES = 16 };
    return min_i64(MOST, round_up(ceil_div(batch, PIECES), LEAST));
}

static inline void clear(float *x, int64_t count) {
    memset(x, 0, (size_t)count * sizeof *x);
}

static inline void copy(const float *from, float *to, int64_t count) {
    memcpy(to, from, (size_t)count * sizeof *to);
}

/* A part of a sequence's state, of `width` elements from `place` on; absent states are 0, or
 * nothing is written. */
static inline void load_part(const float *states, int64_t place, int64_t width, float *part) {
    if (states) {
        copy(states + place, part, width);
    } else {
        clear(part, width);
    }
}

static inline void store_part(const float *part, int64_t width, float *states, int64_t place) {
    if (states) {
        copy(part, states + place, width);
    }
}

/* Rows past the length, of `width` elements. */
static inline void clear_past(const struct shape *shape, int64_t sequence, int64_t width,
                              float *x) {
    const int64_t length = length_of(shape, sequence);
    clear(x + (sequence * shape->time + length) * width, (shape->time - length) * width);
}

/* A step's products in their order: all of the weight; or of a reset before the product the rows of
 * r and z, then those of n. */
enum { MOST_PRODUCTS = 2 };
struct products {
    int count;
    int64_t begin[MOST_PRODUCTS], columns[MOST_PRODUCTS]; /* rows of the weight */
};

static inline struct products products_of(enum recurrent_cell cell, int64_t width) {
    if (cell == RECURRENT_GRU_BEFORE) {
        return (struct products){2, {0, 2 * width}, {2 * width, width}};
    }
    return (struct products){1, {0}, {recurrent_gates(cell) * width}};
}

/* Takes the next of the scratch's floats. */
static inline int64_t take(int64_t *total, int64_t floats) {
    const int64_t begin = *total;
    *total += round_up(floats, VECTOR);
    return begin;
}

#endif
