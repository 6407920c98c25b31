/* SPDX-License-Identifier: Apache-2.0 */
/* How the layers' kernels are specialised for a device and cut into work-items. */
#ifndef OPENCL_PLAN_H
#define OPENCL_PLAN_H

#include "base/size.h"
#include "opencl/launch.h"

/* What a work-item's loops may run through together, if the sizes alone decide that. llvmpipe stops
 * loops after 65,535 iterations in all, nested or not, and says nothing. */
enum { PLAN_MOST_STEPS = 32768 };

/* A kernel, ready to be launched over a shape. */
struct plan {
    struct kernel *kernel;
    struct launch_range range;
    int64_t run; /* elements or rows that a work-item or a row group takes */
};

/* Whether a work-item should walk over many vectors (CPUs); else there are many work-items with one
 * element each (GPUs, and CPU drivers that make vectors of neighbouring work-items themselves). */
bool plan_loops(const struct cl_device *device);

/* The -DVECTOR of such a device. */
int plan_vector(const struct cl_device *device);

/* The kernel `name` of prelude.cl, span.cl and `file`, with the device's VECTOR and `options`. */
minrnn_status plan_kernel(struct cl_device *device, const char *file, const char *name,
                          const char *options, struct kernel **kernel);

/* `items` independent work-items in one dimension. */
struct launch_range plan_items(const struct cl_device *device, const struct kernel *kernel,
                               int64_t items);

/* As many in two dimensions, the narrower the first, the more of the second in a work-group;
 * kernels skip what is past the ends. */
struct launch_range plan_grid(const struct cl_device *device, const struct kernel *kernel,
                              int64_t columns, int64_t rows);

/* Element-wise over `count` elements: a work-item takes `run` of them, a multiple of `granule`
 * vectors; kernels skip what is past the end. */
minrnn_status plan_flat(struct cl_device *device, const char *file, const char *name,
                        const char *options, int64_t count, int granule, struct plan *plan);

/* The same by vectors of PLAN_ALIGNED (-DALIGNED), for devices that do not loop: rows consist of
 * such vectors, and tensors begin at a multiple of them. */
enum { PLAN_ALIGNED = 4 };
minrnn_status plan_aligned(struct cl_device *device, const char *file, const char *name,
                           const char *options, int64_t count, struct plan *plan);

/* Row by row: a row group, ROW_ITEMS work-items, takes `run` rows (0: the device's choice) of
 * `width` elements. Narrow rows have several row groups in a work-group. */
minrnn_status plan_rows(struct cl_device *device, const char *file, const char *name, int64_t rows,
                        int64_t width, int64_t run, struct plan *plan);

/* Down the columns of `blocks` blocks of rows: a work-item takes `vectors` vectors of columns of
 * one block, or shares them with others (SLICES). */
minrnn_status plan_columns(struct cl_device *device, const char *file, const char *name,
                           int64_t width, int64_t blocks, int vectors, struct plan *plan);

/* The same for few blocks: columns have fewer work-items of a work-group, and rows more. */
minrnn_status plan_totals(struct cl_device *device, const char *file, const char *name,
                          int64_t width, int64_t blocks, int vectors, struct plan *plan);

/* Sums over rows have partial sums of blocks of rows; how many rows, by the shape alone. */
int64_t plan_block_rows(int64_t rows);

/* total[width] += the sum of `rows` rows of x, `stride` apart, in one pass; for partial sums. */
minrnn_status column_total(struct cl_device *device, int64_t rows, int64_t width, int64_t stride,
                           minrnn_tensor x, minrnn_tensor total);

#endif
