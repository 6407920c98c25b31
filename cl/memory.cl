/* SPDX-License-Identifier: Apache-2.0 */
/* Filling and copying. A work-item takes `run` elements. */

#ifdef KERNEL_fill
__kernel void fill(long count, long run, float value, __global float *x, ulong x_offset) {
    const long begin = (long)get_global_id(0) * run;
    const long end = min(begin + run, count);
    x += x_offset;
    for (long i = begin; i < end; i += VECTOR) {
        STORE_N((vfloat)(value), x + i, end - i);
    }
}
#endif

#ifdef KERNEL_copy
__kernel void copy(long count, long run, __global const float *x, ulong x_offset,
                   __global float *y, ulong y_offset) {
    const long begin = (long)get_global_id(0) * run;
    const long end = min(begin + run, count);
    x += x_offset;
    y += y_offset;
    for (long i = begin; i < end; i += VECTOR) {
        STORE_N(LOAD_N(x + i, end - i), y + i, end - i);
    }
}
#endif
