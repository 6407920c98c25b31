/* SPDX-License-Identifier: Apache-2.0 */
/* The op table of one instruction level. */
#include "cpu/table.h"

#include "cpu/ops.h"

const struct op_table CPU_NAME(table) = {
#define OP_BEGIN(name) .name = &CPU_NAME(name##_op),
#include "op/op_list.def"
};
