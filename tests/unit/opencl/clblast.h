/* SPDX-License-Identifier: Apache-2.0 */
/* For tests that put themselves before CLBlast (the linker's --wrap): its product's prototype, and
 * a device that takes it. */
#ifndef TESTS_UNIT_OPENCL_CLBLAST_H
#define TESTS_UNIT_OPENCL_CLBLAST_H

#include "opencl/gemm.h"

#include <clblast_c.h>

#define SGEMM_PARAMETERS                                                                           \
    CLBlastLayout layout, CLBlastTranspose a_transpose, CLBlastTranspose b_transpose, size_t m,    \
        size_t n, size_t k, float alpha, cl_mem a, size_t a_offset, size_t a_stride, cl_mem b,     \
        size_t b_offset, size_t b_stride, float beta, cl_mem c, size_t c_offset, size_t c_stride,  \
        cl_command_queue *queue, cl_event *event, cl_mem temporary

/* For those that do not look at them. */
#define SGEMM_UNUSED                                                                               \
    (void)layout, (void)a_transpose, (void)b_transpose, (void)m, (void)n, (void)k, (void)alpha,    \
        (void)a, (void)a_offset, (void)a_stride, (void)b, (void)b_offset, (void)b_stride,          \
        (void)beta, (void)c, (void)c_offset, (void)c_stride, (void)queue, (void)event,             \
        (void)temporary

CLBlastStatusCode __real_CLBlastSgemmWithTempBuffer(SGEMM_PARAMETERS);
CLBlastStatusCode __wrap_CLBlastSgemmWithTempBuffer(SGEMM_PARAMETERS);

/* Makes a device a GPU that takes CLBlast for its products. */
static inline void take_clblast(minrnn_device *device) {
    struct cl_traits *traits = &((struct cl_device *)device)->traits;
    traits->is_cpu = false;
    traits->is_gpu = true;
    traits->float_width = 1;
    traits->tuned[TUNE_gemm_gpu_way] = traits->tuned[TUNE_gemm_gpu_gradients_way] = 2;
}

#endif
