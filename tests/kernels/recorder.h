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
    const struct recorder *recorder;
    const char *name; /* a literal of the caller */
    int number;       /* of its program's source */
    char *source, *options;
    char files[256];
    struct launch_record *launches; /* one for each work-group */
    struct kernel *next;
};

/* The device of one run, and all that it recorded. */
struct recorder {
    struct cl_device device; /* first: ops see only this */
    const char *folder;      /* where sources go; NULL: nowhere */
    int sources;
    struct kernel *kernels;
    /* Called for each launch, if it is there. */
    void (*launched)(void *user, const struct kernel *kernel, const struct launch_part *part);
    void *user;
};

/* The device of this name; exits with the list of names if there is none. */
struct recorder recorder_of(const char *device);
void recorder_destroy(struct recorder *recorder);

#endif
