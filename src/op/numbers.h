/* SPDX-License-Identifier: Apache-2.0 */
/* Looking for numbers that are not finite in what an op wrote, right after it ran. */
#ifndef OP_NUMBERS_H
#define OP_NUMBERS_H

#include "op/op.h"

/* A context with one of these waits for every op and looks at its outputs; the first that holds a
 * NaN or an infinity makes the op return MINRNN_NOT_FINITE and is described here. */
struct number_check {
    struct op_observer observer;
    minrnn_tensor count; /* f32 [1], if the device counts */

    /* The find: `found` is the argument's place among the op's; NULL op: none yet. */
    const char *op;
    struct op_argument arguments[OP_MAX_ARGUMENTS];
    int argument_count;
    int found;
    int64_t index; /* the first such element; -1: the device counts some, yet none is read back */
};

/* Makes a context look at what its ops write, in planning and when they run. */
void numbers_attach(struct number_check *check, struct op_context *context);

#endif
