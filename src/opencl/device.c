/* SPDX-License-Identifier: Apache-2.0 */
/* Devices: what there is, and opening one. */
#include "base/alloc.h"
#include "base/probe.h"
#include "base/text.h"
#include "opencl/absent.h"
#include "opencl/backend.h"
#include "opencl/cache.h"
#include "opencl/gemm.h"
#include "opencl/opencl.h"
#include "opencl/source.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum { MAX_PLATFORMS = 32, MAX_DEVICES = 64, COMPILER_SPARE = 160 << 20 };

enum { NO_PLATFORM = -1001 }; /* CL_PLATFORM_NOT_FOUND_KHR of cl_ext.h: no driver is installed */

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

/* One value of a device. After an earlier failure, told by *code, nothing is asked. */
static void query(cl_device_id id, cl_device_info what, void *value, size_t bytes, cl_int *code) {
    if (!*code) {
        *code = clGetDeviceInfo(id, what, bytes, value, NULL);
    }
}

#define QUERY(id, what, value, code) query((id), (what), (value), sizeof *(value), (code))

static minrnn_status query_failed(cl_int code) {
    return cl_fail(code, "clGetDeviceInfo", "%s", "");
}

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
    cl_device_type type = 0;
    cl_uint units = 0;
    cl_ulong memory = 0, allocation = 0;
    cl_int code = CL_SUCCESS;
    QUERY(id, CL_DEVICE_TYPE, &type, &code);
    QUERY(id, CL_DEVICE_MAX_COMPUTE_UNITS, &units, &code);
    QUERY(id, CL_DEVICE_GLOBAL_MEM_SIZE, &memory, &code);
    QUERY(id, CL_DEVICE_MAX_MEM_ALLOC_SIZE, &allocation, &code);
    info->is_gpu = (type & CL_DEVICE_TYPE_GPU) && !(type & CL_DEVICE_TYPE_CPU);
    info->is_accelerator = (type & CL_DEVICE_TYPE_ACCELERATOR) && !(type & CL_DEVICE_TYPE_CPU);
    info->compute_units = (int)units;
    info->memory_bytes = memory;
    info->max_allocation_bytes = allocation;
}

/* What a kernel is chosen by: better no device than one guessed at. */
static minrnn_status read_traits(cl_device_id id, struct cl_traits *traits) {
    cl_device_type type = 0;
    cl_uint units = 0, width = 0, alignment = 0;
    size_t group = 0;
    cl_ulong local = 0, allocation = 0, memory = 0;
    cl_bool unified = CL_FALSE;
    cl_device_fp_config floats = 0;
    cl_int code = CL_SUCCESS;
    QUERY(id, CL_DEVICE_TYPE, &type, &code);
    QUERY(id, CL_DEVICE_MAX_COMPUTE_UNITS, &units, &code);
    QUERY(id, CL_DEVICE_NATIVE_VECTOR_WIDTH_FLOAT, &width, &code);
    QUERY(id, CL_DEVICE_MAX_WORK_GROUP_SIZE, &group, &code);
    QUERY(id, CL_DEVICE_LOCAL_MEM_SIZE, &local, &code);
    QUERY(id, CL_DEVICE_MAX_MEM_ALLOC_SIZE, &allocation, &code);
    QUERY(id, CL_DEVICE_SINGLE_FP_CONFIG, &floats, &code);
    QUERY(id, CL_DEVICE_GLOBAL_MEM_SIZE, &memory, &code);
    QUERY(id, CL_DEVICE_HOST_UNIFIED_MEMORY, &unified, &code);
    QUERY(id, CL_DEVICE_MEM_BASE_ADDR_ALIGN, &alignment, &code);
    if (code) {
        return query_failed(code);
    }
    const bool is_cpu = (type & CL_DEVICE_TYPE_CPU) != 0;
    *traits = (struct cl_traits){
        .is_cpu = is_cpu,
        .is_gpu = !is_cpu && (type & CL_DEVICE_TYPE_GPU),
        .compute_units = (int)units,
        .float_width = width >= 16  ? 16
                       : width >= 8 ? 8
                       : width >= 4 ? 4
                       : width >= 2 ? 2
                                    : 1,
        .max_work_group = group,
        .most_groups = LAUNCH_MOST_GROUPS,
        .local_bytes = (size_t)local,
        .max_allocation = allocation,
        .alignment = (int64_t)alignment / 8, /* it says bits */
        .memory = memory,
        .uses_host_memory = is_cpu || unified,
        .fma = (floats & CL_FP_FMA) != 0,
        .nontemporal = is_cpu && width >= 4,
    };
    return MINRNN_OK;
}

