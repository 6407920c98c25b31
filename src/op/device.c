/* SPDX-License-Identifier: Apache-2.0 */
/* The public calls on devices and buffers, checked, then the backend's. */
#include "op/device.h"

#include "base/alloc.h"
#include "base/sized.h"

#include <string.h>

minrnn_status device_check(const minrnn_device *device) {
    return device_is_lost(device)
               ? fail(MINRNN_DEVICE_ERROR,
                      "the device was opened before fork(): a child has none of its driver's "
                      "threads")
               : MINRNN_OK;
}

minrnn_status device_fence_set(minrnn_device *device, struct fence *fence) {
    const minrnn_status status = device_check(device);
    return status ? status : device->backend->fence_set(device, fence);
}

void device_fence_look(const minrnn_device *device, struct fence *fence) {
    if (!device_is_lost(device)) {
        device->backend->fence_look(fence);
    }
}

minrnn_status device_fence_wait(minrnn_device *device, struct fence *fence) {
    const minrnn_status status = device_check(device);
    return status ? status : device->backend->fence_wait(device, fence);
}

minrnn_status device_host_alloc(minrnn_device *device, uint64_t bytes, struct host_memory *memory) {
    const minrnn_status status = device_check(device);
    if (status) {
        return status;
    }
    *memory = (struct host_memory){.device = device};
    if (device->backend->host_alloc) {
        memory->data = device->backend->host_alloc(device, bytes, &memory->own);
    }
    if (memory->data) {
        memset(memory->data, 0, (size_t)bytes);
    } else {
        memory->data = mem_alloc(bytes, 1);
    }
    return memory->data ? MINRNN_OK : MINRNN_OUT_OF_MEMORY;
}

void device_host_free(struct host_memory *memory) {
    if (!memory->own) {
        mem_free(memory->data);
    } else if (!device_is_lost(memory->device)) {
        memory->device->backend->host_free(memory->device, memory->own, memory->data);
    }
    *memory = (struct host_memory){0};
}

void minrnn_device_destroy(minrnn_device *device) {
    if (device) {
        device->backend->destroy(device);
    }
}

minrnn_status minrnn_device_describe_sized(const minrnn_device *device, minrnn_device_info *info,
                                           size_t size) {
    if (!device || !info) {
        return fail(MINRNN_INVALID_ARGUMENT, "minrnn_device_describe: an argument is NULL");
    }
    minrnn_device_info own = {0};
    const minrnn_status status = device_check(device);
    if (!status) {
        device->backend->describe(device, &own);
    }
    sized_give(&own, sizeof own, info, size);
    return status;
}

uint64_t minrnn_device_allocated(const minrnn_device *device) {
    return device ? atomic_load(&device->allocated) : 0;
}

minrnn_status minrnn_device_finish(minrnn_device *device) {
    if (!device) {
        return fail(MINRNN_INVALID_ARGUMENT, "minrnn_device_finish: device is NULL");
    }
    const minrnn_status status = device_check(device);
    return status ? status : device->backend->finish(device);
}

minrnn_status minrnn_buffer_create(minrnn_device *device, uint64_t bytes, minrnn_buffer **buffer) {
    if (!device || !buffer) {
        return fail(MINRNN_INVALID_ARGUMENT, "minrnn_buffer_create: an argument is NULL");
    }
    *buffer = NULL;
    if (bytes == 0 || bytes > INT64_MAX) {
        return fail(MINRNN_INVALID_ARGUMENT, "minrnn_buffer_create: %llu bytes cannot be allocated",
                    (unsigned long long)bytes);
    }
    minrnn_status status = device_check(device);
    status = status ? status : device->backend->buffer_create(device, bytes, buffer);
    if (!status) {
        atomic_fetch_add(&device->allocated, bytes);
    }
    return status;
}

void minrnn_buffer_destroy(minrnn_buffer *buffer) {
    if (buffer) {
        minrnn_device *device = buffer->device;
        atomic_fetch_sub(&device->allocated, buffer->bytes);
        device->backend->buffer_destroy(buffer);
    }
}

uint64_t minrnn_buffer_bytes(const minrnn_buffer *buffer) {
    return buffer ? buffer->bytes : 0;
}

static minrnn_status check_range(const char *call, const minrnn_buffer *buffer, uint64_t offset,
                                 const void *host, uint64_t bytes) {
    if (!buffer || (!host && bytes > 0)) {
        return fail(MINRNN_INVALID_ARGUMENT, "%s: an argument is NULL", call);
    }
    if (offset > buffer->bytes || bytes > buffer->bytes - offset) {
        return fail(MINRNN_INVALID_ARGUMENT, "%s: %llu bytes at offset %llu pass the end at %llu",
                    call, (unsigned long long)bytes, (unsigned long long)offset,
                    (unsigned long long)buffer->bytes);
    }
    return device_check(buffer->device);
}

static minrnn_status buffer_write(minrnn_buffer *buffer, uint64_t offset, const void *source,
                                  uint64_t bytes, bool wait) {
    const minrnn_status status = check_range("minrnn_buffer_write", buffer, offset, source, bytes);
    if (status || bytes == 0) {
        return status;
    }
    return buffer->device->backend->write(buffer, offset, source, bytes, wait);
}

static minrnn_status buffer_read(const minrnn_buffer *buffer, uint64_t offset, void *destination,
                                 uint64_t bytes, bool wait) {
    const minrnn_status status =
        check_range("minrnn_buffer_read", buffer, offset, destination, bytes);
    if (status || bytes == 0) {
        return status;
    }
    return buffer->device->backend->read(buffer, offset, destination, bytes, wait);
}

minrnn_status minrnn_buffer_write(minrnn_buffer *buffer, uint64_t offset, const void *source,
                                  uint64_t bytes) {
    return buffer_write(buffer, offset, source, bytes, true);
}

minrnn_status minrnn_buffer_read(const minrnn_buffer *buffer, uint64_t offset, void *destination,
                                 uint64_t bytes) {
    return buffer_read(buffer, offset, destination, bytes, true);
}

/* Where `count` elements of a tensor lie in its buffer. */
struct stretch {
    uint64_t offset, bytes;
};

static minrnn_status find_stretch(minrnn_tensor tensor, int64_t count, struct stretch *stretch) {
    const uint64_t size = (uint64_t)dtype_bytes(tensor.type);
    if (tensor.offset < 0 || count < 0) {
        return fail(MINRNN_INVALID_ARGUMENT, "tensor transfer: negative offset or count");
    }
    *stretch = (struct stretch){(uint64_t)tensor.offset * size, (uint64_t)count * size};
    return MINRNN_OK;
}

minrnn_status tensor_write(minrnn_tensor tensor, const void *source, int64_t count, bool wait) {
    struct stretch at;
    const minrnn_status status = find_stretch(tensor, count, &at);
    return status ? status : buffer_write(tensor.buffer, at.offset, source, at.bytes, wait);
}

minrnn_status tensor_read(minrnn_tensor tensor, void *destination, int64_t count, bool wait) {
    struct stretch at;
    const minrnn_status status = find_stretch(tensor, count, &at);
    return status ? status : buffer_read(tensor.buffer, at.offset, destination, at.bytes, wait);
}
