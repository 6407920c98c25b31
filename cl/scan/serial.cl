/* SPDX-License-Identifier: Apache-2.0 */
/* Serial: a work-item walks the steps of one chunk of time for VECTORS vectors of channels of one
 * sequence, BLOCK steps at a time so that their loads are under way together. One chunk may be all
 * of time; otherwise `carries` [batch, chunks, STATE_FLOATS, width] holds the carry into each. The
 * chunk run fills that before (CARRIED_FROM 0: h_last may overwrite h0 while the first chunk is
 * still walked); or one launch a chunk hands it to the next (CARRIED_FROM 1, CARRY_ON).
 *
 * Global size: work-items of channels, batch, chunks of this launch. */
#ifndef VECTORS
#define VECTORS 1
#endif
#ifndef BLOCK
#define BLOCK 1
#endif

#ifdef KERNEL_scan_serial
__kernel void scan_serial(PASS_PARAMETERS, __global float *carries, ulong carries_offset,
                          int first_channel, int first_chunk, int chunks, int chunk_steps) {
    const int sequence = get_global_id(1);
    const int channel = first_channel + (int)get_global_id(0) * (VECTORS * VECTOR);
    const int chunk = first_chunk + (int)get_global_id(2);
    if (channel >= width) {
        return;
    }
    const size_t slot = (size_t)sequence * chunks + chunk;
    pass_t pass[VECTORS];
    state_t carry[VECTORS], share[VECTORS];
#pragma unroll
    for (int v = 0; v < VECTORS; v++) {
        PASS(&pass[v], sequence, channel + v * VECTOR);
        share[v] = state_zero();
#ifdef CARRIED_FROM
        __global const float *into =
            carries + carries_offset + slot * STATE_FLOATS * width + channel + v * VECTOR;
        carry[v] = chunk >= CARRIED_FROM ? state_load(into, width) : pass_begin(&pass[v]);
#else
        carry[v] = pass_begin(&pass[v]);
#endif
    }

    const int begin = chunk * chunk_steps;
    const int end = chunk == chunks - 1 ? time : begin + chunk_steps;
    const int stop = min(end, pass[0].lane.steps);
    int r = begin;
#if BLOCK > 1
    for (; r + BLOCK <= stop; r += BLOCK) {
        step_t step[BLOCK][VECTORS];
#pragma unroll
        for (int i = 0; i < BLOCK; i++) {
#pragma unroll
            for (int v = 0; v < VECTORS; v++) {
                step[i][v] = pass_load(&pass[v], r + i);
            }
        }
#pragma unroll
        for (int i = 0; i < BLOCK; i++) {
#pragma unroll
            for (int v = 0; v < VECTORS; v++) {
                carry[v] = pass_step(&pass[v], r + i, step[i][v], carry[v], &share[v]);
            }
        }
    }
#endif
    for (; r < stop; r++) {
#pragma unroll
        for (int v = 0; v < VECTORS; v++) {
            pass_prefetch(&pass[v], r + AHEAD);
            carry[v] = pass_step(&pass[v], r, pass_load(&pass[v], r), carry[v], &share[v]);
        }
    }
    for (; r < end; r++) {
#pragma unroll
        for (int v = 0; v < VECTORS; v++) {
            pass_clear(&pass[v], r);
        }
    }

#pragma unroll
    for (int v = 0; v < VECTORS; v++) {
        if (chunk == chunks - 1) {
            pass_end(&pass[v], carry[v], &share[v]);
        }
#ifdef CARRY_ON
        else {
            state_store(carry[v],
                        carries + carries_offset + (slot + 1) * STATE_FLOATS * width + channel +
                            v * VECTOR,
                        width);
        }
#endif
        pass_share(&pass[v], slot, share[v]);
    }
}
#endif
