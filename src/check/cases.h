/* SPDX-License-Identifier: Apache-2.0 */
/* Which sizes, options, absent tensors and kinds of numbers each op is checked with. */
#ifndef CHECK_CASES_H
#define CHECK_CASES_H

#include "check/entry.h"
#include "check/random.h"

/* Kinds of floating-point inputs. */
enum check_values {
    VALUES_NORMAL,   /* standard normal */
    VALUES_ZERO,     /* all zeros */
    VALUES_88,       /* normal and, mixed in, +-88: exp's ends in single precision */
    VALUES_1000,     /* normal and, mixed in, +-1000 */
    VALUES_DENORMAL, /* around 1e-40, positive: a device may flush them to zero */
    VALUES_KINDS
};

/* Kinds of resets, lengths and targets. */
enum check_marks {
    MARKS_SPARSE,     /* a reset here and there, at t = 0 in half of the sequences; any length */
    MARKS_EVERYWHERE, /* a reset at every step; lengths 0 */
    MARKS_NOWHERE,    /* no reset; lengths of all of time */
    MARKS_EACH,       /* sequence b: a reset at t = b alone; a length of b (modulo) */
    MARKS_KINDS
};

struct check_case {
    union op_args args; /* sizes and values; tensors are the harness's */
    uint32_t given;     /* bit i: the i-th tensor is there; required ones always are */
    int alias;          /* this tensor shares the memory of alias_of; the same number: none does */
    int alias_of;
    enum check_values values;
    enum check_marks marks;
    bool aligned; /* tensors begin at multiples of 64 bytes; else at any float */
    bool shared;  /* all tensors are parts of one buffer */
};

enum check_mode { CHECK_QUICK, CHECK_THOROUGH, CHECK_SMALL };

/* Takes each case as it is made; returns whether to go on. */
typedef bool (*check_take)(void *user, const struct check_case *c);

/* Makes all cases of one op. The same mode and seed make the same cases. */
void check_cases(const struct op_entry *entry, enum check_mode mode, uint64_t seed, check_take take,
                 void *user);

/* ---- for the families, which make the cases of their ops ---- */

/* What a generator draws from and hands its cases to. */
struct maker {
    enum check_mode mode;
    struct check_random random;
    check_take take;
    void *user;
    bool stopped;
    int made;
    /* What maker_draw does not draw. */
    enum { DRAWN, PLAIN_ALIGNED, EACH_MARK, NO_MARK } fixed;
};

struct sizes {
    const int64_t *at;
    int count;
};
#define SIZES(...)                                                                                 \
    ((struct sizes){(const int64_t[]){__VA_ARGS__},                                                \
                    (int)(sizeof((const int64_t[]){__VA_ARGS__}) / sizeof(int64_t))})

#define SOME_TIMES SIZES(1, 2, 7, 70, 203, 1025)
#define SOME_WIDTHS SIZES(1, 3, 16, 33, 64, 100)
#define SOME_BATCHES SIZES(1, 2, 5)
#define SOME_ROWS SIZES(1, 2, 7, 33, 203, 1025)
#define SOME_ROW_WIDTHS SIZES(1, 3, 16, 33, 64, 100, 384, 1001)
/* Around the widths of which several rows fit a work-group. */
#define SOME_ROW_EDGES SIZES(1, 2, 15, 16, 17, 63, 64, 65, 255, 256, 257)
#define SOME_COUNTS SIZES(1, 3, 16, 33, 100, 1025, 4099, 70001)
#define SOME_VOCABULARIES SIZES(1, 2, 3, 16, 65, 300)

/* More than the work-groups that some devices have along a dimension, 65,535. */
enum { MANY = 70001 };

/* Of a set in rising order; the small mode leaves out the larger half. One case of each op has the
 * smallest sizes throughout. */
int64_t maker_pick(struct maker *maker, struct sizes sizes);

bool maker_flip(struct maker *maker);

/* Times and batches of a sequence that an oracle walks in some milliseconds. */
struct check_shape {
    int64_t batch, time, width;
};
struct check_shape maker_shape(struct maker *maker);

/* The next case: everything but sizes, values and aliases is drawn here. */
struct check_case maker_draw(struct maker *maker);

void maker_take(struct maker *maker, const struct check_case *c);

/* How many cases an op without combinations of its own gets. */
int maker_draws(const struct maker *maker);

/* A set's sizes one after the other; the small mode leaves them out. */
#define FOR_SIZES(maker, i, sizes)                                                                 \
    for (int i = 0; i < (sizes).count && (maker)->mode != CHECK_SMALL; i++)

#define FOR_DRAWS(maker) for (int i_ = 0; i_ < maker_draws(maker) && !(maker)->stopped; i_++)

/* Lets an output share an input's memory. */
static inline void set_alias(struct check_case *c, int output, int input) {
    c->alias = output;
    c->alias_of = input;
}
#define ALIAS(c, op, output, input) set_alias((c), INDEX(op, output), INDEX(op, input))

#endif
