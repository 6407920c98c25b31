/* Devices: what there is, and opening one. */
#include "opencl/backend.h"

#include "base/alloc.h"
#include "base/text.h"
#include "opencl/cache.h"
#include "opencl/opencl.h"
#include "opencl/source.h"

#ifdef MINRNN_HAVE_CLBLAST
#include <clblast_c.h>
#endif

#include <stdio.h>
#include <string.h>

enum { MAX_PLATFORMS = 32, MAX_DEVICES = 64 };

/* ---- queries ---- */

static void device_text(cl_device_id id, cl_device_info what, char *text, size_t capacity) {
    char value[1024] = "";
    if (clGetDeviceInfo(id, what, sizeof value, value, NULL) != CL_SUCCESS) {
        value[0] = '\0';
    }
    snprintf(text, capacity, "%s", value);
}

static void platform_text(cl_platform_id id, cl_platform_info what, char *text, size_t capacity) {
    char value[1024] = "";
    if (clGetPlatformInfo(id, what, sizeof value, value, NULL) != CL_SUCCESS) {
        value[0] = '\0';
    }
    snprintf(text, capacity, "%s", value);
}

static cl_platform_id platform_of(cl_device_id id) {
    cl_platform_id platform = NULL;
    (void)clGetDeviceInfo(id, CL_DEVICE_PLATFORM, sizeof platform, &platform, NULL);
    return platform;
}

#define DEVICE_VALUE(type, name)                                                                   \
    static type name(cl_device_id id, cl_device_info what) {                                       \
        type value = 0;                                                                            \
        return clGetDeviceInfo(id, what, sizeof value, &value, NULL) == CL_SUCCESS ? value : 0;    \
    }
DEVICE_VALUE(cl_uint, device_uint)
DEVICE_VALUE(cl_ulong, device_ulong) /* types and configurations are bit fields of it */
DEVICE_VALUE(size_t, device_size)

static uint64_t hash_kernels(void) {
    uint64_t hash = HASH_START;
    for (int i = 0; i < cl_source_count; i++) {
        hash = hash_bytes(hash, cl_sources[i].text, strlen(cl_sources[i].text) + 1);
    }
    return hash;
}

static void describe(cl_device_id id, minrnn_device_info *info) {
    *info = (minrnn_device_info){.is_opencl = true};
    device_text(id, CL_DEVICE_NAME, info->name, sizeof info->name);
    platform_text(platform_of(id), CL_PLATFORM_NAME, info->platform, sizeof info->platform);
    device_text(id, CL_DRIVER_VERSION, info->driver, sizeof info->driver);
    device_text(id, CL_DEVICE_VERSION, info->opencl, sizeof info->opencl);
    platform_text(platform_of(id), CL_PLATFORM_VERSION, info->platform_version,
                  sizeof info->platform_version);
    info->kernels = hash_kernels();
    info->is_emulator = text_contains(info->platform, "oclgrind") ||
                        text_contains(info->platform, "emulat") ||
                        text_contains(info->name, "emulat");
    const cl_device_type type = device_ulong(id, CL_DEVICE_TYPE);
    info->is_gpu = (type & CL_DEVICE_TYPE_GPU) && !(type & CL_DEVICE_TYPE_CPU);
    info->is_accelerator = (type & CL_DEVICE_TYPE_ACCELERATOR) && !(type & CL_DEVICE_TYPE_CPU);
    info->compute_units = (int)device_uint(id, CL_DEVICE_MAX_COMPUTE_UNITS);
    info->memory_bytes = device_ulong(id, CL_DEVICE_GLOBAL_MEM_SIZE);
    info->max_allocation_bytes = device_ulong(id, CL_DEVICE_MAX_MEM_ALLOC_SIZE);
}

static struct cl_traits traits_of(cl_device_id id) {
    const cl_device_type type = device_ulong(id, CL_DEVICE_TYPE);
    const bool is_cpu = (type & CL_DEVICE_TYPE_CPU) != 0;
    const cl_uint width = device_uint(id, CL_DEVICE_NATIVE_VECTOR_WIDTH_FLOAT);
    return (struct cl_traits){
        .is_cpu = is_cpu,
        .is_gpu = !is_cpu && (type & CL_DEVICE_TYPE_GPU),
        .compute_units = (int)device_uint(id, CL_DEVICE_MAX_COMPUTE_UNITS),
        .float_width = width >= 16  ? 16
                       : width >= 8 ? 8
                       : width >= 4 ? 4
                       : width >= 2 ? 2
                                    : 1,
        .max_work_group = device_size(id, CL_DEVICE_MAX_WORK_GROUP_SIZE),
        .local_bytes = (size_t)device_ulong(id, CL_DEVICE_LOCAL_MEM_SIZE),
        .max_allocation = device_ulong(id, CL_DEVICE_MAX_MEM_ALLOC_SIZE),
        .fma = (device_ulong(id, CL_DEVICE_SINGLE_FP_CONFIG) & CL_FP_FMA) != 0,
        .nontemporal = is_cpu && width >= 4,
    };
}

/* ---- what there is ---- */

bool cl_device_is_usable(cl_device_id id) {
    char version[128];
    int major = 0, minor = 0;
    device_text(id, CL_DEVICE_VERSION, version, sizeof version);
    return sscanf(version, "OpenCL %d.%d", &major, &minor) == 2 &&
           (major > 1 || (major == 1 && minor >= 2)) && device_uint(id, CL_DEVICE_AVAILABLE) &&
           device_uint(id, CL_DEVICE_COMPILER_AVAILABLE);
}

