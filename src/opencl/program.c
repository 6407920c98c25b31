/* Programs: composed from files of cl/, built once a device, and kept. */
#include "opencl/program.h"

#include "base/alloc.h"
#include "opencl/backend.h"
#include "opencl/source.h"

#include <stdio.h>
#include <string.h>

struct program_cache {
    pthread_mutex_t lock;
    struct program *programs;
};

static uint64_t hash_text(uint64_t hash, const char *text) {
    for (const char *c = text; *c; c++) {
        hash = (hash ^ (unsigned char)*c) * 0x100000001B3u; /* FNV-1a */
    }
    return (hash ^ 0xFF) * 0x100000001B3u; /* a byte no text has, between texts */
}

static uint64_t hash_spec(const struct program_spec *spec) {
    uint64_t hash = 0xCBF29CE484222325u;
    for (int i = 0; i < PROGRAM_MAX_FILES && spec->files[i]; i++) {
        hash = hash_text(hash, spec->files[i]);
    }
    return hash_text(hash, spec->options ? spec->options : "");
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
    return strcmp(a->options ? a->options : "", b->options ? b->options : "") == 0;
}

/* ---- the source ---- */

static const struct cl_source *find_source(const char *name) {
    for (int i = 0; i < cl_source_count; i++) {
        if (strcmp(cl_sources[i].name, name) == 0) {
            return &cl_sources[i];
        }
    }
    return NULL;
}

/* All files in order, each after a #line so that the build log names it. To be freed. */
static minrnn_status compose_source(const struct program_spec *spec, char **source) {
    enum { LINE_BYTES = 16 }; /* #line 1 "" and so on, the name aside */
    const struct cl_source *files[PROGRAM_MAX_FILES];
    size_t bytes = 1;
    int count = 0;
    for (; count < PROGRAM_MAX_FILES && spec->files[count]; count++) {
        files[count] = find_source(spec->files[count]);
        if (!files[count]) {
            return fail(MINRNN_BUILD_ERROR, "no kernel file of the name %s", spec->files[count]);
        }
        bytes += LINE_BYTES + strlen(files[count]->name) + strlen(files[count]->text);
    }
    char *text = mem_alloc(bytes, 1);
    if (!text) {
        return MINRNN_OUT_OF_MEMORY;
    }
    size_t used = 0;
    for (int i = 0; i < count; i++) {
        used += (size_t)snprintf(text + used, bytes - used, "#line 1 \"%s\"\n%s", files[i]->name,
                                 files[i]->text);
    }
    *source = text;
    return MINRNN_OK;
}

static minrnn_status compose_options(const struct cl_device *device,
                                     const struct program_spec *spec, char **options) {
    const char *own = device->traits.fma ? "-cl-std=CL1.2 -DHAVE_FMA " : "-cl-std=CL1.2 ";
    const char *asked = spec->options ? spec->options : "";
    *options = mem_alloc(strlen(own) + strlen(asked) + 1, 1);
    if (!*options) {
        return MINRNN_OUT_OF_MEMORY;
    }
    strcat(strcpy(*options, own), asked);
    return MINRNN_OK;
}

/* ---- building ---- */

/* The driver's words on a failed build, as far as the error text holds them. */
static minrnn_status build_failed(cl_program program, cl_device_id id, cl_int code,
                                  const char *options) {
    size_t bytes = 0;
    char *log = NULL;
    if (clGetProgramBuildInfo(program, id, CL_PROGRAM_BUILD_LOG, 0, NULL, &bytes) == CL_SUCCESS &&
        bytes > 0) {
        log = mem_alloc(bytes + 1, 1);
    }
    if (log) {
        (void)clGetProgramBuildInfo(program, id, CL_PROGRAM_BUILD_LOG, bytes, log, NULL);
    }
    const minrnn_status status =
        fail(MINRNN_BUILD_ERROR, "clBuildProgram failed: %s (%d), options %s: %.6000s",
             cl_code_name(code), code, options, log ? log : "no build log");
    mem_free(log);
    return status;
}

static minrnn_status build_source(struct cl_device *device, const char *source, const char *options,
                                  cl_program *program) {
    cl_int code = CL_SUCCESS;
    cl_program built = clCreateProgramWithSource(device->context, 1, &source, NULL, &code);
    if (!built) {
        return cl_fail(code, "clCreateProgramWithSource", "%zu characters", strlen(source));
    }
    code = clBuildProgram(built, 1, &device->id, options, NULL, NULL);
    if (code) {
        const minrnn_status status = build_failed(built, device->id, code, options);
        clReleaseProgram(built);
        return status;
    }
    *program = built;
    return MINRNN_OK;
}

/* ---- one program ---- */

