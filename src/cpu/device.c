/* SPDX-License-Identifier: Apache-2.0 */
/* The CPU as a device: memory, transfers, and the choice of the instruction level. */
#define _DEFAULT_SOURCE /* madvise */

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fork.h"
#include "cpu/blas.h"
#include "cpu/buffer.h"
#include "cpu/build.h"
#include "cpu/table.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* ---- buffers ---- */

/* Asks for large pages, with which ops on large buffers are faster by a tenth to a third: rows that
 * lie far apart need as many address translations as rows. If there are none, nothing is lost. */
static void prefer_large_pages(char *data, uint64_t bytes) {
#ifdef MADV_HUGEPAGE
    enum { WORTH = 4 << 20 };
    const long page = sysconf(_SC_PAGESIZE);
    if (bytes < WORTH || page <= 0) {
        return;
    }
    const uintptr_t size = (uintptr_t)page;
    const uintptr_t begin = ((uintptr_t)data + size - 1) / size * size;
    const uintptr_t end = ((uintptr_t)data + (uintptr_t)bytes) / size * size;
    (void)madvise((void *)begin, end - begin, MADV_HUGEPAGE);
#else
    (void)data;
    (void)bytes;
#endif
}

static minrnn_status buffer_create(minrnn_device *device, uint64_t bytes, minrnn_buffer **out) {
    struct cpu_buffer *buffer = mem_alloc(1, sizeof *buffer);
    if (!buffer) {
        return MINRNN_OUT_OF_MEMORY;
    }
    *buffer = (struct cpu_buffer){.base = {device, bytes}, .data = mem_alloc_aligned(bytes)};
    if (!buffer->data) {
        mem_free(buffer);
        return MINRNN_OUT_OF_MEMORY;
    }
    prefer_large_pages(buffer->data, bytes);
    *out = &buffer->base;
    return MINRNN_OK;
}

static void buffer_destroy(minrnn_buffer *base) {
    struct cpu_buffer *buffer = (struct cpu_buffer *)base;
    mem_free_aligned(buffer->data);
    mem_free(buffer);
}

static minrnn_status buffer_write(minrnn_buffer *buffer, uint64_t offset, const void *source,
                                  uint64_t bytes, bool wait) {
    (void)wait;
    memcpy(((struct cpu_buffer *)buffer)->data + offset, source, (size_t)bytes);
    return MINRNN_OK;
}

static minrnn_status buffer_read(const minrnn_buffer *buffer, uint64_t offset, void *destination,
                                 uint64_t bytes, bool wait) {
    (void)wait;
    memcpy(destination, ((const struct cpu_buffer *)buffer)->data + offset, (size_t)bytes);
    return MINRNN_OK;
}

/* ---- an op is done when its call returns: there is nothing to wait for ---- */

static minrnn_status finish(minrnn_device *device) {
    (void)device;
    return MINRNN_OK;
}

static minrnn_status fence_set(minrnn_device *device, struct fence *fence) {
    (void)device;
    fence->event = NULL;
    fence->passed = clock_seconds();
    return MINRNN_OK;
}

static void fence_look(struct fence *fence) {
    (void)fence;
}

static minrnn_status fence_wait(minrnn_device *device, struct fence *fence) {
    (void)device;
    (void)fence;
    return MINRNN_OK;
}

/* ---- the device ---- */

static const char *const level_names[CPU_LEVEL_COUNT] = {"baseline", "x86-64-v3", "x86-64-v4"};

static uint64_t memory_bytes(void) {
#ifdef _SC_PHYS_PAGES
    const long pages = sysconf(_SC_PHYS_PAGES);
    const long page = sysconf(_SC_PAGESIZE);
    return pages > 0 && page > 0 ? (uint64_t)pages * (uint64_t)page : 0;
#else
    return 0;
#endif
}

static void describe(const minrnn_device *device, minrnn_device_info *info) {
    const struct cpu_device *cpu = (const struct cpu_device *)device;
    *info = (minrnn_device_info){.name = "cpu", .platform = "native", .kernels = cpu_build};
    info->compute_units = cpu->threads;
    info->memory_bytes = memory_bytes();
    info->max_allocation_bytes = info->memory_bytes;
    char blas[64];
    snprintf(info->driver, sizeof info->driver, "%s, %s", level_names[cpu->level], blas_name(blas));
}

static void destroy(minrnn_device *device) {
    mem_free(device);
}

#define BACKEND(table)                                                                             \
    {                                                                                              \
        .ops = &(table), .survives_fork = true, .destroy = destroy, .describe = describe,          \
        .finish = finish, .buffer_create = buffer_create, .buffer_destroy = buffer_destroy,        \
        .write = buffer_write, .read = buffer_read, .fence_set = fence_set,                        \
        .fence_look = fence_look, .fence_wait = fence_wait                                         \
    }

static const struct backend backends[] = {
    BACKEND(cpu_table_baseline),
#ifdef MINRNN_CPU_X86_64_LEVELS
    BACKEND(cpu_table_x86_64_v3),
    BACKEND(cpu_table_x86_64_v4),
#endif
};

static bool supports(enum cpu_level level) {
    switch (level) {
    case CPU_LEVEL_BASELINE: return true;
#ifdef MINRNN_CPU_X86_64_LEVELS
    case CPU_LEVEL_X86_64_V3:
        return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
               __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2");
    case CPU_LEVEL_X86_64_V4:
        return supports(CPU_LEVEL_X86_64_V3) && __builtin_cpu_supports("avx512f") &&
               __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512cd") &&
               __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
#endif
    default: return false;
    }
}

minrnn_status cpu_device_open_at(enum cpu_level level, int threads, minrnn_device **device) {
    *device = NULL;
    if (threads < 0) {
        return fail(MINRNN_INVALID_ARGUMENT, "cpu: %d threads", threads);
    }
    if (!supports(level)) {
        return fail(MINRNN_UNSUPPORTED, "cpu: this processor or build has no %s",
                    level < CPU_LEVEL_COUNT ? level_names[level] : "such instruction level");
    }
    enum { CPU_SPARE = 24 << 20 };
    struct cpu_device *cpu = mem_alloc(1, sizeof *cpu);
    if (!cpu) {
        return MINRNN_OUT_OF_MEMORY;
    }
    fork_watch();
    blas_settle();
    cpu->base.backend = &backends[level];
    cpu->base.process = fork_process();
    cpu->base.uses_host_memory = true;
    cpu->base.spare = CPU_SPARE;
    cpu->level = level;
    cpu->threads = threads > 0 ? threads : threads_default();
    *device = &cpu->base;
    return MINRNN_OK;
}

minrnn_status cpu_device_open(int threads, minrnn_device **device) {
    enum cpu_level level = CPU_LEVEL_COUNT - 1;
    while (!supports(level)) {
        level--;
    }
    return cpu_device_open_at(level, threads, device);
}
