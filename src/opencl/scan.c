/* SPDX-License-Identifier: Apache-2.0 */
/* The scan ops: the programs of a run, and their launches. A program is made of cl/scan's parts:
 * operator, cell, pass and run. */
#include "opencl/plan.h"
#include "opencl/scan_plan.h"

#include <stdio.h>
#include <string.h>

/* ---- programs ---- */

static void add_option(char options[FITTING_OPTIONS], bool wanted, const char *option) {
    const size_t used = strlen(options);
    if (wanted) {
        snprintf(options + used, FITTING_OPTIONS - used, " -D%s", option);
    }
}

static void write_options(const struct scan *scan, const struct scan_plan *plan,
                          const struct scan_piece *piece, char options[FITTING_OPTIONS]) {
    const struct scan_backward_args *args = &scan->args;
    const bool in_order = plan->chunks > 1 && plan->run != MINRNN_RUN_CHUNK;
    snprintf(options, FITTING_OPTIONS,
             "-DVECTOR=%d -DVECTORS=%d -DBLOCK=%d -DAHEAD=%d -DLANES=%d -DROWS=%d -DGATES=%d",
             piece->vector, piece->vectors, scan_block(scan, plan->run),
             scan_ahead(&scan->device->traits), plan->lanes, plan->rows,
             (int)scan_gates(args->cell));
    add_option(options, scan_must_stream(scan, piece->vector), "NONTEMPORAL");
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
    add_option(options, args->dh0.buffer, "HAS_DH0");
    add_option(options, args->dinit.buffer, "HAS_DINIT");
    add_option(options, plan->chunks > 1, in_order ? "CARRIED_FROM=1" : "CARRIED_FROM=0");
    add_option(options, in_order, "CARRY_ON");
}

/* The parts of a program by the names that scan_kinds.def gives them. */
static const char *alg_file(minrnn_scan_alg alg) {
#define SCAN_ALG(name, ALG, ...)                                                                   \
    if (alg == MINRNN_SCAN_##ALG) {                                                                \
        return "scan/" #name ".cl";                                                                \
    }
#include "op/scan_kinds.def"
    return NULL;
}

static const char *cell_file(minrnn_scan_cell cell) {
#define SCAN_CELL(name, CELL, ...)                                                                 \
    if (cell == MINRNN_CELL_##CELL) {                                                              \
        return "scan/" #name ".cl";                                                                \
    }
#include "op/scan_kinds.def"
    return NULL;
}

/* The kernel `name` of the run's file. */
static void describe(const struct scan *scan, const struct scan_plan *plan,
                     const struct scan_piece *piece, const char *run, const char *name,
                     struct program_spec *spec, char options[FITTING_OPTIONS]) {
    write_options(scan, plan, piece, options);
    *spec = (struct program_spec){
        .files = {"prelude.cl", "scan/math.cl", alg_file(scan->alg), "scan/lane.cl",
                  "scan/gated.cl", cell_file(scan->args.cell),
                  scan->backward ? "scan/backward.cl" : "scan/forward.cl", run},
        .kernel = name,
        .options = options,
    };
}

/* ---- arguments ---- */

enum { MAX_ARGUMENTS = 32 };

struct arguments {
    struct launch_argument list[MAX_ARGUMENTS];
    int count;
};

static void add(struct arguments *arguments, struct launch_argument argument) {
    arguments->list[arguments->count++] = argument;
}

static void add_tensor(struct arguments *arguments, minrnn_tensor tensor) {
    add(arguments, ARG_TENSOR(tensor));
}

static void add_int(struct arguments *arguments, int64_t value) {
    add(arguments, ARG_INT((cl_int)value));
}

/* LANE_PARAMETERS */
static void add_lane(struct arguments *arguments, const struct scan_backward_args *args) {
    add_tensor(arguments, args->h0);
    add_tensor(arguments, args->init);
    add_tensor(arguments, args->reset);
    add_tensor(arguments, args->lengths);
    add_int(arguments, args->time);
    add_int(arguments, args->width);
}

