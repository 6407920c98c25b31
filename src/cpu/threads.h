/* SPDX-License-Identifier: Apache-2.0 */
/* How many threads a parallel region may have. OpenMP's runtimes end the process when they cannot
 * make a thread, and wait for ever for threads that a child of fork() does not have. */
#ifndef CPU_THREADS_H
#define CPU_THREADS_H

/* OpenMP's number, but no more than a CPU quota grants, unless OMP_NUM_THREADS says how many. */
int threads_default(void);

/* Of `wanted` threads, the calling one included, as many as the process can have: fewer if not
 * all can be made, and 1 in the child of a process that had threads. The first call of a thread
 * tries; later ones cost nothing. */
int threads_ready(int wanted);

#endif
