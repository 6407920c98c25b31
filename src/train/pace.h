/* SPDX-License-Identifier: Apache-2.0 */
/* How much may be queued. Some drivers give a queue up whose work takes 14 to 20 s: two
 * micro-batches at most are under way, and one if the last took long. */
#ifndef TRAIN_PACE_H
#define TRAIN_PACE_H

#include "op/device.h"

enum { MICROS_QUEUED = 2 };

/* A micro-batch on its way. */
struct piece {
    struct fence fence; /* after it */
    double begun;       /* when it began to be enqueued, by clock_seconds */
};

/* Zeros: no micro-batch was measured, so the first is waited for. */
struct pace {
    double passed; /* when the last one measured was done */
    bool quick;    /* it did not take long: another may be queued behind the next */
};

/* Measures a micro-batch that is done, unless it or a later one was. It counts from the end of the
 * one before, or from when it was enqueued if the device was idle then. If it was seen late, it
 * seems longer, and no harm is done: the next is waited for, and seen at once. */
void pace_note(struct pace *pace, const struct piece *piece);

#endif
