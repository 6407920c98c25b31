/* The scan ops: which run serves a device and a shape, and its launches. A program is made of
 * cl/scan's parts: operator, cell, pass and run. */
#include "opencl/launch.h"

#include <stdio.h>
#include <string.h>

/* A call as both passes see it: forward leaves the gradients absent. */
struct scan {
    struct cl_device *device;
    bool backward;
    struct scan_backward_args args;
    minrnn_tensor h_last;
    minrnn_tensor scratch;
};

/* How a call is run. Time is cut into `chunks` of `chunk_steps`: by the chunk run to walk them at
 * once, by the others only where time is too long for one launch. */
struct plan {
    minrnn_scan_run run;
    int lanes, rows; /* tile's work-group */
    int64_t chunks, chunk_steps;
};

/* Channels served by one launch: `items` work-items of `vectors` vectors of `vector` channels. */
struct piece {
    int64_t first_channel, items;
    int vector, vectors;
};

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

static int64_t divide_up(int64_t a, int64_t b) {
    return (a + b - 1) / b;
}

static int64_t min_of(int64_t a, int64_t b) {
    return a < b ? a : b;
}

static int64_t max_of(int64_t a, int64_t b) {
    return a > b ? a : b;
}

/* ---- which run, and its shape ---- */

/* The one rule. `args` counts by its sizes, not by what is absent. */
static minrnn_scan_run fastest_run(const struct cl_traits *traits,
                                   const struct scan_backward_args *args) {
    const int64_t vectors = args->batch * divide_up(args->width, traits->float_width);
    if (!traits->is_gpu) {
        const bool fills = vectors >= traits->compute_units;
        return fills || args->time < 2 * MIN_CHUNK_STEPS ? MINRNN_RUN_SERIAL : MINRNN_RUN_CHUNK;
    }
    const int64_t items = args->batch * args->width;
    const int64_t groups = args->batch * divide_up(args->width, TILE_LANES);
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
    const int64_t at_once = args->batch * divide_up(args->width, vector);
    const int64_t wanted =
        (int64_t)traits->compute_units * (traits->is_gpu ? GPU_CHUNK_ITEMS : CPU_CHUNK_WALKS);
    const int64_t chunks = max_of(divide_up(wanted, at_once), 2);
    const int64_t steps = max_of(divide_up(args->time, chunks), MIN_CHUNK_STEPS);
    return min_of(steps, MAX_ITERATIONS);
}

static struct plan make_plan(const struct cl_traits *traits,
                             const struct scan_backward_args *args) {
    struct plan plan = {.run = choose_run(traits, args), .lanes = TILE_LANES, .rows = TILE_ROWS};
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
    plan.chunks = divide_up(args->time, plan.chunk_steps);
    return plan;
}

/* Steps whose loads are under way together. One holds its pre-activations; backward, dh and the
 * state before, too; in log space, what the logarithms need. */
static int block_of(const struct scan *scan, minrnn_scan_run run) {
    const struct scan_backward_args *args = &scan->args;
    if (!scan->device->traits.is_gpu && run != MINRNN_RUN_TILE) {
        return 1;
    }
    const int64_t inputs = args->cell == MINRNN_CELL_LINEAR ? 2 : scan_gates(args->cell);
    const int64_t values = inputs + (scan->backward ? 2 : args->alg == MINRNN_SCAN_LOG);
    const int64_t most = run == MINRNN_RUN_TILE ? GPU_TILE_VALUES : GPU_SERIAL_VALUES;
    return values * GPU_BLOCK <= most ? GPU_BLOCK : GPU_BLOCK / 2;
}

/* Two arrays [batch, chunks, width]: the carries into the chunks; the chunks' a, then their shares
 * of dinit. */
static int64_t chunk_elements(const struct plan *plan, const struct scan_backward_args *args) {
    return plan->chunks > 1 ? args->batch * plan->chunks * args->width : 0;
}

