/* SPDX-License-Identifier: Apache-2.0 */
/* What a call of an op moves and computes at least, whatever a kernel does. */
#ifndef BENCH_WORK_H
#define BENCH_WORK_H

#include "check/op_check.h"

struct op_work {
    double read, written; /* bytes: every tensor given, once a direction */
    double operations;    /* floating-point; an instruction of a function in the place of a
                           * multiply-add is two */
};

struct op_work op_work_of(const struct op_entry *entry, const union op_args *args);

#endif
