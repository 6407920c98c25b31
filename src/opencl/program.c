/* SPDX-License-Identifier: Apache-2.0 */
/* Kernels, each of a program of its own: composed from files of cl/, built once a device, and kept.
 */
#include "opencl/program.h"

#include "base/alloc.h"
#include "opencl/backend.h"
#include "opencl/cache.h"
#include "opencl/source.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct program_cache {
    pthread_mutex_t lock;
    struct cl_device *device;
    char *identity; /* of device, driver and platform: the beginning of a key on disk */
    char *folder;   /* NULL: nothing on disk */
    struct kernel *kernels;
    bool refused; /* the last kernel wanted: the driver built no program, or made no kernel of it */
};

static uint64_t hash_spec(const struct program_spec *spec) {
    uint64_t hash = HASH_START;
    for (int i = 0; i < PROGRAM_MAX_FILES && spec->files[i]; i++) {
        hash = hash_bytes(hash, spec->files[i], strlen(spec->files[i]) + 1);
    }
    hash = hash_bytes(hash, spec->kernel, strlen(spec->kernel) + 1);
    return spec->options ? hash_bytes(hash, spec->options, strlen(spec->options)) : hash;
}

static bool same_spec(const struct program_spec *a, const struct program_spec *b) {
    for (int i = 0; i < PROGRAM_MAX_FILES; i++) {
        if (!a->files[i] || !b->files[i]) {
            if (a->files[i] != b->files[i]) {
                return false;
            }
            break;
        }
        if (strcmp(a->files[i], b->files[i]) != 0) {
            return false;
        }
    }
    return strcmp(a->kernel, b->kernel) == 0 &&
           strcmp(a->options ? a->options : "", b->options ? b->options : "") == 0;
}

/* ---- building ---- */

/* The driver's words on a failed build, as far as the error text holds them. */
static minrnn_status build_failed(cl_program program, cl_device_id id, cl_int code,
                                  const char *options) {
    const char *call = "clBuildProgram";
    size_t bytes = 0;
    char *log = NULL;
    cl_int asked = clGetProgramBuildInfo(program, id, CL_PROGRAM_BUILD_LOG, 0, NULL, &bytes);
    if (!asked) {
        log = mem_alloc(bytes + 1, 1);
    }
    if (log) {
        asked = clGetProgramBuildInfo(program, id, CL_PROGRAM_BUILD_LOG, bytes, log, NULL);
    }
    const minrnn_status status =
        asked ? fail(MINRNN_BUILD_ERROR,
                     "%s failed: %s (%d), options %s; its log is unknown: "
                     "clGetProgramBuildInfo failed: %s (%d)",
                     call, cl_code_name(code), code, options, cl_code_name(asked), asked)
              : fail(MINRNN_BUILD_ERROR, "%s failed: %s (%d), options %s: %.6000s", call,
                     cl_code_name(code), code, options, log && log[0] ? log : "no build log");
    mem_free(log);
    return status;
}

static minrnn_status build_source(struct program_cache *cache, const char *source,
                                  const char *options, cl_program *program) {
    const struct cl_device *device = cache->device;
    cl_int code = CL_SUCCESS;
    cl_program built = clCreateProgramWithSource(device->context, 1, &source, NULL, &code);
    if (!built) {
        return cl_fail(code, "clCreateProgramWithSource", "%zu characters", strlen(source));
    }
    code = clBuildProgram(built, 1, &device->id, options, NULL, NULL);
    if (code) {
        const minrnn_status status = build_failed(built, device->id, code, options);
        cache->refused = code == CL_BUILD_PROGRAM_FAILURE;
        clReleaseProgram(built);
        return status;
    }
    *program = built;
    return MINRNN_OK;
}

