/* SPDX-License-Identifier: Apache-2.0 */
/* Matrix product for any device: a work-group of GROUP x GROUP work-items computes a tile of
 * 4 GROUP x 4 GROUP elements of c, 4 x 4 each, from tiles of a and b in local memory, GROUP steps of k
 * at a time. TRANSPOSE_A: a is stored [k, m]; TRANSPOSE_B: b is stored [n, k]. */
#ifndef GROUP
#define GROUP 16
#endif
#define TILE (4 * GROUP)

/* Copies x[first_line .. + TILE, first_step .. + GROUP] to tile[step][line], 0 outside; x is stored
 * [line, step], or [step, line] if BY_STEP, in rows `row` apart. Neighbours read neighbouring
 * addresses. */
#define LOAD_TILE(tile, x, lines, steps, row, first_line, first_step, BY_STEP)                      \
    for (int part = 0; part < 4; part++) {                                                          \
        const int i = part * GROUP * GROUP + item;                                                  \
        const int line = BY_STEP ? i % TILE : i / GROUP;                                            \
        const int step = BY_STEP ? i / TILE : i % GROUP;                                            \
        const long l = first_line + line;                                                           \
        const long s = first_step + step;                                                           \
        const bool inside = l < lines && s < steps;                                                 \
        tile[step][line] = inside ? x[BY_STEP ? s * row + l : l * row + s] : 0.0f;                  \
    }

#ifdef TRANSPOSE_A
#define A_BY_STEP 1
#else
#define A_BY_STEP 0
#endif
#ifdef TRANSPOSE_B
#define B_BY_STEP 0
#else
#define B_BY_STEP 1
#endif

/* Sums the steps from k_begin (a multiple of GROUP) to k_end - 1. Global: columns of work-items, rows
 * of work-items; local: GROUP x GROUP. */
__kernel __attribute__((reqd_work_group_size(GROUP, GROUP, 1))) void
gemm_group(__global const float *restrict a, ulong a_offset, __global const float *restrict b,
           ulong b_offset, __global float *restrict c, ulong c_offset, long m, long n, long k,
           long a_row, long b_row, long c_row, long k_begin, long k_end, int accumulate) {
    __local float a_tile[GROUP][TILE + 1]; /* odd rows: no bank conflicts in the transposing store */
    __local float b_tile[GROUP][TILE + 1];
    const int x = (int)get_local_id(0);
    const int y = (int)get_local_id(1);
    const int item = y * GROUP + x;
    const long first_column = (long)get_group_id(0) * TILE;
    const long first_row = (long)get_group_id(1) * TILE;
    float sum[4][4];
    a += a_offset;
    b += b_offset;
    c += c_offset;
#pragma unroll
    for (int i = 0; i < 4; i++) {
#pragma unroll
        for (int j = 0; j < 4; j++) {
            sum[i][j] = 0.0f;
        }
    }
    for (long first_step = k_begin; first_step < k_end; first_step += GROUP) {
        LOAD_TILE(a_tile, a, m, k, a_row, first_row, first_step, A_BY_STEP)
        LOAD_TILE(b_tile, b, n, k, b_row, first_column, first_step, B_BY_STEP)
        barrier(CLK_LOCAL_MEM_FENCE);
        for (int step = 0; step < GROUP; step++) {
            float a_part[4], b_part[4];
#pragma unroll
            for (int i = 0; i < 4; i++) {
                a_part[i] = a_tile[step][i * GROUP + y];
                b_part[i] = b_tile[step][i * GROUP + x];
            }
#pragma unroll
            for (int i = 0; i < 4; i++) {
#pragma unroll
                for (int j = 0; j < 4; j++) {
                    sum[i][j] = MAD(a_part[i], b_part[j], sum[i][j]);
                }
            }
        }
        barrier(CLK_LOCAL_MEM_FENCE);
    }
#pragma unroll
    for (int i = 0; i < 4; i++) {
#pragma unroll
        for (int j = 0; j < 4; j++) {
            const long row = first_row + i * GROUP + y;
            const long column = first_column + j * GROUP + x;
            if (row < m && column < n) {
                __global float *p = c + row * c_row + column;
                *p = accumulate ? *p + sum[i][j] : sum[i][j];
            }
        }
    }
}
