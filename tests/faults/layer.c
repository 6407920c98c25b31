/* SPDX-License-Identifier: Apache-2.0 */
/* The OpenCL layer: between the program and its driver (or the loader's, see OPENCL_LAYERS), it
 * lets a call fail when inject.h says so, and counts the objects that the program holds. What a
 * failing call would have done is not done; but a failing release has released, or the layer would
 * leak. */
#include "inject.h"

#define CL_TARGET_OPENCL_VERSION 300
#define CL_USE_DEPRECATED_OPENCL_1_2_APIS
#include <CL/cl.h>
#include <CL/cl_icd.h>
#include <CL/cl_layer.h>
#include <stdatomic.h>
#include <string.h>

static const cl_icd_dispatch *next;
static cl_icd_dispatch own;

static void count_event(cl_int code, const cl_event *event) {
    if (!code && event && *event) {
        fault_count(FAULT_EVENT, 1);
    }
}

#define CREATE(resource, type, name, parameters, arguments, ...)                                   \
    static type CL_API_CALL layer_##name parameters {                                              \
        const cl_int failure = fault_take(FAULT_##name);                                           \
        if (failure) {                                                                             \
            if (code) {                                                                            \
                *code = failure;                                                                   \
            }                                                                                      \
            return NULL;                                                                           \
        }                                                                                          \
        type made = next->name arguments;                                                          \
        fault_count(FAULT_##resource, made ? 1 : 0);                                               \
        return made;                                                                               \
    }
#define RETAIN(resource, type, name, ...)                                                          \
    static cl_int CL_API_CALL layer_##name(type object) {                                          \
        const cl_int failure = fault_take(FAULT_##name);                                           \
        const cl_int code = failure ? failure : next->name(object);                                \
        fault_count(FAULT_##resource, code ? 0 : 1);                                               \
        return code;                                                                               \
    }
#define RELEASE(resource, type, name, ...)                                                         \
    static cl_int CL_API_CALL layer_##name(type object) {                                          \
        const cl_int failure = fault_take(FAULT_##name);                                           \
        const cl_int code = next->name(object);                                                    \
        fault_count(FAULT_##resource, code ? 0 : -1);                                              \
        return failure ? failure : code;                                                           \
    }
#define ENQUEUE(name, parameters, arguments, ...)                                                  \
    static cl_int CL_API_CALL layer_##name parameters {                                            \
        const cl_int failure = fault_take(FAULT_##name);                                           \
        const cl_int code = failure ? failure : next->name arguments;                              \
        count_event(code, event);                                                                  \
        return code;                                                                               \
    }
#define CALL(name, parameters, arguments, ...)                                                     \
    static cl_int CL_API_CALL layer_##name parameters {                                            \
        const cl_int failure = fault_take(FAULT_##name);                                           \
        return failure ? failure : next->name arguments;                                           \
    }
#include "opencl_calls.def"

/* A release with more arguments. */
static cl_int CL_API_CALL release_mapping(cl_command_queue queue, cl_mem memory, void *address,
                                          cl_uint waits, const cl_event *list, cl_event *event) {
    const cl_int failure = fault_take(FAULT_clEnqueueUnmapMemObject);
    const cl_int code = next->clEnqueueUnmapMemObject(queue, memory, address, waits, list, event);
    fault_count(FAULT_MAPPING, code ? 0 : -1);
    return failure ? failure : code;
}

/* ---- what a driver would say ---- */

/* PoCL is a CPU; called a GPU, it runs what the library has for those. */
static cl_int CL_API_CALL say_device_info(cl_device_id id, cl_device_info what, size_t bytes,
                                          void *value, size_t *size) {
    const cl_int code = layer_clGetDeviceInfo(id, what, bytes, value, size);
    if (!code && what == CL_DEVICE_TYPE && value && fault_pretend_gpu) {
        *(cl_device_type *)value = CL_DEVICE_TYPE_GPU;
    }
    return code;
}

/* Of a program whose build was made to fail: of others the driver's own words. */
static atomic_bool build_failed;

static cl_int CL_API_CALL say_build(cl_program program, cl_uint count, const cl_device_id *ids,
                                    const char *options,
                                    void(CL_CALLBACK *notify)(cl_program, void *), void *user) {
    const cl_int code = layer_clBuildProgram(program, count, ids, options, notify, user);
    atomic_store(&build_failed, code == CL_BUILD_PROGRAM_FAILURE);
    return code;
}

static cl_int CL_API_CALL say_build_log(cl_program program, cl_device_id id,
                                        cl_program_build_info what, size_t bytes, void *value,
                                        size_t *size) {
    static const char text[] = FAULT_BUILD_LOG;
    if (what != CL_PROGRAM_BUILD_LOG || !atomic_load(&build_failed)) {
        return layer_clGetProgramBuildInfo(program, id, what, bytes, value, size);
    }
    const cl_int failure = fault_take(FAULT_clGetProgramBuildInfo);
    if (!failure && value) {
        memcpy(value, text, bytes < sizeof text ? bytes : sizeof text);
    }
    if (!failure && size) {
        *size = sizeof text;
    }
    return failure;
}

/* ---- what a layer exports ---- */

CL_API_ENTRY cl_int CL_API_CALL clGetLayerInfo(cl_layer_info what, size_t bytes, void *value,
                                               size_t *size) {
    static const char name[] = "minrnn faults";
    static const cl_layer_api_version version = CL_LAYER_API_VERSION_100;
    const void *const from = what == CL_LAYER_API_VERSION ? (const void *)&version : name;
    const size_t needed = what == CL_LAYER_API_VERSION ? sizeof version : sizeof name;
    if ((what != CL_LAYER_API_VERSION && what != CL_LAYER_NAME) || (value && bytes < needed)) {
        return CL_INVALID_VALUE;
    }
    if (value) {
        memcpy(value, from, needed);
    }
    if (size) {
        *size = needed;
    }
    return CL_SUCCESS;
}

CL_API_ENTRY cl_int CL_API_CALL clInitLayer(cl_uint entries, const cl_icd_dispatch *target,
                                            cl_uint *own_entries, const cl_icd_dispatch **layer) {
    if (!target || !own_entries || !layer) {
        return CL_INVALID_VALUE;
    }
    const cl_uint known = sizeof own / sizeof own.clGetPlatformIDs;
    const cl_uint used = entries < known ? entries : known;
    next = target;
    memcpy(&own, target, used * sizeof own.clGetPlatformIDs);
#define CREATE(resource, type, name, ...) own.name = layer_##name;
#define RETAIN(resource, type, name, ...) own.name = layer_##name;
#define RELEASE(resource, type, name, ...) own.name = layer_##name;
#define CALL(name, ...) own.name = layer_##name;
#include "opencl_calls.def"
    own.clEnqueueUnmapMemObject = release_mapping;
    own.clGetDeviceInfo = say_device_info;
    own.clBuildProgram = say_build;
    own.clGetProgramBuildInfo = say_build_log;
    *own_entries = used;
    *layer = &own;
    return CL_SUCCESS;
}