static struct piece next_piece(const struct scan *scan, const struct plan *plan, int64_t channel) {
    const struct cl_traits *traits = &scan->device->traits;
    const int64_t left = scan->args.width - channel;
    struct piece piece = {.first_channel = channel, .vector = 1, .vectors = 1};
    if (!traits->is_gpu) {
        piece.vector = traits->float_width;
        piece.vectors = CPU_VECTORS;
    }
    while (piece.vector > left) {
        piece.vector /= 2;
    }
    const int64_t walks = scan->args.batch * (plan->run == MINRNN_RUN_CHUNK ? plan->chunks : 1);
    while (piece.vectors > 1 &&
           walks * (left / (piece.vector * piece.vectors)) < max_of(traits->compute_units, walks)) {
        piece.vectors /= 2;
    }
    piece.items = left / (piece.vector * piece.vectors);
    return piece;
}

/* ---- programs ---- */

enum { OPTIONS_CAPACITY = 512 };

static void add_option(char options[OPTIONS_CAPACITY], bool wanted, const char *option) {
    const size_t used = strlen(options);
    if (wanted) {
        snprintf(options + used, OPTIONS_CAPACITY - used, " -D%s", option);
    }
}

/* Whether outputs should pass the cache by: where they are larger than it and every row is a
 * multiple of the vector. */
static bool must_stream(const struct scan *scan, int vector) {
    const struct scan_backward_args *args = &scan->args;
    const int64_t outputs = scan->backward ? scan_gates(args->cell) : 1;
    const uint64_t alignment = (uint64_t)vector;
    return scan->device->traits.nontemporal && vector > 1 && args->width % vector == 0 &&
           outputs * args->batch * args->time * args->width * F32_BYTES >= STREAM_BYTES &&
           tensor_is_aligned(args->h, alignment) && tensor_is_aligned(args->dx, alignment) &&
           tensor_is_aligned(args->db, alignment);
}

static void write_options(const struct scan *scan, const struct plan *plan,
                          const struct piece *piece, char options[OPTIONS_CAPACITY]) {
    const struct scan_backward_args *args = &scan->args;
    const struct cl_traits *traits = &scan->device->traits;
    const bool in_order = plan->chunks > 1 && plan->run != MINRNN_RUN_CHUNK;
    const int ahead = traits->is_gpu || traits->float_width == 1 ? 0 : CPU_AHEAD;
    snprintf(options, OPTIONS_CAPACITY,
             "-DVECTOR=%d -DVECTORS=%d -DBLOCK=%d -DAHEAD=%d -DLANES=%d -DROWS=%d", piece->vector,
             piece->vectors, block_of(scan, plan->run), ahead, plan->lanes, plan->rows);
    add_option(options, must_stream(scan, piece->vector), "NONTEMPORAL");
    add_option(options, args->candidate == MINRNN_CANDIDATE_G, "CANDIDATE_G");
    add_option(options, args->normalised, "NORMALISED");
    add_option(options, args->reversed, "REVERSED");
    add_option(options, args->alg == MINRNN_SCAN_LOG, "LOG_INPUTS");
    add_option(options, args->bias.buffer, "HAS_BIAS");
    add_option(options, args->h0.buffer, "HAS_H0");
    add_option(options, args->init.buffer, "HAS_INIT");
    add_option(options, args->reset.buffer, "HAS_RESET");
    add_option(options, args->lengths.buffer, "HAS_LENGTHS");
    add_option(options, scan->h_last.buffer, "HAS_H_LAST");
    add_option(options, args->dh_last.buffer, "HAS_DH_LAST");
    add_option(options, args->db.buffer, "HAS_DB");
    add_option(options, args->dh0.buffer, "HAS_DH0");
    add_option(options, args->dinit.buffer, "HAS_DINIT");
    add_option(options, plan->chunks > 1, in_order ? "CARRIED_FROM=1" : "CARRIED_FROM=0");
    add_option(options, in_order, "CARRY_ON");
}

static minrnn_status get_kernel(const struct scan *scan, const struct plan *plan,
                                const struct piece *piece, const char *run, const char *name,
                                struct kernel **kernel) {
    static const char *const cells[] = {
        [MINRNN_CELL_LINEAR] = "scan/linear.cl",
        [MINRNN_CELL_MINGRU] = "scan/mingru.cl",
        [MINRNN_CELL_MINLSTM] = "scan/minlstm.cl",
    };
    const bool log_elements = scan->args.alg == MINRNN_SCAN_LOG && !scan->backward;
    char options[OPTIONS_CAPACITY];
    write_options(scan, plan, piece, options);
    const struct program_spec spec = {
        .files = {"prelude.cl", "scan/math.cl",
                  log_elements ? "scan/log_affine.cl" : "scan/affine.cl", "scan/lane.cl",
                  cells[scan->args.cell], scan->backward ? "scan/backward.cl" : "scan/forward.cl",
                  run},
        .options = options,
    };
    return kernel_get(scan->device, &spec, name, kernel);
}

