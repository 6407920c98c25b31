/* SPDX-License-Identifier: Apache-2.0 */
/* A 32-bit program: buffers and arrays that a size_t cannot count are MINRNN_OUT_OF_MEMORY, and
 * what it can count works. */
#include <minrnn/minrnn.h>

#include "base/alloc.h"
#include "cpu/build.h"

#include <stdio.h>

_Static_assert(sizeof(size_t) == 4, "this is for 32-bit machines");

const uint64_t cpu_build = 1; /* Meson's build makes the hash */

static int failures;

static void expect(minrnn_device *device, uint64_t bytes, minrnn_status expected) {
    minrnn_buffer *buffer;
    const minrnn_status status = minrnn_buffer_create(device, bytes, &buffer);
    printf("%llu bytes: %s\n", (unsigned long long)bytes, minrnn_status_name(status));
    failures += status != expected || minrnn_buffer_bytes(buffer) != (status ? 0 : bytes);
    minrnn_buffer_destroy(buffer);
}

int main(void) {
    minrnn_device *device;
    if (minrnn_device_open("cpu", &device)) {
        printf("%s\n", minrnn_error_text());
        return 1;
    }
    expect(device, 64, MINRNN_OK);
    expect(device, 1 << 20, MINRNN_OK);
    expect(device, UINT32_MAX, MINRNN_OUT_OF_MEMORY);
    expect(device, 1ull << 32, MINRNN_OUT_OF_MEMORY);
    expect(device, (1ull << 32) + 64, MINRNN_OUT_OF_MEMORY);
    expect(device, (1ull << 40) + 4, MINRNN_OUT_OF_MEMORY);
    void *const arrays[] = {mem_alloc((1ull << 32) + 8, 1), mem_alloc(1ull << 30, 4),
                            mem_alloc(3, 1ull << 31), mem_alloc_aligned((1ull << 33) + 1)};
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++) {
        failures += arrays[i] != NULL;
    }
    minrnn_device_destroy(device);
    return failures != 0;
}
