/* SPDX-License-Identifier: Apache-2.0 */
/* How long a driver takes to build the programs of a bench. */
#ifndef CLI_BENCH_COMPILE_H
#define CLI_BENCH_COMPILE_H

#include "cli/bench.h"

/* bench_subject.prepare: tells drivers not to keep programs themselves. They heed it as they are
 * loaded. */
void bench_compile_prepare(void);

/* bench_subject.measure: cold, with an empty cache, and from the cache. */
int bench_compile(struct bench_run *run, struct bench_device *device, struct bench_point *point,
                  struct bench_result *result);

#endif
