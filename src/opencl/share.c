/* SPDX-License-Identifier: Apache-2.0 */
/* minrnn/opencl.h: the caller's own context, queue and memory objects. */
#include <minrnn/opencl.h>

#include "opencl/backend.h"

/* ---- opening ---- */

static minrnn_status check_queue(cl_context context, cl_device_id id, cl_command_queue queue) {
    cl_context queue_context = NULL;
    cl_device_id queue_device = NULL;
    cl_command_queue_properties properties = 0;
    cl_int code =
        clGetCommandQueueInfo(queue, CL_QUEUE_CONTEXT, sizeof queue_context, &queue_context, NULL);
    code = code ? code
                : clGetCommandQueueInfo(queue, CL_QUEUE_DEVICE, sizeof queue_device, &queue_device,
                                        NULL);
    code = code ? code
                : clGetCommandQueueInfo(queue, CL_QUEUE_PROPERTIES, sizeof properties, &properties,
                                        NULL);
    if (code) {
        return cl_fail(code, "clGetCommandQueueInfo", "minrnn_opencl_device_open");
    }
    if (queue_context != context || queue_device != id) {
        return fail(MINRNN_INVALID_ARGUMENT,
                    "minrnn_opencl_device_open: the queue belongs to another context or device");
    }
    if (properties & CL_QUEUE_OUT_OF_ORDER_EXEC_MODE_ENABLE) {
        return fail(MINRNN_INVALID_ARGUMENT,
                    "minrnn_opencl_device_open: the queue is out-of-order, but minrnn counts on "
                    "commands running in the order they were enqueued");
    }
    return MINRNN_OK;
}

minrnn_status minrnn_opencl_device_open(cl_context context, cl_device_id id, cl_command_queue queue,
                                        minrnn_device **device) {
    if (!context || !id || !queue || !device) {
        return fail(MINRNN_INVALID_ARGUMENT, "minrnn_opencl_device_open: an argument is NULL");
    }
    *device = NULL;
    bool usable = false;
    minrnn_status status = cl_drivers_check();
    status = status ? status : check_queue(context, id, queue);
    status = status ? status : cl_device_check(id, &usable);
    if (status) {
        return status;
    }
    if (!usable) {
        return fail(MINRNN_UNSUPPORTED, "minrnn_opencl_device_open: the device is not available, "
                                        "has no compiler, or has OpenCL below 1.2");
    }
    return cl_device_create(context, id, queue, device);
}

/* ---- buffers ---- */

static struct cl_device *opencl_device(const minrnn_device *device) {
    return device && device->backend == &opencl_backend ? (struct cl_device *)device : NULL;
}

static minrnn_status check_memory(const struct cl_device *device, cl_mem memory, uint64_t offset,
                                  uint64_t bytes) {
    cl_context context = NULL;
    cl_mem_object_type type = 0;
    size_t size = 0;
    cl_int code = clGetMemObjectInfo(memory, CL_MEM_CONTEXT, sizeof context, &context, NULL);
    code = code ? code : clGetMemObjectInfo(memory, CL_MEM_TYPE, sizeof type, &type, NULL);
    code = code ? code : clGetMemObjectInfo(memory, CL_MEM_SIZE, sizeof size, &size, NULL);
    if (code) {
        return cl_fail(code, "clGetMemObjectInfo", "minrnn_opencl_buffer_wrap");
    }
    if (context != device->context || type != CL_MEM_OBJECT_BUFFER) {
        return fail(MINRNN_INVALID_ARGUMENT,
                    "minrnn_opencl_buffer_wrap: not a buffer of the device's context");
    }
    if (offset % F32_BYTES != 0) {
        return fail(MINRNN_INVALID_ARGUMENT,
                    "minrnn_opencl_buffer_wrap: offset %llu is not a multiple of 4",
                    (unsigned long long)offset);
    }
    if (bytes == 0 || offset > size || bytes > size - offset) {
        return fail(MINRNN_INVALID_ARGUMENT,
                    "minrnn_opencl_buffer_wrap: %llu bytes at offset %llu, but the memory object "
                    "has %zu",
                    (unsigned long long)bytes, (unsigned long long)offset, size);
    }
    return MINRNN_OK;
}

minrnn_status minrnn_opencl_buffer_wrap(minrnn_device *device, cl_mem memory, uint64_t offset,
                                        uint64_t bytes, minrnn_buffer **buffer) {
    const struct cl_device *d = opencl_device(device);
    if (!d || !memory || !buffer) {
        return fail(MINRNN_INVALID_ARGUMENT,
                    "minrnn_opencl_buffer_wrap: an argument is NULL, or no OpenCL device");
    }
    *buffer = NULL;
    minrnn_status status = device_check(device);
    status = status ? status : check_memory(d, memory, offset, bytes);
    status = status ? status : cl_buffer_adopt(device, memory, offset, bytes, buffer);
    if (!status) {
        atomic_fetch_add(&device->allocated, bytes); /* as minrnn_buffer_destroy takes it off */
    }
    return status;
}

cl_command_queue minrnn_opencl_queue(const minrnn_device *device) {
    const struct cl_device *d = opencl_device(device);
    return d ? d->queue : NULL;
}

cl_context minrnn_opencl_context(const minrnn_device *device) {
    const struct cl_device *d = opencl_device(device);
    return d ? d->context : NULL;
}

cl_mem minrnn_opencl_memory(const minrnn_buffer *buffer) {
    return buffer && opencl_device(buffer->device) ? ((const struct cl_buffer *)buffer)->memory
                                                   : NULL;
}

/* ---- events ---- */

minrnn_status minrnn_opencl_wait_for(minrnn_device *device, cl_uint count, const cl_event *events) {
    const struct cl_device *d = opencl_device(device);
    if (!d || (count > 0 && !events)) {
        return fail(MINRNN_INVALID_ARGUMENT,
                    "minrnn_opencl_wait_for: an argument is NULL, or no OpenCL device");
    }
    const minrnn_status status = device_check(device);
    if (status || count == 0) {
        return status;
    }
    const cl_int code = clEnqueueBarrierWithWaitList(d->queue, count, events, NULL);
    return code ? cl_fail(code, "clEnqueueBarrierWithWaitList", "%u events", count) : MINRNN_OK;
}

minrnn_status minrnn_opencl_record(minrnn_device *device, cl_event *event) {
    if (!opencl_device(device) || !event) {
        return fail(MINRNN_INVALID_ARGUMENT,
                    "minrnn_opencl_record: an argument is NULL, or no OpenCL device");
    }
    struct fence fence = {0};
    const minrnn_status status = device_fence_set(device, &fence);
    *event = fence.event;
    return status;
}
