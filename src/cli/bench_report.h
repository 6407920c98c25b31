/* SPDX-License-Identifier: Apache-2.0 */
/* minrnn bench report: what one sends of a device. */
#ifndef CLI_BENCH_REPORT_H
#define CLI_BENCH_REPORT_H

#include "cli/arguments.h"

extern const struct command command_bench_report;

#endif
