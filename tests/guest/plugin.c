/* SPDX-License-Identifier: Apache-2.0 */
/* A plugin that uses the library: host.c loads and unloads it, and the library with it. */
#include <minrnn/export.h>

#include "guest.h"

MINRNN_API int plugin_run(const char *name, float *loss);

int plugin_run(const char *name, float *loss) {
    minrnn_device *device;
    struct guest guest = {0};
    minrnn_status status = minrnn_device_open(name, &device);
    if (!status) {
        status = guest_begin(device, &guest);
        status = status ? status : guest_step(&guest, loss);
        guest_end(&guest);
        minrnn_device_destroy(device);
    }
    if (status) {
        fprintf(stderr, "%s\n", minrnn_error_text());
    }
    return status == MINRNN_DEVICE_NOT_FOUND ? SUPPORT_SKIP : status != MINRNN_OK;
}
