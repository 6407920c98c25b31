/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of this backend's core share: devices, buffers, programs. */
#ifndef OPENCL_BACKEND_H
#define OPENCL_BACKEND_H

#include "opencl/launch.h"

extern const struct op_table opencl_ops;    /* table.c */
extern const struct backend opencl_backend; /* device.c */

/* device.c: whether the device is available, has a compiler, and has OpenCL 1.2 or later. If asking
 * fails, *usable is false, and the status is the failure. */
minrnn_status cl_device_check(cl_device_id id, bool *usable);

/* Before the first call of a driver: whether it can be trusted with this process. It cannot in a
 * child of fork() whose parent has called a driver, nor if its threads and memory cannot be had. */
minrnn_status cl_drivers_check(void);

/* Makes a device of a context, an id and a queue, which it retains. */
minrnn_status cl_device_create(cl_context context, cl_device_id id, cl_command_queue queue,
                               minrnn_device **device);

/* buffer.c: makes a buffer of a memory object, which it retains. */
minrnn_status cl_buffer_adopt(minrnn_device *device, cl_mem memory, uint64_t origin, uint64_t bytes,
                              minrnn_buffer **buffer);

/* The backend's buffer functions. */
minrnn_status cl_buffer_create(minrnn_device *device, uint64_t bytes, minrnn_buffer **buffer);
void cl_buffer_destroy(minrnn_buffer *buffer);
minrnn_status cl_buffer_write(minrnn_buffer *buffer, uint64_t offset, const void *source,
                              uint64_t bytes, bool wait);
minrnn_status cl_buffer_read(const minrnn_buffer *buffer, uint64_t offset, void *destination,
                             uint64_t bytes, bool wait);
void *cl_host_alloc(minrnn_device *device, uint64_t bytes, void **own);
void cl_host_free(minrnn_device *device, void *own, void *data);
minrnn_status cl_fence_set(minrnn_device *device, struct fence *fence);
void cl_fence_look(struct fence *fence);
minrnn_status cl_fence_wait(minrnn_device *device, struct fence *fence);

/* program.c: the programs of a device; destroying them saves binaries. */
minrnn_status program_cache_create(struct cl_device *device, struct program_cache **cache);
void program_cache_destroy(struct program_cache *cache);

/* A text that is kept for this device, driver and version under a name; to be freed. NULL: there is
 * none. */
char *program_cache_find(const struct program_cache *cache, const char *name, size_t *bytes);
bool program_cache_keep(const struct program_cache *cache, const char *name, const char *text,
                        size_t bytes);

/* tuning.c: takes the values that were kept for this device. */
void tuning_load(struct cl_device *device);

/* Programs built so far are not saved. */
void program_cache_forget(struct program_cache *cache);

#endif
