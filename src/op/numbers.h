/* Looking for numbers that are not finite in what an op wrote, right after it ran. */
#ifndef OP_NUMBERS_H
#define OP_NUMBERS_H

#include "op/op.h"

/* A context with one of these waits for every op and looks at its outputs; the first that holds a
 * NaN or an infinity makes the op return MINRNN_NOT_FINITE and is described here. */
struct number_check {
    minrnn_tensor count; /* f32 [1], where the device counts */

    /* The find: `found` is the argument's place among the op's; NULL op: none yet. */
    const char *op;
    struct op_argument arguments[OP_MAX_ARGUMENTS];
    int argument_count;
    int found;
    int64_t index; /* the first such element; -1: the device counts some, yet none is read back */
};

/* Raises the context's scratch to what looking at these outputs takes. */
minrnn_status numbers_plan(struct op_context *context, const struct op_argument *arguments,
                           int count);

/* Looks at an op's outputs. */
minrnn_status numbers_check(struct op_context *context, const char *op,
                            const struct op_argument *arguments, int count);

#endif