/* ---- drivers, which are the process's ---- */

/* The process that used them first. */
static atomic_uint drivers_owner;

/* PoCL ends the process when it cannot make its threads or fork its linker, and every driver brings
 * a compiler, to which little address space is none. */
static minrnn_status try_room(void) {
    enum { MORE_THREADS = 4, ROOM = 768 << 20 };
    const long processors = sysconf(_SC_NPROCESSORS_ONLN);
    const int threads = (processors > 0 ? (int)processors : 1) + MORE_THREADS;
    struct rlimit space;
    const bool is_limited = getrlimit(RLIMIT_AS, &space) == 0 && space.rlim_cur != RLIM_INFINITY;
    if (is_limited && !probe_room(ROOM)) {
        return fail(MINRNN_OUT_OF_MEMORY,
                    "OpenCL is left alone: its drivers may need %d MiB of address space, and less "
                    "is left (ulimit -v)",
                    ROOM >> 20);
    }
    const int made = probe_threads(threads, 0);
    return made == threads ? MINRNN_OK
                           : fail(MINRNN_DEVICE_ERROR,
                                  "OpenCL is left alone: its drivers may need %d threads, and %d "
                                  "can be made (pids.max, ulimit -u, ulimit -v)",
                                  threads, made);
}

minrnn_status cl_drivers_check(void) {
    fork_watch();
    const bool is_first = atomic_load(&drivers_owner) == 0;
    const minrnn_status status = is_first ? try_room() : MINRNN_OK;
    if (status) {
        return status;
    }
    return fork_claim(&drivers_owner)
               ? MINRNN_OK
               : fail(
                     MINRNN_DEVICE_ERROR,
                     "OpenCL was used before fork(): a child has none of the drivers' threads, and "
                     "can neither use nor open a device");
}

/* ---- what there is ---- */

minrnn_status cl_device_check(cl_device_id id, bool *usable) {
    char version[128] = "";
    int major = 0, minor = 0;
    cl_bool available = CL_FALSE, compiler = CL_FALSE;
    cl_int code = clGetDeviceInfo(id, CL_DEVICE_VERSION, sizeof version - 1, version, NULL);
    QUERY(id, CL_DEVICE_AVAILABLE, &available, &code);
    QUERY(id, CL_DEVICE_COMPILER_AVAILABLE, &compiler, &code);
    *usable = !code && sscanf(version, "OpenCL %d.%d", &major, &minor) == 2 &&
              (major > 1 || (major == 1 && minor >= 2)) && available && compiler;
    return code ? query_failed(code) : MINRNN_OK;
}

struct device_ids {
    cl_device_id id[MAX_DEVICES];
    int count;
    struct absent_platform absent[MAX_PLATFORMS];
    int absent_count;
};

static minrnn_status add_devices(cl_platform_id platform, struct device_ids *found) {
    cl_device_id ids[MAX_DEVICES];
    cl_uint count = 0;
    cl_int code = clGetDeviceIDs(platform, CL_DEVICE_TYPE_ALL, MAX_DEVICES, ids, &count);
    if (code == CL_DEVICE_NOT_FOUND) {
        code = CL_SUCCESS;
        count = 0;
    }
    const int before = found->count;
    minrnn_status status = code ? cl_fail(code, "clGetDeviceIDs", "%s", "") : MINRNN_OK;
    count = code ? 0 : count;
    for (cl_uint i = 0; i < count && i < MAX_DEVICES && found->count < MAX_DEVICES; i++) {
        bool usable = false;
        const minrnn_status checked = cl_device_check(ids[i], &usable);
        status = status ? status : checked;
        if (usable) {
            found->id[found->count++] = ids[i];
        }
    }
    if (found->count == before) {
        absent_note(platform, code, count > 0, &found->absent[found->absent_count++]);
    }
    return status;
}

static minrnn_status ask_drivers(struct device_ids *found) {
    cl_platform_id platforms[MAX_PLATFORMS];
    cl_uint count = 0;
    const cl_int code = clGetPlatformIDs(MAX_PLATFORMS, platforms, &count);
    if (code) {
        return code == NO_PLATFORM ? MINRNN_OK : cl_fail(code, "clGetPlatformIDs", "%s", "");
    }
    minrnn_status status = MINRNN_OK;
    for (cl_uint p = 0; p < count && p < MAX_PLATFORMS; p++) {
        const minrnn_status added = add_devices(platforms[p], found);
        status = added ? added : status;
    }
    return status;
}

