/* SPDX-License-Identifier: Apache-2.0 */
/* The embedding table: rows out, and gradients back into it. */

#ifdef KERNEL_embed_forward
/* y[r] = table[tokens[r]], 0 if the token is negative. A row group takes `run` rows. */
__kernel ROW_GROUP void embed_forward(long rows, long run, long width, __global const int *tokens,
                                      ulong tokens_offset, __global const float *table,
                                      ulong table_offset, __global float *y, ulong y_offset) {
    const long begin = row_group() * run;
    const long end = min(begin + run, rows);
    for (long row = begin; row < end; row++) {
        const int token = tokens[tokens_offset + row];
        __global const float *from = table + table_offset + (long)max(token, 0) * width;
        __global float *to = y + y_offset + row * width;
        for (long c = row_item() * VECTOR; c < width; c += ROW_ITEMS * VECTOR) {
            const long n = width - c;
            /* Loaded in any case: Mesa's rusticl loses stores in control flow. */
            const vfloat value = LOAD_N(from + c, n);
            STORE_N(token < 0 ? (vfloat)(0.0f) : value, to + c, n);
        }
    }
}
#endif

/* ---- backward ----
 *
 * `order` is cut into blocks of `run` places, where the rows of one token are neighbours. What a
 * block has of a token that lies inside it goes straight to the table; else it is a part:
 * partial[block][0] if the token began in an earlier block, partial[block][1] if it goes on in a
 * later one. Then the parts are added up. Token v has the places start[v] .. start[v + 1] - 1. */

#ifdef KERNEL_embed_backward
/* Adds what is all of a token, or stores what is a part. */
void token_give(columns_t sum, bool all, __global float *partial, __global float *total, long n) {
    if (all) {
        columns_store(columns_add(columns_load(total, n), sum), total, n);
    } else {
        columns_store(sum, partial, n);
    }
}

/* Dimension 0: columns; 1: blocks. */
__kernel void embed_backward(long rows, long run, long width, __global const int *tokens,
                             ulong tokens_offset, __global const int *order, ulong order_offset,
                             __global const int *start, ulong start_offset,
                             __global const float *dy, ulong dy_offset, __global float *dtable,
                             ulong dtable_offset, __global float *partial, ulong partial_offset) {
    const long c = (long)get_global_id(0) * COLUMN_SPAN;
    const long n = width - c;
    const long block = get_global_id(1);
    const long begin = block * run;
    const long end = min(begin + run, rows);
    if (n <= 0 || begin >= end) {
        return;
    }
    tokens += tokens_offset;
    order += order_offset;
    start += start_offset;
    dy += dy_offset + c;
    dtable += dtable_offset + c;
    partial += partial_offset + 2 * block * width + c;
    columns_t sum = columns_zero();
    long token = tokens[order[begin]];
    bool all = start[token] >= begin; /* only the first token may have begun before */
    for (long first = begin; first < end; first += IN_FLIGHT) {
        int row[IN_FLIGHT], next[IN_FLIGHT];
        columns_t values[IN_FLIGHT];
        EACH_IN_FLIGHT {
            row[j] = order[min(first + j, end - 1)];
        }
        EACH_IN_FLIGHT {
            next[j] = tokens[row[j]];
            values[j] = columns_load(dy + row[j] * width, n);
        }
        EACH_IN_FLIGHT {
            if (first + j < end) {
                if (next[j] != token) {
                    token_give(sum, all, partial, dtable + token * width, n);
                    token = next[j];
                    all = true;
                    sum = columns_zero();
                }
                sum = columns_add(sum, values[j]);
            }
        }
    }
    if (all && start[token + 1] > end) {
        all = false;
        partial += width;
    }
    token_give(sum, all, partial, dtable + token * width, n);
}
#endif

#ifdef KERNEL_embed_crossing
/* Adds up the parts of the token that begins in the work-group's block and ends in a later one, if
 * there is one. Dimension 0: columns; 1: slices of blocks, the last one left out. */
__kernel COLUMN_GROUP void embed_crossing(long run, long width, __global const int *tokens,
                                          ulong tokens_offset, __global const int *order,
                                          ulong order_offset, __global const int *start,
                                          ulong start_offset, __global const float *partial,
                                          ulong partial_offset, __global float *dtable,
                                          ulong dtable_offset) {
    SLICE_SLOTS(slots);
    const long c = (long)get_global_id(0) * COLUMN_SPAN;
    const long n = width - c;
    const long block = get_global_id(1) / SLICES;
    const long token = tokens[tokens_offset + order[order_offset + (block + 1) * run - 1]];
    const long first = start[start_offset + token];
    const long last = start[start_offset + token + 1] - 1;
    const long later = first < block * run || n <= 0 ? 0 : last / run - block; /* blocks */
    partial += partial_offset + (2 * block + 1) * width + c;
    const columns_t mine = slice_sum(partial + width, later, 2 * width, n);
    const columns_t sum = slices_sum(mine, slots);
    if (slice_item() == 0 && later > 0) {
        dtable += dtable_offset + token * width + c;
        columns_store(
            columns_add(columns_load(dtable, n), columns_add(columns_load(partial, n), sum)),
            dtable, n);
    }
}
#endif
