/* SPDX-License-Identifier: Apache-2.0 */
/* The prototypes of OpenCL calls that several tests take in hand by the linker's --wrap. */
#ifndef TESTS_UNIT_OPENCL_WRAPPED_H
#define TESTS_UNIT_OPENCL_WRAPPED_H

#include "opencl/launch.h"

cl_int __real_clBuildProgram(cl_program program, cl_uint devices, const cl_device_id *ids,
                             const char *options, void(CL_CALLBACK *notify)(cl_program, void *),
                             void *user);
cl_int __wrap_clBuildProgram(cl_program program, cl_uint devices, const cl_device_id *ids,
                             const char *options, void(CL_CALLBACK *notify)(cl_program, void *),
                             void *user);
cl_kernel __real_clCreateKernel(cl_program program, const char *name, cl_int *code);
cl_kernel __wrap_clCreateKernel(cl_program program, const char *name, cl_int *code);
cl_int __real_clEnqueueNDRangeKernel(cl_command_queue queue, cl_kernel kernel, cl_uint dimensions,
                                     const size_t *offset, const size_t *global,
                                     const size_t *local, cl_uint wait_count, const cl_event *waits,
                                     cl_event *event);
cl_int __wrap_clEnqueueNDRangeKernel(cl_command_queue queue, cl_kernel kernel, cl_uint dimensions,
                                     const size_t *offset, const size_t *global,
                                     const size_t *local, cl_uint wait_count, const cl_event *waits,
                                     cl_event *event);

#endif
