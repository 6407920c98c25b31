/* SPDX-License-Identifier: Apache-2.0 */
/* Matrix product for CPUs: a work-item holds a tile of c, TILE_ROWS rows of TILE_VECTORS vectors, in
 * registers, and walks a block of k. b comes in panels of TILE_COLUMNS columns from gemm_pack.cl, and
 * so does a, in panels of TILE_ROWS, if PACKED_A is set; otherwise a is stored [m, k].
 * Edge tiles begin early enough to be whole (m >= TILE_ROWS) and store only what no other tile does,
 * so that nothing is read or written outside. */
#ifndef TILE_ROWS
#define TILE_ROWS 8
#endif
#ifndef TILE_VECTORS
#define TILE_VECTORS 3
#endif
#define TILE_COLUMNS (TILE_VECTORS * VECTOR)

/* Writes columns from .. to - 1 of one row of a tile, or adds to them. */
static void store_row(const vfloat *sum, __global float *c, int from, int to, int accumulate) {
    if (to - from == TILE_COLUMNS) {
#pragma unroll
        for (int j = 0; j < TILE_VECTORS; j++) {
            __global float *p = c + j * VECTOR;
            STORE(accumulate ? LOAD(p) + sum[j] : sum[j], p);
        }
        return;
    }
    for (int column = from; column < to; column++) {
        const float value = ((const float *)sum)[column];
        c[column] = accumulate ? c[column] + value : value;
    }
}

#ifdef KERNEL_gemm_tile
/* Global: panels of b (rounded up, so that neighbours share rows of a), row tiles, segments. Segment s
 * sums the steps from k_begin + s * k_count, k_count of them as far as k goes, into the s-th m x n
 * matrix of c. */
__kernel void gemm_tile(__global const float *restrict a, ulong a_offset,
                        __global const float *restrict b, ulong b_offset,
                        __global float *restrict c, ulong c_offset, long m, long n, long k,
                        long a_row, long c_row, long k_begin, long k_count, int accumulate) {
    const long panel = get_global_id(0);
    const long row_tile = get_global_id(1);
    const long segment = get_global_id(2);
    const long panels = (n + TILE_COLUMNS - 1) / TILE_COLUMNS;
    if (panel >= panels) {
        return;
    }
    const long row_start = min(row_tile * TILE_ROWS, m - TILE_ROWS);
    const long column_start = max(min(panel * TILE_COLUMNS, n - TILE_COLUMNS), 0L);
    const long begin = k_begin + segment * k_count;
    const int count = (int)min(k_count, k - begin);
#ifdef PACKED_A
    const long row_tiles = (m + TILE_ROWS - 1) / TILE_ROWS;
    a += a_offset + (segment * row_tiles + row_tile) * k_count * TILE_ROWS;
#define A_ELEMENT(i, step) a[(step) * TILE_ROWS + (i)]
#else
    a += a_offset + row_start * a_row + begin;
#define A_ELEMENT(i, step) a[(i) * a_row + (step)]
#endif
    b += b_offset + (segment * panels + panel) * k_count * TILE_COLUMNS;

    vfloat sum[TILE_ROWS][TILE_VECTORS];
#pragma unroll
    for (int i = 0; i < TILE_ROWS; i++) {
#pragma unroll
        for (int j = 0; j < TILE_VECTORS; j++) {
            sum[i][j] = 0.0f;
        }
    }
    for (int step = 0; step < count; step++) {
        vfloat b_row[TILE_VECTORS];
#pragma unroll
        for (int j = 0; j < TILE_VECTORS; j++) {
            b_row[j] = LOAD(b + step * TILE_COLUMNS + j * VECTOR);
        }
#pragma unroll
        for (int i = 0; i < TILE_ROWS; i++) {
            const float a_element = A_ELEMENT(i, step);
#pragma unroll
            for (int j = 0; j < TILE_VECTORS; j++) {
                sum[i][j] = MAD((vfloat)a_element, b_row[j], sum[i][j]);
            }
        }
    }

    const int from = (int)(panel * TILE_COLUMNS - column_start);
    const int to = (int)min((long)TILE_COLUMNS, n);
    c += c_offset + segment * m * n + row_start * c_row + column_start;
#pragma unroll
    for (int i = 0; i < TILE_ROWS; i++) {
        if (row_start + i >= row_tile * TILE_ROWS) {
            store_row(sum[i], c + i * c_row, from, to, accumulate);
        }
    }
}
#endif