static void program_destroy(struct program *program) {
    while (program->kernels) {
        struct kernel *kernel = program->kernels;
        program->kernels = kernel->next;
        clReleaseKernel(kernel->handle);
        mem_free(kernel->name);
        mem_free(kernel);
    }
    if (program->handle) {
        clReleaseProgram(program->handle);
    }
    mem_free((char *)program->spec.options);
    mem_free(program);
}

/* The specification outlives its caller: names point into the embedded table. */
static minrnn_status copy_spec(const struct program_spec *spec, struct program_spec *copy) {
    for (int i = 0; i < PROGRAM_MAX_FILES && spec->files[i]; i++) {
        copy->files[i] = find_source(spec->files[i])->name;
    }
    copy->options = mem_strdup(spec->options ? spec->options : "");
    return copy->options ? MINRNN_OK : MINRNN_OUT_OF_MEMORY;
}

static minrnn_status program_create(struct cl_device *device, const struct program_spec *spec,
                                    uint64_t hash, struct program **program) {
    char *source = NULL;
    char *options = NULL;
    minrnn_status status = MINRNN_OUT_OF_MEMORY;
    struct program *made = mem_alloc(1, sizeof *made);
    if (!made) {
        return status;
    }
    made->hash = hash;
    status = compose_source(spec, &source);
    status = status ? status : compose_options(device, spec, &options);
    status = status ? status : copy_spec(spec, &made->spec);
    status = status ? status : build_source(device, source, options, &made->handle);
    mem_free(source);
    mem_free(options);
    if (status) {
        program_destroy(made);
        return status;
    }
    *program = made;
    return MINRNN_OK;
}

static minrnn_status kernel_create(struct cl_device *device, struct program *program,
                                   const char *name, struct kernel **kernel) {
    cl_int code = CL_SUCCESS;
    struct kernel *made = mem_alloc(1, sizeof *made);
    if (!made) {
        return MINRNN_OUT_OF_MEMORY;
    }
    made->program = program;
    made->name = mem_strdup(name);
    if (!made->name) {
        mem_free(made);
        return MINRNN_OUT_OF_MEMORY;
    }
    made->handle = clCreateKernel(program->handle, name, &code);
    if (!made->handle) {
        const minrnn_status status = cl_fail(code, "clCreateKernel", "kernel %s", name);
        mem_free(made->name);
        mem_free(made);
        return status;
    }
    code = clGetKernelWorkGroupInfo(made->handle, device->id, CL_KERNEL_WORK_GROUP_SIZE,
                                    sizeof(size_t), &made->max_work_group, NULL);
    if (code) {
        made->max_work_group = 1; /* what every device can do */
    }
    made->next = program->kernels;
    program->kernels = made;
    *kernel = made;
    return MINRNN_OK;
}

/* ---- the programs of a device ---- */

minrnn_status program_cache_create(struct program_cache **cache) {
    struct program_cache *made = mem_alloc(1, sizeof *made);
    if (!made) {
        return MINRNN_OUT_OF_MEMORY;
    }
    if (pthread_mutex_init(&made->lock, NULL) != 0) {
        mem_free(made);
        return fail(MINRNN_OUT_OF_MEMORY, "pthread_mutex_init failed");
    }
    *cache = made;
    return MINRNN_OK;
}

void program_cache_destroy(struct program_cache *cache) {
    if (!cache) {
        return;
    }
    while (cache->programs) {
        struct program *program = cache->programs;
        cache->programs = program->next;
        program_destroy(program);
    }
    pthread_mutex_destroy(&cache->lock);
    mem_free(cache);
}

static minrnn_status program_get(struct cl_device *device, const struct program_spec *spec,
                                 struct program **program) {
    struct program_cache *cache = device->programs;
    const uint64_t hash = hash_spec(spec);
    for (struct program *p = cache->programs; p; p = p->next) {
        if (p->hash == hash && same_spec(&p->spec, spec)) {
            *program = p;
            return MINRNN_OK;
        }
    }
    const minrnn_status status = program_create(device, spec, hash, program);
    if (!status) {
        (*program)->next = cache->programs;
        cache->programs = *program;
    }
    return status;
}

static minrnn_status kernel_find(struct cl_device *device, struct program *program,
                                 const char *name, struct kernel **kernel) {
    for (struct kernel *k = program->kernels; k; k = k->next) {
        if (strcmp(k->name, name) == 0) {
            *kernel = k;
            return MINRNN_OK;
        }
    }
    return kernel_create(device, program, name, kernel);
}

minrnn_status kernel_get(struct cl_device *device, const struct program_spec *spec,
                         const char *name, struct kernel **kernel) {
    struct program *program = NULL;
    pthread_mutex_lock(&device->programs->lock);
    minrnn_status status = program_get(device, spec, &program);
    status = status ? status : kernel_find(device, program, name, kernel);
    pthread_mutex_unlock(&device->programs->lock);
    return status;
}

size_t kernel_max_work_group(const struct kernel *kernel) {
    return kernel->max_work_group;
}
