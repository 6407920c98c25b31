/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Sharing OpenCL objects with the caller's program. Needs the OpenCL headers. */
#ifndef MINRNN_OPENCL_H
#define MINRNN_OPENCL_H

#include <minrnn/device.h>

#ifndef CL_TARGET_OPENCL_VERSION
/** The version that the OpenCL headers declare, unless the program has chosen one before. */
#define CL_TARGET_OPENCL_VERSION 120
#endif
#ifdef __APPLE__
#include <OpenCL/opencl.h>
#else
#include <CL/cl.h>
#endif

MINRNN_BEGIN_DECLS

/** Opens a device on the caller's context, device and queue, each retained until the device is
 * destroyed. The queue must be in-order and belong to both, else that is MINRNN_INVALID_ARGUMENT.
 * Everything that minrnn enqueues goes there, and nothing waits unless a call says so. A device
 * that cannot be used (below OpenCL 1.2, or without a compiler) is MINRNN_UNSUPPORTED. The caller
 * owns *device. */
MINRNN_API minrnn_status minrnn_opencl_device_open(cl_context context, cl_device_id id,
                                                   cl_command_queue queue, minrnn_device **device);

/** Wraps the caller's memory object as a buffer of `bytes` from byte `offset` (a multiple of 4).
 * The object must be of the device's context, and is retained. The caller owns *buffer. */
MINRNN_API minrnn_status minrnn_opencl_buffer_wrap(minrnn_device *device, cl_mem memory,
                                                   uint64_t offset, uint64_t bytes,
                                                   minrnn_buffer **buffer);

/** The device's queue, not retained, valid while the device lives. NULL if the device is not
 * OpenCL. */
MINRNN_API cl_command_queue minrnn_opencl_queue(const minrnn_device *device);

/** The device's context, not retained, valid while the device lives. NULL if the device is not
 * OpenCL. */
MINRNN_API cl_context minrnn_opencl_context(const minrnn_device *device);

/** The buffer's memory object, not retained, valid while the buffer lives. NULL if its device is
 * not OpenCL. */
MINRNN_API cl_mem minrnn_opencl_memory(const minrnn_buffer *buffer);

/** Makes everything enqueued on the device from now on wait for events[count]. Does not wait
 * itself. */
MINRNN_API minrnn_status minrnn_opencl_wait_for(minrnn_device *device, cl_uint count,
                                                const cl_event *events);

/** Makes an event that completes when everything enqueued so far has. The caller releases it.
 * Flushes the queue. */
MINRNN_API minrnn_status minrnn_opencl_record(minrnn_device *device, cl_event *event);

MINRNN_END_DECLS

#endif
