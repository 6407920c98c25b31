/* SPDX-License-Identifier: Apache-2.0 */
/* What the op files of this backend use: the open device, its kernels, and launches. */
#ifndef OPENCL_LAUNCH_H
#define OPENCL_LAUNCH_H

#ifndef CL_TARGET_OPENCL_VERSION
#define CL_TARGET_OPENCL_VERSION 120
#endif
#ifdef __APPLE__
#include <OpenCL/opencl.h>
#else
#include <CL/cl.h>
#endif

#include "base/status.h"
#include "op/op.h"
#include "opencl/tuning.h"

#include <pthread.h>
#include <stdatomic.h>

/* NVIDIA's grids have no more work-groups along dimensions 1 and 2, and nobody can ask or is told.
 */
enum { LAUNCH_MOST_GROUPS = 65535 };

/* What the device rules look at. */
struct cl_traits {
    bool is_cpu; /* a CPU device, whatever else it claims to be */
    bool is_gpu;
    int compute_units;
    int float_width;       /* native vector width in floats: 1, 2, 4, 8 or 16 */
    size_t max_work_group; /* work-items */
    int most_groups;       /* work-groups of a launch along dimensions 1 and 2 */
    size_t local_bytes;
    uint64_t max_allocation;
    int64_t alignment;     /* bytes: where sub-buffers may begin */
    uint64_t memory;       /* global, bytes */
    bool uses_host_memory; /* and that is the host's */
    bool fma;              /* fused multiply-add in hardware (CL_FP_FMA) */
    bool nontemporal;      /* stores past the cache are worth asking for (-DNONTEMPORAL) */
    int tuned[TUNINGS];    /* in place of the rules' standard constants; 0: the standard */
};

static inline int tuned(const struct cl_traits *traits, enum tuning constant) {
    return traits->tuned[constant] ? traits->tuned[constant] : tunings[constant].standard;
}

struct program_cache; /* program.c: this device's kernels, and their programs' binaries on disk */

struct cl_device {
    minrnn_device base;
    cl_context context;
    cl_device_id id;
    cl_command_queue queue;
    struct cl_traits traits;
    struct program_cache *programs;
    pthread_mutex_t launch_lock; /* a kernel's arguments and its enqueue belong together */
    int launches;                /* since the last fence; under launch_lock */
    bool used_clblast;           /* its caches hold objects of our context */
    /* Whether its product is right here, by what is transposed: TRANSPOSE_A + 2 TRANSPOSE_B. */
    atomic_int clblast[4];
};

struct cl_buffer {
    minrnn_buffer base;
    cl_mem memory;
    uint64_t origin; /* bytes from the start of `memory`, for wrapped objects */
};

/* Elements from the start of the tensor's memory object. */
static inline uint64_t tensor_origin(minrnn_tensor tensor) {
    const struct cl_buffer *buffer = (const struct cl_buffer *)tensor.buffer;
    return buffer ? buffer->origin / (uint64_t)dtype_bytes(tensor.type) + (uint64_t)tensor.offset
                  : 0;
}

/* Whether the tensor begins on a multiple of `elements`, as STREAM needs it for vectors of that
 * many; an absent one does. Memory objects are aligned to the largest OpenCL type, 128 bytes, save
 * those on the caller's own memory. */
static inline bool tensor_is_aligned(minrnn_tensor tensor, uint64_t elements) {
    const struct cl_buffer *buffer = (const struct cl_buffer *)tensor.buffer;
    const uint64_t size = (uint64_t)dtype_bytes(tensor.type);
    void *host = NULL;
    if (buffer && clGetMemObjectInfo(buffer->memory, CL_MEM_HOST_PTR, sizeof host, &host, NULL)) {
        return false;
    }
    const uint64_t bytes = (uintptr_t)host + tensor_origin(tensor) * size;
    return bytes % (elements * size) == 0;
}

static inline struct cl_device *cl_device_of(const struct op_context *context) {
    return (struct cl_device *)context->device;
}

enum { PROGRAM_MAX_FILES = 8, FITTING_OPTIONS = 512 };

/* A program of one kernel: several are too much for some drivers' compilers, and what nobody
 * launches need not be built. Files of cl/ by name ("prelude.cl", "scan/serial.cl"), concatenated
 * in this order, the kernel that is wanted of them, and compiler options ("-DVECTOR=16 -DTAPS=4")
 * are together its identity. Every program also gets -cl-std=CL1.2, -DKERNEL_ with the kernel's
 * name, and -DHAVE_FMA if the device has it. */
