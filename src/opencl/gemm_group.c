/* SPDX-License-Identifier: Apache-2.0 */
/* The matrix product for GPUs (cl/gemm_group.cl): tiles of c by work-groups, and if these do not
 * fill the device, k cut into segments whose sums are added up in a second pass. */
#include "opencl/gemm.h"

#include <stdio.h>

/* A side of a tile: elements, and the work-items along it. */
struct side {
    int elements, lanes;
};

struct group_plan {
    struct side m, n;          /* of a tile */
    int64_t segments, k_count; /* parts of k, and the steps of each; 1: straight into c */
};

enum {
    SLAB = 8, /* steps of k that lie in local memory at once */
    /* Steps of k in a segment of one launch: drivers stop what takes long, and llvmpipe's loops go
     * wrong past 65,535 rounds. */
    MOST_STEPS = 1 << 17
};

/* The largest side that is less than twice what there is, and no more than `most`. */
static struct side side_of(int64_t extent, int most) {
    static const struct side sides[] = {{128, 16}, {64, 8}, {32, 8}, {16, 4}};
    int i = 0;
    while (sides[i].elements > 16 &&
           (sides[i].elements > most || extent <= sides[i].elements / 2)) {
        i++;
    }
    return sides[i];
}

static struct group_plan plan_of(const struct cl_device *device, const struct gemm_args *args) {
    const struct cl_traits *traits = &device->traits;
    const int most = tuned(traits, TUNE_gemm_group_side);
    struct group_plan plan = {.m = side_of(args->m, most), .n = side_of(args->n, most)};
    const int64_t tiles =
        ceil_div(args->m, plan.m.elements) * ceil_div(args->n, plan.n.elements) * args->count;
    const int64_t items = (int64_t)tuned(traits, TUNE_gemm_group_items) * traits->compute_units;
    const int64_t wanted = ceil_div(items, (int64_t)plan.m.lanes * plan.n.lanes);
    const int64_t possible = args->k / tuned(traits, TUNE_gemm_group_steps);
    const int64_t segments = max_i64(min_i64(ceil_div(wanted, tiles), possible), 1);
    plan.k_count = round_up(ceil_div(args->k, segments), SLAB);
    plan.segments = ceil_div(args->k, plan.k_count);
    return plan;
}

/* Elements of the segments' products. */
static int64_t parts_of(const struct group_plan *plan, const struct gemm_args *args) {
    return plan->segments > 1 ? plan->segments * args->count * args->m * args->n : 0;
}

static int64_t group_scratch(const struct cl_device *device, const struct gemm_args *args) {
    const struct group_plan plan = plan_of(device, args);
    return parts_of(&plan, args) * F32_BYTES;
}

int64_t gemm_group_sums_scratch(const struct cl_device *device, const struct gemm_args *args) {
    const struct group_plan plan = plan_of(device, args);
    return (parts_of(&plan, args) + (plan.segments > 1 ? plan.segments * args->m : 0)) * F32_BYTES;
}

/* Whether a matrix can be read or written four elements at once. */
static bool by_fours(minrnn_tensor x, int64_t columns, int64_t row, int64_t step, int64_t count) {
    return columns % 4 == 0 && row % 4 == 0 && (count == 1 || step % 4 == 0) &&
           tensor_is_aligned(x, 4);
}

/* What the kernel is built for. */
struct group_shape {
    struct group_plan *plan;
    bool transpose_a, transpose_b, whole_a, whole_b, whole_c, sums;
};

static size_t group_items(const void *shape) {
    const struct group_plan *plan = ((const struct group_shape *)shape)->plan;
    return (size_t)plan->m.lanes * (size_t)plan->n.lanes;
}

static void describe_group(const void *shape, struct program_spec *spec,
                           char options[FITTING_OPTIONS]) {
    const struct group_shape *s = shape;
    const struct side m = s->plan->m, n = s->plan->n;
    snprintf(options, FITTING_OPTIONS,
             "-DLANES_M=%d -DLANES_N=%d -DITEM_M=%d -DITEM_N=%d -DSLAB=%d%s%s%s%s%s%s", m.lanes,
             n.lanes, m.elements / m.lanes, n.elements / n.lanes, SLAB,
             s->transpose_a ? " -DTRANSPOSE_A" : "", s->transpose_b ? " -DTRANSPOSE_B" : "",
             s->whole_a ? " -DALIGNED_A" : "", s->whole_b ? " -DALIGNED_B" : "",
             s->whole_c ? " -DALIGNED_C" : "", s->sums ? " -DSUMS" : "");
    *spec = (struct program_spec){
        .files = {"prelude.cl", "gemm_group.cl"}, .kernel = "gemm_group", .options = options};
}

