/* SPDX-License-Identifier: Apache-2.0 */
/* What is known of an op beside the list: const struct op_check check_NAME, at the foot of its
 * family's file here. Harness, validation, timings and tests read it and name no op themselves. */
#ifndef CHECK_OP_CHECK_H
#define CHECK_OP_CHECK_H

#include "check/inputs.h"

#include <math.h>

enum { CHECK_TIMED = 3 };

/* Arrays of OP_MAX_ARGUMENTS have an element for each tensor, at its place (AT). */
struct op_check {
    /* The op in double precision, written plainly from the definitions. */
    void (*oracle)(union op_oracle *o);
    /* How far each output may lie from the oracle, as BOUND says. */
    double (*bounds[OP_MAX_ARGUMENTS])(const union op_args *args);
    /* How much of a flushed denormal's size a device that flushes them may lose, if it is more than
     * a sum of thousands does: because the op divides by little. NULL: it is not. */
    double (*flushed)(const union op_args *args);
    /* Makes its cases, with what cases.h has for that. */
    void (*cases)(struct maker *maker);
    /* How an input is filled. NULL: with floats of the case's kind, or integers 0. */
    void (*fill[OP_MAX_ARGUMENTS])(const struct filler *filler, struct operand *operand);
    /* Computes the inputs that another op writes, when all others are there. NULL: none is. */
    minrnn_status (*derive)(const struct filler *filler);
    /* Makes a case fit whose sizes were set from outside; NULL: it does. */
    void (*resized)(union op_args *args);
    /* A case that every backend cuts into several pieces. */
    struct check_case large;
    /* Cases to time, at the sizes of real models: as many as have sizes. */
    struct check_case timed[CHECK_TIMED];
    /* Floating-point operations of a call. NULL: it is the bytes moved that take the time. */
    double (*operations)(const union op_args *args);
    /* Arithmetic instructions of a call, for an op whose functions may take longer than its bytes:
     * each takes the place of a multiply-add. NULL: they do not. */
    double (*instructions)(const union op_args *args);
    /* What a case takes beside what one of a plain op does, the programs to be built among it. */
    double extra_cost;
};

#define OP_BEGIN(name) extern const struct op_check check_##name;
#include "op/op_list.def"

/* oracle_NAME(o): an op's oracle by its name. */
#define OP_BEGIN(name)                                                                             \
    static inline void oracle_##name(struct name##_oracle *o) {                                    \
        union op_oracle all = {.name = *o};                                                        \
        check_##name.oracle(&all);                                                                 \
        *o = all.name;                                                                             \
    }
#include "op/op_list.def"

/* The place of a tensor in an array of one for each argument. */
#define AT(op, tensor) [INDEX(op, tensor)]

/* Instructions of one element's exp, a polynomial and its range reduction; and of a division, by
 * the throughput of today's processors. */
enum { EXP_INSTRUCTIONS = 15, DIVISION_INSTRUCTIONS = 10 };

/* ---- bounds ----
 *
 * Every bound counts errors in units of FLT_EPSILON = 2^-23, the relative size of one ulp at most.
 *
 *   + - *  and FMA      1/2   correctly rounded
 *   exp, log            3     OpenCL 1.2, 7.4 "Relative error as ulps"; log1p has 2, erf 16
 *   /, 1 / x            2.5
 *   sqrt                3
 *   sum of n terms      2 sqrt(n)
 *
 * What is counted is multiplied by the largest element of the output plus the output's scale, the
 * largest sum of magnitudes behind one element (oracle.h). So a term that is lost to cancellation
 * is still measured by what was added, and a bound of 12 allows 24 of them if the element is one
 * term alone. The functions of one element are not all at their worst at once; if the counts of
 * a bound exceed its number a little, this and the second share cover it. The CPU backend's
 * functions err less than OpenCL's may. What runs here stays below a quarter of every bound
 * (tests/checkop/table.py prints how far). Each family derives its own. */

/* A sum in any fixed order rounds n times at most, by amounts that are as good as independent and
 * uniform in +-1/2 (Higham and Mary 2019): their deviation is 0.29 sqrt(n), and 2 sqrt(n) is seven
 * of these. The worst case, n / 2, would hide a lost term among a thousand. */
static inline double sum_error(int64_t n) {
    return 2 * sqrt((double)n);
}

/* Defines the bound of an output, with a->SIZE for the op's sizes and values. */
#define BOUND(op, output, epsilons)                                                                \
    static double bound_##op##_##output(const union op_args *args) {                               \
        const struct op##_args *a = &args->op;                                                     \
        (void)a;                                                                                   \
        return epsilons;                                                                           \
    }

/* Enters it among the op's bounds. */
#define BOUNDED(op, output) AT(op, output) = bound_##op##_##output

/* The bound of the tensor at a place; -1, which nothing passes, if it is no output. */
static inline double check_bound(const struct op_entry *entry, int place,
                                 const union op_args *args) {
    return entry->check->bounds[place] ? entry->check->bounds[place](args) : -1;
}

/* ---- cases of fixed sizes ---- */

enum { LARGE_ROWS = 1000, LARGE_WIDTH = 100, LARGE_COUNT = 70000 };
enum { TIMED_ROWS = 16384, TIMED_BATCH = 64, TIMED_TIME = 256, TIMED_VOCABULARY = 65 };

/* `present`: which of the optional tensors there are, as BIT(op, tensor). */
#define LARGE(op, present, ...)                                                                    \
    { .args.op = {__VA_ARGS__}, .given = (present), .aligned = true }

#define TIMED(op, present, ...)                                                                    \
    { .args.op = {__VA_ARGS__}, .given = (present), .marks = MARKS_NOWHERE, .aligned = true }

/* The widths of models. */
#define TIMED_WIDTHS(op, present, ...)                                                             \
    TIMED(op, present, .width = 384, __VA_ARGS__), TIMED(op, present, .width = 768, __VA_ARGS__),  \
        TIMED(op, present, .width = 1536, __VA_ARGS__)

#define TIMED_COUNTS(op)                                                                           \
    TIMED(op, 0, .count = TIMED_ROWS * 384), TIMED(op, 0, .count = TIMED_ROWS * 768),              \
        TIMED(op, 0, .count = TIMED_ROWS * 1536)

/* The i-th case to time; NULL past the last, whose place is all zeros. */
static inline const struct check_case *timed_case(const struct op_entry *entry, int i) {
    return i < CHECK_TIMED && entry->check->timed[i].aligned ? &entry->check->timed[i] : NULL;
}

#endif
