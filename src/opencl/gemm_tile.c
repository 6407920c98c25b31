/* SPDX-License-Identifier: Apache-2.0 */
/* The matrix product for CPUs (cl/gemm_tile.cl): register tiles, and k cut into blocks whose panels
 * stay in the caches. b is always packed into panels. a is packed if it is transposed: walking
 * it would meet a new cache line every step. */
#include "opencl/gemm.h"

#include <stdio.h>

struct tile_plan {
    int rows, vectors; /* of a tile */
    int columns;       /* of a tile, in floats */
    bool packed_a;     /* if it is stored transposed: its steps are then rows */
    int64_t row_tiles, panels;
    int64_t k_count;  /* steps of a block of k */
    int64_t segments; /* blocks that a launch sums side by side into scratch; 1: one, into c */
};

enum {
    PACK_STEPS = 16, /* as in gemm_pack.cl */
    LOCAL_SIZE = 4
};

/* Of the tiles that the registers hold (AVX-512 has 32 of 16 floats, others 16) the one that wastes
 * the fewest columns at n's edge; of equals the first, which was measured to be the fastest. */
static void plan_tile(struct tile_plan *plan, int float_width, int64_t m, int64_t n) {
    static const struct {
        int least_width, rows, vectors;
    } tiles[] = {{16, 8, 3}, {16, 6, 4}, {0, 6, 2}};
    int64_t fewest = INT64_MAX;
    for (size_t i = 0; i < sizeof tiles / sizeof tiles[0]; i++) {
        const int columns = tiles[i].vectors * float_width;
        if (float_width >= tiles[i].least_width && round_up(n, columns) < fewest) {
            fewest = round_up(n, columns);
            plan->rows = (int)min_i64(tiles[i].rows, m);
            plan->vectors = tiles[i].vectors;
            plan->columns = columns;
        }
    }
}

static struct tile_plan plan_of(const struct cl_device *device, const struct gemm_args *args) {
    struct tile_plan plan = {.packed_a = args->transpose_a};
    plan_tile(&plan, device->traits.float_width, args->m, args->n);
    plan.row_tiles = ceil_div(args->m, plan.rows);
    plan.panels = ceil_div(args->n, plan.columns);
    const struct cl_traits *traits = &device->traits;
    const int64_t all = tuned(traits, TUNE_gemm_block_elements) / (plan.panels * plan.columns);
    const int64_t fitting = max_i64(all, tuned(traits, TUNE_gemm_block_steps_least));
    const int64_t blocks =
        ceil_div(args->k, min_i64(fitting, tuned(traits, TUNE_gemm_block_steps)));
    const int64_t wanted = (int64_t)tuned(traits, TUNE_gemm_tiles) * traits->compute_units;
    plan.k_count = ceil_div(args->k, blocks);
    plan.segments = min_i64(ceil_div(wanted, plan.row_tiles * plan.panels), blocks);
    return plan;
}

/* Elements of scratch: a's panels, then b's, then the segments' sums. */
static int64_t packed_a_elements(const struct tile_plan *plan) {
    return plan->packed_a ? plan->segments * plan->row_tiles * plan->k_count * plan->rows : 0;
}

static int64_t packed_b_elements(const struct tile_plan *plan) {
    return plan->segments * plan->panels * plan->k_count * plan->columns;
}

static int64_t partial_elements(const struct tile_plan *plan, const struct gemm_args *args) {
    return plan->segments > 1 ? plan->segments * args->m * args->n : 0;
}

static int64_t tile_scratch(const struct cl_device *device, const struct gemm_args *args) {
    const struct tile_plan plan = plan_of(device, args);
    return (packed_a_elements(&plan) + packed_b_elements(&plan) + partial_elements(&plan, args)) *
           F32_BYTES;
}

/* Packs the plan's segments of a matrix of k steps and n columns, stored in rows `row` apart, from
 * step `begin` on. */
