/* SPDX-License-Identifier: Apache-2.0 */
/* The described devices, and what their launches leave behind. */
#include "recorder.h"

#include "must.h"
#include "opencl/source.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct description {
    const char *name;
    struct cl_traits traits;
} descriptions[] = {
    {"t4", /* NVIDIA T4, sm_75 */
     {.is_gpu = true,
      .compute_units = 40,
      .float_width = 1,
      .max_work_group = 1024,
      .local_bytes = 48 << 10,
      .max_allocation = 3732ull << 20,
      .alignment = 512,
      .fma = true}},
    {"gfx906", /* AMD Radeon VII, Instinct MI50 */
     {.is_gpu = true,
      .compute_units = 60,
      .float_width = 1,
      .max_work_group = 256,
      .local_bytes = 64 << 10,
      .max_allocation = 13ull << 30,
      .fma = true}},
    {"gfx1030", /* AMD Radeon RX 6800 XT: compute units are counted in pairs */
     {.is_gpu = true,
      .compute_units = 36,
      .float_width = 1,
      .max_work_group = 256,
      .local_bytes = 64 << 10,
      .max_allocation = 13ull << 30,
      .fma = true}},
    {"intel", /* Intel Iris Xe */
     {.is_gpu = true,
      .compute_units = 96,
      .float_width = 1,
      .max_work_group = 512,
      .local_bytes = 64 << 10,
      .max_allocation = 4ull << 30,
      .fma = true}},
    {"cpu", /* AVX-512 */
     {.is_cpu = true,
      .compute_units = 8,
      .float_width = 16,
      .max_work_group = 4096,
      .local_bytes = 32 << 10,
      .max_allocation = 8ull << 30,
      .fma = true,
      .nontemporal = true}},
    {"scalar", /* a CPU whose driver vectorises across work-items, without fused multiply-add */
     {.is_cpu = true,
      .compute_units = 4,
      .float_width = 1,
      .max_work_group = 1024,
      .local_bytes = 32 << 10,
      .max_allocation = 2ull << 30}},
};

static minrnn_status save_source(const struct recorder *recorder, int number, const char *source) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%d.cl", recorder->folder, number);
    FILE *file = fopen(path, "w");
    if (!file || fputs(source, file) < 0 || fclose(file) != 0) {
        return fail(MINRNN_IO_ERROR, "cannot write %s", path);
    }
    return MINRNN_OK;
}

static void name_files(struct kernel *kernel, const struct program_spec *spec) {
    for (int i = 0; i < PROGRAM_MAX_FILES && spec->files[i]; i++) {
        const size_t used = strlen(kernel->files);
        snprintf(kernel->files + used, sizeof kernel->files - used, "%s%s", i > 0 ? " " : "",
                 spec->files[i]);
    }
}

/* ---- launch.h ---- */

extern const struct op_table opencl_ops; /* src/opencl/table.c */

minrnn_status kernel_get(struct cl_device *device, const struct program_spec *spec,
                         struct kernel **kernel) {
    struct recorder *recorder = (struct recorder *)device;
    char *source = NULL, *options = NULL;
    must(source_options(&device->traits, spec, &options), "options");
    minrnn_status status = source_compose(spec, &source);
    if (status) {
        return status;
    }
    int number = 0;
    for (struct kernel *k = recorder->kernels; k; k = k->next) {
        const bool same = strcmp(k->source, source) == 0;
        if (same && strcmp(k->options, options) == 0) { /* which name the kernel, too */
            mem_free(source);
            mem_free(options);
            *kernel = k;
            return MINRNN_OK;
        }
        number = same ? k->number : number;
    }
    struct kernel *made = must_alloc(sizeof *made);
    *made = (struct kernel){.recorder = recorder,
                            .name = spec->kernel,
                            .number = number,
                            .source = source,
                            .options = options,
                            .next = recorder->kernels};
    if (number == 0) {
        made->number = ++recorder->sources;
        status = recorder->folder ? save_source(recorder, made->number, source) : MINRNN_OK;
    }
    name_files(made, spec);
    recorder->kernels = made;
    *kernel = made;
    return status;
}

size_t kernel_max_work_group(const struct kernel *kernel) {
    return kernel->recorder->device.traits.max_work_group;
}

minrnn_status kernel_get_fitting(struct cl_device *device, const struct fitting *fitting,
                                 struct kernel **kernel) {
    char options[FITTING_OPTIONS];
    struct program_spec spec = {.options = options};
    const size_t items = fitting->items(fitting->plan);
    if (items > device->traits.max_work_group) {
        fitting->shrink(fitting->plan, device->traits.max_work_group);
    }
    fitting->describe(fitting->plan, &spec, options);
    return kernel_get(device, &spec, kernel);
}

/* What OpenCL would refuse: whole work-groups, no larger than the device can have. And what NVIDIA
 * would do wrong without a word: more than 65,535 groups along dimensions 1 and 2. */
