/* SPDX-License-Identifier: Apache-2.0 */
/* The rules: run, chunks, blocks and work-groups of a scan on a device. */
#include "opencl/scan_plan.h"

#include "opencl/plan.h"

/* Some drivers (llvmpipe) end a work-item's loops, without an error, after 65,536 iterations in
 * all; this leaves room for what is inside and after the loop over time. */
enum { MAX_ITERATIONS = 16384 };

enum { LEAST_LANES = 8 };

/* The one rule. `args` counts by its sizes, not by what is absent. */
static minrnn_scan_run fastest_run(const struct cl_traits *traits,
                                   const struct scan_backward_args *args) {
    const int64_t vectors = args->batch * ceil_div(args->width, traits->float_width);
    if (!traits->is_gpu) {
        const bool fills = vectors >= traits->compute_units;
        return fills || args->time < 2 * tuned(traits, TUNE_scan_chunk_steps) ? MINRNN_RUN_SERIAL
                                                                              : MINRNN_RUN_CHUNK;
    }
    const int64_t items = args->batch * args->width;
    const int64_t groups = args->batch * ceil_div(args->width, tuned(traits, TUNE_scan_tile_lanes));
    if (items >= (int64_t)traits->compute_units * tuned(traits, TUNE_scan_gpu_serial_items) ||
        args->time < tuned(traits, TUNE_scan_tile_rows) * tuned(traits, TUNE_scan_gpu_block)) {
        return MINRNN_RUN_SERIAL;
    }
    return 2 * groups < traits->compute_units &&
                   args->time >= tuned(traits, TUNE_scan_gpu_chunk_time)
               ? MINRNN_RUN_CHUNK
               : MINRNN_RUN_TILE;
}

void scan_shrink_tile(struct scan_plan *plan, size_t most) {
    while (plan->rows > 1 && (size_t)plan->rows * (size_t)plan->lanes > most) {
        plan->rows /= 2;
    }
    while (plan->lanes > 1 && (size_t)plan->rows * (size_t)plan->lanes > most) {
        plan->lanes /= 2;
    }
}

/* A tile's work-group: narrower than usual if there are fewer channels, and then with more rows, so
 * that time goes the faster. Each row looks at all before it: too many would wait for that. */
static void plan_tile(const struct cl_traits *traits, int64_t width, struct scan_plan *plan) {
    plan->lanes = tuned(traits, TUNE_scan_tile_lanes);
    plan->rows = tuned(traits, TUNE_scan_tile_rows);
    while (plan->lanes > LEAST_LANES && plan->lanes / 2 >= width) {
        plan->lanes /= 2;
        plan->rows *= 2;
    }
    scan_shrink_tile(plan, traits->max_work_group);
}

static minrnn_scan_run choose_run(const struct cl_traits *traits,
                                  const struct scan_backward_args *args) {
    return args->run == MINRNN_RUN_AUTO ? fastest_run(traits, args) : args->run;
}

static int64_t steps_of_chunk(const struct cl_traits *traits,
                              const struct scan_backward_args *args) {
    const int vector = traits->is_gpu ? 1 : traits->float_width;
    const int64_t at_once = args->batch * ceil_div(args->width, vector);
    const int64_t wanted =
        (int64_t)traits->compute_units *
        tuned(traits, traits->is_gpu ? TUNE_scan_gpu_chunk_items : TUNE_scan_cpu_chunk_walks);
    const int64_t chunks = max_i64(ceil_div(wanted, at_once), 2);
    const int64_t steps =
        max_i64(ceil_div(args->time, chunks), tuned(traits, TUNE_scan_chunk_steps));
    return min_i64(steps, MAX_ITERATIONS);
}

struct scan_plan scan_plan(const struct cl_traits *traits, const struct scan_backward_args *args) {
    struct scan_plan plan = {.run = choose_run(traits, args)};
    plan_tile(traits, args->width, &plan);
    switch (plan.run) {
    case MINRNN_RUN_CHUNK: plan.chunk_steps = steps_of_chunk(traits, args); break;
    case MINRNN_RUN_TILE: plan.chunk_steps = MAX_ITERATIONS / 4; break;
    default: plan.chunk_steps = MAX_ITERATIONS; break;
    }
    plan.chunks = ceil_div(args->time, plan.chunk_steps);
    return plan;
}

