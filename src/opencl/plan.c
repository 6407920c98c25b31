/* SPDX-License-Identifier: Apache-2.0 */
/* Kernels over elements, rows and columns: vectors, work-items and work-groups. */
#include "opencl/plan.h"

#include <stdio.h>

enum {
    OPTION_BYTES = 128, /* of one op; VECTOR comes on top */
    /* Work-items in a dimension: past 2^31 some drivers leave out what is left, and say nothing. */
    MOST_ITEMS = 1 << 30
};

bool plan_loops(const struct cl_device *device) {
    return device->traits.is_cpu && device->traits.float_width > 1;
}

int plan_vector(const struct cl_device *device) {
    return plan_loops(device) ? device->traits.float_width : 1;
}

/* The kernel `name` of prelude.cl, span.cl and `file` for vectors of so many elements, its options
 * written to `all`. */
static void describe(const char *file, const char *name, int vector, const char *options,
                     struct program_spec *spec, char all[FITTING_OPTIONS]) {
    snprintf(all, FITTING_OPTIONS, "-DVECTOR=%d%s%s", vector, options[0] ? " " : "", options);
    *spec = (struct program_spec){{"prelude.cl", "span.cl", file}, name, all};
}

static minrnn_status kernel_of_vector(struct cl_device *device, const char *file, const char *name,
                                      int vector, const char *options, struct kernel **kernel) {
    char all[FITTING_OPTIONS];
    struct program_spec spec;
    describe(file, name, vector, options, &spec, all);
    return kernel_get(device, &spec, kernel);
}

minrnn_status plan_kernel(struct cl_device *device, const char *file, const char *name,
                          const char *options, struct kernel **kernel) {
    return kernel_of_vector(device, file, name, plan_vector(device), options, kernel);
}

/* The largest power of two up to both. */
static int64_t power_of_two(int64_t a, int64_t b) {
    int64_t power = 1;
    while (2 * power <= a && 2 * power <= b) {
        power *= 2;
    }
    return power;
}

struct launch_range plan_items(const struct cl_device *device, const struct kernel *kernel,
                               int64_t items) {
    const struct cl_traits *traits = &device->traits;
    const int64_t local =
        plan_loops(device)
            ? 1
            : power_of_two(min_i64(tuned(traits, TUNE_items_group),
                                   max_i64(tuned(traits, TUNE_items_group_least), items)),
                           (int64_t)kernel_max_work_group(kernel));
    return (struct launch_range){{(size_t)(ceil_div(items, local) * local), 1, 1},
                                 {(size_t)local, 1, 1}};
}

struct launch_range plan_grid(const struct cl_device *device, const struct kernel *kernel,
                              int64_t columns, int64_t rows) {
    const int64_t most = plan_loops(device) ? 1
                                            : power_of_two(tuned(&device->traits, TUNE_items_group),
                                                           (int64_t)kernel_max_work_group(kernel));
    const int64_t across = power_of_two(columns, most), down = most / across;
    return (struct launch_range){
        {(size_t)round_up(columns, across), (size_t)round_up(rows, down), 1},
        {(size_t)across, (size_t)down, 1}};
}

minrnn_status plan_flat(struct cl_device *device, const char *file, const char *name,
                        const char *options, int64_t count, int granule, struct plan *plan) {
    const struct cl_traits *traits = &device->traits;
    const minrnn_status status = plan_kernel(device, file, name, options, &plan->kernel);
    if (status) {
        return status;
    }
    plan->run = granule * ceil_div(count, granule * (int64_t)MOST_ITEMS);
    if (plan_loops(device)) {
        /* Long enough that starting a group does not count, short enough for eight a core. */
        const int64_t share =
            ceil_div(count, tuned(traits, TUNE_cpu_groups) * (int64_t)traits->compute_units);
        const int64_t unit = (int64_t)granule * plan_vector(device);
        const int64_t least = max_i64(share, tuned(traits, TUNE_cpu_run_least));
        plan->run = ceil_div(min_i64(least, tuned(traits, TUNE_cpu_run_most)), unit) * unit;
    }
    plan->range = plan_items(device, plan->kernel, ceil_div(count, plan->run));
    return MINRNN_OK;
}

minrnn_status plan_aligned(struct cl_device *device, const char *file, const char *name,
                           const char *options, int64_t count, struct plan *plan) {
    char all[OPTION_BYTES];
    snprintf(all, sizeof all, "-DALIGNED%s%s", options[0] ? " " : "", options);
    const minrnn_status status =
        kernel_of_vector(device, file, name, PLAN_ALIGNED, all, &plan->kernel);
    if (status) {
        return status;
    }
    plan->run = PLAN_ALIGNED * ceil_div(count, PLAN_ALIGNED * (int64_t)MOST_ITEMS);
    plan->range = plan_items(device, plan->kernel, ceil_div(count, plan->run));
    return MINRNN_OK;
}

/* Rows of a row group of so many work-items. */
static int64_t rows_of_group(const struct cl_device *device, int64_t rows, int64_t width,
                             int64_t items) {
    const struct cl_traits *traits = &device->traits;
    if (!plan_loops(device)) {
        return ceil_div(rows * items, MOST_ITEMS);
    }
    const int64_t share = rows / (tuned(traits, TUNE_cpu_groups) * (int64_t)traits->compute_units);
    return max_i64(1, min_i64(share, tuned(traits, TUNE_cpu_run_most) / width));
}

