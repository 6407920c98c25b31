/* SPDX-License-Identifier: Apache-2.0 */
/* What the layers share: vectors cut short by the end of a row, vectors that wrap around it, and
 * sums and maxima over the lanes of a vector and over the work-items of a row. */

/* Work-items that share a row: 1 if a work-item has vectors of its own (CPUs), else a power of
 * two, and then the whole work-group. */
#ifndef ROW_ITEMS
#define ROW_ITEMS 1
#endif
#define ROW_GROUP __attribute__((reqd_work_group_size(ROW_ITEMS, 1, 1)))

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

#define LOAD_N(p, n) LOAD_OR(p, n, 0.0f)

/* The column VECTOR elements after column i of rows of `width`. */
#define NEXT_COLUMN(i, width) ((i) + VECTOR < (width) ? (i) + VECTOR : ((i) + VECTOR) % (width))

/* Vectors of neighbouring columns that a work-item takes when it walks down rows. */
#ifndef COLUMN_VECTORS
#define COLUMN_VECTORS 1
#endif
#define COLUMN_SPAN (COLUMN_VECTORS * VECTOR)
#define EACH_VECTOR _Pragma("unroll") for (int v = 0; v < COLUMN_VECTORS; v++)

/* The place of a work-item among those of its row. */
int row_item(void) {
    return ROW_ITEMS == 1 ? 0 : (int)get_local_id(0);
}

/* The sum, or the maximum, of `mine` over the work-items of a row, in a fixed order; each gets it.
 * All of the work-group must call it together; what they read from global memory before it may be
 * overwritten after it. */
#if ROW_ITEMS == 1
#define ROW_SLOTS(name)
#define row_sum(mine, slots) (mine)
#define row_max(mine, slots) (mine)
#else
#define ROW_SLOTS(name) __local float name[ROW_ITEMS]

#define ROW_REDUCE(name, combine)                                                                  \
    float name(float mine, __local float *slots) {                                                 \
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
