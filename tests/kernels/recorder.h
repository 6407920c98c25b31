/* SPDX-License-Identifier: Apache-2.0 */
/* A device made of traits alone: the backend's ops run on it, under a kernel_get and a
 * kernel_launch that record instead of compiling and computing. Buffers hold nothing. */
#ifndef TESTS_KERNELS_RECORDER_H
#define TESTS_KERNELS_RECORDER_H

#include "opencl/launch.h"

struct launch_record {
    size_t local[3];
    size_t local_bytes;
    struct launch_record *next;
};

struct kernel {
    const char *name; /* a literal of the caller */
    struct recorded_program *program;
    struct launch_record *launches; /* one for each work-group */
    struct kernel *next;
};

struct recorded_program {
    const struct recorder *recorder;
    int number; /* of its source */
    char *source, *options;
    char files[256];
    struct kernel *kernels;
    struct recorded_program *next;
};

/* The device of one run, and all that it recorded. */
struct recorder {
    struct cl_device device; /* first: ops see only this */
    const char *folder;      /* where sources go; NULL: nowhere */
    int sources;
    struct recorded_program *programs;
    /* Called for each launch, if it is there. */
    void (*launched)(void *user, const struct kernel *kernel, const struct launch_part *part);
    void *user;
};

/* The device of this name; exits with the list of names if there is none. */
struct recorder recorder_of(const char *device);
void recorder_destroy(struct recorder *recorder);

#endif
