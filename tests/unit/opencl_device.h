/* A device for tests of the OpenCL backend: number MINRNN_TEST_OPENCL of its list, else the first.
 */
#ifndef TESTS_UNIT_OPENCL_DEVICE_H
#define TESTS_UNIT_OPENCL_DEVICE_H

#include <minrnn/device.h>

#include "opencl/opencl.h"

#include <stdlib.h>

static inline minrnn_status open_opencl_device(minrnn_device **device) {
    const char *index = getenv("MINRNN_TEST_OPENCL");
    return opencl_device_open(index ? atoi(index) : 0, device);
}

#endif
