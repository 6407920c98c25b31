/* SPDX-License-Identifier: Apache-2.0 */
/* Compares what is asked for with what device and host have left. */
#include "op/room.h"

#include "base/limits.h"
#include "base/status.h"

#include <stdio.h>

static minrnn_status no_room(const char *what, uint64_t need, uint64_t left, const char *limit) {
    char needed[BYTES_TEXT], there[BYTES_TEXT];
    return fail(MINRNN_OUT_OF_MEMORY, "%s needs %s of memory, and %s are left: %s", what,
                limits_bytes(need, needed), limits_bytes(left, there), limit);
}

static minrnn_status check_device(const minrnn_device *device, const char *what, uint64_t bytes) {
    const uint64_t taken = atomic_load(&device->allocated);
    const uint64_t left = device->memory > taken ? device->memory - taken : 0;
    char whole[BYTES_TEXT], limit[LIMIT_TEXT];
    if (device->memory == 0 || bytes <= left) {
        return MINRNN_OK;
    }
    snprintf(limit, sizeof limit, "the device's own is %s", limits_bytes(device->memory, whole));
    return no_room(what, bytes, left, limit);
}

static minrnn_status check_host(const char *what, uint64_t bytes, uint64_t spare) {
    /* What is smaller is not worth reading a dozen files for. */
    enum { WORTH_ASKING = 1 << 20 };
    struct memory_limit limit;
    if (bytes < WORTH_ASKING) {
        return MINRNN_OK;
    }
    /* If little is asked for, little is spared: it may well be enough. */
    const uint64_t need = bytes + (bytes < spare ? bytes : spare);
    limits_memory("", &limit);
    return need <= limit.bytes ? MINRNN_OK : no_room(what, need, limit.bytes, limit.what);
}

minrnn_status device_check_buffer(const minrnn_device *device, const char *what, const char *part,
                                  uint64_t bytes) {
    char needed[BYTES_TEXT], most[BYTES_TEXT];
    return device->largest == 0 || bytes <= device->largest
               ? MINRNN_OK
               : fail(MINRNN_OUT_OF_MEMORY,
                      "%s needs %s in one buffer for %s, and the device's largest is %s", what,
                      limits_bytes(bytes, needed), part, limits_bytes(device->largest, most));
}

minrnn_status device_check_room(const minrnn_device *device, const char *what, uint64_t of_device,
                                uint64_t of_host) {
    const minrnn_status status = check_device(device, what, of_device);
    return status ? status
                  : check_host(what, of_host + (device->uses_host_memory ? of_device : 0),
                               device->spare);
}