/* ---- launches ---- */

enum { MAX_ARGUMENTS = 32 };

struct arguments {
    struct launch_argument list[MAX_ARGUMENTS];
    int count;
};

static void add(struct arguments *arguments, struct launch_argument argument) {
    arguments->list[arguments->count++] = argument;
}

/* PASS_PARAMETERS, dinit going to `shares`. */
static struct arguments pass_arguments(const struct scan *scan, minrnn_tensor shares) {
    const struct scan_backward_args *a = &scan->args;
    const minrnn_tensor inputs[] = {a->x, a->b, a->bias, a->h0, a->init, a->reset, a->lengths};
    const minrnn_tensor forward[] = {a->h, scan->h_last};
    const minrnn_tensor backward[] = {a->h, a->dh, a->dh_last, a->dx, a->db, a->dh0, shares};
    const minrnn_tensor *own = scan->backward ? backward : forward;
    const size_t own_count =
        scan->backward ? sizeof backward / sizeof backward[0] : sizeof forward / sizeof forward[0];
    struct arguments arguments = {.count = 0};
    for (size_t i = 0; i < sizeof inputs / sizeof inputs[0]; i++) {
        add(&arguments, ARG_TENSOR(inputs[i]));
    }
    add(&arguments, ARG_INT((cl_int)a->time));
    add(&arguments, ARG_INT((cl_int)a->width));
    add(&arguments, ARG_FLOAT(a->forget_offset));
    for (size_t i = 0; i < own_count; i++) {
        add(&arguments, ARG_TENSOR(own[i]));
    }
    return arguments;
}

static minrnn_tensor carries_of(const struct scan *scan, const struct plan *plan) {
    return plan->chunks > 1 ? scan->scratch : (minrnn_tensor){0};
}

/* The chunks' a, and after the carries are known their shares of dinit. */
static minrnn_tensor elements_of(const struct scan *scan, const struct plan *plan) {
    return tensor_at(scan->scratch, chunk_elements(plan, &scan->args));
}

/* Where a pass puts its share of dinit: with one chunk that is dinit itself. */
static minrnn_tensor shares_of(const struct scan *scan, const struct plan *plan) {
    return plan->chunks > 1 && scan->args.dinit.buffer ? elements_of(scan, plan) : scan->args.dinit;
}

/* The work-items of a piece, or a few more: those past the last channel return. Those of explicit
 * vectors are a work-group each, so that every core has one; a CPU's scalar ones the driver groups,
 * to vectorise across them. */
static struct launch_range piece_range(const struct scan *scan, const struct kernel *kernel,
                                       int64_t items, int64_t chunks) {
    const struct cl_traits *traits = &scan->device->traits;
    int64_t local = traits->float_width == 1 ? 0 : 1;
    if (traits->is_gpu) {
        local = min_of(GPU_GROUP, (int64_t)kernel_max_work_group(kernel));
        items = divide_up(items, local) * local;
    }
    return (struct launch_range){
        .global = {(size_t)items, (size_t)scan->args.batch, (size_t)chunks},
        .local = {(size_t)local, local > 0, local > 0},
    };
}

/* scan_serial over `count` chunks from `first_chunk` on, all at once. */
static minrnn_status launch_serial(const struct scan *scan, const struct plan *plan,
                                   const struct piece *piece, int64_t first_chunk, int64_t count) {
    struct kernel *kernel;
    const minrnn_status status =
        get_kernel(scan, plan, piece, "scan/serial.cl", "scan_serial", &kernel);
    if (status) {
        return status;
    }
    struct arguments arguments = pass_arguments(scan, shares_of(scan, plan));
    add(&arguments, ARG_TENSOR(carries_of(scan, plan)));
    add(&arguments, ARG_INT((cl_int)piece->first_channel));
    add(&arguments, ARG_INT((cl_int)first_chunk));
    add(&arguments, ARG_INT((cl_int)plan->chunks));
    add(&arguments, ARG_INT((cl_int)plan->chunk_steps));
    const struct launch_range range = piece_range(scan, kernel, piece->items, count);
    return kernel_launch(scan->device, kernel, &range, arguments.list, arguments.count);
}

