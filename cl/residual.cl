/* Residual connections with dropout. Random numbers are Philox4x32-10 (Salmon et al., SC 2011): a
 * block gives four words for a counter (block, site, step) and a key (the seed); element i takes word
 * i % 4 of block i / 4. Defining DROPOUT draws them. */

#if VECTOR > 1
/* a0 b0 a1 b1 ... of the first and of the second half of a and b. */
vuint interleave_low(vuint a, vuint b) {
    vuint both;
    both.even = a.lo;
    both.odd = b.lo;
    return both;
}

vuint interleave_high(vuint a, vuint b) {
    vuint both;
    both.even = a.hi;
    both.odd = b.hi;
    return both;
}
#endif

/* The words of VECTOR blocks, lane l being block `first` + l: word[j] holds word j of each. `first` is
 * a multiple of VECTOR, so that its lower half does not carry. */
void philox_blocks(ulong first, uint site, uint step, ulong seed, vuint word[4]) {
    vuint c0 = (vuint)((uint)first) + LANES;
    vuint c1 = (vuint)((uint)(first >> 32));
    vuint c2 = (vuint)(site);
    vuint c3 = (vuint)(step);
    uint key0 = (uint)seed;
    uint key1 = (uint)(seed >> 32);
#pragma unroll
    for (int round = 0; round < 10; round++) {
        const vuint high0 = mul_hi(c0, (vuint)(0xD2511F53u));
        const vuint high1 = mul_hi(c2, (vuint)(0xCD9E8D57u));
        const vuint low0 = c0 * 0xD2511F53u;
        const vuint low1 = c2 * 0xCD9E8D57u;
        c0 = high1 ^ c1 ^ key0;
        c1 = low1;
        c2 = high0 ^ c3 ^ key1;
        c3 = low0;
        key0 += 0x9E3779B9u;
        key1 += 0xBB67AE85u;
    }
    word[0] = c0;
    word[1] = c1;
    word[2] = c2;
    word[3] = c3;
}

/* The words of 4 * VECTOR elements in their order, VECTOR of them in each. `i` is a multiple of
 * 4 * VECTOR. */
void draw(ulong i, uint site, uint step, ulong seed, vuint word[4]) {
    philox_blocks(i / 4, site, step, seed, word);
#if VECTOR > 1
    const vuint even0 = interleave_low(word[0], word[2]);
    const vuint odd0 = interleave_low(word[1], word[3]);
    const vuint even1 = interleave_high(word[0], word[2]);
    const vuint odd1 = interleave_high(word[1], word[3]);
    word[0] = interleave_low(even0, odd0);
    word[1] = interleave_high(even0, odd0);
    word[2] = interleave_low(even1, odd1);
    word[3] = interleave_high(even1, odd1);
#endif
}

/* y = residual + dropout(x + bias); bias and residual may be absent. `run` is a multiple of
 * 4 * VECTOR. */
__kernel void residual(long count, long run, long width, uint threshold, float scale, ulong seed,
                       uint site, uint step, __global const float *x, ulong x_offset,
                       __global const float *bias, ulong bias_offset,
                       __global const float *residual, ulong residual_offset, __global float *y,
                       ulong y_offset) {
    const long begin = (long)get_global_id(0) * run;
    const long end = min(begin + run, count);
    long column = bias ? begin % width : 0;
    x += x_offset;
    bias += bias_offset;
    residual += residual_offset;
    y += y_offset;
    for (long first = begin; first < end; first += 4 * VECTOR) {
#ifdef DROPOUT
        vuint word[4];
        draw((ulong)first, site, step, seed, word);
#endif
#pragma unroll
        for (int j = 0; j < 4; j++) {
            const long i = first + j * VECTOR;
            const long n = end - i;
            if (n <= 0) {
                break;
            }
            vfloat v = LOAD_N(x + i, n);
            if (bias) {
                v += LOAD_WRAPPED(bias, column, width);
                column = NEXT_COLUMN(column, width);
            }
#ifdef DROPOUT
            v = word[j] < threshold ? (vfloat)(0.0f) : v * scale;
#endif
            if (residual) {
                v += LOAD_N(residual + i, n);
            }
            STORE_N(v, y + i, n);
        }
    }
}
