/* SPDX-License-Identifier: Apache-2.0 */
/* The selective scan. */
#include "opencl/plan.h"

#include <stdio.h>

/* Both passes' arguments: forward leaves the gradients absent. */
struct selective {
    struct cl_device *device;
    struct selective_backward_args args;
    minrnn_tensor scratch;
};

/* How a pass is cut, by the shape and the device alone. Segments of time are walked one after the
 * other, because a launch would take too long, or `at_once`, because sequences and channels do not
 * fill the device. */
struct cut {
    int64_t steps, segments; /* a segment is whole chunks */
    bool at_once;
    int64_t blocks; /* of channels, backward */
    int64_t items;  /* work-items of a block */
};

/* Work-items that keep the device busy. A CPU of vectors needs one a unit. */
static int64_t wanted_items(const struct cl_device *device) {
    const struct cl_traits *traits = &device->traits;
    return (int64_t)traits->compute_units *
           (traits->is_gpu ? tuned(traits, TUNE_selective_walks) : 1);
}

/* Cuts time, no work-item taking more than `most` steps. */
static struct cut time_cut(const struct cl_device *device,
                           const struct selective_backward_args *args, int64_t most) {
    const int64_t least = tuned(&device->traits, TUNE_selective_segment_steps);
    const int64_t walks = args->batch * ceil_div(args->width, plan_vector(device));
    const int64_t pieces = wanted_items(device) / walks; /* with one and a half there is no gain */
    const int64_t share = pieces > 1 ? max_i64(least, ceil_div(args->time, pieces)) : args->time;
    const int64_t longest = most / SELECTIVE_CHUNK * SELECTIVE_CHUNK;
    struct cut cut = {.steps = min_i64(longest, round_up(share, SELECTIVE_CHUNK))};
    cut.segments = ceil_div(args->time, cut.steps);
    cut.at_once = pieces > 1 && cut.segments > 1;
    return cut;
}

static struct cut forward_cut(const struct cl_device *device,
                              const struct selective_backward_args *args) {
    return time_cut(device, args, PLAN_MOST_STEPS / (args->states + 1));
}

/* Backward's steps between stashed states. */
enum { STRIDE = 4 };

/* Bytes of a work-group's memory: a place for each item and each sum over channels, and one more;
 * and what the items stash. */
static int64_t group_bytes(const struct cl_device *device, int64_t states, int64_t items) {
    const int64_t stashes = SELECTIVE_CHUNK / STRIDE - 1;
    return states * (2 * (items + 1) + stashes * items * plan_vector(device)) * F32_BYTES;
}

/* Work-items of a block. */
static int64_t block_items(const struct cl_device *device, int64_t states) {
    enum { MOST_BYTES = 24 << 10 };
    int64_t items = plan_loops(device) ? 1 : tuned(&device->traits, TUNE_selective_items);
    while (items > 1 && (group_bytes(device, states, items) > MOST_BYTES ||
                         items > (int64_t)device->traits.max_work_group)) {
        items /= 2;
    }
    return items;
}

static struct cut backward_cut(const struct cl_device *device,
                               const struct selective_backward_args *args) {
    const int64_t items = block_items(device, args->states);
    /* A step's rounds: those over its states, which some compilers do not unroll, there, back, and
     * on the ways to it; and those over the block's terms. */
    const int64_t rounds =
        8 * args->states + ceil_div(2 * args->states, items) * ceil_div(items, 8) + 8;
    struct cut cut = time_cut(device, args, PLAN_MOST_STEPS / rounds);
    cut.items = items;
    cut.blocks = ceil_div(args->width, cut.items * plan_vector(device));
    return cut;
}

/* ---- programs and arguments ---- */

/* A block's work-group may have to be smaller than planned: registers run out. */
struct group {
    const struct selective *s;
    const char *kernel;
    int64_t items;
};

static size_t group_items(const void *plan) {
    return (size_t)((const struct group *)plan)->items;
}

static void describe(const void *plan, struct program_spec *spec, char options[FITTING_OPTIONS]) {
    const struct group *group = plan;
    const int64_t states = group->s->args.states;
    snprintf(options, FITTING_OPTIONS,
             "-DVECTOR=%d -DSTATES=%d -DCHUNK=%d -DSTRIDE=%d -DCOLUMN_ITEMS=%d",
             plan_vector(group->s->device), (int)states, SELECTIVE_CHUNK, STRIDE,
             (int)group->items);
    *spec = (struct program_spec){
        .files = {"prelude.cl", "span.cl", "scan/math.cl", "selective.cl"},
        .kernel = group->kernel,
        .options = options,
    };
}