static minrnn_status pack(struct cl_device *device, const struct tile_plan *plan, minrnn_tensor x,
                          bool transposed, int64_t row, int64_t n, int64_t k, int64_t begin,
                          int panel_columns, minrnn_tensor packed) {
    char options[96];
    snprintf(options, sizeof options, "-DVECTOR=%d -DPANEL_COLUMNS=%d%s",
             device->traits.float_width, panel_columns, transposed ? " -DTRANSPOSED" : "");
    const struct program_spec spec = {
        .files = {"prelude.cl", "gemm_pack.cl"}, .kernel = "gemm_pack", .options = options};
    struct kernel *kernel = NULL;
    const minrnn_status status = kernel_get(device, &spec, &kernel);
    if (status) {
        return status;
    }
    const struct launch_range range = {.global = {(size_t)ceil_div(n, panel_columns),
                                                  (size_t)ceil_div(plan->k_count, PACK_STEPS),
                                                  (size_t)plan->segments}};
    return LAUNCH(device, kernel, &range, ARG_TENSOR(x), ARG_TENSOR(packed), ARG_LONG(n),
                  ARG_LONG(k), ARG_LONG(row), ARG_LONG(begin), ARG_LONG(plan->k_count));
}

static minrnn_status tile_kernel(struct cl_device *device, const struct tile_plan *plan,
                                 struct kernel **kernel) {
    char options[96];
    snprintf(options, sizeof options, "-DVECTOR=%d -DTILE_ROWS=%d -DTILE_VECTORS=%d%s",
             device->traits.float_width, plan->rows, plan->vectors,
             plan->packed_a ? " -DPACKED_A" : "");
    const struct program_spec spec = {
        .files = {"prelude.cl", "gemm_tile.cl"}, .kernel = "gemm_tile", .options = options};
    return kernel_get(device, &spec, kernel);
}

/* One launch: `segments` blocks of k from step `begin` on. */
static minrnn_status multiply(struct op_context *context, const struct tile_plan *plan,
                              const struct gemm_args *args, minrnn_tensor c, int64_t c_row,
                              int64_t begin, bool accumulate) {
    struct cl_device *device = cl_device_of(context);
    const minrnn_tensor a = plan->packed_a ? context->scratch : args->a;
    const minrnn_tensor b = tensor_at(context->scratch, packed_a_elements(plan));
    struct kernel *kernel = NULL;
    minrnn_status status = tile_kernel(device, plan, &kernel);
    if (!status && plan->packed_a) {
        status =
            pack(device, plan, args->a, false, args->a_row, args->m, args->k, begin, plan->rows, a);
    }
    status = status ? status
                    : pack(device, plan, args->b, args->transpose_b, args->b_row, args->n, args->k,
                           begin, plan->columns, b);
    if (status) {
        return status;
    }
    const struct launch_range range = {.global = {(size_t)round_up(plan->panels, LOCAL_SIZE),
                                                  (size_t)plan->row_tiles, (size_t)plan->segments},
                                       .local = {LOCAL_SIZE, 1, 1}};
    return LAUNCH(device, kernel, &range, ARG_TENSOR(a), ARG_TENSOR(b), ARG_TENSOR(c),
                  ARG_LONG(args->m), ARG_LONG(args->n), ARG_LONG(args->k), ARG_LONG(args->a_row),
                  ARG_LONG(c_row), ARG_LONG(begin), ARG_LONG(plan->k_count), ARG_INT(accumulate));
}

static minrnn_status tile_run(struct op_context *context, const struct gemm_args *args) {
    struct cl_device *device = cl_device_of(context);
    const struct tile_plan plan = plan_of(device, args);
    const bool split = plan.segments > 1;
    const minrnn_tensor partial =
        tensor_at(context->scratch, packed_a_elements(&plan) + packed_b_elements(&plan));
    const minrnn_tensor c = split ? partial : args->c;
    minrnn_status status = MINRNN_OK;
    for (int64_t begin = 0; begin < args->k && !status; begin += plan.segments * plan.k_count) {
        const bool accumulate = args->accumulate || begin > 0;
        status = multiply(context, &plan, args, c, split ? args->n : args->c_row, begin,
                          accumulate && !split);
        if (split && !status) {
            status = gemm_reduce(device, args, partial, plan.segments, accumulate);
        }
    }
    return status;
}

const struct gemm_way gemm_tile = {.run = tile_run, .scratch = tile_scratch, .one_by_one = true};
