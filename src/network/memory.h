/* SPDX-License-Identifier: Apache-2.0 */
/* The public sums of memory, and whether a device has as much. */
#ifndef NETWORK_MEMORY_H
#define NETWORK_MEMORY_H

#include <minrnn/model.h>

/* Sets what follows from the other members: `total`, and `largest`, which is the workspace's
 * before.
 */
void memory_sum(minrnn_memory *memory);

/* MINRNN_OUT_OF_MEMORY with sizes if `what` ("the trainer") does not fit now, `made` bytes of its
 * total being there already, or if one of its buffers, named, is larger than the device's largest.
 */
minrnn_status memory_check(const minrnn_device *device, const char *what,
                           const minrnn_memory *memory, uint64_t made);

#endif
