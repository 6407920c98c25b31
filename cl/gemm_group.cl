/* SPDX-License-Identifier: Apache-2.0 */
/* Matrix product for GPUs: a work-group of LANES_M x LANES_N work-items computes a tile of c, ITEM_M x
 * ITEM_N elements each, in registers. Slabs of a and b, SLAB steps of k, go through local memory: while
 * one is multiplied, the next is being read.
 * TRANSPOSE_A: a is stored [k, m]; TRANSPOSE_B: b is stored [n, k]. ALIGNED_A, ALIGNED_B, ALIGNED_C: every
 * four elements beside each other are 16 bytes apart from the last four and all inside or all outside,
 * so that they are read or written at once. */
#ifndef LANES_M
#define LANES_M 16
#endif
#ifndef LANES_N
#define LANES_N 16
#endif
#ifndef ITEM_M
#define ITEM_M 8
#endif
#ifndef ITEM_N
#define ITEM_N 8
#endif
#ifndef SLAB
#define SLAB 8
#endif
/* Steps that are multiplied between two looks at the counter: with more, registers hold fewer
 * work-items. */
#if defined(ALIGNED_A) && defined(ALIGNED_B)
#define UNROLLED 2
#else
#define UNROLLED 1
#endif
#define ITEMS (LANES_M * LANES_N)
#define TILE_M (LANES_M * ITEM_M)
#define TILE_N (LANES_N * ITEM_N)

/* Lanes that take steps of a slab for the sums. */
#define SUM_LANES (LANES_N < SLAB ? LANES_N : SLAB)

/* A line is a row of op(a) or a column of op(b). BY_STEP: lines lie beside each other in memory, or else
 * steps do. A quad is four elements beside each other. */
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
#ifdef ALIGNED_A
#define A_ALIGNED 1
#else
#define A_ALIGNED 0
#endif
#ifdef ALIGNED_B
#define B_ALIGNED 1
#else
#define B_ALIGNED 0
#endif

/* Quads of a slab, and how many of them a work-item reads at most. */
#define QUADS(TILE) (TILE * SLAB / 4)
#define READS(TILE) ((QUADS(TILE) + ITEMS - 1) / ITEMS)

/* Where quad q of a slab lies. Neighbours read neighbouring addresses. */
#define QUAD_LINE(q, TILE, BY_STEP) ((BY_STEP) ? (q) % (TILE / 4) * 4 : (q) / (SLAB / 4))
#define QUAD_STEP(q, TILE, BY_STEP) ((BY_STEP) ? (q) / (TILE / 4) : (q) % (SLAB / 4) * 4)

/* The quad of `x` from `line` and `step` on; 0 past `lines` and past `steps`. */
static float4 read_quad(__global const float *x, long line, long lines, long step, long steps, long row,
                        bool by_step, bool aligned) {
    const bool inside = line < lines && step < steps;
    __global const float *p = x + (by_step ? step * row + line : line * row + step);
    float4 quad = (float4)(0.0f);
    if (inside && aligned) {
        quad = *(__global const float4 *)p;
    }
    if (inside && !aligned) {
        const long left = by_step ? lines - line : steps - step;
        quad.x = p[0];
        quad.y = left > 1 ? p[1] : 0.0f;
        quad.z = left > 2 ? p[2] : 0.0f;
        quad.w = left > 3 ? p[3] : 0.0f;
    }
    return quad;
}

/* Reads a work-item's quads of the slab that begins at `step`. */
#define READ_SLAB(quads, x, first_line, lines, step, steps, row, TILE, BY_STEP, ALIGNED)            \
    _Pragma("unroll") for (int i = 0; i < READS(TILE); i++) {                                       \
        const int q = i * ITEMS + item;                                                             \
        if (QUADS(TILE) % ITEMS == 0 || q < QUADS(TILE)) {                                          \
            quads[i] = read_quad(x, first_line + QUAD_LINE(q, TILE, BY_STEP), lines,                \
                                 step + QUAD_STEP(q, TILE, BY_STEP), steps, row, BY_STEP, ALIGNED); \
        }                                                                                           \
    }

