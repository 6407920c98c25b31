/* SPDX-License-Identifier: Apache-2.0 */
/* Composes a program's text and options from the embedded files. */
#include "opencl/source.h"

#include "base/alloc.h"

#include <stdio.h>
#include <string.h>

const struct cl_source *source_find(const char *name) {
    for (int i = 0; i < cl_source_count; i++) {
        if (strcmp(cl_sources[i].name, name) == 0) {
            return &cl_sources[i];
        }
    }
    return NULL;
}

minrnn_status source_compose(const struct program_spec *spec, char **source) {
    enum { LINE_BYTES = 16 }; /* #line 1 "" and so on, the name aside */
    const struct cl_source *files[PROGRAM_MAX_FILES];
    size_t bytes = 1;
    int count = 0;
    for (; count < PROGRAM_MAX_FILES && spec->files[count]; count++) {
        files[count] = source_find(spec->files[count]);
        if (!files[count]) {
            return fail(MINRNN_BUILD_ERROR, "no kernel file is called %s", spec->files[count]);
        }
        bytes += LINE_BYTES + strlen(files[count]->name) + strlen(files[count]->text);
    }
    char *text = mem_alloc(bytes, 1);
    if (!text) {
        return MINRNN_OUT_OF_MEMORY;
    }
    size_t used = 0;
    for (int i = 0; i < count; i++) {
        used += (size_t)snprintf(text + used, bytes - used, "#line 1 \"%s\"\n%s", files[i]->name,
                                 files[i]->text);
    }
    *source = text;
    return MINRNN_OK;
}

minrnn_status source_options(const struct cl_traits *traits, const struct program_spec *spec,
                             char **options) {
    const char *own =
        traits->fma ? "-cl-std=CL1.2 -DHAVE_FMA -DKERNEL_" : "-cl-std=CL1.2 -DKERNEL_";
    const char *asked = spec->options ? spec->options : "";
    const size_t bytes = strlen(own) + strlen(spec->kernel) + strlen(" ") + strlen(asked) + 1;
    *options = mem_alloc(bytes, 1);
    if (!*options) {
        return MINRNN_OUT_OF_MEMORY;
    }
    snprintf(*options, bytes, "%s%s%s%s", own, spec->kernel, asked[0] ? " " : "", asked);
    return MINRNN_OK;
}
