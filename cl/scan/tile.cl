/* SPDX-License-Identifier: Apache-2.0 */
/* Tile: a work-group walks one chunk of time for LANES vectors of channels of one sequence, a tile
 * of ROWS * BLOCK steps at a time. Each of its ROWS rows reads BLOCK steps into registers and
 * combines them, the rows tell each other through local memory, and each applies its steps: every
 * value of global memory is read and written once, and time goes ROWS times faster. If there are
 * several chunks, one launch each hands its carry to the next in `carries` [batch, chunks,
 * STATE_FLOATS, width].
 *
 * Global size: groups of channels * LANES, batch * ROWS. Barriers are met by whole groups: the trip
 * count depends on the sequence alone, and lanes past the last channel repeat it without storing.
 */
#ifndef LANES
#define LANES 32
#endif
#ifndef ROWS
#define ROWS 8
#endif
#ifndef BLOCK
#define BLOCK 8
#endif

/* What a row tells the others: of each tile its element, in the end its share. */
typedef union {
    elem_t whole;
    state_t share;
} row_t;

#ifdef KERNEL_scan_tile
__kernel __attribute__((reqd_work_group_size(LANES, ROWS, 1))) void
scan_tile(PASS_PARAMETERS, __global float *carries, ulong carries_offset, int chunk, int chunks,
          int chunk_steps) {
    __local row_t rows[ROWS][LANES];
    const int lane = get_local_id(0);
    const int row = get_local_id(1);
    const int sequence = get_global_id(1) / ROWS;
    const int unbounded = ((int)get_group_id(0) * LANES + lane) * VECTOR;
    const int channel = min(unbounded, width - VECTOR);
    const bool active = unbounded < width;
    const size_t slot = (size_t)sequence * chunks + chunk;
    pass_t pass;
    PASS(&pass, sequence, channel);
    state_t share = state_zero();
#ifdef CARRIED_FROM
    carries += carries_offset + channel;
    state_t carry = chunk >= CARRIED_FROM ? state_load(carries + slot * STATE_FLOATS * width, width)
                                          : pass_begin(&pass);
#else
    state_t carry = pass_begin(&pass);
#endif

    const int begin = chunk * chunk_steps;
    const int end = chunk == chunks - 1 ? time : begin + chunk_steps;
    const int stop = min(end, pass.lane.steps);
    for (int tile = begin; tile < stop; tile += ROWS * BLOCK) {
        const int first = tile + row * BLOCK;
        step_t step[BLOCK];
        elem_t whole = elem_identity();
#pragma unroll
        for (int i = 0; i < BLOCK; i++) {
            const int r = min(first + i, stop - 1);
            step[i] = pass_load(&pass, r);
            const elem_t longer = elem_cat(whole, pass_elem(&pass, r, step[i]));
            whole = first + i < stop ? longer : whole;
        }
        rows[row][lane].whole = whole;
        barrier(CLK_LOCAL_MEM_FENCE);
        state_t own = carry;
#pragma unroll
        for (int k = 0; k < ROWS; k++) {
            own = k == row ? carry : own;
            carry = elem_apply(rows[k][lane].whole, carry);
        }
        barrier(CLK_LOCAL_MEM_FENCE);
#pragma unroll
        for (int i = 0; i < BLOCK; i++) {
            if (active && first + i < stop) {
                own = pass_step(&pass, first + i, step[i], own, &share);
            }
        }
    }
    if (active) {
        for (int t = max(begin, stop) + row; t < end; t += ROWS) {
            pass_clear(&pass, t);
        }
    }

    /* The rows' shares, in the order of time. All have read h0 before h_last may overwrite it. */
    rows[row][lane].share = share;
    barrier(CLK_LOCAL_MEM_FENCE | CLK_GLOBAL_MEM_FENCE);
    if (active && row == 0) {
        for (int k = 1; k < ROWS; k++) {
            share = state_add(share, rows[k][lane].share);
        }
        if (chunk == chunks - 1) {
            pass_end(&pass, carry, &share);
        }
#ifdef CARRY_ON
        else {
            state_store(carry, carries + (slot + 1) * STATE_FLOATS * width, width);
        }
#endif
        pass_share(&pass, slot, share);
    }
}
#endif
