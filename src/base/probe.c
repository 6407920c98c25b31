/* SPDX-License-Identifier: Apache-2.0 */
/* Makes threads and maps memory for a moment, to see whether there is room for them. */
#define _GNU_SOURCE /* syscall */

#include "base/probe.h"

#include "base/alloc.h"

#include <pthread.h>
#include <sys/mman.h>
#include <time.h>
#ifdef __linux__
#include <sys/syscall.h>
#include <unistd.h>
#endif

/* Threads wait at the gate until all that can be have been made. */
struct gate {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool open;
};

struct probe {
    struct gate *gate;
    pthread_t thread;
    long id; /* the kernel's */
};

static void *wait_at_gate(void *argument) {
    struct probe *probe = argument;
#ifdef __linux__
    probe->id = syscall(SYS_gettid);
#endif
    pthread_mutex_lock(&probe->gate->lock);
    while (!probe->gate->open) {
        pthread_cond_wait(&probe->gate->changed, &probe->gate->lock);
    }
    pthread_mutex_unlock(&probe->gate->lock);
    return NULL;
}

static void open_gate(struct gate *gate) {
    pthread_mutex_lock(&gate->lock);
    gate->open = true;
    pthread_cond_broadcast(&gate->changed);
    pthread_mutex_unlock(&gate->lock);
}

/* A thread that was joined counts against the limits until the kernel has taken it apart. */
static void wait_until_gone(long id) {
#ifdef __linux__
    enum { TRIES = 10000 };
    const struct timespec pause = {.tv_nsec = 20000};
    for (int i = 0; i < TRIES && syscall(SYS_tgkill, (long)getpid(), id, 0L) == 0; i++) {
        nanosleep(&pause, NULL);
    }
#else
    (void)id;
#endif
}

static int make_threads(struct gate *gate, struct probe *probes, int wanted, uint64_t stack) {
    /* For what a thread and its memory need beside the stack. */
    enum { SLACK = 2 << 20 };
    pthread_attr_t attributes;
    size_t usual;
    int made = 0;
    if (pthread_attr_init(&attributes) != 0) {
        return 0;
    }
    if (pthread_attr_getstacksize(&attributes, &usual) == 0 && stack > usual && stack <= SIZE_MAX) {
        (void)pthread_attr_setstacksize(&attributes, (size_t)stack);
    }
    for (; made < wanted; made++) {
        probes[made].gate = gate;
        if (pthread_create(&probes[made].thread, &attributes, wait_at_gate, &probes[made]) != 0) {
            break;
        }
    }
    pthread_attr_destroy(&attributes);
    int held = made;
    while (held > 0 && !probe_room((uint64_t)held * SLACK)) {
        held--;
    }
    open_gate(gate);
    for (int i = 0; i < made; i++) {
        pthread_join(probes[i].thread, NULL);
        wait_until_gone(probes[i].id);
    }
    return held;
}

int probe_threads(int wanted, uint64_t stack) {
    struct gate gate = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false};
    struct probe *probes = wanted > 0 ? mem_alloc((uint64_t)wanted, sizeof *probes) : NULL;
    const int made = probes ? make_threads(&gate, probes, wanted, stack) : 0;
    mem_free(probes);
    return made;
}

/* Not by malloc: if that fails it keeps what it tried with. */
bool probe_room(uint64_t bytes) {
    if (bytes == 0 || bytes > SIZE_MAX) {
        return bytes == 0;
    }
    void *memory =
        mmap(NULL, (size_t)bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
        return false;
    }
    (void)munmap(memory, (size_t)bytes);
    return true;
}