static minrnn_status run_serial(const struct scan *scan, const struct plan *plan,
                                const struct piece *piece) {
    minrnn_status status = MINRNN_OK;
    for (int64_t chunk = 0; !status && chunk < plan->chunks; chunk++) {
        status = launch_serial(scan, plan, piece, chunk, 1);
    }
    return status;
}

static minrnn_status launch_reduce(const struct scan *scan, const struct plan *plan,
                                   const struct piece *piece) {
    struct kernel *kernel;
    const minrnn_status status =
        get_kernel(scan, plan, piece, "scan/chunk.cl", "scan_reduce", &kernel);
    if (status) {
        return status;
    }
    struct arguments arguments = pass_arguments(scan, shares_of(scan, plan));
    add(&arguments, ARG_TENSOR(elements_of(scan, plan)));
    add(&arguments, ARG_TENSOR(carries_of(scan, plan)));
    add(&arguments, ARG_INT((cl_int)piece->first_channel));
    add(&arguments, ARG_INT((cl_int)plan->chunks));
    add(&arguments, ARG_INT((cl_int)plan->chunk_steps));
    const struct launch_range range = piece_range(scan, kernel, piece->items, plan->chunks - 1);
    return kernel_launch(scan->device, kernel, &range, arguments.list, arguments.count);
}

static minrnn_status launch_carry(const struct scan *scan, const struct plan *plan,
                                  const struct piece *piece) {
    struct kernel *kernel;
    const minrnn_status status =
        get_kernel(scan, plan, piece, "scan/chunk.cl", "scan_carry", &kernel);
    if (status) {
        return status;
    }
    struct arguments arguments = pass_arguments(scan, shares_of(scan, plan));
    add(&arguments, ARG_TENSOR(elements_of(scan, plan)));
    add(&arguments, ARG_TENSOR(carries_of(scan, plan)));
    add(&arguments, ARG_INT((cl_int)piece->first_channel));
    add(&arguments, ARG_INT((cl_int)plan->chunks));
    const struct launch_range range = piece_range(scan, kernel, piece->items * piece->vectors, 1);
    return kernel_launch(scan->device, kernel, &range, arguments.list, arguments.count);
}

static minrnn_status run_chunk(const struct scan *scan, const struct plan *plan,
                               const struct piece *piece) {
    minrnn_status status = MINRNN_OK;
    if (plan->chunks > 1) {
        status = launch_reduce(scan, plan, piece);
        status = status ? status : launch_carry(scan, plan, piece);
    }
    return status ? status : launch_serial(scan, plan, piece, 0, plan->chunks);
}

/* Serial and chunk: the channels in pieces, widest vectors first. */
static minrnn_status run_pieces(const struct scan *scan, const struct plan *plan,
                                struct piece *last) {
    minrnn_status status = MINRNN_OK;
    for (int64_t channel = 0; !status && channel < scan->args.width;) {
        const struct piece piece = next_piece(scan, plan, channel);
        status = plan->run == MINRNN_RUN_CHUNK ? run_chunk(scan, plan, &piece)
                                               : run_serial(scan, plan, &piece);
        channel += piece.items * piece.vector * piece.vectors;
        *last = piece;
    }
    return status;
}

static minrnn_status run_tile(const struct scan *scan, struct plan *plan,
                              const struct piece *piece) {
    struct kernel *kernel = NULL;
    minrnn_status status = get_kernel(scan, plan, piece, "scan/tile.cl", "scan_tile", &kernel);
    while (!status && plan->rows > 1 &&
           kernel_max_work_group(kernel) < (size_t)plan->lanes * (size_t)plan->rows) {
        plan->rows /= 2; /* registers ran out */
        status = get_kernel(scan, plan, piece, "scan/tile.cl", "scan_tile", &kernel);
    }
    const size_t lanes = (size_t)plan->lanes;
    const size_t rows = (size_t)plan->rows;
    const struct launch_range range = {
        .global = {(size_t)divide_up(scan->args.width, plan->lanes) * lanes,
                   (size_t)scan->args.batch * rows, 1},
        .local = {lanes, rows, 1},
    };
    for (int64_t chunk = 0; !status && chunk < plan->chunks; chunk++) {
        struct arguments arguments = pass_arguments(scan, shares_of(scan, plan));
        add(&arguments, ARG_TENSOR(carries_of(scan, plan)));
        add(&arguments, ARG_INT((cl_int)chunk));
        add(&arguments, ARG_INT((cl_int)plan->chunks));
        add(&arguments, ARG_INT((cl_int)plan->chunk_steps));
        status = kernel_launch(scan->device, kernel, &range, arguments.list, arguments.count);
    }
    return status;
}

