/* SPDX-License-Identifier: Apache-2.0 */
/* Counts calls by kind and says which one fails. */
#include "inject.h"

#ifdef MINRNN_HAVE_OPENCL
#define CL_TARGET_OPENCL_VERSION 120
#include <CL/cl.h>
#endif
#include <errno.h>
#include <stdatomic.h>

/* The codes, as arrays named after their calls. */
#define CODES(name, ...) static const int name##_codes[] = {__VA_ARGS__};
#ifdef MINRNN_HAVE_OPENCL
#define CREATE(resource, type, name, parameters, arguments, ...) CODES(name, __VA_ARGS__)
#define RETAIN(resource, type, name, ...) CODES(name, __VA_ARGS__)
#define RELEASE(resource, type, name, ...) CODES(name, __VA_ARGS__)
#define CALL(name, parameters, arguments, ...) CODES(name, __VA_ARGS__)
#include "opencl_calls.def"
#endif
#define FILE_CALL(name, symbol, ...) CODES(name, __VA_ARGS__)
#define MEMORY_CALL(name, symbol, ...) CODES(name, __VA_ARGS__)
#include "host_calls.def"

#define KIND(name, domain, names)                                                                  \
    {#name, domain, name##_codes, (int)(sizeof name##_codes / sizeof name##_codes[0]), names},
const struct fault_kind fault_kinds[FAULT_CALLS] = {
#ifdef MINRNN_HAVE_OPENCL
#define CREATE(resource, type, name, parameters, arguments, ...)                                   \
    KIND(name, FAULT_OPENCL, #__VA_ARGS__)
#define RETAIN(resource, type, name, ...) KIND(name, FAULT_OPENCL, #__VA_ARGS__)
#define RELEASE(resource, type, name, ...) KIND(name, FAULT_OPENCL, #__VA_ARGS__)
#define CALL(name, parameters, arguments, ...) KIND(name, FAULT_OPENCL, #__VA_ARGS__)
#include "opencl_calls.def"
#endif
#define FILE_CALL(name, symbol, ...) KIND(name, FAULT_FILES, #__VA_ARGS__)
#define MEMORY_CALL(name, symbol, ...) KIND(name, FAULT_MEMORY, #__VA_ARGS__)
#include "host_calls.def"
};

const char *const fault_resource_names[FAULT_RESOURCES] = {
    "contexts", "queues", "buffers", "mappings",         "programs",
    "kernels",  "events", "blocks",  "file descriptors", "directories"};

bool fault_pretend_gpu;

/* Drivers call from threads of their own too. */
static atomic_bool watching;
static struct fault faults[2];
static atomic_int calls[FAULT_CALLS];
static atomic_int live[FAULT_RESOURCES];
static atomic_int hits;

void fault_begin(struct fault first, struct fault second) {
    for (int i = 0; i < FAULT_CALLS; i++) {
        atomic_store(&calls[i], 0);
    }
    for (int i = 0; i < FAULT_RESOURCES; i++) {
        atomic_store(&live[i], 0);
    }
    atomic_store(&hits, 0);
    faults[0] = first;
    faults[1] = second;
    atomic_store(&watching, true);
}

void fault_end(void) {
    atomic_store(&watching, false);
}

int fault_calls(enum fault_call call) {
    return atomic_load(&calls[call]);
}

int fault_markers(void) {
#ifdef MINRNN_HAVE_OPENCL
    return fault_calls(FAULT_clEnqueueMarkerWithWaitList);
#else
    return 0;
#endif
}

int fault_hits(void) {
    return atomic_load(&hits);
}

int fault_live(enum fault_resource resource) {
    return atomic_load(&live[resource]);
}

int fault_take(enum fault_call call) {
    if (!atomic_load(&watching)) {
        return 0;
    }
    const int n = atomic_fetch_add(&calls[call], 1) + 1;
    for (int i = 0; i < 2; i++) {
        const struct fault *fault = &faults[i];
        if (fault->n > 0 && fault->call == call &&
            (n == fault->n || (fault->lasting && n > fault->n))) {
            atomic_fetch_add(&hits, i == 0);
            return fault->code;
        }
    }
    return 0;
}

void fault_count(enum fault_resource resource, int change) {
    if (atomic_load(&watching)) {
        atomic_fetch_add(&live[resource], change);
    }
}
