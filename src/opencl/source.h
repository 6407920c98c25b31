/* SPDX-License-Identifier: Apache-2.0 */
/* What a program is made of: the kernel files of cl/, embedded at build time by cl/embed.py, and
 * the compiler's options. All follows from the specification and the traits alone: programs can be
 * compiled on machines that lack their device. */
#ifndef OPENCL_SOURCE_H
#define OPENCL_SOURCE_H

#include "opencl/launch.h"

struct cl_source {
    const char *name; /* "scan/serial.cl" */
    const char *text;
};

extern const struct cl_source cl_sources[];
extern const int cl_source_count;

/* NULL if there is no file of that name. */
const struct cl_source *source_find(const char *name);

/* All files in order, each after a #line so that the build log names it. To be freed. */
minrnn_status source_compose(const struct program_spec *spec, char **source);

/* What the specification asks for, after what every program of such a device gets. To be freed. */
minrnn_status source_options(const struct cl_traits *traits, const struct program_spec *spec,
                             char **options);

#endif
