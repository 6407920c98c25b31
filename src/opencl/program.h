/* SPDX-License-Identifier: Apache-2.0 */
/* Programs and kernels, as program.c keeps them and launches use them. */
#ifndef OPENCL_PROGRAM_H
#define OPENCL_PROGRAM_H

#include "opencl/launch.h"

struct program;

struct kernel {
    cl_kernel handle; /* NULL: the driver refused to make it, and its largest work-group is 0 */
    char *name;
    size_t max_work_group;
    struct program *program;
    struct kernel *next; /* of the same program */
};

struct program {
    cl_program handle; /* NULL: the driver refused to build it */
    uint64_t hash;     /* of the specification */
    struct program_spec spec;
    bool from_source; /* not from the disk, so that its binary is worth saving ... */
    bool launched;    /* ... once kernels ran: some drivers only compile them then */
    bool from_disk;   /* may be another driver's after all, and have no kernels */
    struct kernel *kernels;
    struct program *next;
};

#endif
