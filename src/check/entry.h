/* SPDX-License-Identifier: Apache-2.0 */
/* Every op behind one face: what the list says of it, as functions of a union of all arguments. */
#ifndef CHECK_ENTRY_H
#define CHECK_ENTRY_H

#include "check/oracle.h"

#include <stddef.h>

union op_args {
#define OP_BEGIN(name) struct name##_args name;
#include "op/op_list.def"
};

enum check_op {
#define OP_BEGIN(name) CHECK_OP_##name,
#include "op/op_list.def"
    CHECK_OPS
};

/* The place of tensor `t` among the tensors of an op: struct NAME_index has one byte for each. */
#define OP_BEGIN(name) struct name##_index {
#define IN(type, t, extent) char t;
#define INOUT(type, t, extent) char t;
#define OUT(type, t, extent) char t;
#define OP_END(name)                                                                               \
    }                                                                                              \
    ;
#include "op/op_list.def"
#define INDEX(op, t) ((int)offsetof(struct op##_index, t))
#define BIT(op, t) (1u << INDEX(op, t))

struct op_check; /* op_check.h */

struct op_entry {
    const char *name;
    enum check_op op;
    const struct op_check *check;
    int (*arguments)(const union op_args *args, struct op_argument out[OP_MAX_ARGUMENTS]);
    /* Puts the tensors, in the list's order, into the arguments. */
    void (*bind)(union op_args *args, const minrnn_tensor *tensors);
    minrnn_status (*run)(struct op_context *context, const union op_args *args);
    /* Runs the oracle on host tensors (double or int32_t, NULL if absent; outputs are written),
     * and says each output's scale. */
    void (*oracle)(const union op_args *args, void *const *tensors, double *scales);
    /* The size or value of that name, 0 if the op has none. */
    double (*value)(const union op_args *args, const char *name);
    /* Sets the size of that name; false if the op has none. */
    bool (*resize)(union op_args *args, const char *name, int64_t size);
    /* Whether the op has an option of that name. */
    bool (*has_option)(const char *name);
    /* Writes all sizes and values as text, cut at `capacity`. */
    void (*describe)(const union op_args *args, char *text, size_t capacity);
    /* The same without the numbers that it computes with: what is left says how much work there is,
     * and is the same in every step. */
    void (*sizes)(const union op_args *args, char *text, size_t capacity);
};

const struct op_entry *op_entry_at(enum check_op op);

/* The stream of an op's random numbers, and the next one. It goes by the name, so that another op
 * in the list changes no case of this one. */
static inline uint32_t op_entry_stream(const struct op_entry *entry) {
    uint32_t hash = 2166136261u; /* FNV-1a */
    for (const char *c = entry->name; *c; c++) {
        hash = (hash ^ (unsigned char)*c) * 16777619u;
    }
    return hash;
}

/* NULL if the list has no op of that name. */
const struct op_entry *op_entry_find(const char *name);

#endif