static minrnn_status build_binary(struct cl_device *device, const unsigned char *binary,
                                  size_t bytes, const char *options, cl_program *program) {
    cl_int code = CL_SUCCESS;
    cl_program built =
        clCreateProgramWithBinary(device->context, 1, &device->id, &bytes, &binary, NULL, &code);
    if (!built) {
        return MINRNN_BUILD_ERROR;
    }
    if (clBuildProgram(built, 1, &device->id, options, NULL, NULL) != CL_SUCCESS) {
        clReleaseProgram(built);
        return MINRNN_BUILD_ERROR;
    }
    *program = built;
    return MINRNN_OK;
}

/* ---- the disk ---- */

/* What, beside source and options, decides the machine code. To be freed; NULL if it cannot be
 * told, and then nothing must come from the disk. */
static char *identity_of(cl_device_id id) {
    enum { IDENTITY_BYTES = 2048 };
    char platform_name[256] = "", platform_version[256] = "", name[256] = "", driver[256] = "";
    cl_platform_id platform = NULL;
    char *identity = mem_alloc(IDENTITY_BYTES, 1);
    if (!identity) {
        return NULL;
    }
    const char *pocl_method =
        getenv("POCL_WORK_GROUP_METHOD"); /* which PoCL itself forgets to look at */
    cl_int code = clGetDeviceInfo(id, CL_DEVICE_PLATFORM, sizeof platform, &platform, NULL);
    code = code ? code
                : clGetPlatformInfo(platform, CL_PLATFORM_NAME, sizeof platform_name, platform_name,
                                    NULL);
    code = code ? code
                : clGetPlatformInfo(platform, CL_PLATFORM_VERSION, sizeof platform_version,
                                    platform_version, NULL);
    code = code ? code : clGetDeviceInfo(id, CL_DEVICE_NAME, sizeof name, name, NULL);
    code = code ? code : clGetDeviceInfo(id, CL_DRIVER_VERSION, sizeof driver, driver, NULL);
    if (code) {
        mem_free(identity);
        return NULL;
    }
    snprintf(identity, IDENTITY_BYTES, "minrnn %s\nplatform %s, %s\ndevice %s\ndriver %s\n%s\n",
             minrnn_version(), platform_name, platform_version, name, driver,
             pocl_method ? pocl_method : "");
    return identity;
}

/* The key of a program on disk: everything that goes into it, in full. To be freed. */
static char *disk_key(const struct program_cache *cache, const char *options, const char *source) {
    const size_t bytes = strlen(cache->identity) + strlen(options) + strlen(source) + 2;
    char *key = mem_alloc(bytes, 1);
    if (key) {
        snprintf(key, bytes, "%s%s\n%s", cache->identity, options, source);
    }
    return key;
}

static bool load_program(struct program_cache *cache, const char *options, const char *source,
                         cl_program *program) {
    char *key = cache->folder ? disk_key(cache, options, source) : NULL;
    unsigned char *binary = NULL;
    size_t bytes = 0;
    const bool loaded = key && cache_load(cache->folder, key, &binary, &bytes) &&
                        build_binary(cache->device, binary, bytes, options, program) == MINRNN_OK;
    mem_free(binary);
    mem_free(key);
    return loaded;
}

/* The binary of a program for one device of its context, which may have others. To be freed. */
static unsigned char *binary_of(cl_program program, cl_device_id id, size_t *bytes) {
    enum { MAX_DEVICES = 64 };
    cl_device_id ids[MAX_DEVICES];
    size_t sizes[MAX_DEVICES] = {0};
    unsigned char *binaries[MAX_DEVICES] = {0};
    cl_uint count = 0;
    if (clGetProgramInfo(program, CL_PROGRAM_NUM_DEVICES, sizeof count, &count, NULL) ||
        count > MAX_DEVICES ||
        clGetProgramInfo(program, CL_PROGRAM_DEVICES, count * sizeof ids[0], ids, NULL) ||
        clGetProgramInfo(program, CL_PROGRAM_BINARY_SIZES, count * sizeof sizes[0], sizes, NULL)) {
        return NULL;
    }
    cl_uint own = 0;
    while (own < count && ids[own] != id) {
        own++;
    }
    if (own == count || sizes[own] == 0) {
        return NULL;
    }
    binaries[own] = mem_alloc(sizes[own], 1);
    if (binaries[own] && clGetProgramInfo(program, CL_PROGRAM_BINARIES, count * sizeof binaries[0],
                                          binaries, NULL) != CL_SUCCESS) {
        mem_free(binaries[own]);
        return NULL;
    }
    *bytes = sizes[own];
    return binaries[own];
}

