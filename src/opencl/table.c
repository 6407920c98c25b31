/* SPDX-License-Identifier: Apache-2.0 */
/* The op table of the OpenCL backend. */
#include "opencl/backend.h"

const struct op_table opencl_ops = {
#define OP_BEGIN(name) .name = &cl_##name##_op,
#include "op/op_list.def"
};
