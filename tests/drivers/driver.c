/* SPDX-License-Identifier: Apache-2.0 */
/* A driver (an ICD) for the loader to find, of one kind: LEAKING is no driver at all, loses memory
 * when it is loaded and is unloaded again; ABORTING ends the process when it is loaded; otherwise a
 * platform without a device, whose name and behaviour are the environment's. */
#include <stdlib.h>

#if defined(LEAKING)

static void *lost[8]; /* goes with the library */

__attribute__((constructor)) static void leak(void) {
    for (int i = 0; i < 8; i++) {
        lost[i] = malloc(16);
    }
}

#elif defined(ABORTING)

__attribute__((constructor)) static void end(void) {
    abort();
}

#else

#define CL_TARGET_OPENCL_VERSION 120
#include <CL/cl.h>
#include <CL/cl_icd.h>
#include <stdio.h>
#include <string.h>

static cl_icd_dispatch dispatch;

/* Both begin as the loader wants it. */
static struct object {
    const cl_icd_dispatch *dispatch;
} platform = {&dispatch}, device = {&dispatch};

static const char *variable(const char *name, const char *otherwise) {
    const char *value = getenv(name);
    return value ? value : otherwise;
}

static cl_int answer(const void *value, size_t bytes, size_t capacity, void *to, size_t *size) {
    if (size) {
        *size = bytes;
    }
    if (to && capacity < bytes) {
        return CL_INVALID_VALUE;
    }
    if (to) {
        memcpy(to, value, bytes);
    }
    return CL_SUCCESS;
}

static cl_int answer_text(const char *text, size_t capacity, void *to, size_t *size) {
    return answer(text, strlen(text) + 1, capacity, to, size);
}

static cl_int CL_API_CALL platform_info(cl_platform_id id, cl_platform_info what, size_t capacity,
                                        void *to, size_t *size) {
    (void)id;
    switch (what) {
    case CL_PLATFORM_NAME:
        return answer_text(variable("DRIVER_PLATFORM", "Deviceless"), capacity, to, size);
    case CL_PLATFORM_EXTENSIONS: return answer_text("cl_khr_icd", capacity, to, size);
    case CL_PLATFORM_ICD_SUFFIX_KHR: return answer_text("NONE", capacity, to, size);
    case CL_PLATFORM_VERSION: return answer_text("OpenCL 1.2 none", capacity, to, size);
    default: return answer_text("", capacity, to, size);
    }
}

/* DRIVER_CODE: what asking for devices returns; DRIVER_DEVICE: the version of the one there is. */
static cl_int CL_API_CALL device_ids(cl_platform_id id, cl_device_type type, cl_uint capacity,
                                     cl_device_id *ids, cl_uint *count) {
    (void)id;
    (void)type;
    const int code = atoi(variable("DRIVER_CODE", "0"));
    const cl_uint there = getenv("DRIVER_DEVICE") ? 1 : 0;
    if (count) {
        *count = there;
    }
    if (ids && capacity > 0 && there) {
        ids[0] = (cl_device_id)&device;
    }
    return code ? code : there ? CL_SUCCESS : CL_DEVICE_NOT_FOUND;
}

static cl_int CL_API_CALL device_info(cl_device_id id, cl_device_info what, size_t capacity,
                                      void *to, size_t *size) {
    (void)id;
    const cl_bool yes = CL_TRUE;
    const cl_platform_id owner = (cl_platform_id)&platform;
    switch (what) {
    case CL_DEVICE_VERSION: return answer_text(variable("DRIVER_DEVICE", ""), capacity, to, size);
    case CL_DEVICE_AVAILABLE:
    case CL_DEVICE_COMPILER_AVAILABLE: return answer(&yes, sizeof yes, capacity, to, size);
    case CL_DEVICE_PLATFORM: return answer(&owner, sizeof owner, capacity, to, size);
    default: return CL_INVALID_VALUE;
    }
}

static cl_int CL_API_CALL platform_ids(cl_uint capacity, cl_platform_id *ids, cl_uint *count) {
    dispatch.clGetPlatformInfo = platform_info;
    dispatch.clGetDeviceIDs = device_ids;
    dispatch.clGetDeviceInfo = device_info;
    if (count) {
        *count = 1;
    }
    if (ids && capacity > 0) {
        ids[0] = (cl_platform_id)&platform;
    }
    return CL_SUCCESS;
}

/* What the loader looks for by name. */
void *CL_API_CALL clGetExtensionFunctionAddress(const char *name) {
    if (strcmp(name, "clIcdGetPlatformIDsKHR") == 0) {
        return (void *)platform_ids;
    }
    return strcmp(name, "clGetPlatformInfo") == 0 ? (void *)platform_info : NULL;
}

#endif
