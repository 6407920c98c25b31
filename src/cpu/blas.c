/* SPDX-License-Identifier: Apache-2.0 */
/* Counts who uses the BLAS, and sets OpenBLAS's threads while anyone does. */
#include "cpu/blas.h"

#include <cblas.h>
#include <stdio.h>
#include <string.h>

#ifndef MINRNN_HAVE_OPENBLAS

const char *blas_name(char name[64]) {
    snprintf(name, 64, "CBLAS");
    return name;
}

minrnn_status blas_begin(int threads, struct blas_use *use) {
    *use = (struct blas_use){.threads = threads};
    return MINRNN_OK;
}

void blas_end(const struct blas_use *use) {
    (void)use;
}

void blas_settle(void) {
}

#else

#include "base/limits.h"
#include "base/probe.h"

#include <pthread.h>
#include <sys/resource.h>
#include <time.h>
#ifdef _OPENMP
#include <omp.h>
#endif

/* OpenBLAS has one number of threads for the process (openblas_set_num_threads_local, in spite of
 * its name, sets the same). So its users are counted for the process as well. */
static struct {
    pthread_mutex_t lock;
    pthread_once_t once;
    int users;   /* calls of blas_begin without their blas_end */
    int threads; /* theirs together */
    int buffers; /* that OpenBLAS is known to have for them */
    int before;  /* the process's number of threads */
    bool forked; /* OpenBLAS ended its threads for a fork(), and makes them anew when asked next */
} shared = {.lock = PTHREAD_MUTEX_INITIALIZER, .once = PTHREAD_ONCE_INIT};

/* What OpenBLAS maps for each call under way, and keeps (BUFFER_SIZE of its common_*.h). */
#if defined(__powerpc64__)
static const uint64_t BUFFER_BYTES = 256 << 20;
#elif UINTPTR_MAX > UINT32_MAX
static const uint64_t BUFFER_BYTES = 128 << 20;
#else
static const uint64_t BUFFER_BYTES = 32 << 20;
#endif

const char *blas_name(char name[64]) {
    snprintf(name, 64, "OpenBLAS %s", openblas_get_corename());
    return name;
}

/* ---- fork: the lock must be free in a child, which has nobody else's calls ---- */

static void before_fork(void) {
    pthread_mutex_lock(&shared.lock);
}

static void in_parent(void) {
    shared.forked = true;
    pthread_mutex_unlock(&shared.lock);
}

static void in_child(void) {
    shared.users = shared.threads = 0;
    shared.forked = true;
    pthread_mutex_unlock(&shared.lock);
}

static void watch_forks(void) {
    (void)pthread_atfork(before_fork, in_parent, in_child);
}

/* ---- buffers ---- */

static void wait_for_buffers(void) {
    enum { TRIES = 100 };
    const struct timespec pause = {.tv_nsec = 1000000};
    struct rlimit room;
    const int own_threads = openblas_get_num_threads() - 1;
    if (own_threads < 1 || getrlimit(RLIMIT_AS, &room) != 0 || room.rlim_cur == RLIM_INFINITY) {
        return;
    }
    for (int i = 0; i < TRIES; i++) {
        if (limits_mapped("", BUFFER_BYTES) >= (uint64_t)own_threads * BUFFER_BYTES) {
            return;
        }
        nanosleep(&pause, NULL);
    }
}

void blas_settle(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    (void)pthread_once(&once, wait_for_buffers);
}

#ifdef MINRNN_HAVE_BLAS_MEMORY
/* OpenBLAS exports these, without a header. */
void *blas_memory_alloc(int purpose);
void blas_memory_free(void *buffer);

/* A product's kernel fetches ahead of what it has packed. If that page was never written, every
 * such fetch looks for it in vain: on AMD's first Zen a product of 256 x 256 x 1024 then takes
 * three times as long, for as long as no larger one comes. One of the operands is packed at the
 * buffer's beginning, into no more than this. */
