/* The kernel files of cl/, embedded at build time by cl/embed.py. */
#ifndef OPENCL_SOURCE_H
#define OPENCL_SOURCE_H

struct cl_source {
    const char *name; /* "scan/serial.cl" */
    const char *text;
};

extern const struct cl_source cl_sources[];
extern const int cl_source_count;

#endif