/* What fails is left out, and the last such failure is returned. A caller that finds its device
 * among the rest need not care. PoCL sets itself up at the first question, and tells a thread that
 * asks meanwhile that it has no device: one asks at a time. A child of fork(), where the lock may
 * be held for good, is refused before. */
static minrnn_status find_devices(struct device_ids *found) {
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    found->count = found->absent_count = 0;
    minrnn_status status = cl_drivers_check();
    if (status) {
        return status;
    }
    pthread_mutex_lock(&lock);
    status = ask_drivers(found);
    pthread_mutex_unlock(&lock);
    return status;
}

minrnn_status opencl_list(minrnn_device_info *infos, int capacity, int *count) {
    struct device_ids found;
    const minrnn_status status = find_devices(&found);
    *count = found.count;
    for (int i = 0; i < found.count && i < capacity; i++) {
        describe(found.id[i], &infos[i]);
    }
    return status;
}

/* Of the platforms whose names contain `name`, all if it is NULL. */
static void list_absent(const struct device_ids *found, const char *name, const char *separator,
                        char *text, size_t capacity) {
    size_t used = 0;
    text[0] = '\0';
    for (int i = 0; i < found->absent_count; i++) {
        const struct absent_platform *absent = &found->absent[i];
        if (used < capacity && (!name || text_contains(absent->name, name))) {
            char line[ABSENT_BYTES];
            absent_describe(absent, line);
            used +=
                (size_t)snprintf(text + used, capacity - used, "%s%s", used ? separator : "", line);
        }
    }
}

void opencl_absent(const char *name, const char *separator, char *text, size_t capacity) {
    struct device_ids found;
    (void)find_devices(&found);
    list_absent(&found, name, separator, text, capacity);
}

/* ---- opening ---- */

static void device_destroy(minrnn_device *device) {
    struct cl_device *d = (struct cl_device *)device;
    const bool lost = device_is_lost(device);
    if (d->queue && !lost) {
        (void)clFinish(d->queue);
    }
    program_cache_destroy(d->programs);
    if (lost) {
        mem_free(d);
        return;
    }
#ifdef MINRNN_HAVE_CLBLAST
    gemm_clblast_forget(d);
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
    .tuner = &opencl_tuner,
    .buffer_create = cl_buffer_create,
    .buffer_destroy = cl_buffer_destroy,
    .write = cl_buffer_write,
    .read = cl_buffer_read,
    .host_alloc = cl_host_alloc,
    .host_free = cl_host_free,
    .fence_set = cl_fence_set,
    .fence_look = cl_fence_look,
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
    made->base.process = fork_process();
    made->id = id;
    minrnn_status status = read_traits(id, &made->traits);
    made->base.memory = made->traits.memory;
    made->base.largest = made->traits.max_allocation;
    made->base.alignment = made->traits.alignment;
    made->base.uses_host_memory = made->traits.uses_host_memory;
    made->base.spare = COMPILER_SPARE;
    status = status ? status : retain(made, context, queue);
    status = status ? status : program_cache_create(made, &made->programs);
    if (status) {
        device_destroy(&made->base);
        return status;
    }
    tuning_load(made);
    *device = &made->base;
    return MINRNN_OK;
}

static minrnn_status open_id(cl_device_id id, minrnn_device **device) {
    char name[128];
    cl_platform_id platform = NULL;
    cl_int code = CL_SUCCESS;
    device_text(id, CL_DEVICE_NAME, name, sizeof name);
    QUERY(id, CL_DEVICE_PLATFORM, &platform, &code);
    if (code) {
        return query_failed(code);
    }
    const cl_context_properties properties[] = {CL_CONTEXT_PLATFORM,
                                                (cl_context_properties)platform, 0};
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
    struct device_ids found;
    const minrnn_status status = find_devices(&found);
    if (index >= 0 && index < found.count) {
        return open_id(found.id[index], device);
    }
    if (status) {
        return fail_in(status, "there is no OpenCL device %d", index);
    }
    if (found.count == 0 && found.absent_count > 0) {
        char text[4096];
        list_absent(&found, NULL, "; ", text, sizeof text);
        return fail(MINRNN_DEVICE_NOT_FOUND, "no OpenCL device found: %s", text);
    }
    if (found.count == 0) {
        return fail(MINRNN_DEVICE_NOT_FOUND,
                    "no OpenCL device found: install a driver (an ICD) for yours, or "
                    "pocl-opencl-icd for the CPU; the loader reads OCL_ICD_VENDORS or "
                    "/etc/OpenCL/vendors, and Mesa's rusticl also needs RUSTICL_ENABLE");
    }
    return fail(MINRNN_DEVICE_NOT_FOUND, "there is no OpenCL device %d: there are %d", index,
                found.count);
}