struct program_spec {
    const char *files[PROGRAM_MAX_FILES];
    const char *kernel;
    const char *options;
};

/* Finds or builds a kernel. Owned by the device; the lookup costs a hash. */
struct kernel;
minrnn_status kernel_get(struct cl_device *device, const struct program_spec *spec,
                         struct kernel **kernel);

/* The largest work-group this kernel can have on its device. */
size_t kernel_max_work_group(const struct kernel *kernel);

/* A kernel for whose work-group its program is built, by options. `plan` holds the size. */
struct fitting {
    void *plan;
    size_t (*items)(const void *plan); /* work-items of the group */
    /* Writes the specification, and its options to `options`, which it points to. */
    void (*describe)(const void *plan, struct program_spec *spec, char options[FITTING_OPTIONS]);
    /* Makes the group the largest of at most `most` work-items, at least 1. */
    void (*shrink)(void *plan, size_t most);
};

/* kernel_get for the group of the plan or, if the driver has no such kernel, for the largest that
 * it has. Some say by a limit that a group is too large, others by not building its program or by
 * making no kernel of it. If none fits, the error is the first. */
minrnn_status kernel_get_fitting(struct cl_device *device, const struct fitting *fitting,
                                 struct kernel **kernel);

/* One kernel argument. A tensor takes two parameters in the kernel, `__global float *t, ulong
 * t_offset` (elements); an absent one passes NULL and 0. */
struct launch_argument {
    enum {
        ARGUMENT_TENSOR,
        ARGUMENT_LONG,
        ARGUMENT_INT,
        ARGUMENT_UINT,
        ARGUMENT_FLOAT,
        ARGUMENT_LOCAL
    } kind;
    union {
        minrnn_tensor tensor;
        cl_long long_value;
        cl_int int_value;
        cl_uint uint_value;
        cl_float float_value;
        size_t local_bytes;
    };
};

#define ARG_TENSOR(t) ((struct launch_argument){.kind = ARGUMENT_TENSOR, .tensor = (t)})
#define ARG_LONG(v) ((struct launch_argument){.kind = ARGUMENT_LONG, .long_value = (v)})
#define ARG_INT(v) ((struct launch_argument){.kind = ARGUMENT_INT, .int_value = (v)})
#define ARG_UINT(v) ((struct launch_argument){.kind = ARGUMENT_UINT, .uint_value = (v)})
#define ARG_FLOAT(v) ((struct launch_argument){.kind = ARGUMENT_FLOAT, .float_value = (v)})
#define ARG_LOCAL(bytes) ((struct launch_argument){.kind = ARGUMENT_LOCAL, .local_bytes = (bytes)})

/* The index space: global sizes are multiples of the local ones if those are not 0 (the driver's
 * choice). Unused dimensions are 1. */
struct launch_range {
    size_t global[3];
    size_t local[3];
};

/* range.c: a range as clEnqueueNDRangeKernel takes it, in so many parts that none has more
 * work-groups along dimensions 1 and 2 than devices have. A kernel sees the whole range by
 * get_global_id alone: groups are counted, and sizes told, of a part. */
struct launch_part {
    int dimensions;
    size_t offset[3], global[3], local[3]; /* 1 in dimensions that are left out */
    bool has_local;                        /* else the driver chooses the work-group */
};

size_t launch_parts(const struct cl_traits *traits, const struct launch_range *range);
struct launch_part launch_part(const struct cl_traits *traits, const struct launch_range *range,
                               size_t number);

/* An error if no part can be small enough. */
minrnn_status launch_check(const struct launch_range *range, const char *kernel);

/* Enqueues a kernel on the device's queue, thread-safely. Errors name the kernel, sizes and code.
 */
minrnn_status kernel_launch(struct cl_device *device, struct kernel *kernel,
                            const struct launch_range *range,
                            const struct launch_argument *arguments, int count);

#define LAUNCH(device, kernel, range, ...)                                                         \
    kernel_launch((device), (kernel), (range), (const struct launch_argument[]){__VA_ARGS__},      \
                  (int)(sizeof((const struct launch_argument[]){__VA_ARGS__}) /                    \
                        sizeof(struct launch_argument)))

/* CL_OUT_OF_RESOURCES and so on; sets the error text "CALL failed: NAME (CODE)" and maps to a
 * status. */
const char *cl_code_name(cl_int code);
minrnn_status cl_fail(cl_int code, const char *call, const char *format, ...) BASE_PRINTF(3, 4);

/* The ops, each at the foot of its family's file. */
#define OP_BEGIN(name) extern const struct name##_op cl_##name##_op;
#include "op/op_list.def"

#endif
