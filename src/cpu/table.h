/* SPDX-License-Identifier: Apache-2.0 */
/* The op tables, one for each instruction level that this build has. */
#ifndef CPU_TABLE_H
#define CPU_TABLE_H

#include "op/op.h"

extern const struct op_table cpu_table_baseline;
extern const struct op_table cpu_table_x86_64_v3;
extern const struct op_table cpu_table_x86_64_v4;

#endif