struct scan_piece scan_piece(const struct scan *scan, const struct scan_plan *plan,
                             int64_t channel) {
    const struct cl_traits *traits = &scan->device->traits;
    const int64_t left = scan->args.width - channel;
    struct scan_piece piece = {.first_channel = channel, .vector = 1, .vectors = 1};
    if (!traits->is_gpu) {
        piece.vector = traits->float_width;
        piece.vectors = tuned(traits, TUNE_scan_cpu_vectors);
    }
    while (piece.vector > left) {
        piece.vector /= 2;
    }
    /* NOLINTBEGIN(clang-analyzer-core.DivideZero): vector and vectors count from 1 */
    const int64_t walks = scan->args.batch * (plan->run == MINRNN_RUN_CHUNK ? plan->chunks : 1);
    while (piece.vectors > 1 && walks * (left / (piece.vector * piece.vectors)) <
                                    max_i64(traits->compute_units, walks)) {
        piece.vectors /= 2;
    }
    piece.items = left / (piece.vector * piece.vectors);
    /* NOLINTEND(clang-analyzer-core.DivideZero) */
    return piece;
}

/* Steps whose loads are under way together. One holds its pre-activations; backward, dh and the
 * state before, too; in log space, what the logarithms need. */
int scan_block(const struct scan *scan, minrnn_scan_run run) {
    const struct scan_backward_args *args = &scan->args;
    const struct cl_traits *traits = &scan->device->traits;
    if (!traits->is_gpu && run != MINRNN_RUN_TILE) {
        return 1;
    }
    const int block = tuned(traits, TUNE_scan_gpu_block);
    const int most = tuned(traits, run == MINRNN_RUN_TILE ? TUNE_scan_gpu_tile_values
                                                          : TUNE_scan_gpu_serial_values);
    const int64_t inputs = args->cell == MINRNN_CELL_LINEAR ? 2 : scan_gates(args->cell);
    const int64_t values = inputs + (scan->backward ? 2 : args->alg == MINRNN_SCAN_LOG);
    return values * block <= most ? block : block / 2;
}

int scan_ahead(const struct cl_traits *traits) {
    return traits->is_gpu || traits->float_width == 1 ? 0 : tuned(traits, TUNE_scan_cpu_ahead);
}

/* Whether outputs should pass the cache by: yes if they are larger than it and every row is a
 * multiple of the vector. */
bool scan_must_stream(const struct scan *scan, int vector) {
    const struct scan_backward_args *args = &scan->args;
    const int64_t outputs = scan->backward ? scan_gates(args->cell) : 1;
    const struct cl_traits *traits = &scan->device->traits;
    const uint64_t alignment = (uint64_t)vector;
    return traits->nontemporal && vector > 1 && args->width % vector == 0 &&
           outputs * args->batch * args->time * args->width * F32_BYTES >=
               tuned(traits, TUNE_scan_stream_bytes) &&
           tensor_is_aligned(args->h, alignment) && tensor_is_aligned(args->dx, alignment) &&
           tensor_is_aligned(args->db, alignment);
}

/* The work-items of a piece, or a few more: those past the last channel return. Work-items of
 * explicit vectors are a work-group each: every core then has one. A CPU's scalar work-items are
 * grouped by the driver, which vectorises across them. */
struct launch_range scan_range(const struct scan *scan, const struct kernel *kernel, int64_t items,
                               int64_t chunks) {
    const struct cl_traits *traits = &scan->device->traits;
    int64_t local = traits->float_width == 1 ? 0 : 1;
    if (traits->is_gpu) {
        local = min_i64(tuned(traits, TUNE_scan_gpu_group), (int64_t)kernel_max_work_group(kernel));
        items = ceil_div(items, local) * local;
    }
    return (struct launch_range){
        .global = {(size_t)items, (size_t)scan->args.batch, (size_t)chunks},
        .local = {(size_t)local, local > 0, local > 0},
    };
}

struct scan_floats scan_scratch(minrnn_scan_alg alg, const struct scan_plan *plan,
                                const struct scan_backward_args *args) {
    const struct scan_floats floats = scan_floats_of(alg);
    const int64_t slots = plan->chunks > 1 ? args->batch * plan->chunks * args->width : 0;
    return (struct scan_floats){floats.elem * slots, floats.state * slots};
}
