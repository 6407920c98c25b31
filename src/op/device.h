/* SPDX-License-Identifier: Apache-2.0 */
/* What a device is to the code above the backends: buffers, transfers, fences, and its op table. */
#ifndef OP_DEVICE_H
#define OP_DEVICE_H

#include <minrnn/device.h>

#include "base/fork.h"
#include "op/tunable.h"

#include <stdatomic.h>

struct op_table;

/* Marks a point in a device's queue; zero-initialised means "nothing to wait for". */
struct fence {
    void *event;
    double passed; /* when it was seen to have passed, by clock_seconds; 0: not yet */
};

/* Memory of the host that a device copies from and to without waiting. Zero-initialised there is
 * none. */
struct host_memory {
    void *data;
    minrnn_device *device;
    void *own; /* the backend's handle; NULL: the process's own memory */
};

struct backend {
    const struct op_table *ops;
    bool survives_fork; /* else all but destroying is an error in a child of fork() */
    void (*destroy)(minrnn_device *device);
    void (*describe)(const minrnn_device *device, minrnn_device_info *info);
    minrnn_status (*finish)(minrnn_device *device);
    /* Programs built so far are not worth keeping on disk. NULL: there are none. */
    void (*forget_programs)(minrnn_device *device);
    const struct tuner *tuner; /* NULL: the backend has no constants to tune */
    minrnn_status (*buffer_create)(minrnn_device *device, uint64_t bytes, minrnn_buffer **buffer);
    void (*buffer_destroy)(minrnn_buffer *buffer);
    /* Without `wait` the host memory must stay as it is until a later fence has passed. */
    minrnn_status (*write)(minrnn_buffer *buffer, uint64_t offset, const void *source,
                           uint64_t bytes, bool wait);
    minrnn_status (*read)(const minrnn_buffer *buffer, uint64_t offset, void *destination,
                          uint64_t bytes, bool wait);
    /* Memory of the driver's own for the host, which it need not copy before it copies; NULL if it
     * has none to give. Both may be NULL. */
    void *(*host_alloc)(minrnn_device *device, uint64_t bytes, void **own);
    void (*host_free)(minrnn_device *device, void *own, void *data);
    /* fence_set marks the queue's end (and starts the work); fence_look notes whether it has
     * passed, without waiting; fence_wait waits for it and clears it, but for the time. */
    minrnn_status (*fence_set)(minrnn_device *device, struct fence *fence);
    void (*fence_look)(struct fence *fence);
    minrnn_status (*fence_wait)(minrnn_device *device, struct fence *fence);
};

/* The head of every backend's own device struct. */
struct minrnn_device {
    const struct backend *backend;
    process_mark process;       /* that opened it */
    bool uses_host_memory;      /* buffers take of the same memory as the process */
    uint64_t spare;             /* bytes of host memory that a BLAS or a compiler works with */
    uint64_t memory;            /* bytes of its own, or that a driver lets it have; 0: unknown */
    uint64_t largest;           /* bytes of the largest buffer; 0: any */
    int64_t alignment;          /* bytes: where a part of a buffer may begin as one; 0: anywhere */
    _Atomic uint64_t allocated; /* bytes in live buffers */
};

/* MINRNN_DEVICE_ERROR in a child of fork() that has nothing of the device but its host memory. */
minrnn_status device_check(const minrnn_device *device);

static inline bool device_is_lost(const minrnn_device *device) {
    return !device->backend->survives_fork && device->process != fork_process();
}

/* The backend's, checked: fences. */
minrnn_status device_fence_set(minrnn_device *device, struct fence *fence);
void device_fence_look(const minrnn_device *device, struct fence *fence);
minrnn_status device_fence_wait(minrnn_device *device, struct fence *fence);

/* Zeroed memory for host arrays, the process's own if the backend has no better. When it is freed
 * the device must be done with it. A zero-initialised one may be freed. */
minrnn_status device_host_alloc(minrnn_device *device, uint64_t bytes, struct host_memory *memory);
void device_host_free(struct host_memory *memory);

/* The head of every backend's own buffer struct. */
struct minrnn_buffer {
    minrnn_device *device;
    uint64_t bytes;
};

/* Tensor views. */
static inline minrnn_tensor tensor_f32(minrnn_buffer *buffer, int64_t offset) {
    return (minrnn_tensor){buffer, offset, MINRNN_F32};
}

static inline minrnn_tensor tensor_i32(minrnn_buffer *buffer, int64_t offset) {
    return (minrnn_tensor){buffer, offset, MINRNN_I32};
}

/* The same view, `elements` further on; an absent tensor stays absent. */
static inline minrnn_tensor tensor_at(minrnn_tensor tensor, int64_t elements) {
    tensor.offset += elements;
    return tensor;
}

/* Bytes of an element. */
static inline int64_t dtype_bytes(minrnn_dtype type) {
    switch (type) {
    case MINRNN_F32: return sizeof(float);
    case MINRNN_I32: return sizeof(int32_t);
    }
    return 0;
}

/* Those of single precision, which parameters, workspaces and scratch are counted in. */
enum { F32_BYTES = sizeof(float) };

/* Transfers of `count` elements between host memory and a tensor. */
minrnn_status tensor_write(minrnn_tensor tensor, const void *source, int64_t count, bool wait);
minrnn_status tensor_read(minrnn_tensor tensor, void *destination, int64_t count, bool wait);

#endif
