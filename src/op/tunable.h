/* SPDX-License-Identifier: Apache-2.0 */
/* The constants of a backend's rules, by which it chooses kernels and sizes for a device. */
#ifndef OP_TUNABLE_H
#define OP_TUNABLE_H

#include <minrnn/device.h>

enum { TUNABLE_MOST_VALUES = 8 };

struct tunable {
    const char *name;
    const char *ops; /* whose time it decides, separated by spaces */
    int standard;
    int values[TUNABLE_MOST_VALUES]; /* worth trying; 0 behind the last */
};

/* A backend's constants. Nothing may be planned or run on the device while they are changed: the
 * room that ops ask for depends on them. */
struct tuner {
    const struct tunable *rows;
    int count;
    bool (*matters)(const minrnn_device *device, int row);
    /* The device's values [count]; 0: the standard. */
    int *(*values)(minrnn_device *device);
    /* Keeps the values for whoever opens the device next; all 0 forgets them. MINRNN_IO_ERROR if
     * there is nowhere to keep them. */
    minrnn_status (*keep)(minrnn_device *device);
};

#endif