static void shrink(void *plan, size_t most) {
    struct group *group = plan;
    while (group->items > (int64_t)most) {
        group->items /= 2;
    }
}

static minrnn_status get_kernel(const struct selective *s, const char *name,
                                struct kernel **kernel) {
    const struct group group = {s, name, 1};
    char options[FITTING_OPTIONS];
    struct program_spec spec;
    describe(&group, &spec, options);
    return kernel_get(s->device, &spec, kernel);
}

/* LANE_PARAMETERS */
#define LANE_ARGUMENTS(args)                                                                       \
    ARG_LONG((args)->time), ARG_LONG((args)->width), ARG_TENSOR((args)->u), ARG_TENSOR((args)->p), \
        ARG_TENSOR((args)->z), ARG_TENSOR((args)->bc), ARG_TENSOR((args)->a_log),                  \
        ARG_TENSOR((args)->p_bias), ARG_TENSOR((args)->skip), ARG_TENSOR((args)->reset),           \
        ARG_TENSOR((args)->lengths)

static bool states_fit(int64_t states) {
    return states <= SELECTIVE_MOST_STATES;
}

/* ---- what segments begin with ---- */

static int64_t carried_elements(const struct cut *cut, const struct selective_backward_args *args) {
    return cut->segments > 1 ? args->batch * cut->segments * args->states * args->width : 0;
}

/* Of segments at once: their steps' sums. */
static int64_t span_elements(const struct cut *cut, const struct selective_backward_args *args) {
    return cut->at_once ? args->batch * cut->segments * args->width : 0;
}

/* Where the scratch has them. */
struct carried {
    minrnn_tensor states, spans;
};

static struct carried carried_of(const struct cut *cut, const struct selective_backward_args *args,
                                 minrnn_tensor scratch) {
    return (struct carried){scratch, tensor_at(scratch, carried_elements(cut, args))};
}

/* Vectors of channels, sequences, and `count` of something. */
static struct launch_range range_of(const struct selective *s, const struct kernel *kernel,
                                    int64_t count) {
    const int64_t vectors = ceil_div(s->args.width, plan_vector(s->device));
    struct launch_range range = plan_items(s->device, kernel, vectors);
    range.global[1] = (size_t)s->args.batch;
    range.global[2] = (size_t)count;
    range.local[1] = range.local[2] = 1;
    return range;
}

/* Each segment's own, from nothing: all but the last forward, all but the first backward. */
static minrnn_status launch_each(const struct selective *s, const struct cut *cut, bool backward,
                                 const struct carried *carried) {
    struct kernel *kernel = NULL;
    const minrnn_status status =
        get_kernel(s, backward ? "selective_behind" : "selective_ahead", &kernel);
    if (status) {
        return status;
    }
    const struct launch_range range = range_of(s, kernel, cut->segments - 1);
    return backward
               ? LAUNCH(s->device, kernel, &range, LANE_ARGUMENTS(&s->args), ARG_LONG(cut->steps),
                        ARG_LONG(1), ARG_LONG(cut->segments), ARG_TENSOR(s->args.dy),
                        ARG_TENSOR(carried->states), ARG_TENSOR(carried->spans))
               : LAUNCH(s->device, kernel, &range, LANE_ARGUMENTS(&s->args), ARG_LONG(cut->steps),
                        ARG_LONG(0), ARG_LONG(cut->segments), ARG_TENSOR(carried->states),
                        ARG_TENSOR(carried->spans));
}

/* From `given`, the state before the first step or the gradient of that after the last. */
static minrnn_status carry(const struct selective *s, const struct cut *cut, bool backward,
                           minrnn_tensor given, const struct carried *carried) {
    struct kernel *kernel = NULL;
    minrnn_status status = launch_each(s, cut, backward, carried);
    status = status ? status : get_kernel(s, "selective_carry", &kernel);
    if (status) {
        return status;
    }
    const struct launch_range range = range_of(s, kernel, s->args.states);
    return LAUNCH(s->device, kernel, &range, ARG_LONG(s->args.width), ARG_LONG(cut->segments),
                  ARG_INT(backward), ARG_TENSOR(s->args.a_log), ARG_TENSOR(given),
                  ARG_TENSOR(carried->spans), ARG_TENSOR(carried->states));
}

/* ---- forward ---- */