/* CELL_PARAMETERS */
static void add_cell(struct arguments *arguments, const struct scan_backward_args *args) {
    add_tensor(arguments, args->x);
    switch (args->cell) {
    case MINRNN_CELL_LINEAR: add_tensor(arguments, args->b); break;
    case MINRNN_CELL_MINGRU: add_tensor(arguments, args->bias); break;
    case MINRNN_CELL_MINLSTM:
        add_tensor(arguments, args->bias);
        add(arguments, ARG_FLOAT(args->forget_offset));
        break;
    }
}

/* TARGET_PARAMETERS */
static void add_target(struct arguments *arguments, const struct scan_backward_args *args) {
    add_tensor(arguments, args->dx);
    if (args->cell == MINRNN_CELL_LINEAR) {
        add_tensor(arguments, args->db);
    }
}

/* The chunks' elements, and after the carries are known their shares of dinit. */
static minrnn_tensor elements_of(const struct scan *scan, const struct scan_plan *plan) {
    return plan->chunks > 1 ? scan->scratch : (minrnn_tensor){0};
}

static minrnn_tensor carries_of(const struct scan *scan, const struct scan_plan *plan) {
    const struct scan_floats floats = scan_scratch(scan->alg, plan, &scan->args);
    return plan->chunks > 1 ? tensor_at(scan->scratch, floats.elem) : (minrnn_tensor){0};
}

/* Where a pass puts its share of dinit: with one chunk that is dinit itself. */
static minrnn_tensor shares_of(const struct scan *scan, const struct scan_plan *plan) {
    return plan->chunks > 1 && scan->args.dinit.buffer ? elements_of(scan, plan) : scan->args.dinit;
}

/* PASS_PARAMETERS */
static struct arguments pass_arguments(const struct scan *scan, const struct scan_plan *plan) {
    const struct scan_backward_args *args = &scan->args;
    struct arguments arguments = {.count = 0};
    add_lane(&arguments, args);
    add_cell(&arguments, args);
    add_tensor(&arguments, args->h);
    if (!scan->backward) {
        add_tensor(&arguments, scan->h_last);
        return arguments;
    }
    add_tensor(&arguments, args->dh);
    add_tensor(&arguments, args->dh_last);
    add_target(&arguments, args);
    add_tensor(&arguments, args->dh0);
    add_tensor(&arguments, shares_of(scan, plan));
    return arguments;
}

/* ---- launches ---- */

/* A kernel of a run, its range still to come. */
struct launch {
    struct kernel *kernel;
    struct arguments arguments;
};

static minrnn_status prepare(const struct scan *scan, const struct scan_plan *plan,
                             const struct scan_piece *piece, const char *run, const char *name,
                             struct launch *launch) {
    char options[FITTING_OPTIONS];
    struct program_spec spec;
    launch->arguments = pass_arguments(scan, plan);
    describe(scan, plan, piece, run, name, &spec, options);
    return kernel_get(scan->device, &spec, &launch->kernel);
}

static minrnn_status start(const struct scan *scan, const struct launch *launch,
                           const struct launch_range *range) {
    return kernel_launch(scan->device, launch->kernel, range, launch->arguments.list,
                         launch->arguments.count);
}

/* scan_serial over `count` chunks from `first_chunk` on, all at once. */
static minrnn_status launch_serial(const struct scan *scan, const struct scan_plan *plan,
                                   const struct scan_piece *piece, int64_t first_chunk,
                                   int64_t count) {
    struct launch launch;
    const minrnn_status status =
        prepare(scan, plan, piece, "scan/serial.cl", "scan_serial", &launch);
    if (status) {
        return status;
    }
    add_tensor(&launch.arguments, carries_of(scan, plan));
    add_int(&launch.arguments, piece->first_channel);
    add_int(&launch.arguments, first_chunk);
    add_int(&launch.arguments, plan->chunks);
    add_int(&launch.arguments, plan->chunk_steps);
    const struct launch_range range = scan_range(scan, launch.kernel, piece->items, count);
    return start(scan, &launch, &range);
}

