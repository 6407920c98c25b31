/* SPDX-License-Identifier: Apache-2.0 */
/* Chunk: time is cut into chunks that run at once. scan_reduce makes each chunk one element,
 * scan_carry scans those and leaves the carry into each chunk, and the serial run applies them.
 * Elements are [batch, chunks, ELEM_FLOATS, width], carries and shares
 * [batch, chunks, STATE_FLOATS, width]. */
#ifndef VECTORS
#define VECTORS 1
#endif

#ifdef KERNEL_scan_reduce
/* Global size: work-items of channels, batch, chunks - 1 (nobody needs the last one's). */
__kernel void scan_reduce(PASS_PARAMETERS, __global float *restrict elements, ulong elements_offset,
                          int first_channel, int chunks, int chunk_steps) {
    const int sequence = get_global_id(1);
    const int channel = first_channel + (int)get_global_id(0) * (VECTORS * VECTOR);
    const int chunk = get_global_id(2);
    if (channel >= width) {
        return;
    }
    const size_t slot = (size_t)sequence * chunks + chunk;
    elements += elements_offset + slot * ELEM_FLOATS * width + channel;
    pass_t pass[VECTORS];
    elem_t whole[VECTORS];
#pragma unroll
    for (int v = 0; v < VECTORS; v++) {
        PASS(&pass[v], sequence, channel + v * VECTOR);
        whole[v] = elem_identity();
    }
    const int begin = chunk * chunk_steps;
    const int stop = min(begin + chunk_steps, pass[0].lane.steps);
    for (int r = begin; r < stop; r++) {
#pragma unroll
        for (int v = 0; v < VECTORS; v++) {
            pass_prefetch(&pass[v], r + AHEAD);
            whole[v] = elem_cat(whole[v], pass_elem(&pass[v], r, pass_load(&pass[v], r)));
        }
    }
#pragma unroll
    for (int v = 0; v < VECTORS; v++) {
        elem_store(whole[v], elements + v * VECTOR, width);
    }
}
#endif

#ifdef KERNEL_scan_carry
/* Chunks whose elements are read before the first is needed: the only work here is to wait. */
#define CARRY_BLOCK 8

/* Global size: vectors of channels, batch. */
__kernel void scan_carry(PASS_PARAMETERS, __global const float *restrict elements,
                         ulong elements_offset, __global float *restrict carries,
                         ulong carries_offset, int first_channel, int chunks) {
    const int sequence = get_global_id(1);
    const int channel = first_channel + (int)get_global_id(0) * VECTOR;
    if (channel >= width) {
        return;
    }
    pass_t pass;
    PASS(&pass, sequence, channel);
    const size_t first = (size_t)sequence * chunks;
    elements += elements_offset + channel;
    carries += carries_offset + channel;
    state_t carry = pass_begin(&pass);
    for (int begin = 0; begin < chunks - 1; begin += CARRY_BLOCK) {
        elem_t block[CARRY_BLOCK];
#pragma unroll
        for (int i = 0; i < CARRY_BLOCK; i++) {
            const size_t slot = first + min(begin + i, chunks - 2);
            block[i] = elem_load(elements + slot * ELEM_FLOATS * width, width);
        }
#pragma unroll
        for (int i = 0; i < CARRY_BLOCK; i++) {
            if (begin + i < chunks - 1) {
                state_store(carry, carries + (first + begin + i) * STATE_FLOATS * width, width);
                carry = elem_apply(block[i], carry);
            }
        }
    }
    state_store(carry, carries + (first + chunks - 1) * STATE_FLOATS * width, width);
}
#endif

#ifdef KERNEL_scan_share
/* dinit [batch, width] from the chunks' shares, in the order of time. Global size: width (of all
 * floats of a state), batch. */
__kernel void scan_share(__global const float *restrict shares, ulong shares_offset,
                         __global float *restrict dinit, ulong dinit_offset, int chunks) {
    const size_t width = get_global_size(0);
    const size_t channel = get_global_id(0);
    const size_t sequence = get_global_id(1);
    float sum = 0.0f;
    for (int chunk = 0; chunk < chunks; chunk++) {
        sum += shares[shares_offset + (sequence * chunks + chunk) * width + channel];
    }
    dinit[dinit_offset + sequence * width + channel] = sum;
}
#endif
