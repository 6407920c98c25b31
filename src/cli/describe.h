/* SPDX-License-Identifier: Apache-2.0 */
/* Devices, sizes and times in words. */
#ifndef CLI_DESCRIBE_H
#define CLI_DESCRIBE_H

#include <minrnn/device.h>

/* Opens the device, describes it, and warns if it is known to compute wrongly. Returns 0, or an
 * exit code after a report. */
int describe_find(const char *name, minrnn_device **device, minrnn_device_info *info);

/* The same, and says which it is. */
int describe_open(const char *name, minrnn_device **device);

/* Prints which it is, and `end` before the end of the line. */
void describe_device(const minrnn_device_info *info, const char *end);

/* Each writes to `text` and returns it. */
enum { DESCRIBE_CAPACITY = 32 };
const char *describe_count(int64_t count, char text[DESCRIBE_CAPACITY]);    /* 1,115,394 */
const char *describe_bytes(uint64_t bytes, char text[DESCRIBE_CAPACITY]);   /* 12.3 MiB */
const char *describe_seconds(double seconds, char text[DESCRIBE_CAPACITY]); /* 1:02:03 */

/* "GPU" and so on. */
const char *describe_kind(const minrnn_device_info *info);

/* The system's name, version and machine. */
enum { DESCRIBE_SYSTEM = 256 };
const char *describe_system(char text[DESCRIBE_SYSTEM]);

/* What an earlier validation found: "ok 2026-01-31", "no" if there was none. */
enum { DESCRIBE_VERDICT = 64 };
const char *describe_verdict(const minrnn_device_info *info, char text[DESCRIBE_VERDICT]);

/* Seconds from an arbitrary beginning, never going back. */
double clock_seconds(void);

#endif
