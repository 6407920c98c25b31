/* SPDX-License-Identifier: Apache-2.0 */
/* Fault injection: which kind of call fails, the n-th of it, and with which code. The OpenCL layer
 * (layer.c) and the wrapped calls on files and memory (wrap.c) ask here. */
#ifndef TESTS_FAULTS_INJECT_H
#define TESTS_FAULTS_INJECT_H

#include <stdbool.h>

#define FAULT_BUILD_LOG "the log of a build that was made to fail"

enum { FAULT_SHORT = -1 }; /* a code of reads and writes: a part of the bytes, and no error */

/* The kinds of calls. */
enum fault_call {
#ifdef MINRNN_HAVE_OPENCL
#define CREATE(resource, type, name, ...) FAULT_##name,
#define RETAIN(resource, type, name, ...) FAULT_##name,
#define RELEASE(resource, type, name, ...) FAULT_##name,
#define CALL(name, ...) FAULT_##name,
#include "opencl_calls.def"
#endif
#define FILE_CALL(name, ...) FAULT_##name,
#define MEMORY_CALL(name, ...) FAULT_##name,
#include "host_calls.def"
    FAULT_CALLS
};

enum fault_domain { FAULT_OPENCL, FAULT_FILES, FAULT_MEMORY };

struct fault_kind {
    const char *name;
    enum fault_domain domain;
    const int *codes;
    int count;
    const char *code_names; /* as in the list: "CL_INVALID_VALUE, CL_OUT_OF_RESOURCES" */
};

extern const struct fault_kind fault_kinds[FAULT_CALLS];

/* What must be given back. */
enum fault_resource {
    FAULT_CONTEXT,
    FAULT_QUEUE,
    FAULT_BUFFER,
    FAULT_MAPPING,
    FAULT_PROGRAM,
    FAULT_KERNEL,
    FAULT_EVENT,
    FAULT_BLOCK,
    FAULT_DESCRIPTOR,
    FAULT_DIRECTORY,
    FAULT_RESOURCES
};

extern const char *const fault_resource_names[FAULT_RESOURCES];

struct fault {
    enum fault_call call;
    int n; /* of its kind, 1 being the first; 0: no fault */
    int code;
    bool lasting; /* and all later ones of the kind, as when a device is lost */
};

/* Begins to count calls and resources from zero, and to fail those of either fault; the second is
 * for calls that only follow a failure. */
void fault_begin(struct fault first, struct fault second);
/* No call is counted or fails until the next fault_begin. */
void fault_end(void);

/* Since fault_begin: calls of a kind, how often the first fault hit, resources not given back. */
int fault_calls(enum fault_call call);
int fault_markers(void); /* calls that put a marker into a queue: none without OpenCL */
int fault_hits(void);
int fault_live(enum fault_resource resource);

/* For the layer and the wraps. A call is counted, and told to fail with the code returned, if not
 * 0. The layer finds these, and whether it is to call the device a GPU, in the program. */
int fault_take(enum fault_call call);
void fault_count(enum fault_resource resource, int change);
extern bool fault_pretend_gpu;

#endif
