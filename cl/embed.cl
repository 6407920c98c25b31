/* SPDX-License-Identifier: Apache-2.0 */
/* The embedding table: rows out, and gradients back into it. */

/* Work-items, in dimension 1, that share a token's rows in embed_backward: a power of two. */
#ifndef SLICES
#define SLICES 1
#endif
#ifndef COLUMN_ITEMS
#define COLUMN_ITEMS 1
#endif

/* y[r] = table[tokens[r]]. A row group takes `run` rows. */
__kernel ROW_GROUP void embed_forward(long rows, long run, long width, __global const int *tokens,
                                      ulong tokens_offset, __global const float *table,
                                      ulong table_offset, __global float *y, ulong y_offset) {
    const long begin = (long)get_group_id(0) * run;
    const long end = min(begin + run, rows);
    for (long row = begin; row < end; row++) {
        const long token = tokens[tokens_offset + row];
        __global const float *from = table + table_offset + token * width;
        __global float *to = y + y_offset + row * width;
        for (long c = row_item() * VECTOR; c < width; c += ROW_ITEMS * VECTOR) {
            STORE_N(LOAD_N(from + c, width - c), to + c, width - c);
        }
    }
}

/* dtable[v] += the sum of dy[order[i]] over i in start[v] + skip .. start[v] + skip + most - 1, as
 * far as they are before start[v + 1]. Dimension 0: columns; 1: slices of tokens. A slice adds
 * every SLICES-th row in this order, then slices are added as a tree. */
__kernel __attribute__((reqd_work_group_size(COLUMN_ITEMS, SLICES, 1))) void
embed_backward(long width, long skip, long most, __global const int *order, ulong order_offset,
               __global const int *start, ulong start_offset, __global const float *dy,
               ulong dy_offset, __global float *dtable, ulong dtable_offset) {
    const long c = (long)get_global_id(0) * COLUMN_SPAN;
    const long token = get_group_id(1);
    const int slice = SLICES == 1 ? 0 : (int)get_local_id(1);
    const long first = start[start_offset + token] + skip;
    const long last = min(first + most, (long)start[start_offset + token + 1]);
    vfloat sum[COLUMN_VECTORS];
    EACH_VECTOR {
        sum[v] = (vfloat)(0.0f);
    }
    order += order_offset;
    dy += dy_offset + c;
    if (c < width) {
        for (long i = first + slice; i < last; i += SLICES) {
            __global const float *from = dy + order[i] * width;
            EACH_VECTOR {
                sum[v] += LOAD_N(from + v * VECTOR, width - c - v * VECTOR);
            }
        }
    }
#if SLICES > 1 /* one column a work-item */
    __local float slots[SLICES][COLUMN_ITEMS];
    const int item = get_local_id(0);
    slots[slice][item] = sum[0];
    for (int half_ = SLICES / 2; half_ > 0; half_ /= 2) {
        barrier(CLK_LOCAL_MEM_FENCE);
        if (slice < half_) {
            slots[slice][item] += slots[slice + half_][item];
        }
    }
    sum[0] = slots[slice][item];
    if (slice > 0) {
        return;
    }
#endif
    dtable += dtable_offset + token * width;
    EACH_VECTOR {
        const long at = c + v * VECTOR;
        if (at < width) {
            STORE_N(LOAD_N(dtable + at, width - at) + sum[v], dtable + at, width - at);
        }
    }
}
