#include "opencl/scan_plan.h"

#include "opencl/plan.h"

enum {
    /* Some drivers (llvmpipe) end a work-item's loops, without an error, after 65,536 iterations in
     * all; this leaves room for what is inside and after the loop over time. */
    MAX_ITERATIONS = 16384,
    MIN_CHUNK_STEPS = 64,

    /* CPUs: vectors a work-item, independent chains of dependent steps; and into how many walks a
     * compute unit the chunk run cuts time, so that they finish together; steps from a prefetch to
     * its load. */
    CPU_VECTORS = 4,
    CPU_CHUNK_WALKS = 4,
    CPU_AHEAD = 8,

    /* GPUs: steps whose loads are under way together, half as many where these are more values than
     * registers hold with enough work-items beside each other; work-items a compute unit that hide
     * memory's latency with these; the same where the chunk run makes them; from which time on it
     * may. */
    GPU_BLOCK = 8,
    GPU_SERIAL_VALUES = 16,
    GPU_TILE_VALUES = 24,
    GPU_SERIAL_ITEMS = 256,
    GPU_CHUNK_ITEMS = 1024,
    GPU_CHUNK_TIME = 4096,
    GPU_GROUP = 64,
    TILE_LANES = 32,
    TILE_ROWS = 8,

    /* Outputs beyond this many bytes do not stay in a cache for the next op to find. */
    STREAM_BYTES = 32 << 20
};

/* The one rule. `args` counts by its sizes, not by what is absent. */
static minrnn_scan_run fastest_run(const struct cl_traits *traits,
                                   const struct scan_backward_args *args) {
    const int64_t vectors = args->batch * ceil_div(args->width, traits->float_width);
    if (!traits->is_gpu) {
        const bool fills = vectors >= traits->compute_units;
        return fills || args->time < 2 * MIN_CHUNK_STEPS ? MINRNN_RUN_SERIAL : MINRNN_RUN_CHUNK;
    }
    const int64_t items = args->batch * args->width;
    const int64_t groups = args->batch * ceil_div(args->width, TILE_LANES);
    if (items >= (int64_t)traits->compute_units * GPU_SERIAL_ITEMS ||
        args->time < TILE_ROWS * GPU_BLOCK) {
        return MINRNN_RUN_SERIAL;
    }
    return 2 * groups < traits->compute_units && args->time >= GPU_CHUNK_TIME ? MINRNN_RUN_CHUNK
                                                                              : MINRNN_RUN_TILE;
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
        (int64_t)traits->compute_units * (traits->is_gpu ? GPU_CHUNK_ITEMS : CPU_CHUNK_WALKS);
    const int64_t chunks = max_i64(ceil_div(wanted, at_once), 2);
    const int64_t steps = max_i64(ceil_div(args->time, chunks), MIN_CHUNK_STEPS);
    return min_i64(steps, MAX_ITERATIONS);
}

struct scan_plan scan_plan(const struct cl_traits *traits, const struct scan_backward_args *args) {
    struct scan_plan plan = {
        .run = choose_run(traits, args), .lanes = TILE_LANES, .rows = TILE_ROWS};
    while (plan.rows > 1 && (size_t)plan.rows * (size_t)plan.lanes > traits->max_work_group) {
        plan.rows /= 2;
    }
    while (plan.lanes > 1 && (size_t)plan.rows * (size_t)plan.lanes > traits->max_work_group) {
        plan.lanes /= 2;
    }
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
        piece.vectors = CPU_VECTORS;
    }
    while (piece.vector > left) {
        piece.vector /= 2;
    }
    const int64_t walks = scan->args.batch * (plan->run == MINRNN_RUN_CHUNK ? plan->chunks : 1);
    while (piece.vectors > 1 && walks * (left / (piece.vector * piece.vectors)) <
                                    max_i64(traits->compute_units, walks)) {
        piece.vectors /= 2;
    }
    piece.items = left / (piece.vector * piece.vectors);
    return piece;
}

/* Steps whose loads are under way together. One holds its pre-activations; backward, dh and the
 * state before, too; in log space, what the logarithms need. */
int scan_block(const struct scan *scan, minrnn_scan_run run) {
    const struct scan_backward_args *args = &scan->args;
    if (!scan->device->traits.is_gpu && run != MINRNN_RUN_TILE) {
        return 1;
    }
    const int64_t inputs = args->cell == MINRNN_CELL_LINEAR ? 2 : scan_gates(args->cell);
    const int64_t values = inputs + (scan->backward ? 2 : args->alg == MINRNN_SCAN_LOG);
    const int64_t most = run == MINRNN_RUN_TILE ? GPU_TILE_VALUES : GPU_SERIAL_VALUES;
    return values * GPU_BLOCK <= most ? GPU_BLOCK : GPU_BLOCK / 2;
}

int scan_ahead(const struct cl_traits *traits) {
    return traits->is_gpu || traits->float_width == 1 ? 0 : CPU_AHEAD;
}

/* Whether outputs should pass the cache by: where they are larger than it and every row is a
 * multiple of the vector. */
bool scan_must_stream(const struct scan *scan, int vector) {
    const struct scan_backward_args *args = &scan->args;
    const int64_t outputs = scan->backward ? scan_gates(args->cell) : 1;
    const uint64_t alignment = (uint64_t)vector;
    return scan->device->traits.nontemporal && vector > 1 && args->width % vector == 0 &&
           outputs * args->batch * args->time * args->width * TENSOR_ELEMENT_BYTES >=
               STREAM_BYTES &&
           tensor_is_aligned(args->h, alignment) && tensor_is_aligned(args->dx, alignment) &&
           tensor_is_aligned(args->db, alignment);
}

/* The work-items of a piece, or a few more: those past the last channel return. Those of explicit
 * vectors are a work-group each, so that every core has one; a CPU's scalar ones the driver groups,
 * to vectorise across them. */
struct launch_range scan_range(const struct scan *scan, const struct kernel *kernel, int64_t items,
                               int64_t chunks) {
    const struct cl_traits *traits = &scan->device->traits;
    int64_t local = traits->float_width == 1 ? 0 : 1;
    if (traits->is_gpu) {
        local = min_i64(GPU_GROUP, (int64_t)kernel_max_work_group(kernel));
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
