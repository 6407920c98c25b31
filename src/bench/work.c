/* SPDX-License-Identifier: Apache-2.0 */
/* Counts the bytes and the operations of an op's call. */
#include "bench/work.h"

/* A product whose result takes the place of what was there does not read that. */
static bool reads_inout(const struct op_entry *entry, const union op_args *args) {
    return entry->op != CHECK_OP_gemm || args->gemm.accumulate;
}

struct op_work op_work_of(const struct op_entry *entry, const union op_args *args) {
    const struct op_check *check = entry->check;
    struct op_argument arguments[OP_MAX_ARGUMENTS];
    const int count = entry->arguments(args, arguments);
    struct op_work work = {
        .operations = (check->operations ? check->operations(args) : 0) +
                      2 * (check->instructions ? check->instructions(args) : 0),
    };
    for (int i = 0; i < count; i++) {
        const struct op_argument *a = &arguments[i];
        const double bytes = a->tensor.buffer ? (double)(a->extent * dtype_bytes(a->type)) : 0;
        const bool in = a->role == OP_IN || a->role == OP_IN_OPT;
        work.read += in || (a->role == OP_INOUT && reads_inout(entry, args)) ? bytes : 0;
        work.written += in ? 0 : bytes;
    }
    return work;
}
