/* SPDX-License-Identifier: Apache-2.0 */
/* Residual connections with dropout. Random numbers are Philox4x32-10 (Salmon et al., SC 2011): a
 * block gives four words for a counter (block, site, step) and a key (the seed); element i takes
 * word i % 4 of block i / 4. Defining DROPOUT draws them. */

/* A draw is DRAW_VECTORS vectors of random words, those of 2 * VECTOR consecutive elements, or of
 * one block: a work-item of a GPU takes no more than four elements. Its blocks have a 64-bit lane
 * each, so that a product's halves need no shuffling: what counts of a word is the lower half of
 * its lane. */
#if VECTOR <= 2 || defined(ALIGNED)
typedef ulong words_t;
#define BLOCKS 1
#define BLOCK_LANES 0
#define DRAW_VECTORS (4 / VECTOR)
#else
#define DRAW_VECTORS 2
#if VECTOR == 4
#define BLOCKS 2
#define BLOCK_LANES (ulong2)(0, 1)
#elif VECTOR == 8
#define BLOCKS 4
#define BLOCK_LANES (ulong4)(0, 1, 2, 3)
#else
#define BLOCKS 8
#define BLOCK_LANES (ulong8)(0, 1, 2, 3, 4, 5, 6, 7)
#endif
typedef CONCAT(ulong, BLOCKS) words_t;
#endif
#define WORD_MASK 0xFFFFFFFFul

/* The words of blocks `first`, `first` + 1, ...: word[j] holds word j of each. `first` is a
 * multiple of BLOCKS, so that its lower half does not carry. */
void philox_blocks(ulong first, uint site, uint step, ulong seed, words_t word[4]) {
    words_t c0 = (words_t)(first) + BLOCK_LANES;
    words_t c1 = (words_t)(first >> 32);
    words_t c2 = (words_t)(site);
    words_t c3 = (words_t)(step);
    uint key0 = (uint)seed;
    uint key1 = (uint)(seed >> 32);
#pragma unroll
    for (int round = 0; round < 10; round++) {
        const words_t p0 = (c0 & WORD_MASK) * 0xD2511F53ul;
        const words_t p1 = (c2 & WORD_MASK) * 0xCD9E8D57ul;
        c0 = (p1 >> 32) ^ c1 ^ (ulong)key0;
        c1 = p1;
        c2 = (p0 >> 32) ^ c3 ^ (ulong)key1;
        c3 = p0;
        key0 += 0x9E3779B9u;
        key1 += 0xBB67AE85u;
    }
    word[0] = c0;
    word[1] = c1;
    word[2] = c2;
    word[3] = c3;
}

/* The words of the elements from i on, in their order; i is a multiple of a draw. */
void draw(ulong i, uint site, uint step, ulong seed, vuint drawn[DRAW_VECTORS]) {
    words_t word[4];
    philox_blocks(i / 4, site, step, seed, word);
#if VECTOR == 1
    for (int j = 0; j < 4; j++) {
        drawn[j] = (uint)word[j];
    }
#elif VECTOR == 4 && BLOCKS == 1
    drawn[0] = (vuint)((uint)word[0], (uint)word[1], (uint)word[2], (uint)word[3]);
#else
    /* Neighbours, the first in the lower half: OpenCL devices are little-endian. */
    const words_t words01 = (word[0] & WORD_MASK) | (word[1] << 32);
    const words_t words23 = (word[2] & WORD_MASK) | (word[3] << 32);
#if VECTOR == 2
    drawn[0] = as_vuint(words01);
    drawn[1] = as_vuint(words23);
#else
    words_t both;
    both.even = words01.lo;
    both.odd = words23.lo;
    drawn[0] = as_vuint(both);
    both.even = words01.hi;
    both.odd = words23.hi;
    drawn[1] = as_vuint(both);
#endif
#endif
}

#ifdef KERNEL_residual
/* y = residual + dropout(x + bias); bias and residual may be absent. `run` is a multiple of
 * a draw. */
__kernel void residual(long count, long run, long width, uint threshold, float scale, ulong seed,
                       uint site, uint step, __global const float *x, ulong x_offset,
                       __global const float *bias, ulong bias_offset,
                       __global const float *residual, ulong residual_offset, __global float *y,
                       ulong y_offset) {
    const long begin = (long)get_global_id(0) * run;
    const long end = min(begin + run, count);
    long column = bias ? column_of(begin, width) : 0;
    x += x_offset;
    bias += bias_offset;
    residual += residual_offset;
    y += y_offset;
    for (long first = begin; first < end; first += DRAW_VECTORS * VECTOR) {
#ifdef DROPOUT
        vuint drawn[DRAW_VECTORS];
        draw((ulong)first, site, step, seed, drawn);
#endif
#pragma unroll
        for (int j = 0; j < DRAW_VECTORS; j++) {
            const long i = first + j * VECTOR;
            const long n = end - i;
            if (n <= 0) {
                continue; /* a break would keep the loop rolled, and `drawn` out of registers */
            }
            vfloat v = LOAD_N(x + i, n);
            if (bias) {
                v += LOAD_WRAPPED(bias, column, width);
                column = NEXT_COLUMN(column, width);
            }
#ifdef DROPOUT
            v = drawn[j] < threshold ? (vfloat)(0.0f) : v * scale;
#endif
            if (residual) {
                v += LOAD_N(residual + i, n);
            }
            STORE_N(v, y + i, n);
        }
    }
}
#endif