static minrnn_status check_part(const struct kernel *kernel, const struct launch_part *part) {
    size_t items = 1;
    for (int i = 0; i < 3; i++) {
        const size_t local = part->local[i];
        items *= local;
        if (part->global[i] % local != 0) {
            return fail(MINRNN_DEVICE_ERROR, "kernel %s: global %zu is no multiple of local %zu",
                        kernel->name, part->global[i], local);
        }
        if (i > 0 && part->global[i] / local > 65535) {
            return fail(MINRNN_DEVICE_ERROR, "kernel %s: %zu groups along dimension %d",
                        kernel->name, part->global[i] / local, i);
        }
    }
    if (items > kernel_max_work_group(kernel)) {
        return fail(MINRNN_DEVICE_ERROR, "kernel %s: a work-group of %zu", kernel->name, items);
    }
    return MINRNN_OK;
}

minrnn_status kernel_launch(struct cl_device *device, struct kernel *kernel,
                            const struct launch_range *range,
                            const struct launch_argument *arguments, int count) {
    const struct recorder *recorder = (const struct recorder *)device;
    minrnn_status status = launch_check(range, kernel->name);
    for (size_t i = 0; !status && i < launch_parts(&device->traits, range); i++) {
        const struct launch_part part = launch_part(&device->traits, range, i);
        status = check_part(kernel, &part);
        if (!status && recorder->launched) {
            recorder->launched(recorder->user, kernel, &part);
        }
    }
    if (status) {
        return status;
    }
    struct launch_record launch = {.next = kernel->launches};
    memcpy(launch.local, range->local, sizeof launch.local);
    for (int i = 0; i < count; i++) {
        launch.local_bytes += arguments[i].kind == ARGUMENT_LOCAL ? arguments[i].local_bytes : 0;
    }
    for (const struct launch_record *l = kernel->launches; l; l = l->next) {
        if (memcmp(l->local, launch.local, sizeof launch.local) == 0 &&
            l->local_bytes == launch.local_bytes) {
            return MINRNN_OK;
        }
    }
    kernel->launches = must_alloc(sizeof launch);
    *kernel->launches = launch;
    return MINRNN_OK;
}

/* The one thing that rules ask of OpenCL itself: whether buffers lie on memory of the caller's own.
 * These do not, and so are aligned. */
cl_int clGetMemObjectInfo(cl_mem memobj, cl_mem_info param_name, size_t param_value_size,
                          void *param_value, size_t *param_value_size_ret) {
    (void)memobj;
    (void)param_name;
    (void)param_value_size_ret;
    memset(param_value, 0, param_value_size);
    return CL_SUCCESS;
}

/* ---- a backend whose buffers hold nothing ---- */

static minrnn_status buffer_create(minrnn_device *device, uint64_t bytes, minrnn_buffer **buffer) {
    struct cl_buffer *made = must_alloc(sizeof *made);
    made->base = (minrnn_buffer){.device = device, .bytes = bytes};
    *buffer = &made->base;
    return MINRNN_OK;
}

static void buffer_destroy(minrnn_buffer *buffer) {
    mem_free(buffer);
}

static minrnn_status buffer_write(minrnn_buffer *buffer, uint64_t offset, const void *source,
                                  uint64_t bytes, bool wait) {
    (void)buffer;
    (void)offset;
    (void)source;
    (void)bytes;
    (void)wait;
    return MINRNN_OK;
}

static minrnn_status buffer_read(const minrnn_buffer *buffer, uint64_t offset, void *destination,
                                 uint64_t bytes, bool wait) {
    (void)buffer;
    (void)offset;
    (void)wait;
    memset(destination, 0, (size_t)bytes);
    return MINRNN_OK;
}

static minrnn_status nothing(minrnn_device *device) {
    (void)device;
    return MINRNN_OK;
}

static minrnn_status no_fence(minrnn_device *device, struct fence *fence) {
    (void)device;
    (void)fence;
    return MINRNN_OK;
}

static void no_look(struct fence *fence) {
    (void)fence;
}

static const struct backend recording = {
    .ops = &opencl_ops,
    .survives_fork = true,
    .finish = nothing,
    .buffer_create = buffer_create,
    .buffer_destroy = buffer_destroy,
    .write = buffer_write,
    .read = buffer_read,
    .fence_set = no_fence,
    .fence_look = no_look,
    .fence_wait = no_fence,
};

/* ---- the whole ---- */

struct recorder recorder_of(const char *device) {
    for (size_t i = 0; i < sizeof descriptions / sizeof descriptions[0]; i++) {
        if (strcmp(device, descriptions[i].name) == 0) {
            struct recorder recorder = {
                .device = {.base = {.backend = &recording,
                                    .largest = descriptions[i].traits.max_allocation,
                                    .alignment = descriptions[i].traits.alignment},
                           .traits = descriptions[i].traits}};
            recorder.device.traits.most_groups = LAUNCH_MOST_GROUPS;
            return recorder;
        }
    }
    fprintf(stderr, "no device %s; there are", device);
    for (size_t i = 0; i < sizeof descriptions / sizeof descriptions[0]; i++) {
        fprintf(stderr, " %s", descriptions[i].name);
    }
    fprintf(stderr, "\n");
    exit(2);
}

void recorder_destroy(struct recorder *recorder) {
    while (recorder->kernels) {
        struct kernel *kernel = recorder->kernels;
        recorder->kernels = kernel->next;
        while (kernel->launches) {
            struct launch_record *launch = kernel->launches;
            kernel->launches = launch->next;
            mem_free(launch);
        }
        mem_free(kernel->source);
        mem_free(kernel->options);
        mem_free(kernel);
    }
}
