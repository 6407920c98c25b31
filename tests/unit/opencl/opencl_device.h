/* SPDX-License-Identifier: Apache-2.0 */
/* A device for tests of the OpenCL backend: number MINRNN_TEST_OPENCL of its list, else the first;
 * if this machine has none the test is skipped. */
#ifndef TESTS_UNIT_OPENCL_DEVICE_H
#define TESTS_UNIT_OPENCL_DEVICE_H

#include <minrnn/device.h>

#include "opencl/opencl.h"

#include <stdio.h>
#include <stdlib.h>

static inline minrnn_status open_opencl_device(minrnn_device **device) {
    const char *index = getenv("MINRNN_TEST_OPENCL");
    const minrnn_status status = opencl_device_open(index ? atoi(index) : 0, device);
    if (status == MINRNN_DEVICE_NOT_FOUND) {
        printf("skipped: %s\n", minrnn_error_text());
        exit(77);
    }
    return status;
}

#endif
