/* SPDX-License-Identifier: Apache-2.0 */
/* What a report says of a device, the build and the machine. */
#ifndef CLI_BENCH_FACTS_H
#define CLI_BENCH_FACTS_H

#include <minrnn/device.h>

#include "cli/rows.h"

#include <stdio.h>

/* A row, to where and in the format that `rows` says, and a list in Markdown. */
void bench_facts_write(const minrnn_device_info *info, struct rows *rows, FILE *markdown);

#endif
