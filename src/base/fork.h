/* SPDX-License-Identifier: Apache-2.0 */
/* What a child of fork() must know: the threads of its parent, a library's own included, are not in
 * it. */
#ifndef BASE_FORK_H
#define BASE_FORK_H

#include <stdatomic.h>
#include <stdbool.h>

/* The process, counted by its forks since fork_watch was first called: never 0. */
typedef unsigned process_mark;
extern atomic_uint fork_current_process;

static inline process_mark fork_process(void) {
    return atomic_load_explicit(&fork_current_process, memory_order_relaxed);
}

/* From now on children are told from their parents. */
void fork_watch(void);

/* Whether this process owns what `owner` stands for: who claims it first does. 0: nobody yet. */
static inline bool fork_claim(atomic_uint *owner) {
    process_mark none = 0;
    return atomic_load_explicit(owner, memory_order_relaxed) == fork_process() ||
           atomic_compare_exchange_strong(owner, &none, fork_process());
}

#endif