static const size_t PACKED_BYTES = 2 << 20;

/* Makes OpenBLAS map `count` buffers now, while there is room for them. */
static void map_buffers(int count) {
    void *buffer = blas_memory_alloc(0);
    memset(buffer, 0, PACKED_BYTES);
    if (count > 1) {
        map_buffers(count - 1);
    }
    blas_memory_free(buffer);
}
#else
static void map_buffers(int count) {
    (void)count;
}
#endif

/* As many of `threads` more as there are buffers for. */
static int take_buffers(int threads) {
    const int mapped = shared.buffers - shared.threads;
    if (threads <= mapped) {
        return threads;
    }
    while (threads > mapped && !probe_room((uint64_t)(threads - mapped) * BUFFER_BYTES)) {
        threads--;
    }
    if (threads > mapped) {
        map_buffers(shared.threads + threads);
        shared.buffers = shared.threads + threads;
    }
    return threads;
}

/* ---- threads ---- */

#ifdef _OPENMP
/* Built on OpenMP, OpenBLAS asks it for the calling thread's number, and takes 1 in a parallel
 * region: there is nothing of the process to set. */
static bool asks_openmp(void) {
    enum { OPENMP = 2 };
    return openblas_get_parallel() == OPENMP;
}

static void enter(struct blas_use *use) {
    use->omp_threads = omp_get_max_threads();
    omp_set_num_threads(1);
}

static void leave(const struct blas_use *use) {
    omp_set_num_threads(use->omp_threads);
}
#else
static bool asks_openmp(void) {
    return false;
}

static void enter(struct blas_use *use) {
    (void)use;
}

static void leave(const struct blas_use *use) {
    (void)use;
}
#endif

static void set_threads(int threads) {
    if (!asks_openmp() && openblas_get_num_threads() != threads) {
        openblas_set_num_threads(threads);
    }
}

/* Whether OpenBLAS can have its threads again. It ends the process when it cannot. */
static bool can_restart(void) {
    const int own_threads = openblas_get_num_threads() - 1;
    if (shared.forked && !asks_openmp() && own_threads > 0 &&
        probe_threads(own_threads, 0) < own_threads) {
        return false;
    }
    shared.forked = false;
    return true;
}

minrnn_status blas_begin(int threads, struct blas_use *use) {
    (void)pthread_once(&shared.once, watch_forks);
    pthread_mutex_lock(&shared.lock);
    if (!can_restart()) {
        pthread_mutex_unlock(&shared.lock);
        return fail(MINRNN_DEVICE_ERROR,
                    "OpenBLAS cannot start its %d threads again after fork() (pids.max, ulimit -u)",
                    openblas_get_num_threads());
    }
    use->threads = take_buffers(threads);
    if (use->threads > 0) {
        if (shared.users++ == 0) {
            shared.before = openblas_get_num_threads();
        }
        shared.threads += use->threads;
        set_threads(1);
    }
    pthread_mutex_unlock(&shared.lock);
    if (use->threads > 0 && asks_openmp()) {
        enter(use);
    }
    return use->threads > 0 ? MINRNN_OK
                            : fail(MINRNN_OUT_OF_MEMORY,
                                   "mmap failed: OpenBLAS needs a buffer of %llu MiB of address "
                                   "space, one for each thread (OPENBLAS_NUM_THREADS=1 leaves it "
                                   "with none of its own; ulimit -v)",
                                   (unsigned long long)(BUFFER_BYTES >> 20));
}

void blas_end(const struct blas_use *use) {
    pthread_mutex_lock(&shared.lock);
    shared.threads -= use->threads;
    /* Not 1: somebody else has set it meanwhile. */
    if (--shared.users == 0 && openblas_get_num_threads() == 1) {
        set_threads(shared.before);
    }
    pthread_mutex_unlock(&shared.lock);
    if (asks_openmp()) {
        leave(use);
    }
}

#endif
