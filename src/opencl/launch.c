/* SPDX-License-Identifier: Apache-2.0 */
/* Launches, and OpenCL's error codes as text. */
#include "opencl/launch.h"

#include "opencl/program.h"

#include <stdarg.h>
#include <stdio.h>

const char *cl_code_name(cl_int code) {
    switch (code) {
#define CODE(name)                                                                                 \
    case name: return #name;
        CODE(CL_SUCCESS)
        CODE(CL_DEVICE_NOT_FOUND)
        CODE(CL_DEVICE_NOT_AVAILABLE)
        CODE(CL_COMPILER_NOT_AVAILABLE)
        CODE(CL_MEM_OBJECT_ALLOCATION_FAILURE)
        CODE(CL_OUT_OF_RESOURCES)
        CODE(CL_OUT_OF_HOST_MEMORY)
        CODE(CL_PROFILING_INFO_NOT_AVAILABLE)
        CODE(CL_MEM_COPY_OVERLAP)
        CODE(CL_IMAGE_FORMAT_MISMATCH)
        CODE(CL_IMAGE_FORMAT_NOT_SUPPORTED)
        CODE(CL_BUILD_PROGRAM_FAILURE)
        CODE(CL_MAP_FAILURE)
        CODE(CL_MISALIGNED_SUB_BUFFER_OFFSET)
        CODE(CL_EXEC_STATUS_ERROR_FOR_EVENTS_IN_WAIT_LIST)
        CODE(CL_COMPILE_PROGRAM_FAILURE)
        CODE(CL_LINKER_NOT_AVAILABLE)
        CODE(CL_LINK_PROGRAM_FAILURE)
        CODE(CL_DEVICE_PARTITION_FAILED)
        CODE(CL_KERNEL_ARG_INFO_NOT_AVAILABLE)
        CODE(CL_INVALID_VALUE)
        CODE(CL_INVALID_DEVICE_TYPE)
        CODE(CL_INVALID_PLATFORM)
        CODE(CL_INVALID_DEVICE)
        CODE(CL_INVALID_CONTEXT)
        CODE(CL_INVALID_QUEUE_PROPERTIES)
        CODE(CL_INVALID_COMMAND_QUEUE)
        CODE(CL_INVALID_HOST_PTR)
        CODE(CL_INVALID_MEM_OBJECT)
        CODE(CL_INVALID_IMAGE_FORMAT_DESCRIPTOR)
        CODE(CL_INVALID_IMAGE_SIZE)
        CODE(CL_INVALID_SAMPLER)
        CODE(CL_INVALID_BINARY)
        CODE(CL_INVALID_BUILD_OPTIONS)
        CODE(CL_INVALID_PROGRAM)
        CODE(CL_INVALID_PROGRAM_EXECUTABLE)
        CODE(CL_INVALID_KERNEL_NAME)
        CODE(CL_INVALID_KERNEL_DEFINITION)
        CODE(CL_INVALID_KERNEL)
        CODE(CL_INVALID_ARG_INDEX)
        CODE(CL_INVALID_ARG_VALUE)
        CODE(CL_INVALID_ARG_SIZE)
        CODE(CL_INVALID_KERNEL_ARGS)
        CODE(CL_INVALID_WORK_DIMENSION)
        CODE(CL_INVALID_WORK_GROUP_SIZE)
        CODE(CL_INVALID_WORK_ITEM_SIZE)
        CODE(CL_INVALID_GLOBAL_OFFSET)
        CODE(CL_INVALID_EVENT_WAIT_LIST)
        CODE(CL_INVALID_EVENT)
        CODE(CL_INVALID_OPERATION)
        CODE(CL_INVALID_GL_OBJECT)
        CODE(CL_INVALID_BUFFER_SIZE)
        CODE(CL_INVALID_MIP_LEVEL)
        CODE(CL_INVALID_GLOBAL_WORK_SIZE)
        CODE(CL_INVALID_PROPERTY)
        CODE(CL_INVALID_IMAGE_DESCRIPTOR)
        CODE(CL_INVALID_COMPILER_OPTIONS)
        CODE(CL_INVALID_LINKER_OPTIONS)
        CODE(CL_INVALID_DEVICE_PARTITION_COUNT)
#undef CODE
    case -1001: return "CL_PLATFORM_NOT_FOUND_KHR"; /* cl_ext.h */
    }
    return "unknown code";
}

static minrnn_status status_of(cl_int code) {
    switch (code) {
    case CL_MEM_OBJECT_ALLOCATION_FAILURE:
    case CL_OUT_OF_HOST_MEMORY:
    case CL_INVALID_BUFFER_SIZE: return MINRNN_OUT_OF_MEMORY;
    case CL_BUILD_PROGRAM_FAILURE:
    case CL_COMPILE_PROGRAM_FAILURE:
    case CL_LINK_PROGRAM_FAILURE: return MINRNN_BUILD_ERROR;
    case CL_DEVICE_NOT_FOUND:
    case -1001: return MINRNN_DEVICE_NOT_FOUND;
    }
    return MINRNN_DEVICE_ERROR;
}

