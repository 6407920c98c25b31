/* SPDX-License-Identifier: Apache-2.0 */
/* AdamW (Loshchilov and Hutter, 1711.05101) with clipping by the global norm. */

/* By the bits, whatever a compiler assumes of numbers: an exponent of all ones. */
bool is_nonfinite(float x) {
    return (as_uint(x) & 0x7f800000u) == 0x7f800000u;
}

/* What clipping multiplies every gradient by; its inputs are the same for every work-item. */
float clip_scale(float clip, __global const float *square_norm) {
    if (!(clip > 0.0f)) {
        return 1.0f;
    }
    const float norm = sqrt(square_norm[0]);
    return norm > clip ? clip / norm : 1.0f;
}

#ifdef KERNEL_adamw
__kernel void adamw(long count, long run, float rate, float beta1, float beta2, float epsilon,
                    float decay, float correction1, float correction2, float clip,
                    __global const float *grad, ulong grad_offset,
                    __global const float *square_norm, ulong square_norm_offset,
                    __global float *param, ulong param_offset, __global float *m, ulong m_offset,
                    __global float *v, ulong v_offset) {
    const long begin = (long)get_global_id(0) * run;
    const long end = min(begin + run, count);
    if (square_norm && is_nonfinite(square_norm[square_norm_offset])) {
        return;
    }
    const float scale = clip_scale(clip, square_norm + square_norm_offset);
    const float keep = 1.0f - rate * decay;
    const float step = rate / correction1;
    grad += grad_offset;
    param += param_offset;
    m += m_offset;
    v += v_offset;
    for (long i = begin; i < end; i += VECTOR) {
        const long n = end - i;
        const vfloat g = scale * LOAD_N(grad + i, n);
        const vfloat first = beta1 * LOAD_N(m + i, n) + (1.0f - beta1) * g;
        const vfloat second = beta2 * LOAD_N(v + i, n) + (1.0f - beta2) * g * g;
        const vfloat p = LOAD_N(param + i, n);
        STORE_N(first, m + i, n);
        STORE_N(second, v + i, n);
        STORE_N(keep * p - step * first / (sqrt(second / correction2) + epsilon), param + i, n);
    }
}
#endif
