/* How far a result in single precision may lie from the oracle's. */
#ifndef CHECK_BOUNDS_H
#define CHECK_BOUNDS_H

#include "check/entry.h"

/* The bound of an output, in units of FLT_EPSILON times (the largest element of the output plus its
 * scale); NULL name or op not in the table gives -1, which nothing passes. */
double check_bound(enum check_op op, const char *output, const union op_args *args);

/* What a device that flushes denormals may lose beside that: sums of up to 2^13 of them. */
#define CHECK_FLUSHED (8192 * 0x1p-126)

#endif
