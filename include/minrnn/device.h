/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Devices, their buffers, and tensors: views of a buffer. */
#ifndef MINRNN_DEVICE_H
#define MINRNN_DEVICE_H

#include <minrnn/status.h>

MINRNN_BEGIN_DECLS

/** A device that computes: the native CPU, or one OpenCL device with one in-order queue. Handles of
 * different devices are independent. Calls on one device may come from several threads.
 *
 * In a child of fork() the CPU computes on, with one thread if its parent had used more. What the
 * parent had of OpenCL can only be destroyed there; whatever else is asked of OpenCL is
 * MINRNN_DEVICE_ERROR. */
typedef struct minrnn_device minrnn_device;

/** Memory on a device. */
typedef struct minrnn_buffer minrnn_buffer;

/** What an element is. Later versions append new types. */
typedef enum minrnn_dtype {
    MINRNN_F32 = 0, /**< float, IEEE 754 binary32 */
    MINRNN_I32 = 1  /**< int32_t */
} minrnn_dtype;

/** A view of a buffer. Its shape is given by the call it is passed to; elements are contiguous,
 * last dimension fastest. A tensor whose buffer is NULL is "not given", which the optional
 * arguments of a call allow. It owns nothing. It is passed by value and never grows. */
typedef struct minrnn_tensor {
    minrnn_buffer *buffer; /**< what it is a view of; NULL: not given */
    int64_t offset;        /**< elements of `type` from the buffer's start to the first one */
    minrnn_dtype type;     /**< of every element */
} minrnn_tensor;

/** What `minrnn devices` shows of a device. An older program is given the members that it has. */
typedef struct minrnn_device_info {
    size_t size;        /**< of this struct: the call that fills it sets it */
    char name[128];     /**< "cpu", or the OpenCL device's name */
    char platform[128]; /**< "native", or the OpenCL platform's name */
    char driver[128];   /**< driver version; for the CPU the instruction level and the BLAS */
    char opencl[128];   /**< the version of OpenCL that the device has; "" for the CPU */
    char platform_version[256];    /**< the OpenCL platform's version; "" for the CPU */
    uint64_t kernels;              /**< hash of the library's kernels; for the CPU of its build */
    bool is_opencl;                /**< an OpenCL device, not the native CPU */
    bool is_gpu;                   /**< an OpenCL device that says it is a GPU */
    bool is_accelerator;           /**< an OpenCL device that says it is an accelerator */
    bool is_emulator;              /**< never chosen by "auto" or "opencl" */
    int compute_units;             /**< OpenCL's count; for the CPU its threads */
    uint64_t memory_bytes;         /**< global memory; for the CPU the machine's */
    uint64_t max_allocation_bytes; /**< the largest single buffer */
} minrnn_device_info;

/** minrnn_device_list for entries of `size` bytes each, for programs in other languages. */
MINRNN_API minrnn_status minrnn_device_list_sized(minrnn_device_info *infos, size_t size,
                                                  int capacity, int *count);

/** Lists what can be opened. Index 0 is always the native CPU. The rest are the OpenCL devices in
 * the ICD loader's order; platforms that fail are skipped. Writes up to `capacity` entries to
 * `infos`, which may be NULL if capacity is 0, and to *count how many there are, at most 64. */
static inline minrnn_status minrnn_device_list(minrnn_device_info *infos, int capacity,
                                               int *count) {
    return minrnn_device_list_sized(infos, sizeof *infos, capacity, count);
}

/** Looks for OpenCL platforms whose driver is there but has no device that can be used, and says
 * what each may need. Each has one line, without a newline after the last; "" if there is no such
 * platform. The text is cut to `capacity` bytes (> 0), the final NUL included. */
MINRNN_API void minrnn_device_absent(char *text, size_t capacity);

/** Opens a device. `name` is "auto", "cpu", "opencl", an index into minrnn_device_list, or part of
 * a device's or platform's name (case ignored). NULL means the environment's MINRNN_DEVICE, else
 * "auto". "auto" takes a GPU, else an accelerator, else the native CPU; "opencl" takes the best
 * OpenCL device. If a named device is not there, that is MINRNN_DEVICE_NOT_FOUND, and never another
 * device. On success the caller owns *device. */
MINRNN_API minrnn_status minrnn_device_open(const char *name, minrnn_device **device);

/** Releases a device. Everything created on it must have been destroyed before. NULL is allowed. */
MINRNN_API void minrnn_device_destroy(minrnn_device *device);

/** minrnn_device_describe for a struct of `size` bytes, for programs in other languages. */
MINRNN_API minrnn_status minrnn_device_describe_sized(const minrnn_device *device,
                                                      minrnn_device_info *info, size_t size);

/** Describes an open device. */
static inline minrnn_status minrnn_device_describe(const minrnn_device *device,
                                                   minrnn_device_info *info) {
    return minrnn_device_describe_sized(device, info, sizeof *info);
}

/** Bytes of device memory held by all live buffers of this device, the library's own included. */
MINRNN_API uint64_t minrnn_device_allocated(const minrnn_device *device);

/** Waits until everything enqueued on the device is done, and reports an error of that work. */
MINRNN_API minrnn_status minrnn_device_finish(minrnn_device *device);

/** Allocates `bytes` (> 0) of uninitialised device memory. The caller owns *buffer. A size that is
 * too large for the device is MINRNN_OUT_OF_MEMORY, and the text says so. */
MINRNN_API minrnn_status minrnn_buffer_create(minrnn_device *device, uint64_t bytes,
                                              minrnn_buffer **buffer);

/** Releases a buffer, even while work that uses it is enqueued. NULL is allowed. */
MINRNN_API void minrnn_buffer_destroy(minrnn_buffer *buffer);

/** The buffer's size in bytes. */
MINRNN_API uint64_t minrnn_buffer_bytes(const minrnn_buffer *buffer);

/** Copies `bytes` from host memory to a buffer, from its byte `offset` on. Waits until the copy is
 * done, and so until everything enqueued before it is. A stretch that passes the buffer's end is
 * MINRNN_INVALID_ARGUMENT. */
MINRNN_API minrnn_status minrnn_buffer_write(minrnn_buffer *buffer, uint64_t offset,
                                             const void *source, uint64_t bytes);

/** Copies `bytes` from a buffer, from its byte `offset` on, to host memory. It waits, and checks,
 * as minrnn_buffer_write does. */
MINRNN_API minrnn_status minrnn_buffer_read(const minrnn_buffer *buffer, uint64_t offset,
                                            void *destination, uint64_t bytes);

MINRNN_END_DECLS

#endif
