/* SPDX-License-Identifier: Apache-2.0 */
/* Makes an OpenCL device be treated as another one, so that what its own rules would not choose
 * (strategies, layouts, vector widths, matrix products) runs on it too. */
#ifndef TESTS_CHECKOP_RULES_H
#define TESTS_CHECKOP_RULES_H

#include <minrnn/device.h>

/* `rules`: "gpu" or "cpu", "width=N", "units=N", "alloc=N" (bytes of the largest buffer; also
 * "256M", "1G"), "groups=N" (of a launch, along dimensions 1 and 2), or a constant of tuning.def,
 * by commas. False if the device has no such rules or they are not understood. */
bool rules_force(minrnn_device *device, const char *rules);

#endif
