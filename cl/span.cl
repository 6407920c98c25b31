/* SPDX-License-Identifier: Apache-2.0 */
/* What the layers share: vectors cut short by the end of a row, vectors that wrap around it, and
 * sums and maxima over the lanes of a vector, over the work-items of a row, and down columns. */

/* Row groups: the work-items that share a row, 1 if a work-item has vectors of its own (CPUs), else
 * a power of two; and how many such groups a work-group consists of. */
#ifndef ROW_ITEMS
#define ROW_ITEMS 1
#endif
#ifndef ROW_GROUPS
#define ROW_GROUPS 1
#endif
#define ROW_GROUP __attribute__((reqd_work_group_size(ROW_ITEMS, ROW_GROUPS, 1)))

#if VECTOR == 1
#define lanes_sum(v) (v)
#define lanes_max(v) (v)
#define LANES 0
#define LOAD_OR(p, n, fill) ((void)(n), LOAD(p))
#define STORE_N(v, p, n) ((void)(n), STORE(v, p))
#define LOAD_WRAPPED(p, i, width) ((p)[i])
#else

/* A vector and its lanes one by one. */
typedef union {
    vfloat vector;
    float lane[VECTOR];
} lanes_t;

float sum2(float2 v) {
    return v.lo + v.hi;
}

float sum4(float4 v) {
    return sum2(v.lo + v.hi);
}

float sum8(float8 v) {
    return sum4(v.lo + v.hi);
}

float sum16(float16 v) {
    return sum8(v.lo + v.hi);
}

float highest2(float2 v) {
    return fmax(v.lo, v.hi);
}

float highest4(float4 v) {
    return highest2(fmax(v.lo, v.hi));
}

float highest8(float8 v) {
    return highest4(fmax(v.lo, v.hi));
}

float highest16(float16 v) {
    return highest8(fmax(v.lo, v.hi));
}

#define lanes_sum CONCAT(sum, VECTOR)
#define lanes_max CONCAT(highest, VECTOR)

#if VECTOR == 2
#define LANES (vuint)(0, 1)
#elif VECTOR == 4
#define LANES (vuint)(0, 1, 2, 3)
#elif VECTOR == 8
#define LANES (vuint)(0, 1, 2, 3, 4, 5, 6, 7)
#else
#define LANES (vuint)(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)
#endif

vfloat load_part(__global const float *p, long n, float fill) {
    lanes_t part;
    part.vector = (vfloat)(fill);
    for (int i = 0; i < n; i++) {
        part.lane[i] = p[i];
    }
    return part.vector;
}

void store_part(vfloat v, __global float *p, long n) {
    lanes_t part;
    part.vector = v;
    for (int i = 0; i < n; i++) {
        p[i] = part.lane[i];
    }
}

vfloat load_wrapped(__global const float *p, long i, long width) {
    lanes_t part;
    for (int lane = 0; lane < VECTOR; lane++) {
        part.lane[lane] = p[i];
        i = i + 1 < width ? i + 1 : 0;
    }
    return part.vector;
}

#ifdef ALIGNED /* then rows are whole vectors */
#define LOAD_OR(p, n, fill) ((void)(n), LOAD(p))
#define STORE_N(v, p, n) ((void)(n), STORE(v, p))
#define LOAD_WRAPPED(p, i, width) ((void)(width), LOAD((p) + (i)))
#else
/* At most n elements from p on; lanes past them are `fill`, or not stored. */
#define LOAD_OR(p, n, fill) ((n) >= VECTOR ? LOAD(p) : load_part((p), (n), (fill)))
#define STORE_N(v, p, n)                                                                           \
    do {                                                                                           \
        if ((n) >= VECTOR) {                                                                       \
            STORE((v), (p));                                                                       \
        } else {                                                                                   \
            store_part((v), (p), (n));                                                             \
        }                                                                                          \
    } while (0)

/* Elements i, i + 1, ... of the row p[0 .. width), going on at its beginning. */
#define LOAD_WRAPPED(p, i, width)                                                                  \
    ((i) + VECTOR <= (width) ? LOAD((p) + (i)) : load_wrapped((p), (i), (width)))
#endif
#endif

#define LOAD_N(p, n) LOAD_OR(p, n, 0.0f)

/* The column of element i in rows of `width`. To divide 64 bits takes GPUs hundreds of
 * instructions. */
long column_of(long i, long width) {
    return (i | width) >> 32 ? i % width : (long)((uint)i % (uint)width);
}

/* The column VECTOR elements after column i of rows of `width`. */
#if VECTOR == 1 || defined(ALIGNED)
#define NEXT_COLUMN(i, width) ((i) + VECTOR < (width) ? (i) + VECTOR : 0)
#else
#define NEXT_COLUMN(i, width)                                                                      \
    ((i) + VECTOR < (width) ? (i) + VECTOR : column_of((i) + VECTOR, (width)))
#endif

/* ---- rows ---- */

/* The place of a work-item among those of its row, and of its row group among all. */
int row_item(void) {
    return ROW_ITEMS == 1 ? 0 : (int)get_local_id(0);
}

long row_group(void) {
    return (long)get_group_id(0) * ROW_GROUPS + (ROW_GROUPS == 1 ? 0 : (long)get_local_id(1));
}

/* Where a row group that begins at `begin` ends. If it has reductions to take part in together with
 * others, it walks past the last row. */
long row_group_end(long begin, long run, long rows) {
    return ROW_GROUPS == 1 ? min(begin + run, rows) : begin + run;
}