static void save_program(struct program_cache *cache, const struct kernel *kernel) {
    char *source = NULL;
    char *options = NULL;
    char *key = NULL;
    size_t bytes = 0;
    unsigned char *binary = binary_of(kernel->program, cache->device->id, &bytes);
    if (binary && !source_compose(&kernel->spec, &source) &&
        !source_options(&cache->device->traits, &kernel->spec, &options)) {
        key = disk_key(cache, options, source);
    }
    if (key) {
        (void)cache_store(cache->folder, key, binary, bytes);
    }
    mem_free(key);
    mem_free(options);
    mem_free(source);
    mem_free(binary);
}

/* ---- one kernel ---- */

static void close_handles(struct kernel *kernel) {
    if (kernel->handle) {
        clReleaseKernel(kernel->handle);
    }
    if (kernel->program) {
        clReleaseProgram(kernel->program);
    }
    kernel->handle = NULL;
    kernel->program = NULL;
}

static void kernel_destroy(struct kernel *kernel) {
    close_handles(kernel);
    mem_free((char *)kernel->spec.kernel);
    mem_free((char *)kernel->spec.options);
    mem_free(kernel);
}

/* The specification outlives its caller: names of files point into the embedded table. */
static minrnn_status take_spec(const struct program_spec *spec, struct kernel *kernel) {
    struct program_spec *copy = &kernel->spec;
    for (int i = 0; i < PROGRAM_MAX_FILES && spec->files[i]; i++) {
        copy->files[i] = source_find(spec->files[i])->name;
    }
    copy->kernel = mem_strdup(spec->kernel);
    copy->options = mem_strdup(spec->options ? spec->options : "");
    if (!copy->kernel || !copy->options) {
        return MINRNN_OUT_OF_MEMORY;
    }
    kernel->hash = hash_spec(copy);
    return MINRNN_OK;
}

/* The program as the disk has it, if it may come from there, or else from source. */
static minrnn_status open_program(struct program_cache *cache, const struct program_spec *spec,
                                  bool may_load, struct kernel *kernel) {
    char *source = NULL;
    char *options = NULL;
    minrnn_status status = source_compose(spec, &source); /* knows whether the files exist */
    status = status ? status : source_options(&cache->device->traits, spec, &options);
    if (!status) {
        kernel->from_disk = may_load && load_program(cache, options, source, &kernel->program);
        kernel->from_source = !kernel->from_disk;
    }
    if (!status && kernel->from_source) {
        status = build_source(cache, source, options, &kernel->program);
    }
    mem_free(source);
    mem_free(options);
    return status;
}

/* A guess at the largest work-group would be as good as none: another split of a sum gives other
 * bits than the next run. */
static minrnn_status open_kernel(struct program_cache *cache, const char *name,
                                 struct kernel *kernel) {
    cl_int code = CL_SUCCESS;
    kernel->handle = clCreateKernel(kernel->program, name, &code);
    cache->refused = !kernel->handle;
    if (!kernel->handle) {
        return cl_fail(code, "clCreateKernel", "kernel %s", name);
    }
    code = clGetKernelWorkGroupInfo(kernel->handle, cache->device->id, CL_KERNEL_WORK_GROUP_SIZE,
                                    sizeof(size_t), &kernel->max_work_group, NULL);
    cache->refused = code != CL_SUCCESS;
    return code ? cl_fail(code, "clGetKernelWorkGroupInfo", "kernel %s", name) : MINRNN_OK;
}

