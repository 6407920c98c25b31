/* SPDX-License-Identifier: Apache-2.0 */
/* Buffers, transfers, memory for the host, and fences. */
#include "base/alloc.h"
#include "base/clock.h"
#include "opencl/backend.h"

static const struct cl_device *owner(const minrnn_buffer *buffer) {
    return (const struct cl_device *)buffer->device;
}

minrnn_status cl_buffer_create(minrnn_device *device, uint64_t bytes, minrnn_buffer **buffer) {
    const struct cl_device *d = (const struct cl_device *)device;
    if (bytes > device->largest || bytes > SIZE_MAX) {
        return fail(MINRNN_OUT_OF_MEMORY,
                    "a buffer of %llu bytes is more than the device allows in one allocation: "
                    "CL_DEVICE_MAX_MEM_ALLOC_SIZE is %llu",
                    (unsigned long long)bytes, (unsigned long long)device->largest);
    }
    cl_int code = CL_SUCCESS;
    cl_mem memory = clCreateBuffer(d->context, CL_MEM_READ_WRITE, (size_t)bytes, NULL, &code);
    if (!memory) {
        return cl_fail(code, "clCreateBuffer", "%llu bytes", (unsigned long long)bytes);
    }
    const minrnn_status status = cl_buffer_adopt(device, memory, 0, bytes, buffer);
    clReleaseMemObject(memory);
    return status;
}

minrnn_status cl_buffer_adopt(minrnn_device *device, cl_mem memory, uint64_t origin, uint64_t bytes,
                              minrnn_buffer **buffer) {
    struct cl_buffer *made = mem_alloc(1, sizeof *made);
    if (!made) {
        return MINRNN_OUT_OF_MEMORY;
    }
    const cl_int code = clRetainMemObject(memory);
    if (code) {
        mem_free(made);
        return cl_fail(code, "clRetainMemObject", "%s", "");
    }
    *made = (struct cl_buffer){
        .base = {.device = device, .bytes = bytes}, .memory = memory, .origin = origin};
    *buffer = &made->base;
    return MINRNN_OK;
}

void cl_buffer_destroy(minrnn_buffer *buffer) {
    struct cl_buffer *b = (struct cl_buffer *)buffer;
    if (!device_is_lost(buffer->device)) {
        clReleaseMemObject(b->memory); /* the driver keeps it until enqueued work is done */
    }
    mem_free(b);
}

minrnn_status cl_buffer_write(minrnn_buffer *buffer, uint64_t offset, const void *source,
                              uint64_t bytes, bool wait) {
    const struct cl_buffer *b = (const struct cl_buffer *)buffer;
    const cl_int code =
        clEnqueueWriteBuffer(owner(buffer)->queue, b->memory, wait ? CL_TRUE : CL_FALSE,
                             (size_t)(b->origin + offset), (size_t)bytes, source, 0, NULL, NULL);
    return code ? cl_fail(code, "clEnqueueWriteBuffer", "%llu bytes at %llu",
                          (unsigned long long)bytes, (unsigned long long)offset)
                : MINRNN_OK;
}

minrnn_status cl_buffer_read(const minrnn_buffer *buffer, uint64_t offset, void *destination,
                             uint64_t bytes, bool wait) {
    const struct cl_buffer *b = (const struct cl_buffer *)buffer;
    const cl_int code = clEnqueueReadBuffer(owner(buffer)->queue, b->memory,
                                            wait ? CL_TRUE : CL_FALSE, (size_t)(b->origin + offset),
                                            (size_t)bytes, destination, 0, NULL, NULL);
    return code ? cl_fail(code, "clEnqueueReadBuffer", "%llu bytes at %llu",
                          (unsigned long long)bytes, (unsigned long long)offset)
                : MINRNN_OK;
}

/* A buffer in memory that the driver pins, mapped for good: no kernel sees it. Copies from and to
 * pageable memory may wait for the queue, or be made twice. */
void *cl_host_alloc(minrnn_device *device, uint64_t bytes, void **own) {
    const struct cl_device *d = (const struct cl_device *)device;
    cl_int code = CL_SUCCESS;
    cl_mem memory = bytes > device->largest
                        ? NULL
                        : clCreateBuffer(d->context, CL_MEM_READ_WRITE | CL_MEM_ALLOC_HOST_PTR,
                                         (size_t)bytes, NULL, &code);
    if (!memory) {
        return NULL;
    }
    void *data = clEnqueueMapBuffer(d->queue, memory, CL_TRUE, CL_MAP_READ | CL_MAP_WRITE, 0,
                                    (size_t)bytes, 0, NULL, NULL, &code);
    if (!data) {
        clReleaseMemObject(memory);
        return NULL;
    }
    *own = memory;
    return data;
}

void cl_host_free(minrnn_device *device, void *own, void *data) {
    (void)clEnqueueUnmapMemObject(((const struct cl_device *)device)->queue, own, data, 0, NULL,
                                  NULL);
    clReleaseMemObject(own);
}

minrnn_status cl_fence_set(minrnn_device *device, struct fence *fence) {
    struct cl_device *d = (struct cl_device *)device;
    pthread_mutex_lock(&d->launch_lock);
    d->launches = 0;
    pthread_mutex_unlock(&d->launch_lock);
    if (fence->event) {
        clReleaseEvent(fence->event);
        fence->event = NULL;
    }
    fence->passed = 0;
    cl_event event = NULL;
    cl_int code = clEnqueueMarkerWithWaitList(d->queue, 0, NULL, &event);
    if (code) {
        return cl_fail(code, "clEnqueueMarkerWithWaitList", "%s", "");
    }
    code = clFlush(d->queue);
    if (code) {
        clReleaseEvent(event);
        return cl_fail(code, "clFlush", "%s", "");
    }
    fence->event = event;
    return MINRNN_OK;
}

void cl_fence_look(struct fence *fence) {
    cl_int state = CL_QUEUED;
    if (!fence->event || fence->passed > 0) {
        return;
    }
    /* An error, of this call or of the work, is left to who waits. */
    const cl_int code =
        clGetEventInfo(fence->event, CL_EVENT_COMMAND_EXECUTION_STATUS, sizeof state, &state, NULL);
    if (!code && state == CL_COMPLETE) {
        fence->passed = clock_seconds();
    }
}

minrnn_status cl_fence_wait(minrnn_device *device, struct fence *fence) {
    (void)device;
    cl_event event = fence->event;
    if (!event) {
        return MINRNN_OK;
    }
    fence->event = NULL;
    const cl_int code = clWaitForEvents(1, &event);
    if (!(fence->passed > 0)) {
        fence->passed = clock_seconds();
    }
    clReleaseEvent(event);
    return code ? cl_fail(code, "clWaitForEvents", "enqueued work did not complete") : MINRNN_OK;
}
