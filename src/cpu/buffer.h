/* SPDX-License-Identifier: Apache-2.0 */
/* The CPU's device and buffer structs, and what an op reads from them. */
#ifndef CPU_BUFFER_H
#define CPU_BUFFER_H

#include "cpu/cpu.h"
#include "cpu/threads.h"
#include "op/op.h"

struct cpu_device {
    minrnn_device base;
    enum cpu_level level;
    int threads;
};

struct cpu_buffer {
    minrnn_buffer base;
    char *data; /* aligned to a cache line */
};

static inline void *tensor_data(minrnn_tensor tensor) {
    return tensor.buffer ? ((struct cpu_buffer *)tensor.buffer)->data +
                               tensor.offset * dtype_bytes(tensor.type)
                         : NULL;
}

/* A tensor's first element; NULL if it is absent. */
static inline float *f32(minrnn_tensor tensor) {
    return tensor_data(tensor);
}

static inline int32_t *i32(minrnn_tensor tensor) {
    return tensor_data(tensor);
}

/* That of a tensor which is known to be there. */
static inline float *given_f32(minrnn_tensor tensor) {
    void *data = ((struct cpu_buffer *)tensor.buffer)->data + tensor.offset * F32_BYTES;
    return data;
}

/* The threads that a parallel region of the calling thread may have. */
static inline int cpu_threads(const struct op_context *context) {
    return threads_ready(((const struct cpu_device *)context->device)->threads);
}

#endif
