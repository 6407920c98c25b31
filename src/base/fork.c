/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers processes: a handler of fork() counts on in the child. */
#include "base/fork.h"

#include <pthread.h>

/* Of the process by nature: fork() is what changes it. Asking getpid() instead would be a system
 * call for every op. */
atomic_uint fork_current_process = 1;

static pthread_once_t once = PTHREAD_ONCE_INIT;

static void in_child(void) {
    atomic_fetch_add(&fork_current_process, 1);
}

static void watch(void) {
    (void)pthread_atfork(NULL, NULL, in_child);
}

void fork_watch(void) {
    (void)pthread_once(&once, watch);
}