minrnn_status cl_fail(cl_int code, const char *call, const char *format, ...) {
    char details[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(details, sizeof details, format, arguments);
    va_end(arguments);
    return fail(status_of(code), "%s failed: %s (%d)%s%s", call, cl_code_name(code), code,
                details[0] ? ": " : "", details);
}

/* Sets one argument, or the two of a tensor; *index moves on. */
static cl_int set_argument(cl_kernel kernel, cl_uint *index,
                           const struct launch_argument *argument) {
    switch (argument->kind) {
    case ARGUMENT_TENSOR: {
        const struct cl_buffer *buffer = (const struct cl_buffer *)argument->tensor.buffer;
        const cl_mem memory = buffer ? buffer->memory : NULL;
        const cl_ulong offset = tensor_origin(argument->tensor);
        const cl_int code = clSetKernelArg(kernel, (*index)++, sizeof(cl_mem), &memory);
        return code ? code : clSetKernelArg(kernel, (*index)++, sizeof offset, &offset);
    }
    case ARGUMENT_LONG:
        return clSetKernelArg(kernel, (*index)++, sizeof(cl_long), &argument->long_value);
    case ARGUMENT_INT:
        return clSetKernelArg(kernel, (*index)++, sizeof(cl_int), &argument->int_value);
    case ARGUMENT_UINT:
        return clSetKernelArg(kernel, (*index)++, sizeof(cl_uint), &argument->uint_value);
    case ARGUMENT_FLOAT:
        return clSetKernelArg(kernel, (*index)++, sizeof(cl_float), &argument->float_value);
    case ARGUMENT_LOCAL: return clSetKernelArg(kernel, (*index)++, argument->local_bytes, NULL);
    }
    return CL_INVALID_ARG_VALUE;
}

/* Sets all arguments; on failure *index is one past the parameter that failed. */
static cl_int set_arguments(cl_kernel kernel, const struct launch_argument *arguments, int count,
                            cl_uint *index) {
    for (int i = 0; i < count; i++) {
        const cl_int code = set_argument(kernel, index, &arguments[i]);
        if (code) {
            return code;
        }
    }
    return CL_SUCCESS;
}

/* Some drivers start nothing before a flush: the device would idle while a step is being enqueued.
 */
static cl_int flush_now_and_then(struct cl_device *device) {
    enum { FIRST = 8, EVERY = 64 };
    device->launches++;
    return device->launches == FIRST || device->launches % EVERY == 0 ? clFlush(device->queue)
                                                                      : CL_SUCCESS;
}

static minrnn_status enqueue_failed(cl_int code, const struct kernel *kernel,
                                    const struct launch_part *part) {
    return cl_fail(code, "clEnqueueNDRangeKernel",
                   "kernel %s, global %zu x %zu x %zu, local %zu x %zu x %zu%s",
                   kernel->spec.kernel, part->global[0], part->global[1], part->global[2],
                   part->local[0], part->local[1], part->local[2],
                   part->has_local ? "" : " (the driver's choice)");
}

/* A part of a range, its arguments set. */
static minrnn_status enqueue(struct cl_device *device, struct kernel *kernel,
                             const struct launch_part *part) {
    const bool from_zero = part->offset[1] + part->offset[2] == 0;
    cl_int code = clEnqueueNDRangeKernel(device->queue, kernel->handle, (cl_uint)part->dimensions,
                                         from_zero ? NULL : part->offset, part->global,
                                         part->has_local ? part->local : NULL, 0, NULL, NULL);
    kernel->launched = true;
    if (code) {
        return enqueue_failed(code, kernel, part);
    }
    code = flush_now_and_then(device);
    return code ? cl_fail(code, "clFlush", "%s", "") : MINRNN_OK;
}

static minrnn_status enqueue_all(struct cl_device *device, struct kernel *kernel,
                                 const struct launch_range *range,
                                 const struct launch_argument *arguments, int count) {
    cl_uint index = 0;
    const cl_int code = set_arguments(kernel->handle, arguments, count, &index);
    if (code) {
        return cl_fail(code, "clSetKernelArg", "kernel %s, parameter %u", kernel->spec.kernel,
                       index - 1);
    }
    minrnn_status status = MINRNN_OK;
    for (size_t i = 0; !status && i < launch_parts(&device->traits, range); i++) {
        const struct launch_part part = launch_part(&device->traits, range, i);
        status = enqueue(device, kernel, &part);
    }
    return status;
}

minrnn_status kernel_launch(struct cl_device *device, struct kernel *kernel,
                            const struct launch_range *range,
                            const struct launch_argument *arguments, int count) {
    const minrnn_status possible = launch_check(range, kernel->spec.kernel);
    if (possible) {
        return possible;
    }
    pthread_mutex_lock(&device->launch_lock);
    const minrnn_status status = enqueue_all(device, kernel, range, arguments, count);
    pthread_mutex_unlock(&device->launch_lock);
    return status;
}
