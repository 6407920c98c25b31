/* SPDX-License-Identifier: Apache-2.0 */
/* c[ROWS, n] (+)= a[ROWS, k] * b[n, k] transposed, for a few rows, as in a step of generation: b is read
 * once, along its rows. LANES neighbouring work-items share COLUMNS columns of c: 1 on CPUs, a
 * work-group of LANES on GPUs. */
#ifndef ROWS
#define ROWS 1
#endif
#ifndef COLUMNS
#define COLUMNS 4
#endif
#ifndef LANES
#define LANES 1
#endif

static float sum_of(vfloat v) {
    float sum = 0.0f;
#pragma unroll
    for (int i = 0; i < VECTOR; i++) {
        sum += ((const float *)&v)[i];
    }
    return sum;
}

#ifdef KERNEL_gemm_rows
/* Global: groups of COLUMNS columns times LANES. */
__kernel void gemm_rows(__global const float *restrict a, ulong a_offset,
                        __global const float *restrict b, ulong b_offset,
                        __global float *restrict c, ulong c_offset, long n, long k, long a_row,
                        long b_row, long c_row, int accumulate) {
    const int lane = (int)(get_global_id(0) % LANES);
    const long column = (long)(get_global_id(0) / LANES) * COLUMNS;
    const long whole = k - k % VECTOR;
    long b_begin[COLUMNS]; /* the last group reads its last column again instead of what is not there */
    vfloat sum[ROWS][COLUMNS];
    a += a_offset;
    b += b_offset;
    c += c_offset;
#pragma unroll
    for (int j = 0; j < COLUMNS; j++) {
        b_begin[j] = min(column + j, n - 1) * b_row;
#pragma unroll
        for (int i = 0; i < ROWS; i++) {
            sum[i][j] = 0.0f;
        }
    }
    for (long step = lane * VECTOR; step < whole; step += LANES * VECTOR) {
#pragma unroll
        for (int j = 0; j < COLUMNS; j++) {
            const vfloat b_part = LOAD(b + b_begin[j] + step);
#pragma unroll
            for (int i = 0; i < ROWS; i++) {
                sum[i][j] = MAD(LOAD(a + i * a_row + step), b_part, sum[i][j]);
            }
        }
    }
    float total[ROWS][COLUMNS];
#pragma unroll
    for (int j = 0; j < COLUMNS; j++) {
#pragma unroll
        for (int i = 0; i < ROWS; i++) {
            total[i][j] = sum_of(sum[i][j]);
#if VECTOR > 1
            for (long step = whole + lane; step < k; step += LANES) {
                total[i][j] = MAD(a[i * a_row + step], b[b_begin[j] + step], total[i][j]);
            }
#endif
        }
    }
#if LANES > 1
    __local float lane_sum[ROWS * COLUMNS][LANES];
#pragma unroll
    for (int i = 0; i < ROWS * COLUMNS; i++) {
        lane_sum[i][lane] = total[i / COLUMNS][i % COLUMNS];
    }
    for (int lanes = LANES / 2; lanes > 0; lanes /= 2) {
        barrier(CLK_LOCAL_MEM_FENCE);
        if (lane < lanes) {
            for (int i = 0; i < ROWS * COLUMNS; i++) {
                lane_sum[i][lane] += lane_sum[i][lane + lanes];
            }
        }
    }
    if (lane > 0) {
        return;
    }
#pragma unroll
    for (int i = 0; i < ROWS * COLUMNS; i++) {
        total[i / COLUMNS][i % COLUMNS] = lane_sum[i][0];
    }
#endif
#pragma unroll
    for (int j = 0; j < COLUMNS; j++) {
#pragma unroll
        for (int i = 0; i < ROWS; i++) {
            if (column + j < n) {
                __global float *p = c + i * c_row + column + j;
                *p = accumulate ? *p + total[i][j] : total[i][j];
            }
        }
    }
}
#endif
