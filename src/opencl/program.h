/* SPDX-License-Identifier: Apache-2.0 */
/* A kernel and its program, as program.c keeps them and launches use them. */
#ifndef OPENCL_PROGRAM_H
#define OPENCL_PROGRAM_H

#include "opencl/launch.h"

/* Without handles one that the driver refused to build or to make: its largest work-group is 0. */
struct kernel {
    cl_program program; /* of this kernel alone */
    cl_kernel handle;
    uint64_t hash; /* of the specification */
    struct program_spec spec;
    size_t max_work_group;
    bool from_source; /* not from the disk, so that its binary is worth saving ... */
    bool launched;    /* ... once it ran: some drivers only compile it then */
    bool from_disk;   /* may be another driver's after all, and have no kernel */
    struct kernel *next;
};

#endif