/* Work-items that share a row, and such groups beside each other. */
struct row_group {
    const struct cl_device *device;
    const char *file, *name;
    int64_t items, groups;
};

static size_t row_items(const void *plan) {
    const struct row_group *group = plan;
    return (size_t)(group->items * group->groups);
}

static void describe_rows(const void *plan, struct program_spec *spec,
                          char options[FITTING_OPTIONS]) {
    const struct row_group *group = plan;
    char own[OPTION_BYTES];
    snprintf(own, sizeof own, "-DROW_ITEMS=%d -DROW_GROUPS=%d", (int)group->items,
             (int)group->groups);
    describe(group->file, group->name, plan_vector(group->device), own, spec, options);
}

/* Groups beside each other go first. */
static void shrink_rows(void *plan, size_t most) {
    struct row_group *group = plan;
    group->items = power_of_two(group->items, (int64_t)most);
    group->groups = power_of_two(group->groups, (int64_t)most / group->items);
}

minrnn_status plan_rows(struct cl_device *device, const char *file, const char *name, int64_t rows,
                        int64_t width, int64_t run, struct plan *plan) {
    const struct cl_traits *traits = &device->traits;
    const int64_t most = plan_loops(device) ? 1
                                            : power_of_two(tuned(traits, TUNE_row_items),
                                                           (int64_t)traits->max_work_group);
    struct row_group group = {
        .device = device, .file = file, .name = name, .items = power_of_two(width, most)};
    group.groups = most / group.items;
    const struct fitting fitting = {&group, row_items, describe_rows, shrink_rows};
    const minrnn_status status = kernel_get_fitting(device, &fitting, &plan->kernel);
    if (status) {
        return status;
    }
    plan->run = run > 0 ? run : rows_of_group(device, rows, width, group.items);
    plan->range = (struct launch_range){
        {(size_t)(ceil_div(ceil_div(rows, plan->run), group.groups) * group.items),
         (size_t)group.groups, 1},
        {(size_t)group.items, (size_t)group.groups, 1}};
    return MINRNN_OK;
}

/* Work-items of a work-group down columns: columns, and slices of their rows. */
struct column_group {
    const struct cl_device *device;
    const char *file, *name;
    int vectors;
    int64_t items, slices;
};

static size_t column_items(const void *plan) {
    const struct column_group *group = plan;
    return (size_t)(group->items * group->slices);
}

static void describe_columns(const void *plan, struct program_spec *spec,
                             char options[FITTING_OPTIONS]) {
    const struct column_group *group = plan;
    char own[OPTION_BYTES];
    snprintf(own, sizeof own, "-DCOLUMN_VECTORS=%d -DCOLUMN_ITEMS=%d -DSLICES=%d -DIN_FLIGHT=%d",
             group->vectors, (int)group->items, (int)group->slices,
             plan_loops(group->device) ? 1 : tuned(&group->device->traits, TUNE_column_in_flight));
    describe(group->file, group->name, plan_vector(group->device), own, spec, options);
}

/* Slices go first. */
static void shrink_columns(void *plan, size_t most) {
    struct column_group *group = plan;
    group->items = power_of_two(group->items, (int64_t)most);
    group->slices = power_of_two(group->slices, (int64_t)most / group->items);
}

/* Work-groups of at most `items` columns and `slices` of their rows. */
static minrnn_status plan_slices(struct cl_device *device, const char *file, const char *name,
                                 int64_t width, int64_t blocks, int vectors, int64_t items,
                                 int64_t slices, struct plan *plan) {
    const bool loops = plan_loops(device);
    const int64_t most = loops ? 1 : (int64_t)device->traits.max_work_group;
    struct column_group group = {
        .device = device, .file = file, .name = name, .vectors = loops ? vectors : 1};
    group.items = power_of_two(items, most);
    group.slices = power_of_two(slices, most / group.items);
    const struct fitting fitting = {&group, column_items, describe_columns, shrink_columns};
    const minrnn_status status = kernel_get_fitting(device, &fitting, &plan->kernel);
    if (status) {
        return status;
    }
    const int64_t spans = ceil_div(width, (int64_t)group.vectors * plan_vector(device));
    plan->range = (struct launch_range){
        {(size_t)round_up(spans, group.items), (size_t)(blocks * group.slices), 1},
        {(size_t)group.items, (size_t)group.slices, 1}};
    return MINRNN_OK;
}

minrnn_status plan_columns(struct cl_device *device, const char *file, const char *name,
                           int64_t width, int64_t blocks, int vectors, struct plan *plan) {
    return plan_slices(device, file, name, width, blocks, vectors,
                       tuned(&device->traits, TUNE_column_items),
                       tuned(&device->traits, TUNE_column_slices), plan);
}

minrnn_status plan_totals(struct cl_device *device, const char *file, const char *name,
                          int64_t width, int64_t blocks, int vectors, struct plan *plan) {
    return plan_slices(device, file, name, width, blocks, vectors,
                       tuned(&device->traits, TUNE_total_items),
                       tuned(&device->traits, TUNE_total_slices), plan);
}

/* About as many blocks as rows in four blocks, both passes then having as many dependent steps; at
 * most 16,384. */
int64_t plan_block_rows(int64_t rows) {
    int64_t run = 64;
    while (16 * run * run <= rows) {
        run *= 2;
    }
    return max_i64(run, ceil_div(rows, 16384));
}