/* dinit from the chunks' shares. */
static minrnn_status launch_share(const struct scan *scan, const struct plan *plan,
                                  const struct piece *piece) {
    struct kernel *kernel;
    const minrnn_status status =
        get_kernel(scan, plan, piece, "scan/chunk.cl", "scan_share", &kernel);
    if (status) {
        return status;
    }
    const struct launch_range range = {
        .global = {(size_t)scan->args.width, (size_t)scan->args.batch, 1}};
    return LAUNCH(scan->device, kernel, &range, ARG_TENSOR(shares_of(scan, plan)),
                  ARG_TENSOR(scan->args.dinit), ARG_INT((cl_int)plan->chunks));
}

static minrnn_status run_scan(const struct scan *scan) {
    const struct scan_backward_args *args = &scan->args;
    if (args->time > INT32_MAX || args->width > INT32_MAX || args->batch > INT32_MAX) {
        return fail(MINRNN_UNSUPPORTED,
                    "scan: batch %lld, time %lld, width %lld: each must fit in "
                    "31 bits",
                    (long long)args->batch, (long long)args->time, (long long)args->width);
    }
    struct plan plan = make_plan(&scan->device->traits, args);
    struct piece piece = {.vector = 1, .vectors = 1};
    minrnn_status status = plan.run == MINRNN_RUN_TILE ? run_tile(scan, &plan, &piece)
                                                       : run_pieces(scan, &plan, &piece);
    if (!status && plan.chunks > 1 && args->dinit.buffer) {
        status = launch_share(scan, &plan, &piece);
    }
    return status;
}

/* ---- the ops ---- */

/* What the two passes have in common. */
#define COMMON_ARGUMENTS(args)                                                                     \
    .batch = (args)->batch, .time = (args)->time, .width = (args)->width, .alg = (args)->alg,      \
    .cell = (args)->cell, .run = (args)->run, .candidate = (args)->candidate,                      \
    .normalised = (args)->normalised, .reversed = (args)->reversed,                                \
    .forget_offset = (args)->forget_offset, .x = (args)->x, .b = (args)->b, .bias = (args)->bias,  \
    .h0 = (args)->h0, .init = (args)->init, .reset = (args)->reset, .lengths = (args)->lengths,    \
    .h = (args)->h

static int64_t scratch_bytes(const minrnn_device *device, const struct scan_backward_args *args) {
    const struct plan plan = make_plan(&((const struct cl_device *)device)->traits, args);
    return 2 * chunk_elements(&plan, args) * F32_BYTES;
}

static int64_t scan_forward_scratch(const minrnn_device *device,
                                    const struct scan_forward_args *args) {
    return scratch_bytes(device, &(struct scan_backward_args){COMMON_ARGUMENTS(args)});
}

static int64_t scan_backward_scratch(const minrnn_device *device,
                                     const struct scan_backward_args *args) {
    return scratch_bytes(device, args);
}

static minrnn_status scan_forward(struct op_context *context,
                                  const struct scan_forward_args *args) {
    const struct scan scan = {
        .device = cl_device_of(context),
        .args = {COMMON_ARGUMENTS(args)},
        .h_last = args->h_last,
        .scratch = context->scratch,
    };
    return run_scan(&scan);
}

static minrnn_status scan_backward(struct op_context *context,
                                   const struct scan_backward_args *args) {
    const struct scan scan = {
        .device = cl_device_of(context),
        .backward = true,
        .args = *args,
        .scratch = context->scratch,
    };
    return run_scan(&scan);
}

const struct scan_forward_op cl_scan_forward_op = {.run = scan_forward,
                                                   .scratch = scan_forward_scratch};
const struct scan_backward_op cl_scan_backward_op = {.run = scan_backward,
                                                     .scratch = scan_backward_scratch};
