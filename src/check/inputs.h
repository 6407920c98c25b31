/* The operands of a case, and random inputs that its op accepts. */
#ifndef CHECK_INPUTS_H
#define CHECK_INPUTS_H

#include "check/cases.h"

union element {
    float f;
    int32_t i;
    uint32_t bits;
};

/* One tensor of a case on the host. */
struct operand {
    struct op_argument argument;
    bool given;
    int home;               /* the operand whose memory it shares, itself where none */
    union element *initial; /* what is on the device before the run; of its home where shared */
    void *host;             /* what the oracle reads and writes: double or int32_t */
    double scale;           /* the oracle's, of an output */
};

static inline bool operand_is_read(const struct operand *operand) {
    const enum op_role role = operand->argument.role;
    return role == OP_IN || role == OP_IN_OPT || role == OP_INOUT;
}

static inline bool operand_is_written(const struct operand *operand) {
    const enum op_role role = operand->argument.role;
    return role == OP_INOUT || role == OP_OUT || role == OP_OUT_OPT;
}

/* Allocates a case's operands and fills what is read; the rest is NaN. Freed by operands_destroy,
 * after a failure too. */
minrnn_status operands_create(const struct op_entry *entry, const struct check_case *c,
                              struct check_random *random, struct operand *operands, int *count);
void operands_destroy(struct operand *operands, int count);

#endif
