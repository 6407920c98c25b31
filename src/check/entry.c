/* SPDX-License-Identifier: Apache-2.0 */
/* The entry of each op: functions over all of its arguments, made from op_list.def. */
#include "check/op_check.h"

#include <string.h>

/* ---- tensors in, tensors out ---- */

#define OP_BEGIN(name)                                                                             \
    static int list_##name(const union op_args *args, struct op_argument out[OP_MAX_ARGUMENTS]) {  \
        return name##_arguments(&args->name, out);                                                 \
    }                                                                                              \
    static minrnn_status run_##name(struct op_context *context, const union op_args *args) {       \
        return op_##name(context, &args->name);                                                    \
    }
#include "op/op_list.def"

#define OP_BEGIN(name)                                                                             \
    static void bind_##name(union op_args *all, const minrnn_tensor *next) {                       \
        struct name##_args *args = &all->name;
#define IN(type, t, extent) args->t = *next++;
#define INOUT(type, t, extent) args->t = *next++;
#define OUT(type, t, extent) args->t = *next++;
#define OP_END(name) }
#include "op/op_list.def"

/* ---- the oracle ---- */

#define OP_BEGIN(name)                                                                             \
    static struct name##_oracle open_##name(const union op_args *all, void *const *next) {         \
        const struct name##_args *args = &all->name;                                               \
        struct name##_oracle o = {0};
#define DIM(d) o.d = args->d;
#define VALUE(type, v) o.v = args->v;
#define IN(type, t, extent) o.t = *next++;
#define INOUT(type, t, extent) o.t = *next++;
#define OUT(type, t, extent) o.t = *next++;
#define OP_END(name)                                                                               \
    return o;                                                                                      \
    }
#include "op/op_list.def"

#define OP_BEGIN(name)                                                                             \
    static void judge_##name(const union op_args *args, void *const *tensors, double *next) {      \
        union op_oracle all = {.name = open_##name(args, tensors)};                                \
        check_##name.oracle(&all);                                                                 \
        const struct name##_oracle *o = &all.name;                                                 \
        (void)o;
#define IN(type, t, extent) *next++ = 0;
#define INOUT(type, t, extent) *next++ = o->t##_scale;
#define OUT(type, t, extent) *next++ = o->t##_scale;
#define OP_END(name) }
#include "op/op_list.def"

/* ---- sizes and values ---- */

#define OP_BEGIN(name)                                                                             \
    static double value_##name(const union op_args *all, const char *wanted) {                     \
        const struct name##_args *args = &all->name;
#define DIM(d) VALUE(int64_t, d)
#define VALUE(type, v)                                                                             \
    if (strcmp(wanted, #v) == 0) {                                                                 \
        return (double)args->v;                                                                    \
    }
#define OP_END(name)                                                                               \
    return 0;                                                                                      \
    }
#include "op/op_list.def"

#define OP_BEGIN(name)                                                                             \
    static bool resize_##name(union op_args *all, const char *wanted, int64_t size) {              \
        struct name##_args *args = &all->name;
#define DIM(d)                                                                                     \
    if (strcmp(wanted, #d) == 0) {                                                                 \
        args->d = size;                                                                            \
        return true;                                                                               \
    }
#define OP_END(name)                                                                               \
    return false;                                                                                  \
    }
#include "op/op_list.def"

#define OP_BEGIN(name)                                                                             \
    static bool has_option_##name(const char *wanted) {                                            \
        (void)wanted;
#define VALUE(type, v)                                                                             \
    if (strcmp(wanted, #v) == 0) {                                                                 \
        return true;                                                                               \
    }
#define OP_END(name)                                                                               \
    return false;                                                                                  \
    }
#include "op/op_list.def"

#define OP_BEGIN(name)                                                                             \
    static void describe_##name(const union op_args *args, char *text, size_t capacity) {          \
        name##_describe(&args->name, text, capacity);                                              \
    }
#include "op/op_list.def"

/* Sizes, flags and choices decide what is done. Numbers and the words of random draws do not. */
static bool is_computed_with(const char *type) {
    return strcmp(type, "float") == 0 || strcmp(type, "uint32_t") == 0 ||
           strcmp(type, "uint64_t") == 0;
}

/* A zero is what describing leaves out. */
#define OP_BEGIN(name)                                                                             \
    static void sizes_##name(const union op_args *all, char *text, size_t capacity) {              \
        struct name##_args args = all->name;
#define VALUE(type, v)                                                                             \
    if (is_computed_with(#type)) {                                                                 \
        args.v = 0;                                                                                \
    }
#define OP_END(name)                                                                               \
    name##_describe(&args, text, capacity);                                                        \
    }
#include "op/op_list.def"

static const struct op_entry entries[] = {
#define OP_BEGIN(name)                                                                             \
    {#name,         CHECK_OP_##name,   &check_##name,   list_##name,                               \
     bind_##name,   run_##name,        judge_##name,    value_##name,                              \
     resize_##name, has_option_##name, describe_##name, sizes_##name},
#include "op/op_list.def"
};

const struct op_entry *op_entry_at(enum check_op op) {
    return &entries[op];
}

const struct op_entry *op_entry_find(const char *name) {
    for (int op = 0; op < CHECK_OPS; op++) {
        if (strcmp(entries[op].name, name) == 0) {
            return &entries[op];
        }
    }
    return NULL;
}