/* The sum, or the maximum, of `mine` over the work-items of a row, in a fixed order; each gets it.
 * All of the work-group must call it together; what they read from global memory before it may be
 * overwritten after it. */
#if ROW_ITEMS == 1
#define ROW_SLOTS(name)
#define row_sum(mine, slots) (mine)
#define row_max(mine, slots) (mine)
#else
#define ROW_SLOTS(name) __local float name[ROW_GROUPS * ROW_ITEMS]

#define ROW_REDUCE(name, combine)                                                                  \
    float name(float mine, __local float *all_slots) {                                             \
        __local float *slots =                                                                     \
            all_slots + (ROW_GROUPS == 1 ? 0 : (int)get_local_id(1) * ROW_ITEMS);                  \
        const int item = row_item();                                                               \
        slots[item] = mine;                                                                        \
        for (int half_ = ROW_ITEMS / 2; half_ > 0; half_ /= 2) {                                   \
            barrier(CLK_LOCAL_MEM_FENCE);                                                          \
            if (item < half_) {                                                                    \
                slots[item] = combine(slots[item], slots[item + half_]);                           \
            }                                                                                      \
        }                                                                                          \
        barrier(CLK_LOCAL_MEM_FENCE | CLK_GLOBAL_MEM_FENCE);                                       \
        const float all = slots[0];                                                                \
        barrier(CLK_LOCAL_MEM_FENCE); /* before the next reduction writes */                       \
        return all;                                                                                \
    }
#define ADD(a, b) ((a) + (b))
ROW_REDUCE(row_sum, ADD)
ROW_REDUCE(row_max, fmax)
#endif

/* ---- columns ---- */

/* Vectors of neighbouring columns that a work-item takes when it walks down rows. */
#ifndef COLUMN_VECTORS
#define COLUMN_VECTORS 1
#endif
#define COLUMN_SPAN (COLUMN_VECTORS * VECTOR)
#define EACH_VECTOR _Pragma("unroll") for (int v = 0; v < COLUMN_VECTORS; v++)

/* Rows whose loads are under way together. */
#ifndef IN_FLIGHT
#define IN_FLIGHT 1
#endif
#define EACH_IN_FLIGHT _Pragma("unroll") for (int j = 0; j < IN_FLIGHT; j++)

/* Work-items of a work-group along columns, and those that share a column's rows: powers of two. */
#ifndef COLUMN_ITEMS
#define COLUMN_ITEMS 1
#endif
#ifndef SLICES
#define SLICES 1
#endif
#define COLUMN_GROUP __attribute__((reqd_work_group_size(COLUMN_ITEMS, SLICES, 1)))

typedef struct {
    vfloat v[COLUMN_VECTORS];
} columns_t;

columns_t columns_zero(void) {
    columns_t columns;
    EACH_VECTOR {
        columns.v[v] = (vfloat)(0.0f);
    }
    return columns;
}

/* n columns are left from p on. */
columns_t columns_load(__global const float *p, long n) {
    columns_t columns;
    EACH_VECTOR {
        columns.v[v] = LOAD_N(p + v * VECTOR, n - v * VECTOR);
    }
    return columns;
}

void columns_store(columns_t columns, __global float *p, long n) {
    EACH_VECTOR {
        if (n > v * VECTOR) {
            STORE_N(columns.v[v], p + v * VECTOR, n - v * VECTOR);
        }
    }
}

columns_t columns_add(columns_t a, columns_t b) {
    EACH_VECTOR {
        a.v[v] += b.v[v];
    }
    return a;
}

int slice_item(void) {
    return SLICES == 1 ? 0 : (int)get_local_id(1);
}

/* A slice's share of the sum of `rows` rows from x on, `stride` apart: every SLICES-th. */
columns_t slice_sum(__global const float *x, long rows, long stride, long n) {
    columns_t sums[IN_FLIGHT];
    EACH_IN_FLIGHT {
        sums[j] = columns_zero();
    }
    for (long first = slice_item(); first < rows; first += IN_FLIGHT * SLICES) {
        columns_t values[IN_FLIGHT]; /* loaded whether or not they count: no branch comes between */
        EACH_IN_FLIGHT {
            values[j] = columns_load(x + min(first + j * SLICES, rows - 1) * stride, n);
        }
        EACH_IN_FLIGHT {
            if (first + j * SLICES < rows) {
                sums[j] = columns_add(sums[j], values[j]);
            }
        }
    }
#pragma unroll
    for (int j = 1; j < IN_FLIGHT; j++) {
        sums[0] = columns_add(sums[0], sums[j]);
    }
    return sums[0];
}

/* The sum of all slices' `mine`, as a tree; each gets it. All of the work-group must call it
 * together, and once. */
#if SLICES == 1
#define SLICE_SLOTS(name)
#define slices_sum(mine, slots) (mine)
#else /* one column a work-item */
#define SLICE_SLOTS(name) __local float name[SLICES * COLUMN_ITEMS]
static columns_t slices_sum(columns_t mine, __local float *slots) {
    const int item = get_local_id(0);
    const int slice = get_local_id(1);
    slots[slice * COLUMN_ITEMS + item] = mine.v[0];
    for (int half_ = SLICES / 2; half_ > 0; half_ /= 2) {
        barrier(CLK_LOCAL_MEM_FENCE);
        if (slice < half_) {
            slots[slice * COLUMN_ITEMS + item] += slots[(slice + half_) * COLUMN_ITEMS + item];
        }
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    mine.v[0] = slots[item];
    return mine;
}
#endif
