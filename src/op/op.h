/* SPDX-License-Identifier: Apache-2.0 */
/* The op table: what a backend must compute, and how the rest of the library calls it.
 * Arguments, table and calls all come from op_list.def. */
#ifndef OP_OP_H
#define OP_OP_H

#include <minrnn/scan.h>

#include "base/size.h"
#include "op/device.h"
#include "op/recurrent.h"
#include "op/selective.h"

/* Pre-activations a channel reads: 1 for the linear cell (its a; b is a tensor of its own). */
static inline int64_t scan_gates(minrnn_scan_cell cell) {
#define SCAN_CELL(name, CELL, gates, ...)                                                          \
    if (cell == MINRNN_CELL_##CELL) {                                                              \
        return gates;                                                                              \
    }
#include "op/scan_kinds.def"
    return 1;
}

/* Elements from the first to the last of `count` matrices (0: one) that begin `step` apart, their
 * rows `row` apart; 0: one after the other. */
static inline int64_t matrices_extent(int64_t count, int64_t rows, int64_t columns, int64_t row,
                                      int64_t step) {
    const int64_t row_apart = row ? row : columns;
    const int64_t apart = step ? step : rows * row_apart;
    return max_i64(count - 1, 0) * apart + (rows - 1) * row_apart + columns;
}

/* struct NAME_args: the arguments of each op. */
#define OP_BEGIN(name) struct name##_args {
#define DIM(d) int64_t d;
#define VALUE(type, v) type v;
#define IN(type, t, extent) minrnn_tensor t;
#define INOUT(type, t, extent) minrnn_tensor t;
#define OUT(type, t, extent) minrnn_tensor t;
#define OP_END(name)                                                                               \
    }                                                                                              \
    ;
#include "op/op_list.def"

struct op_observer;

/* Where ops run: a device, with the scratch memory its ops may use. In-order: an op sees the
 * results of those called before it. While `planning`, ops compute nothing and only raise
 * `scratch_need`. One context is used by one thread at a time; several contexts may share a device.
 */
struct op_context {
    minrnn_device *device;
    minrnn_tensor scratch;
    int64_t scratch_bytes; /* what `scratch` holds */
    int64_t scratch_need;  /* the most that any op planned so far asked for */
    bool planning;
    minrnn_status status; /* of the first op that failed: those after it do nothing and return it */
    struct op_observer *observer; /* of every op that runs; NULL: none */
};

/* Elements of float32 that the scratch takes. */
static inline int64_t op_scratch_elements(const struct op_context *context) {
    return ceil_div(context->scratch_need, F32_BYTES);
}

/* The two parts of dense_gradients by themselves. */
static inline struct gemm_args gemm_of_gradients(const struct dense_gradients_args *args) {
    return (struct gemm_args){.m = args->outputs,
                              .n = args->inputs,
                              .k = args->rows,
                              .transpose_a = true,
                              .accumulate = true,
                              .a = args->dy,
                              .b = args->x,
                              .c = args->dweight};
}

static inline struct column_sum_args
column_sum_of_gradients(const struct dense_gradients_args *args) {
    return (struct column_sum_args){
        .rows = args->rows, .width = args->outputs, .x = args->dy, .total = args->dbias};
}

/* Products with their strides and their count written out. */
static inline struct gemm_args gemm_strides(const struct gemm_args *args) {
    struct gemm_args all = *args;
    const int64_t a_rows = args->transpose_a ? args->k : args->m;
    const int64_t b_rows = args->transpose_b ? args->n : args->k;
    all.a_row = args->a_row ? args->a_row : args->transpose_a ? args->m : args->k;
    all.b_row = args->b_row ? args->b_row : args->transpose_b ? args->k : args->n;
    all.c_row = args->c_row ? args->c_row : args->n;
    all.a_step = args->a_step ? args->a_step : a_rows * all.a_row;
    all.b_step = args->b_step ? args->b_step : b_rows * all.b_row;
    all.c_step = args->c_step ? args->c_step : args->m * all.c_row;
    all.count = args->count > 0 ? args->count : 1;
    return all;
}

/* Product number `index` of a batch by itself, with every stride of rows written out. */
static inline struct gemm_args gemm_of_batch(const struct gemm_args *args, int64_t index) {
    struct gemm_args one = gemm_strides(args);
    one.a = tensor_at(one.a, index * one.a_step);
    one.b = tensor_at(one.b, index * one.b_step);
    one.c = tensor_at(one.c, index * one.c_step);
    one.count = 1;
    return one;
}

/* struct NAME_op: what a backend provides for an op, defined at the foot of the op's file.
 *
 * `run` gets arguments that were checked: sizes are at least 1, tensors that must be there are
 * there and inside their buffers. `scratch` (NULL: none) says how many bytes of context->scratch
 * `run` will use for these sizes, whatever tensors are absent. `supports` (NULL: always) says
 * whether the device and this build can do the op with these sizes and options. If not, the others
 * are not called. */
#define OP_BEGIN(name)                                                                             \
    struct name##_op {                                                                             \
        minrnn_status (*run)(struct op_context * context, const struct name##_args *args);         \
        int64_t (*scratch)(const minrnn_device *device, const struct name##_args *args);           \
        bool (*supports)(const minrnn_device *device, const struct name##_args *args);             \
    };
#include "op/op_list.def"

struct op_table {
#define OP_BEGIN(name) const struct name##_op *name;
#include "op/op_list.def"
};

/* op_NAME(context, args): checks the arguments, then runs the device's implementation (or plans).
 */
#define OP_BEGIN(name)                                                                             \
    minrnn_status op_##name(struct op_context *context, const struct name##_args *args);
#include "op/op_list.def"

/* OP(gemm, context, .m = 3, ...): a call with its arguments by name; what is not named is zero. */
#define OP(name, context, ...) op_##name((context), &(struct name##_args){__VA_ARGS__})

/* One tensor argument, for harnesses and observers that handle every op alike. */
enum op_role { OP_IN, OP_IN_OPT, OP_INOUT, OP_OUT, OP_OUT_OPT };
struct op_argument {
    const char *name;
    enum op_role role;
    minrnn_dtype type;
    minrnn_tensor tensor;
    int64_t extent; /* elements */
};
enum { OP_MAX_ARGUMENTS = 24 };

/* What is told of every op of a context, for example to look at what it wrote. */
struct op_observer {
    /* While planning: raises the context's scratch to what `ran` takes. */
    minrnn_status (*planned)(struct op_context *context, const struct op_argument *arguments,
                             int count);
    /* After the op was enqueued; its status is then the op's. */
    minrnn_status (*ran)(struct op_context *context, const char *op,
                         const struct op_argument *arguments, int count);
};

/* Writes the sizes and values of a call as text, cut at `capacity`: "m 3 n 4 k 5 transpose_a 1";
 * zeros are left out. */
#define OP_BEGIN(name)                                                                             \
    void name##_describe(const struct name##_args *args, char *text, size_t capacity);
#include "op/op_list.def"

/* Writes the tensor arguments of a call in the list's order; returns how many. */
#define OP_BEGIN(name)                                                                             \
    int name##_arguments(const struct name##_args *args, struct op_argument out[OP_MAX_ARGUMENTS]);
#include "op/op_list.def"

#endif