static minrnn_status open_handles(struct program_cache *cache, const struct program_spec *spec,
                                  bool may_load, struct kernel *kernel) {
    cache->refused = false;
    const minrnn_status status = open_program(cache, spec, may_load, kernel);
    return status ? status : open_kernel(cache, spec->kernel, kernel);
}

/* A driver may load a binary that is not its own, and only then have no kernel of it. */
static minrnn_status kernel_open(struct program_cache *cache, const struct program_spec *spec,
                                 struct kernel *kernel) {
    minrnn_status status = open_handles(cache, spec, true, kernel);
    if (status && kernel->from_disk) {
        close_handles(kernel);
        status = open_handles(cache, spec, false, kernel);
    }
    return status ? status : take_spec(spec, kernel);
}

/* ---- the kernels of a device ---- */

minrnn_status program_cache_create(struct cl_device *device, struct program_cache **cache) {
    char folder[CACHE_PATH_BYTES];
    struct program_cache *made = mem_alloc(1, sizeof *made);
    if (!made) {
        return MINRNN_OUT_OF_MEMORY;
    }
    if (pthread_mutex_init(&made->lock, NULL) != 0) {
        mem_free(made);
        return fail(MINRNN_OUT_OF_MEMORY, "pthread_mutex_init failed");
    }
    made->device = device;
    made->identity = identity_of(device->id);
    made->folder = made->identity && cache_folder(folder) ? mem_strdup(folder) : NULL;
    *cache = made;
    return MINRNN_OK;
}

void program_cache_destroy(struct program_cache *cache) {
    if (!cache) {
        return;
    }
    const bool lost = device_is_lost(&cache->device->base);
    while (cache->kernels) {
        struct kernel *kernel = cache->kernels;
        cache->kernels = kernel->next;
        if (lost) { /* what is the driver's own is left to it: it must not be called */
            kernel->handle = NULL;
            kernel->program = NULL;
        } else if (kernel->from_source && kernel->launched && cache->folder) {
            save_program(cache, kernel);
        }
        kernel_destroy(kernel);
    }
    if (!lost) {
        pthread_mutex_destroy(&cache->lock); /* a lost one may be locked */
    }
    mem_free(cache->identity);
    mem_free(cache->folder);
    mem_free(cache);
}

char *program_cache_find(const struct program_cache *cache, const char *name, size_t *bytes) {
    char *key = cache->folder ? disk_key(cache, "", name) : NULL;
    unsigned char *text = NULL;
    const bool found = key && cache_load(cache->folder, key, &text, bytes);
    mem_free(key);
    return found ? (char *)text : NULL;
}

bool program_cache_keep(const struct program_cache *cache, const char *name, const char *text,
                        size_t bytes) {
    char *key = cache->folder ? disk_key(cache, "", name) : NULL;
    const bool kept = key && cache_store(cache->folder, key, (const unsigned char *)text, bytes);
    mem_free(key);
    return kept;
}

void program_cache_forget(struct program_cache *cache) {
    pthread_mutex_lock(&cache->lock);
    for (struct kernel *kernel = cache->kernels; kernel; kernel = kernel->next) {
        kernel->from_source = false;
    }
    pthread_mutex_unlock(&cache->lock);
}

static struct kernel *kernel_find(const struct program_cache *cache,
                                  const struct program_spec *spec) {
    const uint64_t hash = hash_spec(spec);
    struct kernel *kernel = cache->kernels;
    while (kernel && !(kernel->hash == hash && same_spec(&kernel->spec, spec))) {
        kernel = kernel->next;
    }
    return kernel;
}

static void kernel_keep(struct program_cache *cache, struct kernel *kernel) {
    kernel->next = cache->kernels;
    cache->kernels = kernel;
}