/* Writes them to slab[step][line]. A row of the slab has a quad more than it needs: transposing stores of
 * neighbours then go to different banks. */
#define WRITE_SLAB(slab, quads, TILE, BY_STEP)                                                      \
    _Pragma("unroll") for (int i = 0; i < READS(TILE); i++) {                                       \
        const int q = i * ITEMS + item;                                                             \
        if (QUADS(TILE) % ITEMS == 0 || q < QUADS(TILE)) {                                          \
            const int line = QUAD_LINE(q, TILE, BY_STEP), step = QUAD_STEP(q, TILE, BY_STEP);       \
            if (BY_STEP) {                                                                          \
                slab[step][line / 4] = quads[i];                                                    \
            } else {                                                                                \
                __local float *p = (__local float *)&slab[step][0] + line;                          \
                p[0 * (TILE + 4)] = quads[i].x;                                                     \
                p[1 * (TILE + 4)] = quads[i].y;                                                     \
                p[2 * (TILE + 4)] = quads[i].z;                                                     \
                p[3 * (TILE + 4)] = quads[i].w;                                                     \
            }                                                                                       \
        }                                                                                           \
    }

static void store_quad(__global float *p, float4 sum, long left, int accumulate) {
#ifdef ALIGNED_C
    if (left > 0) {
        __global float4 *q = (__global float4 *)p;
        *q = accumulate ? *q + sum : sum;
    }
#else
#pragma unroll
    for (int i = 0; i < 4; i++) {
        if (i < left) {
            const float value = ((const float *)&sum)[i];
            p[i] = accumulate ? p[i] + value : value;
        }
    }
#endif
}

#ifdef KERNEL_gemm_group
/* Global: column tiles times ITEMS, row tiles, segments of each product; local: ITEMS. Segment s of a
 * product sums the steps from k_begin + s * k_count, k_count of them (a multiple of SLAB) as far as
 * k_end goes, into the matrix c_segment elements after the last segment's.
 * SUMS: the first tile of columns also leaves op(a)'s sums along its segment in a_sum, [segments, m], or
 * adds them to it. Lane x of LANES_N takes every LANES_N-th step of a slab. */
