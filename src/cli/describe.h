/* Devices, sizes and times in words. */
#ifndef CLI_DESCRIBE_H
#define CLI_DESCRIBE_H

#include <minrnn/device.h>

/* Opens the device and says which it is. Returns 0 or, having reported, an exit code. */
int describe_open(const char *name, minrnn_device **device);

/* Each writes to `text` and returns it. */
enum { DESCRIBE_CAPACITY = 32 };
const char *describe_count(int64_t count, char text[DESCRIBE_CAPACITY]);    /* 1,115,394 */
const char *describe_bytes(uint64_t bytes, char text[DESCRIBE_CAPACITY]);   /* 12.3 MiB */
const char *describe_seconds(double seconds, char text[DESCRIBE_CAPACITY]); /* 1:02:03 */

/* Seconds from an arbitrary beginning, never going back. */
double clock_seconds(void);

#endif