/* `count` segments from `first` on. */
static minrnn_status launch_forward(const struct selective *s, const struct cut *cut,
                                    const struct selective_forward_args *forward, int64_t first,
                                    int64_t count) {
    struct kernel *kernel = NULL;
    const minrnn_status status = get_kernel(s, "selective_forward", &kernel);
    if (status) {
        return status;
    }
    const struct launch_range range = range_of(s, kernel, count);
    return LAUNCH(s->device, kernel, &range, LANE_ARGUMENTS(&s->args), ARG_LONG(cut->steps),
                  ARG_LONG(first), ARG_LONG(cut->segments), ARG_INT(!cut->at_once),
                  ARG_TENSOR(forward->state), ARG_TENSOR(forward->y), ARG_TENSOR(forward->carries),
                  ARG_TENSOR(forward->state_out), ARG_TENSOR(s->scratch));
}

static minrnn_status run_forward(const struct selective *s, const struct cut *cut,
                                 const struct selective_forward_args *args) {
    const struct carried carried = carried_of(cut, &s->args, s->scratch);
    minrnn_status status = MINRNN_OK;
    if (cut->at_once) {
        status = carry(s, cut, false, args->state, &carried);
        return status ? status : launch_forward(s, cut, args, 0, cut->segments);
    }
    for (int64_t segment = 0; !status && segment < cut->segments; segment++) {
        status = launch_forward(s, cut, args, segment, 1);
    }
    return status;
}

/* What both passes read. */
static struct selective_backward_args inputs_of(const struct selective_forward_args *args) {
    return (struct selective_backward_args){
        .batch = args->batch,
        .time = args->time,
        .width = args->width,
        .states = args->states,
        .u = args->u,
        .p = args->p,
        .z = args->z,
        .bc = args->bc,
        .a_log = args->a_log,
        .p_bias = args->p_bias,
        .skip = args->skip,
        .reset = args->reset,
        .lengths = args->lengths,
    };
}

static minrnn_status selective_forward(struct op_context *context,
                                       const struct selective_forward_args *args) {
    const struct selective s = {cl_device_of(context), inputs_of(args), context->scratch};
    const struct cut cut = forward_cut(s.device, &s.args);
    return run_forward(&s, &cut, args);
}

static int64_t selective_forward_scratch(const minrnn_device *device,
                                         const struct selective_forward_args *args) {
    const struct selective_backward_args inputs = inputs_of(args);
    const struct cut cut = forward_cut((const struct cl_device *)device, &inputs);
    return (carried_elements(&cut, &inputs) + span_elements(&cut, &inputs)) * F32_BYTES;
}

static bool forward_supports(const minrnn_device *device,
                             const struct selective_forward_args *args) {
    (void)device;
    return states_fit(args->states);
}

/* ---- backward ---- */

/* Elements of the scratch. */
struct places {
    int64_t totals;  /* [batch, segments, width, states + 2] */
    int64_t carried; /* [batch, segments, states, width], and spans [batch, segments, width] */
    int64_t shares;  /* [batch, time, blocks, 2 states], with one block dbc itself */
    int64_t end;
};

static int64_t totals_row(const struct selective_backward_args *args) {
    return args->width * (args->states + 2);
}

static struct places places_of(const struct cut *cut, const struct selective_backward_args *args) {
    struct places places = {0};
    places.carried = args->batch * cut->segments * totals_row(args);
    places.shares = places.carried + carried_elements(cut, args) + span_elements(cut, args);
    places.end = places.shares +
                 (cut->blocks > 1 ? args->batch * args->time * cut->blocks * 2 * args->states : 0);
    return places;
}

static minrnn_tensor shares_of(const struct selective *s, const struct cut *cut) {
    return cut->blocks > 1 ? tensor_at(s->scratch, places_of(cut, &s->args).shares) : s->args.dbc;
}

/* `count` segments from `first` on, all of their blocks: `group` has the work-items that the kernel
 * has got. */
