/* SPDX-License-Identifier: Apache-2.0 */
/* Filling and copying. */

#ifdef KERNEL_fill
/* A work-item takes `run` elements. */
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
/* A work-item takes `run` elements. */
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

#ifdef KERNEL_copy_rows
/* A row group takes `run` rows. */
__kernel ROW_GROUP void copy_rows(long rows, long run, long width, long x_row, long y_row,
                                  __global const float *x, ulong x_offset, __global float *y,
                                  ulong y_offset) {
    const long begin = row_group() * run;
    const long end = min(begin + run, rows);
    for (long row = begin; row < end; row++) {
        __global const float *from = x + x_offset + row * x_row;
        __global float *to = y + y_offset + row * y_row;
        for (long c = row_item() * VECTOR; c < width; c += ROW_ITEMS * VECTOR) {
            STORE_N(LOAD_N(from + c, width - c), to + c, width - c);
        }
    }
}
#endif