__kernel __attribute__((reqd_work_group_size(ITEMS, 1, 1))) void
gemm_group(__global const float *restrict a, ulong a_offset, __global const float *restrict b,
           ulong b_offset, __global float *restrict c, ulong c_offset, long m, long n, long a_row,
           long b_row, long c_row, long a_step, long b_step, long c_step, long c_segment,
           int segments, long k_begin, long k_end, long k_count, int accumulate,
           __global float *restrict a_sum, ulong a_sum_offset, int accumulate_sum) {
    __local float4 a_slab[2][SLAB][TILE_M / 4 + 1];
    __local float4 b_slab[2][SLAB][TILE_N / 4 + 1];
    const int item = (int)get_local_id(0);
    const int x = item % LANES_N, y = item / LANES_N;
    const long first_row = (long)get_global_id(1) * TILE_M;
    const long first_column = (long)get_group_id(0) * TILE_N;
    const long product = (long)get_global_id(2) / segments;
    const long segment = (long)get_global_id(2) % segments;
    const long begin = k_begin + segment * k_count;
    const long end = min(begin + k_count, k_end);
    float4 a_quads[READS(TILE_M)], b_quads[READS(TILE_N)];
    float4 sum[ITEM_M][ITEM_N / 4];
    a += a_offset + product * a_step;
    b += b_offset + product * b_step;
    c += c_offset + product * c_step + segment * c_segment;
#pragma unroll
    for (int i = 0; i < ITEM_M; i++) {
#pragma unroll
        for (int j = 0; j < ITEM_N / 4; j++) {
            sum[i][j] = (float4)(0.0f);
        }
    }
#ifdef SUMS
    const bool sums_here = first_column == 0;
    float4 a_total[ITEM_M / 4];
#pragma unroll
    for (int i = 0; i < ITEM_M / 4; i++) {
        a_total[i] = (float4)(0.0f);
    }
#endif
    READ_SLAB(a_quads, a, first_row, m, begin, end, a_row, TILE_M, A_BY_STEP, A_ALIGNED)
    READ_SLAB(b_quads, b, first_column, n, begin, end, b_row, TILE_N, B_BY_STEP, B_ALIGNED)
    int at = 0;
    for (long step = begin; step < end; step += SLAB, at ^= 1) {
        WRITE_SLAB(a_slab[at], a_quads, TILE_M, A_BY_STEP)
        WRITE_SLAB(b_slab[at], b_quads, TILE_N, B_BY_STEP)
        barrier(CLK_LOCAL_MEM_FENCE);
        if (step + SLAB < end) {
            READ_SLAB(a_quads, a, first_row, m, step + SLAB, end, a_row, TILE_M, A_BY_STEP, A_ALIGNED)
            READ_SLAB(b_quads, b, first_column, n, step + SLAB, end, b_row, TILE_N, B_BY_STEP, B_ALIGNED)
        }
#ifdef SUMS
        if (sums_here) {
            for (int s = x; s < SLAB; s += LANES_N) {
#pragma unroll
                for (int i = 0; i < ITEM_M / 4; i++) {
                    a_total[i] += a_slab[at][s][i * LANES_M + y];
                }
            }
        }
#endif
#pragma unroll UNROLLED
        for (int s = 0; s < SLAB; s++) {
            float4 a_part[ITEM_M / 4], b_part[ITEM_N / 4];
#pragma unroll
            for (int i = 0; i < ITEM_M / 4; i++) {
                a_part[i] = a_slab[at][s][i * LANES_M + y];
            }
#pragma unroll
            for (int j = 0; j < ITEM_N / 4; j++) {
                b_part[j] = b_slab[at][s][j * LANES_N + x];
            }
#pragma unroll
            for (int i = 0; i < ITEM_M; i++) {
#pragma unroll
                for (int j = 0; j < ITEM_N / 4; j++) {
                    sum[i][j] = MAD((float4)(((const float *)&a_part[i / 4])[i % 4]), b_part[j], sum[i][j]);
                }
            }
        }
    }
#pragma unroll
    for (int i = 0; i < ITEM_M; i++) {
        const long row = first_row + (i / 4 * LANES_M + y) * 4 + i % 4;
#pragma unroll
        for (int j = 0; j < ITEM_N / 4; j++) {
            const long column = first_column + (j * LANES_N + x) * 4;
            if (row < m) {
                store_quad(c + row * c_row + column, sum[i][j], n - column, accumulate);
            }
        }
    }
#ifdef SUMS
    /* The lanes' shares, in a fixed order; the slabs are not needed any more. */
    barrier(CLK_LOCAL_MEM_FENCE);
    __local float4 *shares = &a_slab[0][0][0]; /* [the lanes that have one][TILE_M / 4] */
    if (x < SUM_LANES) {
#pragma unroll
        for (int i = 0; i < ITEM_M / 4; i++) {
            shares[x * (TILE_M / 4) + i * LANES_M + y] = a_total[i];
        }
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    for (int line = item; sums_here && line < TILE_M; line += ITEMS) {
        if (first_row + line < m) {
            float total = 0.0f;
            for (int lane = 0; lane < SUM_LANES; lane++) {
                total += ((__local const float *)shares)[lane * TILE_M + line];
            }
            __global float *p = a_sum + a_sum_offset + segment * m + first_row + line;
            *p = accumulate_sum ? *p + total : total;
        }
    }
#endif
}
#endif