static minrnn_status launch_backward(const struct selective *s, const struct cut *cut,
                                     struct kernel *kernel, const struct group *group,
                                     int64_t first, int64_t count) {
    const struct selective_backward_args *args = &s->args;
    const struct places places = places_of(cut, args);
    const struct launch_range range = {
        .global = {(size_t)(cut->blocks * group->items), (size_t)args->batch, (size_t)count},
        .local = {(size_t)group->items, 1, 1},
    };
    const int64_t splits = cut->items / group->items;
    minrnn_status status = MINRNN_OK;
    for (int64_t split = 0; split < splits && !status; split++) {
        status = LAUNCH(
            s->device, kernel, &range, LANE_ARGUMENTS(args), ARG_LONG(cut->steps), ARG_LONG(first),
            ARG_LONG(cut->segments), ARG_INT(!cut->at_once), ARG_LONG(cut->blocks),
            ARG_INT((cl_int)splits), ARG_INT((cl_int)split), ARG_TENSOR(args->carries),
            ARG_TENSOR(args->dy), ARG_TENSOR(args->dstate_out), ARG_TENSOR(args->du),
            ARG_TENSOR(args->dp), ARG_TENSOR(args->dz), ARG_TENSOR(args->dstate),
            ARG_TENSOR(shares_of(s, cut)), ARG_TENSOR(tensor_at(s->scratch, places.totals)),
            ARG_TENSOR(tensor_at(s->scratch, places.carried)));
    }
    return status;
}

static minrnn_status run_backward(const struct selective *s, const struct cut *cut) {
    const struct carried carried =
        carried_of(cut, &s->args, tensor_at(s->scratch, places_of(cut, &s->args).carried));
    struct group group = {s, "selective_backward", cut->items};
    const struct fitting fitting = {&group, group_items, describe, shrink};
    struct kernel *kernel = NULL;
    minrnn_status status = kernel_get_fitting(s->device, &fitting, &kernel);
    if (cut->at_once) {
        status = status ? status : carry(s, cut, true, s->args.dstate_out, &carried);
        return status ? status : launch_backward(s, cut, kernel, &group, 0, cut->segments);
    }
    for (int64_t segment = cut->segments - 1; segment >= 0 && !status; segment--) {
        status = launch_backward(s, cut, kernel, &group, segment, 1);
    }
    return status;
}

/* dbc from the blocks' shares. */
static minrnn_status add_blocks(const struct selective *s, const struct cut *cut) {
    const int64_t rows = s->args.batch * s->args.time;
    struct kernel *kernel = NULL;
    const minrnn_status status = get_kernel(s, "selective_share", &kernel);
    if (status) {
        return status;
    }
    const struct launch_range range = plan_grid(s->device, kernel, 2 * s->args.states, rows);
    return LAUNCH(s->device, kernel, &range, ARG_LONG(rows), ARG_LONG(cut->blocks),
                  ARG_TENSOR(shares_of(s, cut)), ARG_TENSOR(s->args.dbc));
}

/* The parameters' gradients from the totals of sequences and segments. */
static minrnn_status add_totals(const struct selective *s, const struct cut *cut) {
    const struct selective_backward_args *args = &s->args;
    const int64_t width = args->width, states = args->states;
    const struct {
        int64_t begin, width;
        minrnn_tensor total;
    } parts[] = {{0, width * states, args->da_log},
                 {width * states, width, args->dp_bias},
                 {width * (states + 1), width, args->dskip}};
    const int64_t totals = places_of(cut, args).totals;
    minrnn_status status = MINRNN_OK;
    for (int i = 0; i < 3 && !status; i++) {
        status =
            column_total(s->device, args->batch * cut->segments, parts[i].width, totals_row(args),
                         tensor_at(s->scratch, totals + parts[i].begin), parts[i].total);
    }
    return status;
}

static minrnn_status selective_backward(struct op_context *context,
                                        const struct selective_backward_args *args) {
    const struct selective s = {cl_device_of(context), *args, context->scratch};
    const struct cut cut = backward_cut(s.device, args);
    minrnn_status status = run_backward(&s, &cut);
    if (!status && cut.blocks > 1) {
        status = add_blocks(&s, &cut);
    }
    return status ? status : add_totals(&s, &cut);
}

static int64_t selective_backward_scratch(const minrnn_device *device,
                                          const struct selective_backward_args *args) {
    const struct cut cut = backward_cut((const struct cl_device *)device, args);
    return places_of(&cut, args).end * F32_BYTES;
}

static bool backward_supports(const minrnn_device *device,
                              const struct selective_backward_args *args) {
    (void)device;
    return states_fit(args->states);
}

const struct selective_forward_op cl_selective_forward_op = {
    .run = selective_forward, .scratch = selective_forward_scratch, .supports = forward_supports};
const struct selective_backward_op cl_selective_backward_op = {.run = selective_backward,
                                                               .scratch =
                                                                   selective_backward_scratch,
                                                               .supports = backward_supports};
