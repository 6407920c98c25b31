/* SPDX-License-Identifier: Apache-2.0 */
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
    int home;               /* the operand whose memory it shares, itself if none */
    union element *initial; /* what is on the device before the run; of its home if shared */
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

/* ---- for the families, which fill what is peculiar to their ops ---- */

/* What a fill looks at. */
struct filler {
    const struct op_entry *entry;
    const struct check_case *c;
    struct check_random *random;
    struct operand *operands; /* in the list's order */
    int count;
};

/* The op's size or value of that name. */
int64_t filler_size(const struct filler *filler, const char *name);

/* A number of the case's kind; `value` itself or, with that chance, NaN or an infinity. */
float filler_draw(const struct filler *filler);
float filler_draw_or_nonfinite(const struct filler *filler, float value, double chance);

/* Fills a tensor of floats one by one. */
void fill_each(const struct filler *filler, struct operand *operand,
               float (*draw)(const struct filler *filler));

/* A tensor that is added to if the op's `accumulate` is set. Else it is overwritten, and holds NaN
 * before. */
void fill_accumulated(const struct filler *filler, struct operand *operand);

/* Resets [batch, time] and lengths [batch], by the case's marks. */
void fill_reset(const struct filler *filler, struct operand *reset);
void fill_lengths(const struct filler *filler, struct operand *lengths);

/* Rounds what an oracle wrote to an operand's host memory, which becomes the op's input. */
void operand_round(struct operand *operand);

#endif
