/* SPDX-License-Identifier: Apache-2.0 */
/* Platforms whose driver is there while no device of theirs can be used. */
#ifndef OPENCL_ABSENT_H
#define OPENCL_ABSENT_H

#include "opencl/launch.h"

/* Why a platform has no device here. */
struct absent_platform {
    char name[128];
    cl_int code;   /* clGetDeviceIDs failed with this; CL_SUCCESS: it did not */
    bool unusable; /* it has devices, of too old a version or without a compiler */
};
void absent_note(cl_platform_id id, cl_int code, bool unusable, struct absent_platform *absent);

/* Writes "NAME has no device: ADVICE" or alike. */
enum { ABSENT_BYTES = 512 };
void absent_describe(const struct absent_platform *absent, char text[ABSENT_BYTES]);

#endif
