/* SPDX-License-Identifier: Apache-2.0 */
/* Whether there is memory for what is about to be made, asked before any of it is taken: a kernel
 * that has none left ends a process, and not always the one that asked for too much. */
#ifndef OP_ROOM_H
#define OP_ROOM_H

#include "op/device.h"

/* MINRNN_OUT_OF_MEMORY, with what is needed and what is left, if `what` ("a trainer") does not fit:
 * so many bytes of the device's memory, which may be the host's, and of the host's beside it. */
minrnn_status device_check_room(const minrnn_device *device, const char *what, uint64_t of_device,
                                uint64_t of_host);

/* The same if a `part` of it ("the moments"), of so many bytes, is larger than a buffer can be. */
minrnn_status device_check_buffer(const minrnn_device *device, const char *what, const char *part,
                                  uint64_t bytes);

#endif
