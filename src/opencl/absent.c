/* SPDX-License-Identifier: Apache-2.0 */
/* Why a platform has no device that can be used, in a sentence. */
#include "opencl/absent.h"

#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>

/* What a platform's driver needs that is most often missing. Of one platform the first counts whose
 * variable is set. */
static const struct {
    const char *platform; /* part of its name */
    const char *variable; /* in the environment; NULL: whatever is there */
    const char *advice;
} needs[] = {
    {"Portable Computing Language", "POCL_DEVICES",
     "it needs a writable cache folder (POCL_CACHE_DIR, XDG_CACHE_HOME or HOME), and POCL_DEVICES "
     "must name a device that is here"},
    {"Portable Computing Language", NULL,
     "it needs a writable cache folder (POCL_CACHE_DIR, XDG_CACHE_HOME or HOME)"},
    {"rusticl", "RUSTICL_ENABLE", "RUSTICL_ENABLE names no driver with a device here"},
    {"rusticl", NULL, "it needs RUSTICL_ENABLE (radeonsi, iris or llvmpipe, for example)"},
    {"Clover", NULL, "it serves only old AMD GPUs; Mesa's rusticl serves newer ones"},
    {"NVIDIA", "CUDA_VISIBLE_DEVICES", "CUDA_VISIBLE_DEVICES may hide it"},
    {"NVIDIA", NULL,
     "it needs the kernel driver of its own version (nvidia-smi shows both), and a container needs "
     "the GPU passed to it"},
    {"AMD", NULL, "it needs /dev/kfd and /dev/dri: a user needs the groups render and video"},
    {"Intel", NULL, "it needs /dev/dri for a GPU: a user needs the group render"},
};

static const char *advice_for(const char *platform) {
    for (size_t i = 0; i < sizeof needs / sizeof *needs; i++) {
        const char *value = needs[i].variable ? getenv(needs[i].variable) : "any";
        if (value && value[0] && text_contains(platform, needs[i].platform)) {
            return needs[i].advice;
        }
    }
    return "its driver finds no hardware that it can use";
}

void absent_note(cl_platform_id id, cl_int code, bool unusable, struct absent_platform *absent) {
    *absent = (struct absent_platform){.code = code, .unusable = unusable};
    char *name = absent->name;
    enum { CAPACITY = sizeof absent->name };
    if (clGetPlatformInfo(id, CL_PLATFORM_NAME, CAPACITY - 1, name, NULL) || !name[0]) {
        snprintf(name, CAPACITY, "an OpenCL platform");
    }
}

void absent_describe(const struct absent_platform *absent, char text[ABSENT_BYTES]) {
    if (absent->code) {
        snprintf(text, ABSENT_BYTES, "%s fails: clGetDeviceIDs: %s (%d)", absent->name,
                 cl_code_name(absent->code), absent->code);
    } else if (absent->unusable) {
        snprintf(text, ABSENT_BYTES,
                 "%s has no device that can be used: OpenCL 1.2 and a compiler are needed",
                 absent->name);
    } else {
        snprintf(text, ABSENT_BYTES, "%s has no device: %s", absent->name,
                 advice_for(absent->name));
    }
}
