/* SPDX-License-Identifier: Apache-2.0 */
/* Copies steps of a matrix x[step, column] (k steps, n columns; TRANSPOSED: stored [column, step];
 * rows of what is stored are `row` apart) into panels for gemm_tile.cl:
 * packed[segment][panel][step][column of the panel], PANEL_COLUMNS wide, k_count steps a segment.
 * The last panel ends with the matrix; columns past a matrix that is narrower than a panel are 0.
 */
#ifndef PANEL_COLUMNS
#define PANEL_COLUMNS 16
#endif

/* Steps that a work-item packs. */
#define PACK_STEPS 16

#ifdef TRANSPOSED
/* VECTOR is above 1, and divides PANEL_COLUMNS and PACK_STEPS. */

/* Transposes VECTOR vectors by perfect shuffles: each turns index bits (i, lane) by one. */
static void transpose(vfloat v[VECTOR]) {
#pragma unroll
    for (int stage = 1; stage < VECTOR; stage *= 2) {
        vfloat shuffled[VECTOR];
#pragma unroll
        for (int i = 0; i < VECTOR / 2; i++) {
            shuffled[2 * i].even = v[i].lo;
            shuffled[2 * i].odd = v[i + VECTOR / 2].lo;
            shuffled[2 * i + 1].even = v[i].hi;
            shuffled[2 * i + 1].odd = v[i + VECTOR / 2].hi;
        }
#pragma unroll
        for (int i = 0; i < VECTOR; i++) {
            v[i] = shuffled[i];
        }
    }
}

/* PACK_STEPS steps of a whole panel; x and packed are at the first one. */
static void pack_whole(__global const float *x, __global float *packed, long stride) {
    for (int step = 0; step < PACK_STEPS; step += VECTOR) {
        for (int column = 0; column < PANEL_COLUMNS; column += VECTOR) {
            vfloat v[VECTOR];
#pragma unroll
            for (int i = 0; i < VECTOR; i++) {
                v[i] = LOAD(x + (column + i) * stride + step);
            }
            transpose(v);
#pragma unroll
            for (int i = 0; i < VECTOR; i++) {
                STORE(v[i], packed + (step + i) * PANEL_COLUMNS + column);
            }
        }
    }
}
#else
static void pack_whole(__global const float *x, __global float *packed, long stride) {
    for (int step = 0; step < PACK_STEPS; step++) {
        for (int column = 0; column < PANEL_COLUMNS; column++) {
            packed[step * PANEL_COLUMNS + column] = x[step * stride + column];
        }
    }
}
#endif

#ifdef KERNEL_gemm_pack
/* Global: panels, groups of PACK_STEPS steps, segments; segment s begins at k_begin + s * k_count.
 */
__kernel void gemm_pack(__global const float *restrict x, ulong x_offset,
                        __global float *restrict packed, ulong packed_offset, long n, long k,
                        long row, long k_begin, long k_count) {
    const long panel = get_global_id(0);
    const long segment = get_global_id(2);
    const long first_column = max(min(panel * PANEL_COLUMNS, n - PANEL_COLUMNS), 0L);
    const long segment_begin = k_begin + segment * k_count;
    const long begin = (long)get_global_id(1) * PACK_STEPS;
    const int steps = (int)min((long)PACK_STEPS, min(k_count, k - segment_begin) - begin);
    const int columns = (int)min((long)PANEL_COLUMNS, n);
#ifdef TRANSPOSED
    const long step_stride = 1;
    const long column_stride = row;
#else
    const long step_stride = row;
    const long column_stride = 1;
#endif
    x += x_offset + (segment_begin + begin) * step_stride + first_column * column_stride;
    packed += packed_offset +
              ((segment * (long)get_global_size(0) + panel) * k_count + begin) * PANEL_COLUMNS;
    if (steps == PACK_STEPS && columns == PANEL_COLUMNS) {
        pack_whole(x, packed, step_stride * column_stride);
        return;
    }
    for (int step = 0; step < steps; step++) {
        for (int column = 0; column < PANEL_COLUMNS; column++) {
            packed[step * PANEL_COLUMNS + column] =
                column < columns ? x[step * step_stride + column * column_stride] : 0.0f;
        }
    }
}
#endif
