/* The OpenCL backend as the rest of the library sees it; no OpenCL header is needed. */
#ifndef OPENCL_OPENCL_H
#define OPENCL_OPENCL_H

#include <minrnn/device.h>

/* Lists the devices that can be opened, in the ICD loader's order: devices that are not available
 * or without a compiler, and OpenCL below 1.2 are left out. So is what fails, and the status is
 * then of that failure, though the rest is listed. Writes up to `capacity` entries and the number
 * there is to *count; no platform at all is no error but 0. */
minrnn_status opencl_list(minrnn_device_info *infos, int capacity, int *count);

/* Why platforms that are there have no device that can be used, with what they may need: one
 * sentence for each whose name contains `name` (NULL: all), "" for none, cut to `capacity` (> 0).
 */
void opencl_absent(const char *name, const char *separator, char *text, size_t capacity);

/* Opens device `index` of that list. Where there is none at all, the error says what to install.
 * The caller owns *device. */
minrnn_status opencl_device_open(int index, minrnn_device **device);

#endif
