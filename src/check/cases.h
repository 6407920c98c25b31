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
void check_cases(enum check_op op, enum check_mode mode, uint64_t seed, check_take take,
                 void *user);

#endif
