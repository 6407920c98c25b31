/* SPDX-License-Identifier: Apache-2.0 */
/* The OpenCL backend as the rest of the library sees it; no OpenCL header is needed. */
#ifndef OPENCL_OPENCL_H
#define OPENCL_OPENCL_H

#include <minrnn/device.h>

/* Lists the devices that can be opened, in the ICD loader's order. A device is left out if it is
 * not available, lacks a compiler, or has OpenCL below 1.2. A device that fails is left out too:
 * the status is that failure, and the rest is still listed. Writes up to `capacity` entries, and
 * the number of all to *count. No platform at all is no error: *count is 0. */
minrnn_status opencl_list(minrnn_device_info *infos, int capacity, int *count);

/* Why a platform has no device that can be used, and what it may need: one sentence for each
 * platform whose name contains `name` (NULL: all); "" if there is none. Cut to `capacity` (> 0). */
void opencl_absent(const char *name, const char *separator, char *text, size_t capacity);

/* Opens device `index` of that list. If the list is empty, the error says what to install.
 * The caller owns *device. */
minrnn_status opencl_device_open(int index, minrnn_device **device);

#endif