static minrnn_status run_serial(const struct scan *scan, const struct scan_plan *plan,
                                const struct scan_piece *piece) {
    minrnn_status status = MINRNN_OK;
    for (int64_t chunk = 0; !status && chunk < plan->chunks; chunk++) {
        status = launch_serial(scan, plan, piece, chunk, 1);
    }
    return status;
}

static minrnn_status launch_reduce(const struct scan *scan, const struct scan_plan *plan,
                                   const struct scan_piece *piece) {
    struct launch launch;
    const minrnn_status status =
        prepare(scan, plan, piece, "scan/chunk.cl", "scan_reduce", &launch);
    if (status) {
        return status;
    }
    add_tensor(&launch.arguments, elements_of(scan, plan));
    add_int(&launch.arguments, piece->first_channel);
    add_int(&launch.arguments, plan->chunks);
    add_int(&launch.arguments, plan->chunk_steps);
    const struct launch_range range =
        scan_range(scan, launch.kernel, piece->items, plan->chunks - 1);
    return start(scan, &launch, &range);
}

static minrnn_status launch_carry(const struct scan *scan, const struct scan_plan *plan,
                                  const struct scan_piece *piece) {
    struct launch launch;
    const minrnn_status status = prepare(scan, plan, piece, "scan/chunk.cl", "scan_carry", &launch);
    if (status) {
        return status;
    }
    add_tensor(&launch.arguments, elements_of(scan, plan));
    add_tensor(&launch.arguments, carries_of(scan, plan));
    add_int(&launch.arguments, piece->first_channel);
    add_int(&launch.arguments, plan->chunks);
    const struct launch_range range =
        scan_range(scan, launch.kernel, piece->items * piece->vectors, 1);
    return start(scan, &launch, &range);
}

static minrnn_status run_chunk(const struct scan *scan, const struct scan_plan *plan,
                               const struct scan_piece *piece) {
    minrnn_status status = MINRNN_OK;
    if (plan->chunks > 1) {
        status = launch_reduce(scan, plan, piece);
        status = status ? status : launch_carry(scan, plan, piece);
    }
    return status ? status : launch_serial(scan, plan, piece, 0, plan->chunks);
}

/* Serial and chunk: the channels in pieces, widest vectors first. */
static minrnn_status run_pieces(const struct scan *scan, const struct scan_plan *plan) {
    minrnn_status status = MINRNN_OK;
    for (int64_t channel = 0; !status && channel < scan->args.width;) {
        const struct scan_piece piece = scan_piece(scan, plan, channel);
        status = plan->run == MINRNN_RUN_CHUNK ? run_chunk(scan, plan, &piece)
                                               : run_serial(scan, plan, &piece);
        channel += piece.items * piece.vector * piece.vectors;
    }
    return status;
}

static minrnn_status launch_tile(const struct scan *scan, const struct scan_plan *plan,
                                 struct kernel *kernel, int64_t chunk) {
    const size_t lanes = (size_t)plan->lanes;
    const size_t rows = (size_t)plan->rows;
    const struct launch_range range = {
        .global = {(size_t)ceil_div(scan->args.width, plan->lanes) * lanes,
                   (size_t)scan->args.batch * rows, 1},
        .local = {lanes, rows, 1},
    };
    struct launch launch = {kernel, pass_arguments(scan, plan)};
    add_tensor(&launch.arguments, carries_of(scan, plan));
    add_int(&launch.arguments, chunk);
    add_int(&launch.arguments, plan->chunks);
    add_int(&launch.arguments, plan->chunk_steps);
    return start(scan, &launch, &range);
}

/* A tile's work-group may have to be smaller than planned: registers run out. */
struct tile {
    const struct scan *scan;
    struct scan_plan *plan;
};

