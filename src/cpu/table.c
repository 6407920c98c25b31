/* The op table of one instruction level. */
#include "cpu/table.h"

#include "cpu/ops.h"

const struct op_table CPU_NAME(table) = {
#define OP_BEGIN(name) .name.run = CPU_NAME(name),
#include "op/op_list.def"
#define SCRATCH(name) .name.scratch = CPU_NAME(name##_scratch)
    SCRATCH(scan_forward),     SCRATCH(scan_backward), SCRATCH(conv_forward),
    SCRATCH(conv_backward),    SCRATCH(gemm),          SCRATCH(column_sum),
    SCRATCH(rmsnorm_backward), SCRATCH(sum),           SCRATCH(square_sum),
    SCRATCH(nonfinite_count),
};