static minrnn_status kernel_create(struct program_cache *cache, const struct program_spec *spec,
                                   struct kernel **kernel) {
    struct kernel *made = mem_alloc(1, sizeof *made);
    if (!made) {
        return MINRNN_OUT_OF_MEMORY;
    }
    const minrnn_status status = kernel_open(cache, spec, made);
    if (status) {
        kernel_destroy(made);
        return status;
    }
    /* PoCL compiles for good at a kernel's first launch. CPUs therefore save when the device goes.
     */
    if (made->from_source && cache->folder && !cache->device->traits.is_cpu) {
        save_program(cache, made);
        made->from_source = false;
    }
    kernel_keep(cache, made);
    *kernel = made;
    return MINRNN_OK;
}

/* A kernel that may not be there yet; found, it may be one that was refused. */
static minrnn_status find_or_make(struct program_cache *cache, const struct program_spec *spec,
                                  struct kernel **kernel) {
    cache->refused = false;
    *kernel = kernel_find(cache, spec);
    return *kernel ? MINRNN_OK : kernel_create(cache, spec, kernel);
}

/* The error text of before: what failed on the way to a success is not said. */
struct former_text {
    char text[ERROR_TEXT_CAPACITY];
};

static void take_text(struct former_text *former) {
    memcpy(former->text, minrnn_error_text(), strlen(minrnn_error_text()) + 1);
}

static minrnn_status restore_text(minrnn_status status, const struct former_text *former) {
    if (!status && strcmp(former->text, minrnn_error_text()) != 0) {
        error_text_set("%s", former->text);
    }
    return status;
}

minrnn_status kernel_get(struct cl_device *device, const struct program_spec *spec,
                         struct kernel **kernel) {
    struct former_text former;
    take_text(&former);
    pthread_mutex_lock(&device->programs->lock);
    const minrnn_status status = find_or_make(device->programs, spec, kernel);
    pthread_mutex_unlock(&device->programs->lock);
    return restore_text(status, &former);
}

/* ---- work-groups that fit ---- */

/* So that the driver is not asked again at every launch. Without memory it is. */
static void remember_refusal(struct program_cache *cache, const struct program_spec *spec) {
    struct kernel *refused = mem_alloc(1, sizeof *refused);
    if (!refused) {
        return;
    }
    if (take_spec(spec, refused)) {
        kernel_destroy(refused);
    } else {
        kernel_keep(cache, refused);
    }
}

/* What was refused is remembered once a smaller group was not: else it was not for the size. */
static minrnn_status fit(struct program_cache *cache, const struct fitting *fitting,
                         struct kernel **kernel) {
    char options[FITTING_OPTIONS];
    struct program_spec spec = {.options = options};
    fitting->describe(fitting->plan, &spec, options);
    const size_t items = fitting->items(fitting->plan);
    const minrnn_status status = find_or_make(cache, &spec, kernel);
    const size_t possible = status ? 0 : (*kernel)->max_work_group;
    if (items == 1 || possible >= items || (status && !cache->refused)) {
        return status;
    }
    char *words = status ? mem_strdup(minrnn_error_text()) : NULL;
    fitting->shrink(fitting->plan, possible > 0 ? possible : items / 2);
    minrnn_status smaller = fit(cache, fitting, kernel);
    if (status && !smaller) {
        remember_refusal(cache, &spec);
    } else if (words) {
        smaller = fail(status, "%s", words);
    }
    mem_free(words);
    return smaller;
}

minrnn_status kernel_get_fitting(struct cl_device *device, const struct fitting *fitting,
                                 struct kernel **kernel) {
    struct former_text former;
    take_text(&former);
    pthread_mutex_lock(&device->programs->lock);
    const minrnn_status status = fit(device->programs, fitting, kernel);
    pthread_mutex_unlock(&device->programs->lock);
    return restore_text(status, &former);
}

size_t kernel_max_work_group(const struct kernel *kernel) {
    return kernel->max_work_group;
}
