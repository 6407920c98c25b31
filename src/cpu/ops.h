/* SPDX-License-Identifier: Apache-2.0 */
/* Names of the functions that are built once for each instruction level, and how work is cut.
 *
 * Work is cut by shape alone, never by the number of threads: each piece, and the order in which
 * pieces are added up, is then the same however many threads share them, and so are the bits. */
#ifndef CPU_OPS_H
#define CPU_OPS_H

#include "base/size.h"
#include "cpu/buffer.h"

#ifndef CPU_LEVEL
#error "CPU_LEVEL is the instruction level's name, see meson.build"
#endif
#define CPU_PASTE_(name, level) cpu_##name##_##level
#define CPU_PASTE(name, level) CPU_PASTE_(name, level)
#define CPU_NAME(name) CPU_PASTE(name, CPU_LEVEL)

#define ALWAYS_INLINE static inline __attribute__((always_inline))

/* The ops, each at the foot of its family's file. */
#define OP_BEGIN(name) extern const struct name##_op CPU_NAME(name##_op);
#include "op/op_list.def"

/* total[c] += sum over i < blocks of partial[i * stride + c], in the order of i, c < width. */
void CPU_NAME(add_partials)(const struct op_context *context, int64_t blocks, int64_t width,
                            int64_t stride, const float *partial, float *total);

/* Piece `index` of `count` things cut into pieces of `size`, the last one smaller. */
struct span {
    int64_t begin, count;
};

static inline struct span span_of(int64_t index, int64_t count, int64_t size) {
    const int64_t begin = index * size;
    return (struct span){begin, min_i64(size, count - begin)};
}

/* Elements of one piece of an element-wise op: large beside the cost of handing it to a thread. */
enum { ELEMENT_BLOCK = 16384 };

/* Whether threads repay: for so few elements, waking them costs more than the work, and very much
 * more if other programs use the processors. */
static inline bool threads_repay(int64_t pieces, int64_t elements) {
    return pieces > 1 && elements > ELEMENT_BLOCK;
}

/* Rows of one piece of a row-wise op. */
static inline int64_t row_block(int64_t width) {
    return max_i64(1, ELEMENT_BLOCK / width);
}

/* Rows of one piece of a sum over rows: at most 64 pieces, so that partial sums stay small. */
static inline int64_t sum_block(int64_t rows) {
    return max_i64(64, ceil_div(rows, 64));
}

#endif
