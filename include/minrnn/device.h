/* SPDX-License-Identifier: Apache-2.0 */
/* Devices, their buffers, and tensors: views of a buffer. */
#ifndef MINRNN_DEVICE_H
#define MINRNN_DEVICE_H

#include <minrnn/status.h>

MINRNN_BEGIN_DECLS

/* A device that computes: the native CPU or one OpenCL device with one in-order queue. Handles of
 * different devices are independent; calls on one device may come from several threads. In a child
 * of fork() the CPU computes on, with one thread if its parent had used more; what the parent had
 * of OpenCL can only be destroyed there, and whatever else is asked of OpenCL is
 * MINRNN_DEVICE_ERROR. */
typedef struct minrnn_device minrnn_device;

/* Memory on a device. */
typedef struct minrnn_buffer minrnn_buffer;

/* What an element is. Later versions append new types. */
typedef enum minrnn_dtype { MINRNN_F32 = 0, MINRNN_I32 = 1 } minrnn_dtype;

/* A view of a buffer: `offset` counts elements of `type` from the buffer's start. Its shape is
 * given by the call it is passed to; elements are contiguous, last dimension fastest. A tensor
 * whose buffer is NULL is "not given", which the optional arguments of a call allow. It owns
 * nothing. It is passed by value and never grows. */
typedef struct minrnn_tensor {
    minrnn_buffer *buffer;
    int64_t offset;
    minrnn_dtype type;
} minrnn_tensor;

/* What `minrnn devices` shows of a device. An older program is given the members that it has. */
typedef struct minrnn_device_info {
    size_t size;                /* of this struct: the call that fills it sets it */
    char name[128];             /* "cpu", or the OpenCL device's name */
    char platform[128];         /* "native", or the OpenCL platform's name */
    char driver[128];           /* driver version; for the CPU the instruction level and the BLAS */
    char opencl[128];           /* the version of OpenCL that the device has; "" for the CPU */
    char platform_version[256]; /* "" for the CPU */
    uint64_t kernels;           /* a hash of the library's kernels; for the CPU, of its build */
    bool is_opencl;
    bool is_gpu;
    bool is_accelerator;
    bool is_emulator; /* never chosen by "auto" */
    int compute_units;
    uint64_t memory_bytes;         /* global memory */
    uint64_t max_allocation_bytes; /* the largest single buffer */
} minrnn_device_info;

/* Lists what can be opened: index 0 is always the native CPU, the rest are the OpenCL devices in
 * the ICD loader's order; platforms that fail are skipped. Writes up to `capacity` entries to
 * `infos` (which may be NULL when capacity is 0) and the number there is to `count`. `size` is that
 * of one entry. */
MINRNN_API minrnn_status minrnn_device_list_sized(minrnn_device_info *infos, size_t size,
                                                  int capacity, int *count);
static inline minrnn_status minrnn_device_list(minrnn_device_info *infos, int capacity,
                                               int *count) {
    return minrnn_device_list_sized(infos, sizeof *infos, capacity, count);
}

/* Says of each OpenCL platform whose driver is there without a device that can be used what it may
 * need, one line each, without a newline at the end; "" where there is no such platform. Cut to
 * `capacity` bytes (> 0), the final NUL included. */
MINRNN_API void minrnn_device_absent(char *text, size_t capacity);

/* Opens a device. `name` is "auto", "cpu", "opencl", an index into minrnn_device_list, or part of a
 * device's or platform's name (case ignored). NULL means the environment's MINRNN_DEVICE, else
 * "auto". "auto" takes a GPU, else an accelerator, else the native CPU; "opencl" the best OpenCL
 * device. A named device that is not there is MINRNN_DEVICE_NOT_FOUND, never another one. On
 * success the caller owns *device. */
MINRNN_API minrnn_status minrnn_device_open(const char *name, minrnn_device **device);

/* Releases a device. Everything created on it must have been destroyed before. NULL is allowed. */
MINRNN_API void minrnn_device_destroy(minrnn_device *device);

/* Describes an open device. */
MINRNN_API minrnn_status minrnn_device_describe_sized(const minrnn_device *device,
                                                      minrnn_device_info *info, size_t size);
static inline minrnn_status minrnn_device_describe(const minrnn_device *device,
                                                   minrnn_device_info *info) {
    return minrnn_device_describe_sized(device, info, sizeof *info);
}

/* Bytes of device memory held by all live buffers of this device, the library's own included. */
MINRNN_API uint64_t minrnn_device_allocated(const minrnn_device *device);

/* Waits until everything enqueued on the device is done; reports an error of that work. */
MINRNN_API minrnn_status minrnn_device_finish(minrnn_device *device);

/* Allocates `bytes` (> 0) of uninitialised device memory. The caller owns *buffer; destroying it
 * while work that uses it is enqueued is allowed. Too large a size for the device says so. */
MINRNN_API minrnn_status minrnn_buffer_create(minrnn_device *device, uint64_t bytes,
                                              minrnn_buffer **buffer);
MINRNN_API void minrnn_buffer_destroy(minrnn_buffer *buffer);

/* The buffer's size in bytes. */
MINRNN_API uint64_t minrnn_buffer_bytes(const minrnn_buffer *buffer);

/* Copy `bytes` between host memory and a buffer at byte `offset`; both wait until the copy is done
 * (and so until everything enqueued before it is). */
MINRNN_API minrnn_status minrnn_buffer_write(minrnn_buffer *buffer, uint64_t offset,
                                             const void *source, uint64_t bytes);
MINRNN_API minrnn_status minrnn_buffer_read(const minrnn_buffer *buffer, uint64_t offset,
                                            void *destination, uint64_t bytes);

MINRNN_END_DECLS

#endif
