/* SPDX-License-Identifier: Apache-2.0 */
/* Sums over columns and over everything, in a fixed order: partial sums of blocks that the shape
 * fixes, then the same kernel over the partial sums. */

#ifdef KERNEL_column_sum
/* total[block, c] = (accumulate ? total[block, c] : 0) + sum of x[r, c] over the block's `run`
 * rows; a row of x is `stride` apart from the next. Dimension 0: columns; 1: slices of blocks. */
__kernel COLUMN_GROUP void column_sum(long rows, long width, long stride, long run, int accumulate,
                                      __global const float *x, ulong x_offset,
                                      __global float *total, ulong total_offset) {
    SLICE_SLOTS(slots);
    const long c = (long)get_global_id(0) * COLUMN_SPAN;
    const long n = width - c;
    const long block = get_global_id(1) / SLICES;
    const long begin = block * run;
    const long count = n > 0 ? min(run, rows - begin) : 0;
    const columns_t mine = slice_sum(x + x_offset + begin * stride + c, count, stride, n);
    const columns_t sum = slices_sum(mine, slots);
    total += total_offset + block * width + c;
    if (slice_item() == 0 && n > 0) {
        columns_store(accumulate ? columns_add(columns_load(total, n), sum) : sum, total, n);
    }
}
#endif

#ifdef KERNEL_sum
/* What is summed of each element x. */
#define SUM_VALUES 0
#define SUM_SQUARES 1
#define SUM_NONFINITE 2 /* 1 if x is NaN or infinite, else 0 */

/* By the bits, whatever a compiler assumes of numbers: an exponent of all ones. */
vfloat is_nonfinite(vfloat x) {
    const vint exponent = (vint)(0x7f800000);
    return select((vfloat)(0.0f), (vfloat)(1.0f), (as_vint(x) & exponent) == exponent);
}

/* total[group] = (accumulate ? total[group] : 0) + scale * the sum over the row group's `run`
 * elements of x. */
__kernel ROW_GROUP void sum(long count, long run, int what, int accumulate, float scale,
                            __global const float *x, ulong x_offset, __global float *total,
                            ulong total_offset) {
    enum { SUMS = 4 }; /* independent sums hide the addition's latency */
    ROW_SLOTS(slots);
    const long begin = row_group() * run;
    const long end = min(begin + run, count);
    vfloat sums[SUMS];
#pragma unroll
    for (int s = 0; s < SUMS; s++) {
        sums[s] = (vfloat)(0.0f);
    }
    x += x_offset;
    for (long first = begin; first < end; first += SUMS * ROW_ITEMS * VECTOR) {
#pragma unroll
        for (int s = 0; s < SUMS; s++) {
            const long i = first + (s * ROW_ITEMS + row_item()) * VECTOR;
            if (i < end) {
                const vfloat v = LOAD_N(x + i, end - i);
                sums[s] += what == SUM_SQUARES     ? v * v
                           : what == SUM_NONFINITE ? is_nonfinite(v)
                                                   : v;
            }
        }
    }
    const float all = row_sum(lanes_sum((sums[0] + sums[1]) + (sums[2] + sums[3])), slots);
    if (row_item() == 0 && begin < count) {
        __global float *t = total + total_offset + row_group();
        *t = accumulate ? *t + scale * all : scale * all;
    }
}
#endif