static void shrink_group(void *shape, size_t most) {
    struct group_plan *plan = ((struct group_shape *)shape)->plan;
    while (group_items(shape) > most) {
        struct side *side = plan->m.lanes >= plan->n.lanes ? &plan->m : &plan->n;
        side->elements /= 2;
        side->lanes /= 2;
    }
}

/* The kernel, with as many work-items as the device lets it have. */
static minrnn_status group_kernel(struct cl_device *device, const struct gemm_args *args,
                                  struct group_plan *plan, bool whole_c, bool sums,
                                  struct kernel **kernel) {
    struct group_shape shape = {
        .plan = plan,
        .transpose_a = args->transpose_a,
        .transpose_b = args->transpose_b,
        .whole_a = by_fours(args->a, args->transpose_a ? args->m : args->k, args->a_row,
                            args->a_step, args->count),
        .whole_b = by_fours(args->b, args->transpose_b ? args->k : args->n, args->b_row,
                            args->b_step, args->count),
        .whole_c = whole_c,
        .sums = sums,
    };
    const struct fitting fitting = {&shape, group_items, describe_group, shrink_group};
    return kernel_get_fitting(device, &fitting, kernel);
}

/* All segments from step `begin` on, into c or, if there are several, side by side into scratch. */
static minrnn_status multiply(struct op_context *context, const struct gemm_args *args,
                              struct group_plan *plan, int64_t begin, bool accumulate,
                              minrnn_tensor a_sum, bool accumulate_sum) {
    struct cl_device *device = cl_device_of(context);
    const bool split = plan->segments > 1;
    const minrnn_tensor c = split ? context->scratch : args->c;
    const int64_t c_row = split ? args->n : args->c_row, part = args->m * args->n;
    const int64_t c_step = split ? plan->segments * part : args->c_step;
    struct kernel *kernel = NULL;
    const minrnn_status status =
        group_kernel(device, args, plan, by_fours(c, args->n, c_row, c_step, args->count),
                     a_sum.buffer != NULL, &kernel);
    if (status) {
        return status;
    }
    const size_t items = (size_t)plan->m.lanes * (size_t)plan->n.lanes;
    const struct launch_range range = {
        .global = {(size_t)ceil_div(args->n, plan->n.elements) * items,
                   (size_t)ceil_div(args->m, plan->m.elements),
                   (size_t)(plan->segments * args->count)},
        .local = {items, 1, 1}};
    return LAUNCH(
        device, kernel, &range, ARG_TENSOR(args->a), ARG_TENSOR(args->b), ARG_TENSOR(c),
        ARG_LONG(args->m), ARG_LONG(args->n), ARG_LONG(args->a_row), ARG_LONG(args->b_row),
        ARG_LONG(c_row), ARG_LONG(args->a_step), ARG_LONG(args->b_step), ARG_LONG(c_step),
        ARG_LONG(part), ARG_INT((cl_int)plan->segments), ARG_LONG(begin),
        ARG_LONG(min_i64(begin + plan->segments * plan->k_count, args->k)), ARG_LONG(plan->k_count),
        ARG_INT(accumulate), ARG_TENSOR(a_sum), ARG_INT(accumulate_sum));
}

minrnn_status gemm_group_sums(struct op_context *context, const struct gemm_args *args,
                              minrnn_tensor a_sum) {
    struct cl_device *device = cl_device_of(context);
    struct group_plan plan = plan_of(device, args);
    const bool split = plan.segments > 1, sums = a_sum.buffer != NULL;
    const minrnn_tensor shares =
        split && sums ? tensor_at(context->scratch, parts_of(&plan, args)) : a_sum;
    const struct gemm_args as_row = {
        .m = 1, .n = args->m, .c_row = args->m, .c_step = args->m, .count = 1, .c = a_sum};
    plan.k_count = min_i64(plan.k_count, MOST_STEPS);
    const int64_t block = plan.segments * plan.k_count;
    minrnn_status status = MINRNN_OK;
    for (int64_t begin = 0; begin < args->k && !status; begin += block) {
        const bool accumulate = args->accumulate || begin > 0;
        status = multiply(context, args, &plan, begin, accumulate && !split, shares, !split);
        if (!status && split) {
            status = gemm_reduce(device, args, context->scratch, plan.segments, accumulate);
        }
        if (!status && split && sums) {
            status = gemm_reduce(device, &as_row, shares, plan.segments, true);
        }
    }
    return status;
}

static minrnn_status group_run(struct op_context *context, const struct gemm_args *args) {
    return gemm_group_sums(context, args, (minrnn_tensor){0});
}

const struct gemm_way gemm_group = {.run = group_run, .scratch = group_scratch};
