/* The op table of the OpenCL backend. */
#include "opencl/backend.h"

/* Ops that need no scratch. */
#define g_forward_scratch NULL
#define g_backward_scratch NULL
#define conv_forward_scratch NULL
#define rmsnorm_forward_scratch NULL
#define gelu_forward_scratch NULL
#define gelu_backward_scratch NULL
#define geglu_forward_scratch NULL
#define geglu_backward_scratch NULL
#define residual_forward_scratch NULL
#define residual_backward_scratch NULL
#define embed_forward_scratch NULL
#define embed_backward_scratch NULL
#define cross_entropy_scratch NULL
#define adamw_scratch NULL
#define fill_scratch NULL
#define copy_scratch NULL

#define scan_forward_scratch cl_scan_forward_scratch
#define scan_backward_scratch cl_scan_backward_scratch
#define conv_backward_scratch cl_conv_backward_scratch
#define gemm_scratch cl_gemm_scratch
#define column_sum_scratch cl_column_sum_scratch
#define rmsnorm_backward_scratch cl_rmsnorm_backward_scratch
#define sum_scratch cl_sum_scratch
#define square_sum_scratch cl_square_sum_scratch
#define nonfinite_count_scratch cl_nonfinite_count_scratch

const struct op_table opencl_ops = {
#define OP_BEGIN(name) .name = {cl_##name, name##_scratch},
#include "op/op_list.def"
};