static size_t tile_items(const void *plan) {
    const struct tile *tile = plan;
    return (size_t)tile->plan->lanes * (size_t)tile->plan->rows;
}

static void describe_tile(const void *plan, struct program_spec *spec,
                          char options[FITTING_OPTIONS]) {
    const struct tile *tile = plan;
    const struct scan_piece piece = {.vector = 1, .vectors = 1};
    describe(tile->scan, tile->plan, &piece, "scan/tile.cl", "scan_tile", spec, options);
}

static void shrink_tile(void *plan, size_t most) {
    scan_shrink_tile(((struct tile *)plan)->plan, most);
}

static minrnn_status run_tile(const struct scan *scan, struct scan_plan *plan) {
    struct tile tile = {scan, plan};
    struct kernel *kernel = NULL;
    const struct fitting fitting = {&tile, tile_items, describe_tile, shrink_tile};
    minrnn_status status = kernel_get_fitting(scan->device, &fitting, &kernel);
    for (int64_t chunk = 0; !status && chunk < plan->chunks; chunk++) {
        status = launch_tile(scan, plan, kernel, chunk);
    }
    return status;
}

/* dinit from the chunks' shares, whatever the scan. */
static minrnn_status launch_share(const struct scan *scan, const struct scan_plan *plan) {
    static const struct program_spec spec = {.files = {"prelude.cl", "scan/chunk.cl"},
                                             .kernel = "scan_share"};
    struct kernel *kernel;
    const minrnn_status status = kernel_get(scan->device, &spec, &kernel);
    if (status) {
        return status;
    }
    const int64_t row = scan_floats_of(scan->alg).state * scan->args.width;
    const struct launch_range range = {.global = {(size_t)row, (size_t)scan->args.batch, 1}};
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
    if (scan_kind_of(args->alg, args->cell, args->candidate, args->normalised) < 0) {
        return fail(MINRNN_INVALID_ARGUMENT, "scan: there is no such kind");
    }
    struct scan_plan plan = scan_plan(&scan->device->traits, args);
    minrnn_status status =
        plan.run == MINRNN_RUN_TILE ? run_tile(scan, &plan) : run_pieces(scan, &plan);
    if (!status && plan.chunks > 1 && args->dinit.buffer) {
        status = launch_share(scan, &plan);
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

/* The operator of the gradient's walk. */
static minrnn_scan_alg reverse_alg(const struct scan_backward_args *args) {
    const int kind = scan_kind_of(args->alg, args->cell, args->candidate, args->normalised);
    return kind < 0 ? args->alg : scan_kinds[kind].reverse;
}

static int64_t scratch_bytes(const minrnn_device *device, minrnn_scan_alg alg,
                             const struct scan_backward_args *args) {
    const struct scan_plan plan = scan_plan(&((const struct cl_device *)device)->traits, args);
    const struct scan_floats floats = scan_scratch(alg, &plan, args);
    return (floats.elem + floats.state) * F32_BYTES;
}

static int64_t scan_forward_scratch(const minrnn_device *device,
                                    const struct scan_forward_args *args) {
    return scratch_bytes(device, args->alg, &(struct scan_backward_args){COMMON_ARGUMENTS(args)});
}

static int64_t scan_backward_scratch(const minrnn_device *device,
                                     const struct scan_backward_args *args) {
    return scratch_bytes(device, reverse_alg(args), args);
}

static minrnn_status scan_forward(struct op_context *context,
                                  const struct scan_forward_args *args) {
    const struct scan scan = {
        .device = cl_device_of(context),
        .alg = args->alg,
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
        .alg = reverse_alg(args),
        .args = *args,
        .scratch = context->scratch,
    };
    return run_scan(&scan);
}

const struct scan_forward_op cl_scan_forward_op = {.run = scan_forward,
                                                   .scratch = scan_forward_scratch};
const struct scan_backward_op cl_scan_backward_op = {.run = scan_backward,
                                                     .scratch = scan_backward_scratch};