/* Writes up to MAX_DEVICES devices; returns how many. A platform that fails has none. */
static int find_devices(cl_device_id devices[MAX_DEVICES]) {
    cl_platform_id platforms[MAX_PLATFORMS];
    cl_uint platform_count = 0;
    if (clGetPlatformIDs(MAX_PLATFORMS, platforms, &platform_count) != CL_SUCCESS) {
        return 0;
    }
    int count = 0;
    for (cl_uint p = 0; p < platform_count && p < MAX_PLATFORMS; p++) {
        cl_device_id ids[MAX_DEVICES];
        cl_uint there = 0;
        if (clGetDeviceIDs(platforms[p], CL_DEVICE_TYPE_ALL, MAX_DEVICES, ids, &there) !=
            CL_SUCCESS) {
            continue;
        }
        for (cl_uint i = 0; i < there && i < MAX_DEVICES && count < MAX_DEVICES; i++) {
            if (cl_device_is_usable(ids[i])) {
                devices[count++] = ids[i];
            }
        }
    }
    return count;
}

minrnn_status opencl_list(minrnn_device_info *infos, int capacity, int *count) {
    cl_device_id devices[MAX_DEVICES];
    *count = find_devices(devices);
    for (int i = 0; i < *count && i < capacity; i++) {
        describe(devices[i], &infos[i]);
    }
    return MINRNN_OK;
}

/* ---- opening ---- */

static void device_destroy(minrnn_device *device) {
    struct cl_device *d = (struct cl_device *)device;
    if (d->queue) {
        (void)clFinish(d->queue);
    }
    program_cache_destroy(d->programs);
#ifdef MINRNN_HAVE_CLBLAST
    if (d->used_clblast) {
        (void)CLBlastClearCache(); /* or its destructors would call OpenCL at exit */
    }
#endif
    if (d->queue) {
        clReleaseCommandQueue(d->queue);
    }
    if (d->context) {
        clReleaseContext(d->context);
    }
    pthread_mutex_destroy(&d->launch_lock);
    mem_free(d);
}

static void device_describe(const minrnn_device *device, minrnn_device_info *info) {
    describe(((const struct cl_device *)device)->id, info);
}

static minrnn_status device_finish(minrnn_device *device) {
    const cl_int code = clFinish(((struct cl_device *)device)->queue);
    return code ? cl_fail(code, "clFinish", "enqueued work did not complete") : MINRNN_OK;
}

static void device_forget_programs(minrnn_device *device) {
    program_cache_forget(((struct cl_device *)device)->programs);
}

const struct backend opencl_backend = {
    .ops = &opencl_ops,
    .destroy = device_destroy,
    .describe = device_describe,
    .finish = device_finish,
    .forget_programs = device_forget_programs,
    .buffer_create = cl_buffer_create,
    .buffer_destroy = cl_buffer_destroy,
    .write = cl_buffer_write,
    .read = cl_buffer_read,
    .fence_set = cl_fence_set,
    .fence_wait = cl_fence_wait,
};

static minrnn_status retain(struct cl_device *device, cl_context context, cl_command_queue queue) {
    cl_int code = clRetainContext(context);
    if (code) {
        return cl_fail(code, "clRetainContext", "%s", "");
    }
    device->context = context;
    code = clRetainCommandQueue(queue);
    if (code) {
        return cl_fail(code, "clRetainCommandQueue", "%s", "");
    }
    device->queue = queue;
    return MINRNN_OK;
}

minrnn_status cl_device_create(cl_context context, cl_device_id id, cl_command_queue queue,
                               minrnn_device **device) {
    struct cl_device *made = mem_alloc(1, sizeof *made);
    if (!made) {
        return MINRNN_OUT_OF_MEMORY;
    }
    if (pthread_mutex_init(&made->launch_lock, NULL) != 0) {
        mem_free(made);
        return fail(MINRNN_OUT_OF_MEMORY, "pthread_mutex_init failed");
    }
    made->base.backend = &opencl_backend;
    made->id = id;
    made->traits = traits_of(id);
    minrnn_status status = retain(made, context, queue);
    status = status ? status : program_cache_create(made, &made->programs);
    if (status) {
        device_destroy(&made->base);
        return status;
    }
    *device = &made->base;
    return MINRNN_OK;
}

static minrnn_status open_id(cl_device_id id, minrnn_device **device) {
    char name[128];
    device_text(id, CL_DEVICE_NAME, name, sizeof name);
    const cl_context_properties properties[] = {CL_CONTEXT_PLATFORM,
                                                (cl_context_properties)platform_of(id), 0};
    cl_int code = CL_SUCCESS;
    cl_context context = clCreateContext(properties, 1, &id, NULL, NULL, &code);
    if (!context) {
        return cl_fail(code, "clCreateContext", "device %s", name);
    }
    cl_command_queue queue = clCreateCommandQueue(context, id, 0, &code);
    if (!queue) {
        clReleaseContext(context);
        return cl_fail(code, "clCreateCommandQueue", "device %s", name);
    }
    const minrnn_status status = cl_device_create(context, id, queue, device);
    clReleaseCommandQueue(queue);
    clReleaseContext(context);
    return status;
}

minrnn_status opencl_device_open(int index, minrnn_device **device) {
    cl_device_id devices[MAX_DEVICES];
    const int count = find_devices(devices);
    if (count == 0) {
        return fail(MINRNN_DEVICE_NOT_FOUND,
                    "no OpenCL device found: install a driver (an ICD) for yours, or "
                    "pocl-opencl-icd for the CPU; the loader reads OCL_ICD_VENDORS or "
                    "/etc/OpenCL/vendors, and Mesa's rusticl also needs RUSTICL_ENABLE");
    }
    if (index < 0 || index >= count) {
        return fail(MINRNN_DEVICE_NOT_FOUND, "OpenCL device %d is not there: there are %d", index,
                    count);
    }
    return open_id(devices[index], device);
}
